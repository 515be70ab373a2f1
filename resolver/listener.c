#include "listener.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "alloc.h"

#define TCP_BACKLOG 1024
#define ADVICE_ROOM 160
/* A burst of this many octets waits while a worker is busy with a batch; the kernel may give less.
 */
#define UDP_RECEIVE_BUFFER (4 << 20)

static bool set(int fd, int level, int option, int value)
{
    return setsockopt(fd, level, option, &value, sizeof value) == 0;
}

static socklen_t address_size(const union config_address *address)
{
    return address->any.sa_family == AF_INET ? sizeof address->v4 : sizeof address->v6;
}

static bool is_wildcard(const union config_address *a)
{
    return a->any.sa_family == AF_INET ? a->v4.sin_addr.s_addr == INADDR_ANY
                                       : IN6_IS_ADDR_UNSPECIFIED(&a->v6.sin6_addr);
}

/* What is wanted of the socket before bind(2).  Not for tuning: each failure is a real one. */
static bool set_up(int fd, int type, const union config_address *address, bool shared)
{
    bool v6 = address->any.sa_family == AF_INET6;

    if (v6 && !set(fd, IPPROTO_IPV6, IPV6_V6ONLY, 1))
        return false;
    /* TCP: connections of the process before this one may still be winding down.  UDP: the option
     * would let others share the port. */
    if (type == SOCK_STREAM && !set(fd, SOL_SOCKET, SO_REUSEADDR, 1))
        return false;
    return !shared || set(fd, SOL_SOCKET, SO_REUSEPORT, 1);
}

/* Datagrams to any of our addresses: each tells which one it came to. */
static bool tell_address(int fd, int type, const union config_address *address)
{
    if (type != SOCK_DGRAM || !is_wildcard(address))
        return true;
    return address->any.sa_family == AF_INET6 ? set(fd, IPPROTO_IPV6, IPV6_RECVPKTINFO, 1)
                                              : set(fd, IPPROTO_IP, IP_PKTINFO, 1);
}

/* Where the kernel does not know an option we do without. */
static void tune(int fd, int type, bool v6)
{
    if (type == SOCK_STREAM) {
        (void)set(fd, IPPROTO_TCP, TCP_NODELAY, 1); /* accepted sockets inherit it */
        /* A connection is ours to accept when its first query is here, or after a second. */
        (void)set(fd, IPPROTO_TCP, TCP_DEFER_ACCEPT, 1);
        return;
    }
    if (!set(fd, SOL_SOCKET, SO_RCVBUFFORCE, UDP_RECEIVE_BUFFER))
        (void)set(fd, SOL_SOCKET, SO_RCVBUF, UDP_RECEIVE_BUFFER);
    /* Forged "fragmentation needed" messages shall not make us send fragments. */
    if (v6)
        (void)set(fd, IPPROTO_IPV6, IPV6_MTU_DISCOVER, IPV6_PMTUDISC_OMIT);
    else
        (void)set(fd, IPPROTO_IP, IP_MTU_DISCOVER, IP_PMTUDISC_OMIT);
}

/* One bound socket, or -1 and errno.  'address' gets the port that was found if it had none. */
static int bind_one(int type, union config_address *address, bool shared)
{
    socklen_t size = address_size(address);
    int fd = socket(address->any.sa_family, type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

    if (fd < 0)
        return -1;
    if (set_up(fd, type, address, shared) && tell_address(fd, type, address) &&
        bind(fd, &address->any, size) == 0 && getsockname(fd, &address->any, &size) == 0) {
        tune(fd, type, address->any.sa_family == AF_INET6);
        return fd;
    }
    int error = errno;
    close(fd);
    errno = error;
    return -1;
}

static unsigned port_of(const union config_address *address)
{
    return ntohs(address->any.sa_family == AF_INET ? address->v4.sin_port : address->v6.sin6_port);
}

static const char *advice(int error, const union config_address *address, int type, char *text,
                          size_t size)
{
    unsigned port = port_of(address);

    text[0] = '\0';
    switch (error) {
    case EACCES:
        snprintf(text, size,
                 "; a port below 1024 wants CAP_NET_BIND_SERVICE or "
                 "net.ipv4.ip_unprivileged_port_start=%u",
                 port);
        break;
    case EADDRINUSE:
        snprintf(text, size, "; another server holds it: find it with 'ss -ln%cp sport = :%u'",
                 type == SOCK_DGRAM ? 'u' : 't', port);
        break;
    case EADDRNOTAVAIL:
        return "; no interface of this machine has that address";
    default:
        break;
    }
    return text;
}

static void complain(struct error_list *errors, const union config_address *address, int type)
{
    int error = errno;
    char text[128], more[ADVICE_ROOM];

    error_add(errors, "listen", 0, 0, "%s %s: %s%s",
              config_address_text(&address->any, text, sizeof text),
              type == SOCK_DGRAM ? "udp" : "tcp", strerrordesc_np(error),
              advice(error, address, type, more, sizeof more));
}

/* Which worker a datagram goes to: its first two octets, the id of the query, decide, so that a few
 * clients keep all workers busy.  The kernel's own choice is by the client's address and port, and
 * leaves one of two workers idle for one set of four client sockets in eight. */
static void spread(int fd, unsigned workers)
{
    struct sock_filter steps[] = {
        BPF_STMT(BPF_LD | BPF_H | BPF_ABS, 0),
        BPF_STMT(BPF_ALU | BPF_MOD | BPF_K, workers),
        BPF_STMT(BPF_RET | BPF_A, 0),
    };
    struct sock_fprog program = {.len = ARRAY_LENGTH(steps), .filter = steps};

    /* A kernel that does not know it spreads them as it does. */
    (void)setsockopt(fd, SOL_SOCKET, SO_ATTACH_REUSEPORT_CBPF, &program, sizeof program);
}

/* Binds one kind of socket of one address for all workers.
 *
 * The first is bound alone: nobody else may hold the address, not even one who would share it. Only
 * then is it opened for sharing, with the sockets of our other workers. */
static bool bind_all(int type, struct listener *first, size_t stride, unsigned workers,
                     struct error_list *errors)
{
    union config_address address = first->address;

    for (unsigned w = 0; w < workers; w++) {
        struct listener *l = &first[w * stride];
        int fd = bind_one(type, &address, w > 0);
        *(type == SOCK_DGRAM ? &l->udp : &l->tcp) = fd;
        if (fd < 0 || (w == 0 && workers > 1 && !set(fd, SOL_SOCKET, SO_REUSEPORT, 1))) {
            complain(errors, &address, type);
            return false;
        }
        l->address = address;
    }
    if (type == SOCK_DGRAM && workers > 1)
        spread(first->udp, workers);
    for (unsigned w = 0; w < workers && type == SOCK_STREAM; w++) {
        if (listen(first[w * stride].tcp, TCP_BACKLOG) != 0) {
            complain(errors, &address, type);
            return false;
        }
    }
    return true;
}

struct listener *listener_bind(const struct config *config, unsigned workers,
                               struct error_list *errors)
{
    size_t stride = config->listen_length;
    struct listener *all = alloc_array(stride * workers, sizeof *all);
    bool good = true;

    for (size_t i = 0; i < stride * workers; i++)
        all[i] = (struct listener){.udp = -1, .tcp = -1, .address = config->listen[i % stride]};
    for (size_t i = 0; i < stride; i++) { /* all that are wrong are told */
        bool one = bind_all(SOCK_DGRAM, &all[i], stride, workers, errors) &&
                   bind_all(SOCK_STREAM, &all[i], stride, workers, errors);
        good = good && one;
    }
    if (good)
        return all;
    listener_close(all, stride * workers);
    return NULL;
}

bool listener_tune(int fd, int type, const union config_address *address)
{
    int flags = fcntl(fd, F_GETFL);

    if (flags < 0 || fcntl(fd, F_SETFL, flags | O_NONBLOCK) != 0 ||
        !tell_address(fd, type, address))
        return false;
    tune(fd, type, address->any.sa_family == AF_INET6);
    return true;
}

struct listener *listener_share(struct listener *bound, size_t length, unsigned workers,
                                struct error_list *errors)
{
    struct listener *all = alloc_resize(bound, length * workers, sizeof *all);

    for (size_t i = length; i < length * workers; i++) {
        const struct listener *first = &all[i % length];
        all[i] = (struct listener){.udp = fcntl(first->udp, F_DUPFD_CLOEXEC, 0),
                                   .tcp = fcntl(first->tcp, F_DUPFD_CLOEXEC, 0),
                                   .address = first->address};
        if (all[i].udp >= 0 && all[i].tcp >= 0)
            continue;
        error_add(errors, "systemd", 0, 0, "sockets for %u workers: %s", workers,
                  strerrordesc_np(errno));
        listener_close(all, i + 1);
        return NULL;
    }
    return all;
}

void listener_close(struct listener *all, size_t length)
{
    if (all == NULL)
        return;
    for (size_t i = 0; i < length; i++) {
        if (all[i].udp >= 0)
            close(all[i].udp);
        if (all[i].tcp >= 0)
            close(all[i].tcp);
    }
    free(all);
}
