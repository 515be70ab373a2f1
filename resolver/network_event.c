#include "network_event.h"

#include <assert.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <event2/event.h>
#include <event2/event_struct.h>

#include "alloc.h"
#include "clock.h"
#include "portrange.h"
#include "random.h"

#define TIMER_EARLY_MS                                                                             \
    2                   /* no other wait for so little; inquiry.c knows that timers may be early   \
                         */
#define PORT_TRIES   64 /* then the kernel chooses */
#define READ_SIZE    65536
#define CONTROL_SIZE 128

/* Missing in older headers; the numbers are the kernel's. */
#ifndef IP_RECVFRAGSIZE
#define IP_RECVFRAGSIZE 25
#endif
#ifndef IPV6_RECVFRAGSIZE
#define IPV6_RECVFRAGSIZE 77
#endif

struct event_network {
    struct network network; /* first: the two are one */
    struct event_base *base;
    unsigned sockets, sockets_max, timers;
    int reserve[NETWORK_EVENT_RESERVE];
    unsigned reserve_length, reserve_wanted;
    struct random random;
    struct portrange ports;
    uint8_t buffer[READ_SIZE];
};

/* What a stream has and a datagram socket has not. */
struct outgoing {
    struct event writable;
    bool connected;
    uint8_t *bytes; /* 'length' octets from 'start' on wait to be sent */
    size_t start, length, room;
};

struct network_socket {
    struct event_network *owner;
    int fd;
    bool busy, closed; /* in its own callback; closed there */
    struct event readable;
    struct outgoing *out; /* NULL: datagrams */
    network_socket_fn *fn;
    void *arg;
};

/* A timer that is cleared, or set to later, leaves its event alone: most never run out, and the
 * next question's runs about as long.  An event that comes too early is added for the rest. */
struct network_timer {
    struct event_network *owner;
    struct event event;
    bool set, pending;
    uint64_t due, wakes; /* when it is to run out; when the pending event comes */
    network_timer_fn *fn;
    void *arg;
};

/* ---- descriptors ---- */

static void refill_reserve(struct event_network *n)
{
    while (n->reserve_length < n->reserve_wanted) {
        int fd = eventfd(0, EFD_CLOEXEC);

        if (fd < 0)
            return;
        n->reserve[n->reserve_length++] = fd;
    }
}

static int open_descriptor(struct event_network *n, int family, int type)
{
    int fd;

    if (n->sockets >= n->sockets_max) {
        errno = EMFILE;
        return -1;
    }
    fd = socket(family, type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0 && (errno == EMFILE || errno == ENFILE) && n->reserve_length > 0) {
        close(n->reserve[--n->reserve_length]);
        fd = socket(family, type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    }
    return fd;
}

/* ---- sockets ---- */

static void tell(struct network_socket *s, enum network_event event, const uint8_t *data,
                 size_t size)
{
    s->busy = true;
    s->fn(s->arg, event, data, size, clock_ms());
    s->busy = false;
    if (s->closed)
        free(s);
}

static void close_socket(struct network_socket *s)
{
    struct event_network *n = s->owner;

    assert(!s->closed);
    event_del(&s->readable);
    if (s->out != NULL) {
        event_del(&s->out->writable);
        free(s->out->bytes);
        free(s->out);
    }
    close(s->fd);
    n->sockets--;
    refill_reserve(n);
    if (s->busy)
        s->closed = true;
    else
        free(s);
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

/* One datagram a turn: the loop comes again if there are more, and a flood on one socket does not
 * keep the others waiting. */
static void on_datagram(evutil_socket_t fd, short what, void *arg)
{
    struct network_socket *s = arg;
    struct event_network *n = s->owner;
    _Alignas(struct cmsghdr) uint8_t control[CONTROL_SIZE];
    struct iovec data = {n->buffer, sizeof n->buffer};
    struct msghdr message = {.msg_iov = &data,
                             .msg_iovlen = 1,
                             .msg_control = control,
                             .msg_controllen = sizeof control};
    ssize_t size = recvmsg(fd, &message, 0);

    (void)what;
    if (size >= 0) {
        if (!was_fragmented(&message))
            tell(s, NETWORK_DATA, n->buffer, (size_t)size);
    } else if (errno != EAGAIN && errno != EWOULDBLOCK && errno != EINTR) {
        tell(s, NETWORK_CLOSED, NULL, 0);
    }
}

static void on_octets(evutil_socket_t fd, short what, void *arg)
{
    struct network_socket *s = arg;
    ssize_t size = recv(fd, s->owner->buffer, sizeof s->owner->buffer, 0);

    (void)what;
    if (size > 0) {
        tell(s, NETWORK_DATA, s->owner->buffer, (size_t)size);
    } else if (size == 0 || (errno != EAGAIN && errno != EWOULDBLOCK && errno != EINTR)) {
        event_del(&s->readable); /* it would be readable for ever */
        tell(s, NETWORK_CLOSED, NULL, 0);
    }
}

/* Sends what waits, as far as it goes.  False: the connection is broken. */
static bool flush(struct network_socket *s)
{
    struct outgoing *o = s->out;

    while (o->length > 0) {
        ssize_t sent = send(s->fd, o->bytes + o->start, o->length, MSG_NOSIGNAL);

        if (sent < 0 && errno == EINTR)
            continue;
        if (sent < 0) {
            event_add(&o->writable, NULL);
            return errno == EAGAIN || errno == EWOULDBLOCK || errno == ENOBUFS || errno == ENOMEM;
        }
        o->start += (size_t)sent;
        o->length -= (size_t)sent;
    }
    o->start = 0;
    event_del(&o->writable);
    return true;
}

static void on_writable(evutil_socket_t fd, short what, void *arg)
{
    struct network_socket *s = arg;
    bool was_connected = s->out->connected;
    int error = 0;
    socklen_t size = sizeof error;

    (void)what;
    if (!was_connected) {
        if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &size) < 0 || error != 0) {
            event_del(&s->out->writable);
            tell(s, NETWORK_CLOSED, NULL, 0);
            return;
        }
        s->out->connected = true;
        event_add(&s->readable, NULL);
    }
    if (!flush(s)) {
        event_del(&s->readable);
        event_del(&s->out->writable);
        tell(s, NETWORK_CLOSED, NULL, 0);
    } else if (!was_connected) {
        tell(s, NETWORK_CONNECTED, NULL, 0);
    }
}

static socklen_t address_size(const struct sockaddr *a)
{
    return a->sa_family == AF_INET6 ? sizeof(struct sockaddr_in6) : sizeof(struct sockaddr_in);
}

/* Binds to a port of our own choice.  What is taken, or not for us, is drawn again. */
static bool bind_to_random_port(struct event_network *n, int fd, int family)
{
    union {
        struct sockaddr any;
        struct sockaddr_in v4;
        struct sockaddr_in6 v6;
    } local = {.any = {.sa_family = (sa_family_t)family}};

    for (unsigned i = 0; i <= PORT_TRIES; i++) {
        uint16_t port = htons(i < PORT_TRIES ? portrange_draw(&n->ports, &n->random) : 0);

        if (family == AF_INET6)
            local.v6.sin6_port = port;
        else
            local.v4.sin_port = port;
        if (bind(fd, &local.any, address_size(&local.any)) == 0)
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

static struct network_socket *make_socket(struct event_network *n, int fd, network_socket_fn *fn,
                                          void *arg, event_callback_fn on_readable)
{
    struct network_socket *s = alloc_array(1, sizeof *s);

    s->owner = n;
    s->fd = fd;
    s->fn = fn;
    s->arg = arg;
    event_assign(&s->readable, n->base, fd, EV_READ | EV_PERSIST, on_readable, s);
    n->sockets++;
    return s;
}

static struct network_socket *give_up(int fd)
{
    int error = errno;

    close(fd);
    errno = error;
    return NULL;
}

static struct network_socket *open_datagram(struct network *network, const struct sockaddr *to,
                                            network_socket_fn *fn, void *arg)
{
    struct event_network *n = (struct event_network *)network;
    int fd = open_descriptor(n, to->sa_family, SOCK_DGRAM);
    struct network_socket *s;

    if (fd < 0)
        return NULL;
    guard_against_fragments(fd, to->sa_family);
    if (!bind_to_random_port(n, fd, to->sa_family) || connect(fd, to, address_size(to)) < 0)
        return give_up(fd);
    s = make_socket(n, fd, fn, arg, on_datagram);
    event_add(&s->readable, NULL);
    return s;
}

static struct network_socket *open_stream(struct network *network, const struct sockaddr *to,
                                          network_socket_fn *fn, void *arg)
{
    struct event_network *n = (struct event_network *)network;
    int fd = open_descriptor(n, to->sa_family, SOCK_STREAM), on = 1;
    struct network_socket *s;

    if (fd < 0)
        return NULL;
    (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    if (connect(fd, to, address_size(to)) < 0 && errno != EINPROGRESS)
        return give_up(fd);
    s = make_socket(n, fd, fn, arg, on_octets);
    s->out = alloc_array(1, sizeof *s->out);
    event_assign(&s->out->writable, n->base, fd, EV_WRITE | EV_PERSIST, on_writable, s);
    event_add(&s->out->writable, NULL);
    return s;
}

static bool queue(struct network_socket *s, const uint8_t *data, size_t size)
{
    struct outgoing *o = s->out;

    if (o->length + size > NETWORK_EVENT_QUEUE_MAX) {
        errno = ENOBUFS;
        return false;
    }
    if (o->start > 0)
        memmove(o->bytes, o->bytes + o->start, o->length);
    o->start = 0;
    if (o->length + size > o->room) {
        o->room = o->length + size;
        o->bytes = alloc_resize(o->bytes, o->room, 1);
    }
    memcpy(o->bytes + o->length, data, size);
    o->length += size;
    return true;
}

static bool send_bytes(struct network_socket *s, const uint8_t *data, size_t size)
{
    ssize_t sent;

    if (s->out != NULL) {
        /* A message leaves whole or not at all, so it takes the way through the queue. */
        if (!queue(s, data, size))
            return false;
        return !s->out->connected || flush(s);
    }
    sent = send(s->fd, data, size, MSG_NOSIGNAL);
    /* An error that an earlier datagram brought back is told here, and is over then. */
    if (sent < 0 && (errno == ECONNREFUSED || errno == EINTR))
        sent = send(s->fd, data, size, MSG_NOSIGNAL);
    return sent >= 0;
}

/* ---- timers and dice ---- */

static void wake_at(struct network_timer *t, uint64_t now, uint64_t delay_ms)
{
    struct timeval delay = {(time_t)(delay_ms / 1000), (suseconds_t)(delay_ms % 1000 * 1000)};

    /* libevent counts from its own idea of now, which is the same clock. */
    event_add(&t->event, &delay);
    t->pending = true;
    t->wakes = now + delay_ms;
}

static void on_timer(evutil_socket_t fd, short what, void *arg)
{
    struct network_timer *t = arg;
    uint64_t now = clock_ms();

    (void)fd;
    (void)what;
    t->pending = false;
    if (!t->set)
        return;
    if (now + TIMER_EARLY_MS < t->due) {
        wake_at(t, now, t->due - now);
        return;
    }
    t->set = false;
    t->fn(t->arg, now);
}

static struct network_timer *timer_new(struct network *network, network_timer_fn *fn, void *arg)
{
    struct event_network *n = (struct event_network *)network;
    struct network_timer *t = alloc_array(1, sizeof *t);

    t->owner = n;
    t->fn = fn;
    t->arg = arg;
    evtimer_assign(&t->event, n->base, on_timer, t);
    n->timers++;
    return t;
}

static void timer_set(struct network_timer *t, uint64_t now, uint64_t delay_ms)
{
    t->set = true;
    t->due = now + delay_ms;
    if (!t->pending || t->wakes > t->due)
        wake_at(t, now, delay_ms);
}

static void timer_clear(struct network_timer *t)
{
    t->set = false;
}

static void timer_free(struct network_timer *t)
{
    event_del(&t->event);
    t->owner->timers--;
    free(t);
}

static void draw(struct network *network, void *out, size_t size)
{
    random_bytes(&((struct event_network *)network)->random, out, size);
}

struct network *network_event_new(struct event_base *base, unsigned sockets_max, unsigned reserve)
{
    struct event_network *n = alloc_array(1, sizeof *n);

    n->network = (struct network){
        .datagram = open_datagram,
        .stream = open_stream,
        .send = send_bytes,
        .close = close_socket,
        .timer = timer_new,
        .timer_set = timer_set,
        .timer_clear = timer_clear,
        .timer_free = timer_free,
        .random = draw,
    };
    n->base = base;
    n->sockets_max = sockets_max;
    assert(reserve <= NETWORK_EVENT_RESERVE);
    n->reserve_wanted = reserve;
    portrange_read(&n->ports);
    refill_reserve(n);
    return &n->network;
}

void network_event_free(struct network *network)
{
    struct event_network *n = (struct event_network *)network;

    if (n == NULL)
        return;
    assert(n->sockets == 0 && n->timers == 0);
    while (n->reserve_length > 0)
        close(n->reserve[--n->reserve_length]);
    free(n);
}
