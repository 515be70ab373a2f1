#include "tcp.h"

#include <assert.h>
#include <errno.h>
#include <event2/event.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "alloc.h"
#include "clock.h"
#include "peers.h"
#include "wire.h"

#define PREFIX 2 /* octets of a message's length */
/* One whole message must fit, or conn_on_readable() could never finish one. */
#define IN_MAX   (PREFIX + WIRE_MESSAGE_MAX)
#define IN_START 512
/* Replies are gathered here; as long as this much is free another one fits. */
#define BATCH_ROOM        (PREFIX + QUERY_REPLY_MAX)
#define BATCH_SIZE        (2 * BATCH_ROOM)
#define ACCEPTS_PER_EVENT 64
#define CONN_MAGIC        0x7c9c0de1U

struct buffer { /* octets kept between events */
    uint8_t *bytes;
    size_t from, to, room;
};

struct conn {
    unsigned magic;
    int fd;
    struct tcp *tcp;
    struct conn *before, *behind; /* by 'touched': the most idle first */
    size_t slot;
    uint64_t serial; /* tells a late reply that its connection is another one now */
    union config_address peer;
    struct event *readable, *writable;
    struct buffer in;   /* a message that has begun, or those that have to wait */
    struct buffer out;  /* replies that the client has not taken yet */
    unsigned in_flight; /* queries that wait for an upstream */
    bool eof;           /* the client sends no more */
    bool broken;        /* to be closed, whatever is left */
    bool last;          /* to be closed when what is left has been sent */
    uint64_t touched;   /* last progress: a message began or was answered, replies were taken */
};

/* Where a late reply finds its connection.  Kept in the client's route. */
struct way {
    size_t slot;
    uint64_t serial;
};
_Static_assert(sizeof(struct way) <= QUERY_ROUTE_SIZE, "a way fits the client's route");

struct tcp {
    struct query_desk *desk;
    const struct config *config;
    struct stats *stats;
    struct peers *peers;
    struct event_base *base;
    struct event **accepting; /* one a listener */
    size_t accepting_length;
    struct event *pause; /* its end */
    struct event *idle;  /* when the most idle connection is to be closed */
    struct conn *head, *tail;
    struct conn **slots; /* 'most' of them; NULL = unused */
    size_t *unused;      /* numbers of unused slots */
    size_t length, most;
    unsigned per_client;
    uint64_t serial;
    size_t held; /* octets in all buffers */
    bool stopped;
    uint8_t in[IN_MAX];
    uint8_t batch[BATCH_SIZE];
};

/* ---- the order of idleness ---- */

static void list_check(const struct tcp *tcp)
{
    assert((tcp->head == NULL) == (tcp->length == 0));
    assert((tcp->tail == NULL) == (tcp->length == 0));
    assert(tcp->head == NULL || (tcp->head->before == NULL && tcp->tail->behind == NULL));
}

static void list_remove(struct conn *c)
{
    struct tcp *tcp = c->tcp;

    *(c->before != NULL ? &c->before->behind : &tcp->head) = c->behind;
    *(c->behind != NULL ? &c->behind->before : &tcp->tail) = c->before;
    c->before = c->behind = NULL;
}

static void list_append(struct conn *c)
{
    struct tcp *tcp = c->tcp;

    c->before = tcp->tail;
    c->behind = NULL;
    *(tcp->tail != NULL ? &tcp->tail->behind : &tcp->head) = c;
    tcp->tail = c;
}

static void idle_set(struct tcp *tcp, uint64_t now)
{
    if (tcp->head == NULL) {
        event_del(tcp->idle);
        return;
    }
    uint64_t due = tcp->head->touched + tcp->config->limits.tcp_idle_ms;
    uint64_t delay = due > now ? due - now : 0;
    struct timeval t = {(time_t)(delay / 1000), (suseconds_t)(delay % 1000 * 1000)};
    event_add(tcp->idle, &t);
}

/* Progress.  The timer is left alone: when it fires too early it is set anew. */
static void touch(struct conn *c, uint64_t now)
{
    c->touched = now;
    if (c->tcp->tail != c) {
        list_remove(c);
        list_append(c);
    }
}

/* ---- buffers ---- */

static size_t buffer_size(const struct buffer *b)
{
    return b->to - b->from;
}

static void buffer_drop(struct tcp *tcp, struct buffer *b)
{
    tcp->held -= b->room;
    free(b->bytes);
    *b = (struct buffer){0};
}

/* Makes room for 'size' more octets, at most 'most' in all.  False: over a limit. */
static bool buffer_grow(struct tcp *tcp, struct buffer *b, size_t size, size_t most)
{
    if (b->from > 0) {
        memmove(b->bytes, b->bytes + b->from, buffer_size(b));
        b->to -= b->from;
        b->from = 0;
    }
    if (b->room - b->to >= size)
        return true;
    size_t room = b->room == 0 ? IN_START : b->room;
    while (room < b->to + size)
        room *= 2;
    if (room > most)
        room = most;
    if (room - b->to < size || tcp->held - b->room + room > TCP_HELD_MAX)
        return false;
    tcp->held += room - b->room;
    b->bytes = alloc_resize(b->bytes, room, 1);
    b->room = room;
    return true;
}

static bool buffer_add(struct tcp *tcp, struct buffer *b, const void *bytes, size_t size,
                       size_t most)
{
    if (size == 0)
        return true;
    if (buffer_size(b) + size > most || !buffer_grow(tcp, b, size, most))
        return false;
    memcpy(b->bytes + b->to, bytes, size);
    b->to += size;
    return true;
}

/* ---- the end of a connection ---- */

static void conn_close(struct conn *c)
{
    struct tcp *tcp = c->tcp;

    assert(c->magic == CONN_MAGIC);
    event_free(c->readable);
    event_free(c->writable);
    close(c->fd);
    buffer_drop(tcp, &c->in);
    buffer_drop(tcp, &c->out);
    peers_leave(tcp->peers, &c->peer.any);
    list_remove(c);
    tcp->slots[c->slot] = NULL;
    tcp->length--;
    tcp->unused[tcp->most - tcp->length - 1] = c->slot;
    c->magic = 0;
    free(c);
    list_check(tcp);
}

static bool conn_is_stalled(const struct conn *c)
{
    return c->in_flight >= TCP_PIPELINE_MAX || buffer_size(&c->out) > 0;
}

/* What to wait for follows from the state, here and nowhere else.  May end the connection: callers
 * return at once. */
static void conn_watch_or_close(struct conn *c)
{
    bool in = !c->eof && !c->last && !conn_is_stalled(c);
    bool out = buffer_size(&c->out) > 0;

    if (c->broken || (!in && !out && c->in_flight == 0)) {
        conn_close(c);
        return;
    }
    if (in)
        event_add(c->readable, NULL);
    else
        event_del(c->readable);
    if (out)
        event_add(c->writable, NULL);
    else
        event_del(c->writable);
}

/* ---- sending ---- */

/* Sends, behind what is unsent already; keeps the rest. */
static void conn_send(struct conn *c, const uint8_t *bytes, size_t size, uint64_t now)
{
    size_t done = 0;

    if (c->broken || size == 0)
        return;
    while (buffer_size(&c->out) == 0 && done < size) {
        ssize_t n = send(c->fd, bytes + done, size - done, MSG_NOSIGNAL | MSG_DONTWAIT);
        if (n >= 0) {
            done += (size_t)n;
            continue;
        }
        if (errno == EINTR)
            continue;
        if (errno != EAGAIN && errno != ENOBUFS && errno != ENOMEM)
            c->broken = true;
        break;
    }
    if (done == size)
        touch(c, now);
    else if (!c->broken && !buffer_add(c->tcp, &c->out, bytes + done, size - done, TCP_UNSENT_MAX))
        c->broken = true;
}

static void conn_send_kept(struct conn *c, uint64_t now)
{
    struct buffer *out = &c->out;

    while (buffer_size(out) > 0) {
        ssize_t n =
            send(c->fd, out->bytes + out->from, buffer_size(out), MSG_NOSIGNAL | MSG_DONTWAIT);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0) {
            c->broken = errno != EAGAIN && errno != ENOBUFS && errno != ENOMEM;
            return;
        }
        out->from += (size_t)n;
    }
    buffer_drop(c->tcp, out);
    touch(c, now);
}

static void reply_late(const struct query_client *client, const uint8_t *reply, size_t size)
{
    struct tcp *tcp = client->transport;
    uint64_t now = clock_ms();
    struct way way;

    memcpy(&way, client->route, sizeof way);
    struct conn *c = tcp->slots[way.slot];
    if (c == NULL || c->serial != way.serial)
        return; /* the client did not wait */
    assert(c->in_flight > 0);
    bool stalled = conn_is_stalled(c);
    c->in_flight--;
    if (size > 0) {
        /* The batch buffer is free: replies never come while queries are being worked on. */
        wire_put16(tcp->batch, (uint16_t)size);
        memcpy(tcp->batch + PREFIX, reply, size);
        conn_send(c, tcp->batch, PREFIX + size, now);
    }
    if (stalled && !conn_is_stalled(c) && buffer_size(&c->in) > 0)
        event_active(c->readable, EV_READ, 0); /* what waited is worked on, but not from in here */
    conn_watch_or_close(c);
}

/* ---- queries ---- */

/* Works on the whole messages among 'size' octets; returns the octets that are done with. */
static size_t conn_work(struct conn *c, const uint8_t *in, size_t size, uint64_t now)
{
    struct tcp *tcp = c->tcp;
    struct query_client client = {
        .address = c->peer, .tcp = true, .reply = reply_late, .transport = tcp};
    struct way way = {.slot = c->slot, .serial = c->serial};
    size_t at = 0, used = 0;

    memcpy(client.route, &way, sizeof way);
    publish_read_begin();
    while (!c->broken && !c->last && !conn_is_stalled(c) && size - at >= PREFIX) {
        size_t length = wire_get16(in + at), reply_size = 0;
        if (length < WIRE_HEADER_SIZE) {
            stats_count(tcp->stats, STATS_DROPPED_RUNT);
            c->last = true;
            break;
        }
        if (size - at - PREFIX < length)
            break;
        enum query_result result =
            query_handle(tcp->desk, &client, in + at + PREFIX, length, tcp->batch + used + PREFIX,
                         QUERY_REPLY_MAX, &reply_size, now);
        at += PREFIX + length;
        if (result == QUERY_DONE) {
            wire_put16(tcp->batch + used, (uint16_t)reply_size);
            used += PREFIX + reply_size;
        } else if (result == QUERY_WAITING) {
            c->in_flight++;
        } else {
            c->last = true; /* no reply is due, but some clients wait for ever: a close it is */
        }
        if (BATCH_SIZE - used < BATCH_ROOM) {
            conn_send(c, tcp->batch, used, now);
            used = 0;
        }
    }
    publish_read_end();
    conn_send(c, tcp->batch, used, now);
    return at;
}

/* Works on what was kept. */
static void conn_work_kept(struct conn *c, uint64_t now)
{
    struct buffer *in = &c->in;

    in->from += conn_work(c, in->bytes + in->from, buffer_size(in), now);
    if (buffer_size(in) == 0)
        buffer_drop(c->tcp, in);
}

/* Reads once.  0: nothing to be had now, or the end. */
static size_t conn_read(struct conn *c, uint8_t *to, size_t room)
{
    ssize_t n;

    do {
        n = recv(c->fd, to, room, MSG_DONTWAIT);
    } while (n < 0 && errno == EINTR);
    if (n == 0)
        c->eof = true;
    if (n < 0 && errno != EAGAIN)
        c->broken = true;
    return n > 0 ? (size_t)n : 0;
}

/* Nothing is kept: read into the shared buffer, keep what is not a whole message. */
static void conn_read_fresh(struct conn *c, uint64_t now)
{
    struct tcp *tcp = c->tcp;
    size_t size = conn_read(c, tcp->in, sizeof tcp->in);

    if (size == 0)
        return;
    touch(c, now);
    size_t done = conn_work(c, tcp->in, size, now);
    if (!c->last && !buffer_add(tcp, &c->in, tcp->in + done, size - done, IN_MAX))
        c->broken = true;
}

/* A message has begun: read more of it.  That alone is no progress, or one octet now and then would
 * hold the connection for ever. */
static void conn_read_more(struct conn *c, uint64_t now)
{
    struct buffer *in = &c->in;

    if (!buffer_grow(c->tcp, in, 1, IN_MAX)) {
        c->broken = true;
        return;
    }
    size_t size = conn_read(c, in->bytes + in->to, in->room - in->to);
    if (size == 0)
        return;
    in->to += size;
    size_t before = buffer_size(in);
    conn_work_kept(c, now);
    if (buffer_size(in) < before)
        touch(c, now);
}

static void conn_on_readable(evutil_socket_t fd, short what, void *arg)
{
    struct conn *c = arg;
    uint64_t now = clock_ms();

    (void)fd;
    (void)what;
    assert(c->magic == CONN_MAGIC);
    if (buffer_size(&c->in) > 0)
        conn_work_kept(c, now); /* what had to wait may go on */
    if (!c->eof && !c->last && !c->broken && !conn_is_stalled(c)) {
        if (buffer_size(&c->in) > 0)
            conn_read_more(c, now);
        else
            conn_read_fresh(c, now);
    }
    conn_watch_or_close(c);
}

static void conn_on_writable(evutil_socket_t fd, short what, void *arg)
{
    struct conn *c = arg;
    uint64_t now = clock_ms();

    (void)fd;
    (void)what;
    assert(c->magic == CONN_MAGIC);
    conn_send_kept(c, now);
    if (!c->broken && !conn_is_stalled(c) && buffer_size(&c->in) > 0)
        conn_work_kept(c, now);
    conn_watch_or_close(c);
}

static void tcp_on_idle(evutil_socket_t fd, short what, void *arg)
{
    struct tcp *tcp = arg;
    uint64_t now = clock_ms();

    (void)fd;
    (void)what;
    while (tcp->head != NULL && tcp->head->touched + tcp->config->limits.tcp_idle_ms <= now) {
        struct conn *c = tcp->head;
        if (c->in_flight > 0 && buffer_size(&c->out) == 0)
            touch(c, now); /* it waits for us; forwarding has its own end */
        else
            conn_close(c);
    }
    idle_set(tcp, now);
}

/* ---- accepting ---- */

static void accepting_on(struct tcp *tcp)
{
    for (size_t i = 0; i < tcp->accepting_length && !tcp->stopped; i++)
        event_add(tcp->accepting[i], NULL);
}

static void accepting_off(struct tcp *tcp)
{
    for (size_t i = 0; i < tcp->accepting_length; i++)
        event_del(tcp->accepting[i]);
}

static void tcp_on_pause_end(evutil_socket_t fd, short what, void *arg)
{
    (void)fd;
    (void)what;
    accepting_on(arg);
}

/* Out of descriptors or memory.  The listening socket stays readable: without a pause this would be
 * called a million times a second. */
static void make_room_or_pause(struct tcp *tcp)
{
    static const struct timeval pause = {TCP_PAUSE_MS / 1000, TCP_PAUSE_MS % 1000 * 1000};

    stats_count(tcp->stats, STATS_TCP_REFUSED);
    if (tcp->head != NULL) {
        conn_close(tcp->head);
        return;
    }
    accepting_off(tcp);
    event_add(tcp->pause, &pause);
}

static void conn_open(struct tcp *tcp, int fd, const union config_address *peer, uint64_t now)
{
    struct conn *c = alloc_array(1, sizeof *c);

    assert(tcp->length < tcp->most);
    c->magic = CONN_MAGIC;
    c->tcp = tcp;
    c->fd = fd;
    c->peer = *peer;
    c->slot = tcp->unused[tcp->most - tcp->length - 1];
    c->serial = ++tcp->serial;
    c->touched = now;
    c->readable = event_new(tcp->base, fd, EV_READ | EV_PERSIST, conn_on_readable, c);
    c->writable = event_new(tcp->base, fd, EV_WRITE | EV_PERSIST, conn_on_writable, c);
    /* Without memory there is no going on: as in alloc.c. */
    assert(c->readable != NULL && c->writable != NULL);
    tcp->slots[c->slot] = c;
    tcp->length++;
    list_append(c);
    list_check(tcp);
    stats_count(tcp->stats, STATS_TCP_CONNECTIONS);
    if (tcp->head == c)
        idle_set(tcp, now);
    conn_on_readable(fd, EV_READ, c); /* the first query has often come already */
}

/* False: no more to accept now. */
static bool accept_one(struct tcp *tcp, int listener, uint64_t now)
{
    union config_address peer;
    socklen_t size = sizeof peer;
    int fd = accept4(listener, &peer.any, &size, SOCK_NONBLOCK | SOCK_CLOEXEC);

    if (fd < 0) {
        if (errno == EAGAIN)
            return false;
        if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM) {
            make_room_or_pause(tcp);
            return tcp->head != NULL;
        }
        return true; /* the connection was lost before we had it */
    }
    if (!peers_enter(tcp->peers, &peer.any, tcp->per_client)) {
        stats_count(tcp->stats, STATS_TCP_REFUSED);
        close(fd);
        return true;
    }
    if (tcp->length == tcp->most) {
        stats_count(tcp->stats, STATS_TCP_REFUSED);
        conn_close(tcp->head);
    }
    conn_open(tcp, fd, &peer, now);
    return true;
}

static void tcp_on_acceptable(evutil_socket_t fd, short what, void *arg)
{
    uint64_t now = clock_ms();

    (void)what;
    for (unsigned i = 0; i < ACCEPTS_PER_EVENT && accept_one(arg, fd, now); i++)
        continue;
}

/* ---- life ---- */

static unsigned share(unsigned limit, unsigned workers)
{
    unsigned part = (limit + workers - 1) / workers;

    return part > 0 ? part : 1;
}

struct tcp *tcp_new(const struct tcp_options *options)
{
    struct tcp *tcp = alloc_array(1, sizeof *tcp);
    const struct config *config = options->config;
    unsigned workers = config->workers > 0 ? config->workers : 1;
    bool good;

    tcp->desk = options->desk;
    tcp->config = config;
    tcp->stats = options->stats;
    tcp->base = options->base;
    tcp->most = share(config->limits.tcp_connections, workers);
    tcp->per_client = share(config->limits.tcp_per_client, workers);
    tcp->peers = peers_new(&options->key, tcp->most + 1); /* the newcomer counts */
    tcp->slots = alloc_array(tcp->most, sizeof(struct conn *));
    tcp->unused = alloc_array(tcp->most, sizeof *tcp->unused);
    for (size_t i = 0; i < tcp->most; i++)
        tcp->unused[i] = i;
    tcp->accepting_length = config->listen_length;
    tcp->accepting = alloc_array(config->listen_length, sizeof(struct event *));
    tcp->pause = evtimer_new(tcp->base, tcp_on_pause_end, tcp);
    tcp->idle = evtimer_new(tcp->base, tcp_on_idle, tcp);
    good = tcp->pause != NULL && tcp->idle != NULL;
    for (size_t i = 0; i < config->listen_length && good; i++) {
        tcp->accepting[i] = event_new(tcp->base, options->listeners[i].tcp, EV_READ | EV_PERSIST,
                                      tcp_on_acceptable, tcp);
        good = tcp->accepting[i] != NULL && event_add(tcp->accepting[i], NULL) == 0;
    }
    if (good)
        return tcp;
    tcp_free(tcp);
    return NULL;
}

void tcp_stop_accepting(struct tcp *tcp)
{
    tcp->stopped = true;
    for (size_t i = 0; i < tcp->accepting_length; i++)
        event_del(tcp->accepting[i]);
}

void tcp_free(struct tcp *tcp)
{
    if (tcp == NULL)
        return;
    while (tcp->head != NULL) {
        conn_send_kept(tcp->head, 0);
        (void)shutdown(tcp->head->fd, SHUT_WR);
        conn_close(tcp->head);
    }
    for (size_t i = 0; i < tcp->accepting_length; i++) {
        if (tcp->accepting[i] != NULL)
            event_free(tcp->accepting[i]);
    }
    if (tcp->pause != NULL)
        event_free(tcp->pause);
    if (tcp->idle != NULL)
        event_free(tcp->idle);
    peers_free(tcp->peers);
    free(tcp->accepting);
    free(tcp->slots);
    free(tcp->unused);
    free(tcp);
}

size_t tcp_connections(const struct tcp *tcp)
{
    return tcp->length;
}
