#include "tcpconns.h"

#include <assert.h>
#include <errno.h>
#include <event2/event.h>
#include <event2/event_struct.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "alloc.h"
#include "buffer.h"
#include "clock.h"
#include "eventtimer.h"
#include "hangups.h"
#include "idlelist.h"
#include "spare.h"
#include "wire.h"

#define PREFIX 2 /* octets of a message's length */
/* One whole message must fit, or conn_read_more() could never finish one. */
#define IN_MAX (PREFIX + WIRE_MESSAGE_MAX)
/* Replies are gathered here; as long as this much is free another one fits. */
#define BATCH_ROOM (PREFIX + QUERY_REPLY_MAX)
#define BATCH_SIZE (2 * BATCH_ROOM)
#define CONN_MAGIC 0x7c9c0de1U
/* So many that wait for us are passed over when one must go. */
#define SHED_TRIES 64

struct conn {
    struct idlelist_entry idle;   /* first, so that one is the other */
    struct idlelist_entry hangup; /* when it stands aside */
    unsigned magic;
    int fd;
    struct tcpconns *all;
    size_t slot;
    uint64_t serial; /* tells a late reply that its connection is another one now */
    union config_ip address;
    struct peer *peer;
    struct event event;
    short watched;      /* what the event waits for: EV_READ, EV_WRITE */
    struct buffer in;   /* a message that has begun, or those that have to wait */
    struct buffer out;  /* replies that the client has not taken yet */
    unsigned reads;     /* times that octets came */
    unsigned in_flight; /* queries that wait for an upstream */
    bool aside;         /* not watched: its client is likely to hang up */
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

struct tcpconns {
    struct query_desk *desk;
    const struct config *config;
    struct stats *stats;
    struct peers *peers;
    struct event_base *base;
    struct network_timer *idle; /* when the most idle connection is to be closed */
    struct idlelist list;
    struct hangups *hangups;
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

static struct conn *most_idle(const struct tcpconns *all)
{
    return (struct conn *)all->list.head;
}

/* Progress.  The timer is left alone: when it fires too early it is set anew. */
static void touch(struct conn *c, uint64_t now)
{
    idlelist_touch(&c->all->list, &c->idle, now);
}

static void idle_set(struct tcpconns *all, uint64_t now)
{
    if (all->list.head == NULL)
        return;
    uint64_t due = all->list.head->touched + all->config->limits.tcp_idle_ms;
    eventtimer_set(all->idle, now, due > now ? due - now : 0);
}

/* ---- the end of a connection ---- */

static void conn_close(struct conn *c)
{
    struct tcpconns *all = c->all;

    assert(c->magic == CONN_MAGIC);
    event_del(&c->event);
    close(c->fd);
    buffer_drop(&c->in, &all->budget);
    buffer_drop(&c->out, &all->budget);
    peers_leave(all->peers, c->peer);
    if (c->aside)
        hangups_remove(all->hangups, &c->hangup);
    idlelist_remove(&all->list, &c->idle);
    all->slots[c->slot] = NULL;
    all->unused[all->most - all->list.length - 1] = c->slot;
    c->magic = 0;
    spare_give(&all->spare, c);
}

static bool conn_is_stalled(const struct conn *c)
{
    return c->in_flight >= TCPCONNS_PIPELINE_MAX || buffer_size(&c->out) > 0;
}

static void conn_on_ready(evutil_socket_t fd, short what, void *arg);

/* False: the kernel has no memory for that. */
static bool conn_watch(struct conn *c, short wanted)
{
    if (wanted == c->watched)
        return true;
    event_del(&c->event);
    c->watched = wanted;
    if (wanted == 0)
        return true;
    event_assign(&c->event, c->all->base, c->fd, (short)(wanted | EV_PERSIST), conn_on_ready, c);
    return event_add(&c->event, NULL) == 0;
}

/* What to wait for follows from the state, here and nowhere else.  False: that was the end of the
 * connection. */
static bool conn_watch_or_close(struct conn *c)
{
    bool in = !c->eof && !c->last && !conn_is_stalled(c);
    bool out = buffer_size(&c->out) > 0;

    if (!c->broken && (in || out || c->in_flight > 0) &&
        conn_watch(c, (short)((in ? EV_READ : 0) | (out ? EV_WRITE : 0))))
        return true;
    conn_close(c);
    return false;
}

/* ---- sending ---- */

/* Returns the octets that the kernel took. */
static size_t conn_send_now(struct conn *c, const uint8_t *bytes, size_t size)
{
    size_t done = 0;

    while (done < size) {
        ssize_t n = send(c->fd, bytes + done, size - done, MSG_NOSIGNAL | MSG_DONTWAIT);
        if (n >= 0) {
            done += (size_t)n;
        } else if (errno != EINTR) {
            c->broken = errno != EAGAIN && errno != ENOBUFS && errno != ENOMEM;
            break;
        }
    }
    return done;
}

/* Sends, behind what is unsent already; keeps the rest. */
static void conn_send(struct conn *c, const uint8_t *bytes, size_t size, uint64_t now)
{
    if (c->broken || size == 0)
        return;
    size_t done = buffer_size(&c->out) == 0 ? conn_send_now(c, bytes, size) : 0;
    if (done == size)
        touch(c, now);
    else if (!c->broken &&
             !buffer_add(&c->out, &c->all->budget, bytes + done, size - done, TCPCONNS_UNSENT_MAX))
        c->broken = true;
}

static void conn_send_kept(struct conn *c, uint64_t now)
{
    struct buffer *out = &c->out;

    if (buffer_size(out) > 0)
        out->from += conn_send_now(c, out->bytes + out->from, buffer_size(out));
    if (buffer_size(out) > 0)
        return;
    buffer_drop(out, &c->all->budget);
    touch(c, now);
}

static void reply_late(const struct query_client *client, const uint8_t *reply, size_t size)
{
    struct tcpconns *all = client->transport;
    uint64_t now = clock_ms();
    struct way way;

    memcpy(&way, client->route, sizeof way);
    struct conn *c = all->slots[way.slot];
    if (c == NULL || c->serial != way.serial)
        return; /* the client did not wait */
    assert(c->in_flight > 0);
    bool stalled = conn_is_stalled(c);
    c->in_flight--;
    if (size > 0) {
        /* The batch buffer is free: replies never come while queries are being worked on. */
        wire_put16(all->batch, (uint16_t)size);
        memcpy(all->batch + PREFIX, reply, size);
        conn_send(c, all->batch, PREFIX + size, now);
    }
    bool goes_on = stalled && !conn_is_stalled(c) && buffer_size(&c->in) > 0;
    if (conn_watch_or_close(c) && goes_on)
        event_active(&c->event, EV_READ, 0); /* what waited is worked on, but not from in here */
}

/* ---- queries ---- */

/* Works on the whole messages among 'size' octets; returns the octets that are done with. */
static size_t conn_work(struct conn *c, const uint8_t *in, size_t size, uint64_t now)
{
    struct tcpconns *all = c->all;
    struct query_client client = {
        .address = c->address, .tcp = true, .reply = reply_late, .transport = all};
    struct way way = {.slot = c->slot, .serial = c->serial};
    size_t at = 0, used = 0;

    memcpy(client.route, &way, sizeof way);
    publish_read_begin();
    while (!c->broken && !c->last && !conn_is_stalled(c) && size - at >= PREFIX) {
        size_t length = wire_get16(in + at), reply_size = 0;
        if (length < WIRE_HEADER_SIZE) {
            stats_count(all->stats, STATS_DROPPED_RUNT);
            c->last = true;
            break;
        }
        if (size - at - PREFIX < length)
            break;
        enum query_result result =
            query_handle(all->desk, &client, in + at + PREFIX, length, all->batch + used + PREFIX,
                         QUERY_REPLY_MAX, &reply_size, now);
        at += PREFIX + length;
        if (result == QUERY_DONE) {
            wire_put16(all->batch + used, (uint16_t)reply_size);
            used += PREFIX + reply_size;
        } else if (result == QUERY_WAITING) {
            c->in_flight++;
        } else {
            c->last = true; /* no reply is due, but some clients wait for ever: a close it is */
        }
        if (BATCH_SIZE - used < BATCH_ROOM) {
            conn_send(c, all->batch, used, now);
            used = 0;
        }
    }
    publish_read_end();
    conn_send(c, all->batch, used, now);
    return at;
}

/* Works on what was kept. */
static void conn_work_kept(struct conn *c, uint64_t now)
{
    struct buffer *in = &c->in;

    in->from += conn_work(c, in->bytes + in->from, buffer_size(in), now);
    if (buffer_size(in) == 0)
        buffer_drop(in, &c->all->budget);
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
    c->reads += n > 0;
    return n > 0 ? (size_t)n : 0;
}

/* Nothing is kept: read into the shared buffer, keep what is not a whole message. */
static void conn_read_fresh(struct conn *c, uint64_t now)
{
    struct tcpconns *all = c->all;
    size_t size = conn_read(c, all->in, sizeof all->in);

    if (size == 0)
        return;
    touch(c, now);
    size_t done = conn_work(c, all->in, size, now);
    if (!c->last && !buffer_add(&c->in, &all->budget, all->in + done, size - done, IN_MAX))
        c->broken = true;
}

/* A message has begun: read more of it.  That alone is no progress, or one octet now and then would
 * hold the connection for ever. */
static void conn_read_more(struct conn *c, uint64_t now)
{
    struct buffer *in = &c->in;

    if (!buffer_grow(in, &c->all->budget, 1, IN_MAX)) {
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

static void conn_read_and_work(struct conn *c, uint64_t now)
{
    if (buffer_size(&c->in) > 0)
        conn_work_kept(c, now); /* what had to wait may go on */
    if (!c->eof && !c->last && !c->broken && !conn_is_stalled(c)) {
        if (buffer_size(&c->in) > 0)
            conn_read_more(c, now);
        else
            conn_read_fresh(c, now);
    }
}

static void conn_on_ready(evutil_socket_t fd, short what, void *arg)
{
    struct conn *c = arg;
    uint64_t now = clock_ms();

    (void)fd;
    assert(c->magic == CONN_MAGIC);
    if (what & EV_WRITE)
        conn_send_kept(c, now);
    conn_read_and_work(c, now);
    (void)conn_watch_or_close(c);
}

/* Forwarding has its own end. */
static bool conn_waits_for_us(const struct conn *c)
{
    return c->in_flight > 0 && buffer_size(&c->out) == 0;
}

static void on_idle(void *arg, uint64_t now)
{
    struct tcpconns *all = arg;

    while (all->list.head != NULL &&
           all->list.head->touched + all->config->limits.tcp_idle_ms <= now) {
        struct conn *c = most_idle(all);
        if (conn_waits_for_us(c))
            touch(c, now);
        else
            conn_close(c);
    }
    idle_set(all, now);
}

/* ---- clients that hang up ---- */

/* True: it came with its query, has been answered, and nothing else is known of it. */
static bool conn_may_hang_up(const struct conn *c)
{
    return c->reads == 1 && c->in_flight == 0 && !c->eof && !c->broken && !c->last &&
           buffer_size(&c->in) == 0 && buffer_size(&c->out) == 0;
}

static enum hangups_found look(void *arg, struct idlelist_entry *entry, uint64_t now)
{
    struct conn *c = (struct conn *)(void *)((char *)entry - offsetof(struct conn, hangup));

    (void)arg;
    c->aside = false;
    conn_read_and_work(c, now);
    bool asked = !conn_may_hang_up(c);
    if (!conn_watch_or_close(c))
        return HANGUPS_GONE;
    return asked ? HANGUPS_ASKED : HANGUPS_QUIET;
}

/* ---- all connections ---- */

void tcpconns_open(struct tcpconns *all, int fd, const union config_ip *address, struct peer *peer,
                   bool ample, uint64_t now)
{
    struct conn *c = spare_take(&all->spare, sizeof *c);

    assert(all->list.length < all->most);
    *c = (struct conn){
        .magic = CONN_MAGIC,
        .all = all,
        .fd = fd,
        .address = *address,
        .peer = peer,
        .slot = all->unused[all->most - all->list.length - 1],
        .serial = ++all->serial,
    };
    event_assign(&c->event, all->base, fd, EV_READ | EV_PERSIST, conn_on_ready, c);
    all->slots[c->slot] = c;
    idlelist_append(&all->list, &c->idle, now);
    stats_count(all->stats, STATS_TCP_CONNECTIONS);
    if (all->list.head == &c->idle)
        idle_set(all, now);
    conn_read_and_work(c, now); /* the query has come already, or the listener waited in vain */
    c->aside = ample && conn_may_hang_up(c) && hangups_expect(all->hangups, &c->hangup, now);
    if (!c->aside)
        (void)conn_watch_or_close(c);
}

struct tcpconns *tcpconns_new(const struct tcpconns_options *options)
{
    struct tcpconns *all = alloc_array(1, sizeof *all);

    all->desk = options->desk;
    all->config = options->config;
    all->stats = options->stats;
    all->base = options->base;
    all->peers = options->peers;
    all->most = options->most;
    all->budget.most = TCPCONNS_HELD_MAX;
    all->slots = alloc_array(all->most, sizeof(struct conn *));
    all->unused = alloc_array(all->most, sizeof *all->unused);
    for (size_t i = 0; i < all->most; i++)
        all->unused[i] = i;
    all->idle = eventtimer_new(all->base, on_idle, all);
    all->hangups = hangups_new(all->base, look, all);
    if (all->hangups != NULL)
        return all;
    tcpconns_free(all);
    return NULL;
}

void tcpconns_free(struct tcpconns *all)
{
    if (all == NULL)
        return;
    while (all->list.head != NULL) {
        struct conn *c = most_idle(all);
        conn_send_kept(c, 0);
        (void)shutdown(c->fd, SHUT_WR);
        conn_close(c);
    }
    hangups_free(all->hangups);
    eventtimer_free(all->idle);
    spare_clear(&all->spare);
    free(all->slots);
    free(all->unused);
    free(all);
}

size_t tcpconns_length(const struct tcpconns *all)
{
    return all->list.length;
}

void tcpconns_settle(struct tcpconns *all, uint64_t now)
{
    hangups_look(all->hangups, now);
}

bool tcpconns_shed(struct tcpconns *all)
{
    size_t tries = all->list.length < SHED_TRIES ? all->list.length : SHED_TRIES;
    uint64_t now = clock_ms();

    if (all->list.head == NULL)
        return false;
    while (tries-- > 0 && conn_waits_for_us(most_idle(all)))
        touch(most_idle(all), now);
    conn_close(most_idle(all));
    return true;
}
