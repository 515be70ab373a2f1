#include "tcp.h"

#include <assert.h>
#include <errno.h>
#include <event2/event.h>
#include <event2/event_struct.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "acceptor.h"
#include "alloc.h"
#include "buffer.h"
#include "clock.h"
#include "idlelist.h"
#include "spare.h"
#include "wire.h"

#define PREFIX 2 /* octets of a message's length */
/* One whole message must fit, or conn_read_more() could never finish one. */
#define IN_MAX   (PREFIX + WIRE_MESSAGE_MAX)
#define IN_START 512
/* Replies are gathered here; as long as this much is free another one fits. */
#define BATCH_ROOM (PREFIX + QUERY_REPLY_MAX)
#define BATCH_SIZE (2 * BATCH_ROOM)
#define CONN_MAGIC 0x7c9c0de1U

struct conn {
    struct idlelist_entry idle; /* first, so that one is the other */
    unsigned magic;
    int fd;
    struct tcp *tcp;
    size_t slot;
    uint64_t serial; /* tells a late reply that its connection is another one now */
    union config_ip address;
    struct peer *peer;
    struct event event;
    short watched;      /* what the event waits for: EV_READ, EV_WRITE */
    struct buffer in;   /* a message that has begun, or those that have to wait */
    struct buffer out;  /* replies that the client has not taken yet */
    unsigned in_flight; /* queries that wait for an upstream */
    bool eof;           /* the client sends no more */
    bool broken;        /* to be closed, whatever is left */
    bool last;          /* to be closed when what is left has been sent */
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
    struct acceptor *acceptor;
    struct event *idle; /* when the most idle connection is to be closed */
    struct idlelist conns;
    struct spare spare;  /* of connections */
    struct conn **slots; /* 'most' of them; NULL = unused */
    size_t *unused;      /* numbers of unused slots */
    size_t most;
    uint64_t serial;
    struct buffer_budget budget;
    uint8_t in[IN_MAX];
    uint8_t batch[BATCH_SIZE];
};

/* ---- idleness ---- */

static struct conn *most_idle(const struct tcp *tcp)
{
    return (struct conn *)tcp->conns.head;
}

/* Progress.  The timer is left alone: when it fires too early it is set anew. */
static void touch(struct conn *c, uint64_t now)
{
    idlelist_touch(&c->tcp->conns, &c->idle, now);
}

static void idle_set(struct tcp *tcp, uint64_t now)
{
    if (tcp->conns.head == NULL) {
        event_del(tcp->idle);
        return;
    }
    uint64_t due = tcp->conns.head->touched + tcp->config->limits.tcp_idle_ms;
    uint64_t delay = due > now ? due - now : 0;
    struct timeval t = {(time_t)(delay / 1000), (suseconds_t)(delay % 1000 * 1000)};
    event_add(tcp->idle, &t);
}

/* ---- the end of a connection ---- */

static void conn_close(struct conn *c)
{
    struct tcp *tcp = c->tcp;

    assert(c->magic == CONN_MAGIC);
    event_del(&c->event);
    close(c->fd);
    buffer_drop(&c->in, &tcp->budget);
    buffer_drop(&c->out, &tcp->budget);
    peers_leave(tcp->peers, c->peer);
    idlelist_remove(&tcp->conns, &c->idle);
    tcp->slots[c->slot] = NULL;
    tcp->unused[tcp->most - tcp->conns.length - 1] = c->slot;
    c->magic = 0;
    spare_give(&tcp->spare, c);
}

static bool conn_is_stalled(const struct conn *c)
{
    return c->in_flight >= TCP_PIPELINE_MAX || buffer_size(&c->out) > 0;
}

static void conn_on_ready(evutil_socket_t fd, short what, void *arg);

static void conn_watch(struct conn *c, short wanted)
{
    if (wanted == c->watched)
        return;
    event_del(&c->event);
    c->watched = wanted;
    if (wanted == 0)
        return;
    event_assign(&c->event, c->tcp->base, c->fd, (short)(wanted | EV_PERSIST), conn_on_ready, c);
    event_add(&c->event, NULL);
}

/* What to wait for follows from the state, here and nowhere else.  False: that was the end of the
 * connection. */
static bool conn_watch_or_close(struct conn *c)
{
    bool in = !c->eof && !c->last && !conn_is_stalled(c);
    bool out = buffer_size(&c->out) > 0;

    if (c->broken || (!in && !out && c->in_flight == 0)) {
        conn_close(c);
        return false;
    }
    conn_watch(c, (short)((in ? EV_READ : 0) | (out ? EV_WRITE : 0)));
    return true;
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
    else if (!c->broken &&
             !buffer_add(&c->out, &c->tcp->budget, bytes + done, size - done, TCP_UNSENT_MAX))
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
    buffer_drop(out, &c->tcp->budget);
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
    bool goes_on = stalled && !conn_is_stalled(c) && buffer_size(&c->in) > 0;
    if (conn_watch_or_close(c) && goes_on)
        event_active(&c->event, EV_READ, 0); /* what waited is worked on, but not from in here */
}

/* ---- queries ---- */

/* Works on the whole messages among 'size' octets; returns the octets that are done with. */
static size_t conn_work(struct conn *c, const uint8_t *in, size_t size, uint64_t now)
{
    struct tcp *tcp = c->tcp;
    struct query_client client = {
        .address = c->address, .tcp = true, .reply = reply_late, .transport = tcp};
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
        buffer_drop(in, &c->tcp->budget);
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
    if (!c->last && !buffer_add(&c->in, &tcp->budget, tcp->in + done, size - done, IN_MAX))
        c->broken = true;
}

/* A message has begun: read more of it.  That alone is no progress, or one octet now and then would
 * hold the connection for ever. */
static void conn_read_more(struct conn *c, uint64_t now)
{
    struct buffer *in = &c->in;

    if (!buffer_grow(in, &c->tcp->budget, 1, IN_MAX)) {
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

/* May end the connection. */
static void conn_serve(struct conn *c, uint64_t now)
{
    if (buffer_size(&c->in) > 0)
        conn_work_kept(c, now); /* what had to wait may go on */
    if (!c->eof && !c->last && !c->broken && !conn_is_stalled(c)) {
        if (buffer_size(&c->in) > 0)
            conn_read_more(c, now);
        else
            conn_read_fresh(c, now);
    }
    (void)conn_watch_or_close(c);
}

static void conn_on_ready(evutil_socket_t fd, short what, void *arg)
{
    struct conn *c = arg;
    uint64_t now = clock_ms();

    (void)fd;
    assert(c->magic == CONN_MAGIC);
    if (what & EV_WRITE)
        conn_send_kept(c, now);
    conn_serve(c, now);
}

static void tcp_on_idle(evutil_socket_t fd, short what, void *arg)
{
    struct tcp *tcp = arg;
    uint64_t now = clock_ms();

    (void)fd;
    (void)what;
    while (tcp->conns.head != NULL &&
           tcp->conns.head->touched + tcp->config->limits.tcp_idle_ms <= now) {
        struct conn *c = most_idle(tcp);
        if (c->in_flight > 0 && buffer_size(&c->out) == 0)
            touch(c, now); /* it waits for us; forwarding has its own end */
        else
            conn_close(c);
    }
    idle_set(tcp, now);
}

/* ---- accepting ---- */

/* The most idle connection makes room. */
static bool shed(void *arg)
{
    struct tcp *tcp = arg;

    stats_count(tcp->stats, STATS_TCP_REFUSED);
    if (tcp->conns.head == NULL)
        return false;
    conn_close(most_idle(tcp));
    return true;
}

static void conn_open(struct tcp *tcp, int fd, const union config_ip *address, struct peer *peer,
                      uint64_t now)
{
    struct conn *c = spare_take(&tcp->spare, sizeof *c);

    assert(tcp->conns.length < tcp->most);
    *c = (struct conn){
        .magic = CONN_MAGIC,
        .tcp = tcp,
        .fd = fd,
        .address = *address,
        .peer = peer,
        .slot = tcp->unused[tcp->most - tcp->conns.length - 1],
        .serial = ++tcp->serial,
    };
    event_assign(&c->event, tcp->base, fd, EV_READ | EV_PERSIST, conn_on_ready, c);
    tcp->slots[c->slot] = c;
    idlelist_append(&tcp->conns, &c->idle, now);
    stats_count(tcp->stats, STATS_TCP_CONNECTIONS);
    if (tcp->conns.head == &c->idle)
        idle_set(tcp, now);
    conn_serve(c, now); /* the first query has come already, or the listener waited in vain */
}

static void take(void *arg, int fd, const union config_address *address, uint64_t now)
{
    struct tcp *tcp = arg;
    const struct config *config = tcp->config;
    struct peer *peer = peers_enter(tcp->peers, &address->any, config->limits.tcp_per_client);

    if (peer == NULL) {
        stats_count(tcp->stats, STATS_TCP_REFUSED);
        close(fd);
        return;
    }
    bool full =
        tcp->conns.length == tcp->most || peers_exceed(tcp->peers, config->limits.tcp_connections);
    if (full)
        (void)shed(tcp); /* where the other workers have them all, it is one more */
    conn_open(tcp, fd, &address->ip, peer, now);
}

/* ---- life ---- */

struct tcp *tcp_new(const struct tcp_options *options)
{
    struct tcp *tcp = alloc_array(1, sizeof *tcp);
    const struct config *config = options->config;

    tcp->desk = options->desk;
    tcp->config = config;
    tcp->stats = options->stats;
    tcp->base = options->base;
    tcp->budget.most = TCP_HELD_MAX;
    tcp->most = config->limits.tcp_connections;
    if (tcp->most > options->most)
        tcp->most = options->most;
    tcp->peers = options->peers;
    tcp->slots = alloc_array(tcp->most, sizeof(struct conn *));
    tcp->unused = alloc_array(tcp->most, sizeof *tcp->unused);
    for (size_t i = 0; i < tcp->most; i++)
        tcp->unused[i] = i;
    tcp->idle = evtimer_new(tcp->base, tcp_on_idle, tcp);
    tcp->acceptor = acceptor_new(&(struct acceptor_options){
        .base = options->base,
        .listeners = options->listeners,
        .length = config->listen_length,
        .take = take,
        .shed = shed,
        .arg = tcp,
    });
    if (tcp->idle != NULL && tcp->acceptor != NULL)
        return tcp;
    tcp_free(tcp);
    return NULL;
}

void tcp_stop_accepting(struct tcp *tcp)
{
    acceptor_stop(tcp->acceptor);
}

void tcp_free(struct tcp *tcp)
{
    if (tcp == NULL)
        return;
    acceptor_free(tcp->acceptor);
    while (tcp->conns.head != NULL) {
        struct conn *c = most_idle(tcp);
        conn_send_kept(c, 0);
        (void)shutdown(c->fd, SHUT_WR);
        conn_close(c);
    }
    if (tcp->idle != NULL)
        event_free(tcp->idle);
    spare_clear(&tcp->spare);
    free(tcp->slots);
    free(tcp->unused);
    free(tcp);
}

size_t tcp_connections(const struct tcp *tcp)
{
    return tcp->conns.length;
}
