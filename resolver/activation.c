#include "activation.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

#include "alloc.h"
#include "configaddress.h"
#include "systemd.h"

#define HINT_V6ONLY "it takes IPv4 as well; write 'BindIPv6Only=ipv6-only' and a line for 0.0.0.0"

struct passed {
    struct listener *items; /* one for each address; a socket that is missing is -1 */
    size_t length;
};

static bool complain(struct error_list *errors, int fd, const char *why)
{
    error_add(errors, "systemd", 0, 0, "socket %d: %s", fd, why);
    return false;
}

static int option(int fd, int level, int name)
{
    int value = -1;
    socklen_t size = sizeof value;

    return getsockopt(fd, level, name, &value, &size) == 0 ? value : -1;
}

/* NULL: a socket that queries can come to. */
static const char *what_is_wrong(int fd, int type, const union config_address *address)
{
    if (address->any.sa_family != AF_INET && address->any.sa_family != AF_INET6)
        return "wants an address of IPv4 or IPv6";
    if (type != SOCK_DGRAM && (type != SOCK_STREAM || option(fd, SOL_SOCKET, SO_ACCEPTCONN) != 1))
        return "wants ListenDatagram= or ListenStream= without Accept=";
    if (address->any.sa_family == AF_INET6 && option(fd, IPPROTO_IPV6, IPV6_V6ONLY) != 1 &&
        IN6_IS_ADDR_UNSPECIFIED(&address->v6.sin6_addr))
        return HINT_V6ONLY;
    return NULL;
}

static struct listener *listener_of(struct passed *passed, const union config_address *address)
{
    for (size_t i = 0; i < passed->length; i++) {
        if (configaddress_equal(&passed->items[i].address, address))
            return &passed->items[i];
    }
    passed->items = alloc_resize(passed->items, passed->length + 1, sizeof *passed->items);
    passed->items[passed->length] = (struct listener){.udp = -1, .tcp = -1, .address = *address};
    return &passed->items[passed->length++];
}

static bool take_one(struct passed *passed, int fd, struct error_list *errors)
{
    union config_address address = {0};
    socklen_t size = sizeof address;
    int type = option(fd, SOL_SOCKET, SO_TYPE);

    if (type < 0 || getsockname(fd, &address.any, &size) != 0)
        return complain(errors, fd, strerrordesc_np(errno));
    const char *wrong = what_is_wrong(fd, type, &address);
    if (wrong != NULL)
        return complain(errors, fd, wrong);
    struct listener *l = listener_of(passed, &address);
    int *place = type == SOCK_DGRAM ? &l->udp : &l->tcp;
    if (*place >= 0)
        return complain(errors, fd, "another one has the same address");
    *place = fd;
    return listener_tune(fd, type, &address) || complain(errors, fd, strerrordesc_np(errno));
}

static bool is_whole(const struct passed *passed, struct error_list *errors)
{
    bool whole = true;

    for (size_t i = 0; i < passed->length; i++) {
        const struct listener *l = &passed->items[i];
        char text[128];
        if (l->udp >= 0 && l->tcp >= 0)
            continue;
        config_address_text(&l->address.any, text, sizeof text);
        error_add(errors, "systemd", 0, 0, "%s: there is no socket for %s; write %s=%s too", text,
                  l->udp < 0 ? "UDP" : "TCP", l->udp < 0 ? "ListenDatagram" : "ListenStream", text);
        whole = false;
    }
    return whole;
}

bool activation_take(struct config *config, struct listener **out, struct error_list *errors)
{
    struct passed passed = {0};
    int first, length = systemd_sockets(&first);
    bool good = true;

    *out = NULL;
    for (int i = 0; i < length; i++)
        good &= take_one(&passed, first + i, errors); /* all that are wrong are told */
    if (length == 0)
        return true;
    if (!good || !is_whole(&passed, errors)) {
        listener_close(passed.items, passed.length);
        return false;
    }
    config->listen = alloc_resize(config->listen, passed.length, sizeof *config->listen);
    config->listen_length = passed.length;
    for (size_t i = 0; i < passed.length; i++)
        config->listen[i] = passed.items[i].address;
    *out = passed.items;
    return true;
}
