#include "configaddress.h"

#include <arpa/inet.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "hostname.h"

#define DNS_PORT  53
#define TLS_PORT  853 /* RFC 7858 */
#define TEXT_ROOM 80  /* the longest IPv6 address with interface, brackets and port is shorter */

static bool read_port(const char *text, uint16_t *out)
{
    size_t digits = strspn(text, "0123456789");

    if (digits == 0 || digits > 5 || text[digits] != '\0')
        return false;
    unsigned long value = strtoul(text, NULL, 10);
    *out = (uint16_t)value;
    return value >= 1 && value <= UINT16_MAX;
}

/* An interface's number, as some write it in a resolv.conf; 0: there is none. */
static uint32_t read_index(const char *text)
{
    char name[IF_NAMESIZE];
    size_t digits = strspn(text, "0123456789");

    if (digits == 0 || digits > 9 || text[digits] != '\0')
        return 0;
    uint32_t index = (uint32_t)strtoul(text, NULL, 10);
    return if_indextoname(index, name) != NULL ? index : 0;
}

/* fe80::1%eth0: a link-local address means nothing without its interface. */
static bool read_scope(char *host, uint32_t *scope)
{
    char *percent = strchr(host, '%');

    *scope = 0;
    if (percent == NULL)
        return true;
    *percent = '\0';
    *scope = if_nametoindex(percent + 1);
    if (*scope == 0)
        *scope = read_index(percent + 1);
    return *scope != 0;
}

static bool read_host(char *host, uint16_t port, union config_address *out, const char **why)
{
    uint32_t scope;

    memset(out, 0, sizeof *out);
    if (!read_scope(host, &scope)) {
        *why = "there is no such network interface";
        return false;
    }
    if (scope == 0 && inet_pton(AF_INET, host, &out->v4.sin_addr) == 1) {
        out->v4.sin_family = AF_INET;
        out->v4.sin_port = htons(port);
        return true;
    }
    memset(out, 0, sizeof *out);
    if (inet_pton(AF_INET6, host, &out->v6.sin6_addr) == 1) {
        out->v6.sin6_family = AF_INET6;
        out->v6.sin6_port = htons(port);
        out->v6.sin6_scope_id = scope;
        return true;
    }
    *why = "wants an IP address such as 10.0.0.2, 10.0.0.2:53 or [fd00::2]:53";
    return false;
}

bool configaddress_ip(const char *text, uint16_t port, union config_address *out, const char **why)
{
    char host[TEXT_ROOM];
    char *port_text = NULL;

    *why = "wants an IP address such as 10.0.0.2, 10.0.0.2:53 or [fd00::2]:53";
    if (strlen(text) >= sizeof host)
        return false;
    strcpy(host, text);
    char *start = host;
    if (host[0] == '[') {
        char *close = strchr(host, ']');
        if (close == NULL || (close[1] != ':' && close[1] != '\0'))
            return false;
        *close = '\0';
        start = host + 1;
        port_text = close[1] == ':' ? close + 2 : NULL;
        if (strchr(start, ':') == NULL)
            return false; /* brackets are for IPv6 */
    } else if (strchr(host, ':') != NULL && strchr(host, ':') == strrchr(host, ':')) {
        port_text = strchr(host, ':');
        *port_text++ = '\0';
    }
    if (port_text != NULL && !read_port(port_text, &port)) {
        *why = "wants a port from 1 to 65535";
        return false;
    }
    return read_host(start, port, out, why);
}

bool configaddress_listen(const char *text, union config_address *out, const char **why)
{
    return configaddress_ip(text, DNS_PORT, out, why);
}

/* "10.0.0.2:853#dns.example.com" */
static bool read_tls(const char *text, struct config_upstream *out, const char **why)
{
    const char *hash = strchr(text, '#');
    char address[TEXT_ROOM];
    struct dname name;
    int size = hash != NULL ? (int)(hash - text) : (int)strlen(text);

    if (hash != NULL && (!hostname_read(&name, hash + 1, why) || dname_is_wildcard(name.wire))) {
        *why = "wants behind '#' the name in the server's certificate, such as dns.example.com";
        return false;
    }
    if (hash != NULL)
        dname_to_text(name.wire, out->name);
    if (size >= TEXT_ROOM) {
        *why = "is too long for an address";
        return false;
    }
    snprintf(address, sizeof address, "%.*s", size, text);
    return configaddress_ip(address, TLS_PORT, &out->address, why);
}

bool configaddress_upstream(const char *text, struct config_upstream *out, const char **why)
{
    static const struct {
        const char *prefix;
        enum config_transport transport;
    } forms[] = {{"udp://", CONFIG_UDP}, {"tcp://", CONFIG_TCP}, {"tls://", CONFIG_TLS}};
    const char *address = text;

    *out = (struct config_upstream){.transport = CONFIG_UDP};
    for (size_t i = 0; i < ARRAY_LENGTH(forms); i++) {
        if (strncmp(text, forms[i].prefix, strlen(forms[i].prefix)) == 0) {
            out->transport = forms[i].transport;
            address = text + strlen(forms[i].prefix);
        }
    }
    if (strlen(text) >= sizeof out->text) {
        *why = "is too long for an address";
        return false;
    }
    strcpy(out->text, text);
    if (out->transport == CONFIG_TLS)
        return read_tls(address, out, why);
    return configaddress_ip(address, DNS_PORT, &out->address, why);
}

void configaddress_follow(struct config_upstream *server)
{
    struct config_upstream now;
    const char *why;

    if (server->address.any.sa_family == AF_INET6 && server->address.v6.sin6_scope_id != 0 &&
        configaddress_upstream(server->text, &now, &why))
        server->address = now.address;
}

bool configaddress_equal(const union config_address *a, const union config_address *b)
{
    if (a->any.sa_family != b->any.sa_family)
        return false;
    switch (a->any.sa_family) {
    case AF_INET:
        return a->v4.sin_port == b->v4.sin_port && a->v4.sin_addr.s_addr == b->v4.sin_addr.s_addr;
    case AF_INET6:
        return a->v6.sin6_port == b->v6.sin6_port && a->v6.sin6_scope_id == b->v6.sin6_scope_id &&
               IN6_ARE_ADDR_EQUAL(&a->v6.sin6_addr, &b->v6.sin6_addr);
    default:
        return strcmp(a->path.sun_path, b->path.sun_path) == 0;
    }
}

bool configaddress_is_loopback(const union config_address *address)
{
    if (address->any.sa_family == AF_INET)
        return ntohl(address->v4.sin_addr.s_addr) >> 24 == IN_LOOPBACKNET;
    return IN6_IS_ADDR_LOOPBACK(&address->v6.sin6_addr);
}

bool configaddress_admin(const char *text, union config_address *out, const char **why)
{
    static const char prefix[] = "unix:";

    if (strncmp(text, prefix, sizeof prefix - 1) == 0) {
        const char *path = text + sizeof prefix - 1;
        memset(out, 0, sizeof *out);
        out->path.sun_family = AF_UNIX;
        if (path[0] == '\0' || strlen(path) >= sizeof out->path.sun_path) {
            *why = "wants unix: and a path of at most 107 bytes";
            return false;
        }
        strcpy(out->path.sun_path, path);
        return true;
    }
    if (!configaddress_ip(text, 0, out, why)) {
        *why = "wants unix:/a/path or a loopback address with port, such as 127.0.0.1:8053";
        return false;
    }
    if (!configaddress_is_loopback(out)) {
        *why = "wants a loopback address: whoever reaches it may reload and flush";
        return false;
    }
    if (out->v4.sin_port == 0) { /* the port stands at one place in both families */
        *why = "wants a port, such as 127.0.0.1:8053";
        return false;
    }
    return true;
}
