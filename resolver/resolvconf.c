#include "resolvconf.h"

#include <errno.h>
#include <fcntl.h>
#include <ifaddrs.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "alloc.h"
#include "configaddress.h"
#include "slurp.h"

/* ---- our own addresses ---- */

static uint16_t port_of(const struct sockaddr *a)
{
    if (a->sa_family == AF_INET6)
        return ((const union config_address *)(const void *)a)->v6.sin6_port;
    return ((const union config_address *)(const void *)a)->v4.sin_port;
}

/* Same address, whatever the port. */
static bool same_host(const union config_address *a, const struct sockaddr *other)
{
    if (a->any.sa_family != other->sa_family)
        return false;
    if (other->sa_family == AF_INET6) {
        struct sockaddr_in6 b;

        memcpy(&b, other, sizeof b);
        return memcmp(&a->v6.sin6_addr, &b.sin6_addr, sizeof b.sin6_addr) == 0;
    }
    if (other->sa_family == AF_INET) {
        struct sockaddr_in b;

        memcpy(&b, other, sizeof b);
        return a->v4.sin_addr.s_addr == b.sin_addr.s_addr;
    }
    return false;
}

static bool is_any(const union config_address *a)
{
    static const struct in6_addr any = IN6ADDR_ANY_INIT;

    if (a->any.sa_family == AF_INET6)
        return memcmp(&a->v6.sin6_addr, &any, sizeof any) == 0;
    return a->v4.sin_addr.s_addr == htonl(INADDR_ANY);
}

/* 127.0.0.0/8 is this host as a whole, though only one address of it is on the interface. */
static bool is_loopback(const union config_address *a)
{
    return a->any.sa_family == AF_INET && ntohl(a->v4.sin_addr.s_addr) >> 24 == IN_LOOPBACKNET;
}

/* True if the kernel would send from there to there, as it does to most addresses of its own. */
static bool is_its_own_source(const union config_address *a)
{
    union config_address source = {0};
    socklen_t size = sizeof source;
    int fd = socket(a->any.sa_family, SOCK_DGRAM | SOCK_CLOEXEC, 0);

    if (fd < 0)
        return false;
    bool same =
        connect(fd, &a->any, a->any.sa_family == AF_INET ? sizeof a->v4 : sizeof a->v6) == 0 &&
        getsockname(fd, &source.any, &size) == 0 && same_host(a, &source.any);
    close(fd);
    return same;
}

static bool is_of_this_host(const union config_address *a)
{
    struct ifaddrs *all, *one;

    if (is_loopback(a) || is_any(a))
        return true;
    if (getifaddrs(&all) < 0) /* services are often denied the socket that it wants */
        return is_its_own_source(a);
    for (one = all; one != NULL; one = one->ifa_next) {
        if (one->ifa_addr != NULL && same_host(a, one->ifa_addr))
            break;
    }
    freeifaddrs(all);
    return one != NULL;
}

bool resolvconf_is_ours(const struct config *config, const struct config_upstream *upstream)
{
    for (size_t i = 0; i < config->listen_length; i++) {
        const union config_address *ours = &config->listen[i];

        if (port_of(&ours->any) != port_of(&upstream->address.any))
            continue;
        if (same_host(&upstream->address, &ours->any) ||
            (is_any(ours) && is_of_this_host(&upstream->address)) ||
            (is_any(&upstream->address) && is_of_this_host(ours)))
            return true;
    }
    return false;
}

/* ---- the file ---- */

static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\r';
}

/* The word at the start of 'text' becomes a string of its own; returns what stands behind it. */
static char *cut_word(char *text, char **word)
{
    while (is_blank(*text))
        text++;
    *word = text;
    while (*text != '\0' && !is_blank(*text))
        text++;
    if (*text != '\0')
        *text++ = '\0';
    return text;
}

struct reading {
    const char *path;
    const struct config *config;
    struct config_upstreams *out;
    struct error_list *errors;
    unsigned line;
};

static void take_server(struct reading *r, const char *text)
{
    struct config_upstream server;
    const char *why;

    /* A port or a transport is no part of this file's language. */
    const char *colon = strchr(text, ':');
    bool has_port = colon != NULL && colon == strrchr(text, ':');
    if (has_port || strchr(text, '[') != NULL || strchr(text, '/') != NULL) {
        error_warn(r->errors, r->path, r->line, 0, "nameserver '%s' is not an address, skipped",
                   text);
        return;
    }
    if (!configaddress_upstream(text, &server, &why)) {
        error_warn(r->errors, r->path, r->line, 0, "nameserver '%s': %s, skipped", text, why);
        return;
    }
    if (resolvconf_is_ours(r->config, &server))
        return;
    if (r->out->length == CONFIG_UPSTREAMS_MAX) {
        error_warn(r->errors, r->path, r->line, 0, "more than %d nameservers, the rest is skipped",
                   CONFIG_UPSTREAMS_MAX);
        return;
    }
    r->out->items = alloc_resize(r->out->items, r->out->length + 1, sizeof *r->out->items);
    r->out->items[r->out->length++] = server;
}

static void take_line(struct reading *r, char *line)
{
    char *word, *rest = cut_word(line, &word);

    r->line++;
    if (strcmp(word, "nameserver") != 0)
        return;
    cut_word(rest, &word);
    if (*word == '\0')
        error_warn(r->errors, r->path, r->line, 0, "nameserver without an address, skipped");
    else
        take_server(r, word);
}

bool resolvconf_read(const char *path, const struct config *config, struct config_upstreams *out,
                     struct error_list *errors)
{
    struct reading r = {path, config, out, errors, 0};
    char *bytes, *next;
    const char *why;
    size_t size;

    *out = (struct config_upstreams){0};
    if (!slurp_file(AT_FDCWD, path, RESOLVCONF_SIZE_MAX, &bytes, &size, NULL, &why)) {
        error_add(errors, path, 0, 0, "%s", why);
        return false;
    }
    for (char *line = bytes; line != NULL; line = next) {
        next = memchr(line, '\n', size - (size_t)(line - bytes));
        if (next != NULL)
            *next++ = '\0';
        take_line(&r, line);
    }
    free(bytes);
    return true;
}
