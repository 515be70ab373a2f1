#include "network_event.h"

#include <assert.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include <event2/event.h>
#include <event2/event_struct.h>

#include "alloc.h"
#include "buffer.h"
#include "clock.h"
#include "datagram.h"
#include "eventtimer.h"
#include "fetch.h"
#include "kernelcall.h"
#include "outbox.h"
#include "reserve.h"

#define READY_MAX    64  /* datagram sockets taken out of the set at a time … */
#define DATAGRAMS    16  /* … and of them, received from one after the other */
#define STREAMS_KEPT 64  /* sockets that datagrams leave to streams, or a quarter of all */
#define FETCHED      768 /* octets of what a datagram is about */
#define FLOOD        16  /* datagrams of one socket before the others have their turn */

_Static_assert(NETWORK_ROOM <= OUTBOX_SIZE, "a question has room in a letter");

struct event_network {
    struct network network; /* first: the two are one */
    struct event_base *base;
    /* Datagram sockets are many, and each has little to say: they stand in a set of their own,
     * which is one event to libevent. */
    int set;
    struct event ready;
    bool in_hand;                  /* sockets out of the set are being looked at … */
    struct network_socket *closed; /* … and these were closed meanwhile */
    unsigned sockets, sockets_max;
    struct reserve reserve;
    struct random random;
    struct portrange ports;
    struct turn turn;
    struct turn_task leave; /* of what is in the outbox */
    struct outbox outbox;
    struct datagram datagrams[DATAGRAMS]; /* in hand */
    uint8_t buffer[DATAGRAM_MAX];
};

/* What a stream has and a datagram socket has not. */
struct stream {
    struct event readable, writable;
    bool connected, broken;
    struct buffer unsent;
    struct buffer_budget budget; /* its own */
};

struct network_socket {
    struct event_network *owner;
    network_socket_fn *fn;
    void *arg;
    const struct network_awaited *awaited; /* datagrams only */
    int fd;
    bool busy, closed;           /* in its own callback; closed there */
    struct stream *stream;       /* NULL: datagrams */
    struct network_socket *next; /* of the closed ones */
};

/* ---- descriptors ---- */

static int open_descriptor(struct event_network *n, int family, int type, unsigned halves)
{
    unsigned kept = n->sockets_max / 4 < STREAMS_KEPT ? n->sockets_max / 4 : STREAMS_KEPT;
    int fd;

    if (n->sockets >= n->sockets_max - kept * halves / 2) { /* the last are for others */
        errno = EMFILE;
        return -1;
    }
    fd = socket(family, type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0 && (errno == EMFILE || errno == ENFILE) && reserve_lend(&n->reserve))
        fd = socket(family, type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    return fd;
}

/* ---- sockets ---- */

static void tell(struct network_socket *s, enum network_event event, const uint8_t *data,
                 size_t size, uint64_t now)
{
    s->busy = true;
    s->fn(s->arg, event, data, size, now);
    s->busy = false;
}

static void free_socket(struct network_socket *s)
{
    if (s->stream != NULL)
        buffer_drop(&s->stream->unsent, &s->stream->budget);
    free(s->stream);
    free(s);
}

/* What happened to a stream.  It may be gone afterwards. */
static void tell_stream(struct network_socket *s, enum network_event event, const uint8_t *data,
                        size_t size)
{
    tell(s, event, data, size, clock_ms());
    if (s->closed)
        free_socket(s);
}

static void close_socket(struct network_socket *s)
{
    struct event_network *n = s->owner;

    assert(!s->closed);
    if (s->stream != NULL) {
        event_del(&s->stream->readable);
        event_del(&s->stream->writable);
    }
    outbox_forget(&n->outbox, s);
    close(s->fd); /* which takes it out of the set, too */
    n->sockets--;
    reserve_fill(&n->reserve);
    s->closed = true;
    if (s->stream == NULL && n->in_hand) {
        s->next = n->closed;
        n->closed = s;
    } else if (!s->busy) {
        free_socket(s);
    }
}

/* False: there was nothing. */
static bool tell_datagram(struct network_socket *s, enum datagram_result came,
                          const struct datagram *d, uint64_t now)
{
    if (came == DATAGRAM_CAME)
        tell(s, NETWORK_DATA, d->data, d->size, now);
    else if (came == DATAGRAM_ERROR)
        tell(s, NETWORK_CLOSED, NULL, 0, now);
    return came != DATAGRAM_NONE;
}

static bool is_awaiting(const struct network_socket *s)
{
    return !s->closed && s->awaited->count > 0;
}

/* More is awaited there: what has come already?  Others are not kept waiting by a flood. */
APART static void read_more(struct network_socket *s, struct datagram *d, uint64_t now)
{
    struct epoll_event again = {.events = EPOLLIN | EPOLLET, .data.ptr = s};

    for (unsigned n = 0; n < FLOOD; n++) {
        if (!is_awaiting(s) || !tell_datagram(s, datagram_receive(s->fd, d), d, now))
            return;
    }
    (void)epoll_ctl(s->owner->set, EPOLL_CTL_MOD, s->fd, &again);
}

/* The set tells of a socket once, when something comes.  As long as more is awaited there, it is
 * read until it is empty, so that what comes then is told again; what nobody awaits may be left to
 * the next time. */
static void read_on(struct network_socket *s, struct datagram *d, uint64_t now)
{
    if (is_awaiting(s))
        read_more(s, d, now);
}

/* It has said something that cannot wait, or that nothing has come. */
RARE static void tell_at_once(struct network_socket *s, enum datagram_result came,
                              struct datagram *d, uint64_t now)
{
    if (tell_datagram(s, came, d, now))
        read_on(s, d, now);
}

/* The first datagram of each of some sockets, and then what is to be done about them: so the
 * processor stays with one kind of work for a while.  What is needed in turn comes from memory
 * meanwhile.  Long ones do not wait: there is room for one. */
static void look_at(struct event_network *n, const struct epoll_event *ready, int length,
                    uint64_t now)
{
    struct network_socket *waiting[DATAGRAMS], *s;
    int waits = 0;

    for (int i = 0; i < length; i++) {
        struct datagram *d = &n->datagrams[waits];
        enum datagram_result came;

        s = ready[i].data.ptr;
        if (i + 2 < length)
            __builtin_prefetch(ready[i + 2].data.ptr);
        if (i + 1 < length)
            __builtin_prefetch(((struct network_socket *)ready[i + 1].data.ptr)->awaited);
        if (s->closed)
            continue;
        came = datagram_receive(s->fd, d);
        if (came == DATAGRAM_CAME && d->size <= DATAGRAM_USUAL)
            waiting[waits++] = s;
        else
            tell_at_once(s, came, d, now);
    }
    for (int i = 0; i < waits; i++) {
        s = waiting[i];
        if (i + 1 < waits && !waiting[i + 1]->closed)
            fetch_memory(waiting[i + 1]->awaited->about, FETCHED);
        if (s->closed)
            continue;
        tell(s, NETWORK_DATA, n->datagrams[i].data, n->datagrams[i].size, now);
        read_on(s, &n->datagrams[i], now);
    }
}

static void free_closed(struct event_network *n)
{
    while (n->closed != NULL) {
        struct network_socket *s = n->closed;

        n->closed = s->next;
        free_socket(s);
    }
}

IN_ONE_PIECE static void on_datagrams(evutil_socket_t fd, short what, void *arg)
{
    struct event_network *n = arg;
    struct epoll_event ready[READY_MAX];
    int length = kernelcall_epoll(fd, ready, READY_MAX);
    uint64_t now = clock_ms();

    (void)what;
    turn_begin_reading(&n->turn);
    n->in_hand = true;
    for (int at = 0; at < length; at += DATAGRAMS)
        look_at(n, ready + at, length - at < DATAGRAMS ? length - at : DATAGRAMS, now);
    n->in_hand = false;
    free_closed(n);
    turn_end_reading(&n->turn);
}

static void on_octets(evutil_socket_t fd, short what, void *arg)
{
    struct network_socket *s = arg;
    ssize_t size = recv(fd, s->owner->buffer, sizeof s->owner->buffer, 0);

    (void)what;
    if (size > 0) {
        if (s->stream->broken)
            event_active(&s->stream->readable, EV_READ, 0);
        tell_stream(s, NETWORK_DATA, s->owner->buffer, (size_t)size);
    } else if (size == 0 || s->stream->broken ||
               (errno != EAGAIN && errno != EWOULDBLOCK && errno != EINTR)) {
        event_del(&s->stream->readable); /* it would be readable for ever */
        tell_stream(s, NETWORK_CLOSED, NULL, 0);
    }
}

/* Sends what waits, as far as it goes.  False: the connection is broken. */
static bool flush(struct network_socket *s)
{
    struct stream *o = s->stream;
    struct buffer *b = &o->unsent;

    while (buffer_size(b) > 0) {
        ssize_t sent = send(s->fd, b->bytes + b->from, buffer_size(b), MSG_NOSIGNAL);

        if (sent < 0 && errno == EINTR)
            continue;
        if (sent < 0) {
            event_add(&o->writable, NULL);
            return errno == EAGAIN || errno == EWOULDBLOCK || errno == ENOBUFS || errno == ENOMEM;
        }
        b->from += (size_t)sent;
    }
    b->from = b->to = 0;
    event_del(&o->writable);
    return true;
}

static void on_writable(evutil_socket_t fd, short what, void *arg)
{
    struct network_socket *s = arg;
    bool was_connected = s->stream->connected;
    int error = 0;
    socklen_t size = sizeof error;

    (void)what;
    if (!was_connected) {
        if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &size) < 0 || error != 0) {
            event_del(&s->stream->writable);
            tell_stream(s, NETWORK_CLOSED, NULL, 0);
            return;
        }
        s->stream->connected = true;
        event_add(&s->stream->readable, NULL);
    }
    if (!flush(s)) {
        event_del(&s->stream->writable);
        s->stream->broken = true; /* which is told when all that came before is read */
        event_active(&s->stream->readable, EV_READ, 0);
    } else if (!was_connected) {
        tell_stream(s, NETWORK_CONNECTED, NULL, 0);
    }
}

static struct network_socket *make_socket(struct event_network *n, int fd, network_socket_fn *fn,
                                          void *arg)
{
    struct network_socket *s = alloc_array(1, sizeof *s);

    *s = (struct network_socket){.owner = n, .fd = fd, .fn = fn, .arg = arg};
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
                                            network_socket_fn *fn, void *arg,
                                            const struct network_awaited *awaited)
{
    struct event_network *n = (struct event_network *)network;
    int fd = open_descriptor(n, to->sa_family, SOCK_DGRAM, awaited->many ? 3 : 2);
    struct epoll_event event = {.events = EPOLLIN | EPOLLET};
    struct network_socket *s;

    if (fd < 0)
        return NULL;
    if (!datagram_connect(fd, to, &n->ports, &n->random))
        return give_up(fd);
    s = make_socket(n, fd, fn, arg);
    s->awaited = awaited;
    event.data.ptr = s;
    if (epoll_ctl(n->set, EPOLL_CTL_ADD, fd, &event) == 0)
        return s;
    close_socket(s);
    return NULL;
}

static struct network_socket *open_stream(struct network *network, const struct sockaddr *to,
                                          network_socket_fn *fn, void *arg)
{
    struct event_network *n = (struct event_network *)network;
    int fd = open_descriptor(n, to->sa_family, SOCK_STREAM, 0), on = 1;
    struct network_socket *s;

    if (fd < 0)
        return NULL;
    (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    if (connect(fd, to, datagram_address_size(to)) < 0 && errno != EINPROGRESS)
        return give_up(fd);
    s = make_socket(n, fd, fn, arg);
    s->stream = alloc_array(1, sizeof *s->stream);
    s->stream->budget.most = SIZE_MAX;
    event_assign(&s->stream->readable, n->base, fd, EV_READ | EV_PERSIST, on_octets, s);
    event_assign(&s->stream->writable, n->base, fd, EV_WRITE | EV_PERSIST, on_writable, s);
    event_add(&s->stream->writable, NULL);
    return s;
}

/* Datagrams leave when what is in hand is done, or when there are many. */
APART static bool put_out(struct network_socket *s, const uint8_t *data, size_t size)
{
    struct event_network *n = s->owner;
    bool put = outbox_put(&n->outbox, s, s->fd, data, size);

    n->network.room = outbox_room(&n->outbox);
    return put;
}

/* Who is told may send and close what he likes. */
RARE static void tell_unsent(struct event_network *n)
{
    struct outbox_letter letter;

    while (outbox_take_unsent(&n->outbox, &letter)) {
        struct network_socket *s = letter.from;

        errno = letter.error;
        tell(s, NETWORK_UNSENT, letter.octets, letter.size, clock_ms());
        if (s->closed)
            free_socket(s);
    }
}

static void leave(void *arg)
{
    struct event_network *n = arg;

    outbox_send(&n->outbox);
    n->network.room = outbox_room(&n->outbox);
    if (n->outbox.tried > 0)
        tell_unsent(n);
}

/* A message leaves whole or not at all, so it takes the way through the queue. */
APART static bool send_stream(struct network_socket *s, const uint8_t *data, size_t size)
{
    struct stream *o = s->stream;

    if (buffer_add(&o->unsent, &o->budget, data, size, NETWORK_EVENT_QUEUE_MAX))
        return !o->connected || flush(s);
    errno = ENOBUFS;
    return false;
}

static bool send_bytes(struct network_socket *s, const uint8_t *data, size_t size)
{
    struct event_network *n = s->owner;

    if (s->stream != NULL)
        return send_stream(s, data, size);
    turn_put_off(&n->turn, &n->leave);
    if (data != outbox_room(&n->outbox) || outbox_is_full(&n->outbox))
        return put_out(s, data, size);
    n->network.room = outbox_seal(&n->outbox, s, s->fd, size);
    return true;
}

/* ---- timers and dice ---- */

static struct network_timer *timer_new(struct network *network, network_timer_fn *fn, void *arg)
{
    return eventtimer_new(((struct event_network *)network)->base, fn, arg);
}

static void draw(struct network *network, void *out, size_t size)
{
    random_bytes(&((struct event_network *)network)->random, out, size);
}

struct network *network_event_new(struct event_base *base, unsigned sockets_max, unsigned reserve)
{
    struct event_network *n;
    int set = epoll_create1(EPOLL_CLOEXEC);

    if (set < 0)
        return NULL;
    n = alloc_array(1, sizeof *n);
    n->network = (struct network){
        .room = outbox_room(&n->outbox),
        .data_room = DATAGRAM_USUAL,
        .datagram = open_datagram,
        .stream = open_stream,
        .send = send_bytes,
        .close = close_socket,
        .timer = timer_new,
        .timer_set = eventtimer_set,
        .timer_clear = eventtimer_clear,
        .timer_free = eventtimer_free,
        .random = draw,
    };
    n->base = base;
    n->set = set;
    event_assign(&n->ready, base, set, EV_READ | EV_PERSIST, on_datagrams, n);
    event_add(&n->ready, NULL);
    turn_open(&n->turn, base);
    n->leave = (struct turn_task){.run = leave, .arg = n};
    for (size_t i = 0; i < DATAGRAMS; i++)
        datagram_prepare(&n->datagrams[i], n->buffer);
    n->sockets_max = sockets_max;
    assert(reserve <= NETWORK_EVENT_RESERVE);
    n->reserve.wanted = reserve;
    portrange_read(&n->ports);
    reserve_fill(&n->reserve);
    return &n->network;
}

struct turn *network_event_turn(struct network *network)
{
    return &((struct event_network *)network)->turn;
}

void network_event_free(struct network *network)
{
    struct event_network *n = (struct event_network *)network;

    if (n == NULL)
        return;
    assert(n->sockets == 0);
    event_del(&n->ready);
    turn_forget(&n->turn, &n->leave);
    turn_close(&n->turn);
    close(n->set);
    reserve_clear(&n->reserve);
    free(n);
}
