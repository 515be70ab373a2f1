#include "datagram.h"

#include <assert.h>
#include <errno.h>
#include <netinet/in.h>
#include <string.h>

#include "kernelcall.h"

#define PORT_TRIES 64 /* then the kernel chooses */
#define FLAGS_AT   2  /* in a DNS header */
#define FLAG_TC    0x02

/* Missing in older headers; the numbers are the kernel's. */
#ifndef IP_RECVFRAGSIZE
#define IP_RECVFRAGSIZE 25
#endif
#ifndef IPV6_RECVFRAGSIZE
#define IPV6_RECVFRAGSIZE 77
#endif

socklen_t datagram_address_size(const struct sockaddr *a)
{
    return a->sa_family == AF_INET6 ? sizeof(struct sockaddr_in6) : sizeof(struct sockaddr_in);
}

/* Binds to a port of our own choice.  What is taken, or not for us, is drawn again. */
static bool bind_to_random_port(int fd, int family, const struct portrange *ports,
                                struct random *random)
{
    union {
        struct sockaddr any;
        struct sockaddr_in v4;
        struct sockaddr_in6 v6;
    } local = {.any = {.sa_family = (sa_family_t)family}};

    for (unsigned i = 0; i <= PORT_TRIES; i++) {
        uint16_t port = htons(i < PORT_TRIES ? portrange_draw(ports, random) : 0);

        if (family == AF_INET6)
            local.v6.sin6_port = port;
        else
            local.v4.sin_port = port;
        if (bind(fd, &local.any, datagram_address_size(&local.any)) == 0)
            return true;
        if (errno != EADDRINUSE && errno != EACCES)
            return false;
    }
    return false;
}

/* Where the kernel knows these, path-MTU messages of strangers are not believed, and fragments are
 * told apart; where it does not, we live without. */
static void guard_against_fragments(int fd, int family)
{
    static_assert(IP_PMTUDISC_OMIT == IPV6_PMTUDISC_OMIT, "one value serves both");
    int omit = IP_PMTUDISC_OMIT, on = 1;
    bool v6 = family == AF_INET6;

    (void)setsockopt(fd, v6 ? IPPROTO_IPV6 : IPPROTO_IP, v6 ? IPV6_MTU_DISCOVER : IP_MTU_DISCOVER,
                     &omit, sizeof omit);
    (void)setsockopt(fd, v6 ? IPPROTO_IPV6 : IPPROTO_IP, v6 ? IPV6_RECVFRAGSIZE : IP_RECVFRAGSIZE,
                     &on, sizeof on);
}

bool datagram_connect(int fd, const struct sockaddr *to, const struct portrange *ports,
                      struct random *random)
{
    guard_against_fragments(fd, to->sa_family);
    return bind_to_random_port(fd, to->sa_family, ports, random) &&
           connect(fd, to, datagram_address_size(to)) == 0;
}

/* True if the kernel says that the datagram was put together from fragments. */
static bool was_fragmented(struct msghdr *message)
{
    for (struct cmsghdr *c = CMSG_FIRSTHDR(message); c != NULL; c = CMSG_NXTHDR(message, c)) {
        if ((c->cmsg_level == IPPROTO_IP && c->cmsg_type == IP_RECVFRAGSIZE) ||
            (c->cmsg_level == IPPROTO_IPV6 && c->cmsg_type == IPV6_RECVFRAGSIZE))
            return true;
    }
    return false;
}

void datagram_prepare(struct datagram *d, uint8_t *large)
{
    d->data = d->usual;
    d->large = large;
    d->parts[0] = (struct iovec){d->usual, DATAGRAM_USUAL};
    d->parts[1] = (struct iovec){large + DATAGRAM_USUAL, DATAGRAM_MAX - DATAGRAM_USUAL};
    d->message = (struct msghdr){
        .msg_iov = d->parts, .msg_iovlen = ARRAY_LENGTH(d->parts), .msg_control = d->control};
}

/* Received, but not as most are. */
RARE static void look_closely(struct datagram *d)
{
    if (was_fragmented(&d->message) && d->size > FLAGS_AT)
        d->usual[FLAGS_AT] |= FLAG_TC;
    if (d->size > DATAGRAM_USUAL)
        d->data = memcpy(d->large, d->usual, DATAGRAM_USUAL); /* the rest is there */
}

/* What was interrupted is tried once more. */
RARE static ssize_t receive_again(int fd, struct datagram *d)
{
    return errno == EINTR ? kernelcall_recvmsg(fd, &d->message, MSG_DONTWAIT) : -1;
}

enum datagram_result datagram_receive(int fd, struct datagram *d)
{
    ssize_t size;

    d->message.msg_controllen = sizeof d->control; /* what the kernel said last stands there */
    size = kernelcall_recvmsg(fd, &d->message, MSG_DONTWAIT);
    if (size < 0 && (size = receive_again(fd, d)) < 0)
        return errno == EAGAIN || errno == EWOULDBLOCK ? DATAGRAM_NONE : DATAGRAM_ERROR;
    d->size = (size_t)size;
    d->data = d->usual;
    if (d->message.msg_controllen > 0 || d->size > DATAGRAM_USUAL)
        look_closely(d);
    return DATAGRAM_CAME;
}

/* An error that an earlier datagram brought back is told here, and is over then. */
RARE static bool send_again(int fd, const uint8_t *data, size_t size)
{
    return (errno == ECONNREFUSED || errno == EINTR) &&
           kernelcall_send(fd, data, size, MSG_NOSIGNAL) >= 0;
}

bool datagram_send(int fd, const uint8_t *data, size_t size)
{
    return kernelcall_send(fd, data, size, MSG_NOSIGNAL) >= 0 || send_again(fd, data, size);
}
