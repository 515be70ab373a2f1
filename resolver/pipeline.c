#include "pipeline.h"

#include <assert.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

#include "alloc.h"

#define ID_TRIES      16
#define PREFIX        2
#define MESSAGE_LEAST 12   /* a header; less can only be noise */
#define BUFFER_KEPT   4096 /* octets an idle connection may hold on to */
/* An end so soon after an answer is the answer's doing, and not that of a server which is tired of
 * an idle connection. */
#define SPENT_MS 1000

_Static_assert((PIPELINE_SLOTS & (PIPELINE_SLOTS - 1)) == 0, "an id's lower bits are its slot");

struct pipeline_stream {
    struct pipeline *pipeline;
    struct pipeline_stream *next;
    struct network_socket *socket; /* NULL: closed, to be freed */
    bool connected;
    bool late;    /* takes no new question before it is connected */
    bool leaving; /* takes no new question any more */
    bool busy;    /* in its own callback: not to be freed */
    uint64_t born, used;
    uint64_t heard;    /* when a question was answered that is still waited for */
    uint64_t answered; /* when any message came */
    unsigned asked, answers, owed;
    uint8_t *bytes; /* of one message with its prefix, as far as it has come */
    size_t length, room;
    struct pipeline_ask *slots[PIPELINE_SLOTS];
};

struct pipeline {
    struct network *network;
    struct stats *stats;
    const struct sockaddr *to; /* lent */
    pipeline_fn *fn;
    void *arg;
    struct pipeline_stream *streams; /* newest first */
    unsigned share;                  /* questions a connection is good for … */
    uint64_t share_until;            /* … up to then; 0: as many as there are */
    struct network_timer *cut;       /* set while too many take no new question */
};

static void on_cut(void *arg, uint64_t now);

struct pipeline *pipeline_new(struct network *network, const struct sockaddr *to,
                              struct stats *stats, pipeline_fn *fn, void *arg)
{
    struct pipeline *p = alloc_array(1, sizeof *p);

    p->network = network;
    p->stats = stats;
    p->to = to;
    p->fn = fn;
    p->arg = arg;
    p->cut = network->timer(network, on_cut, p);
    return p;
}

/* ---- connections come and go ---- */

static void free_stream(struct pipeline_stream *s)
{
    struct pipeline_stream **at = &s->pipeline->streams;

    while (*at != s)
        at = &(*at)->next;
    *at = s->next;
    free(s->bytes);
    free(s);
}

/* True if the connection had its share of questions. */
static bool is_full(const struct pipeline_stream *s, uint64_t now)
{
    return now < s->pipeline->share_until && s->asked >= s->pipeline->share;
}

/* What the end of a connection with questions on it tells of the server. */
static enum pipeline_event take_end(struct pipeline_stream *s, uint64_t now)
{
    struct pipeline *p = s->pipeline;

    if (!s->connected)
        return PIPELINE_REFUSED;
    if (s->answers == 0 || now - s->answered > SPENT_MS)
        return PIPELINE_CLOSED;
    if (s->owed > 0) {
        p->share = s->answers;
        p->share_until = now + PIPELINE_SHORT_MS;
    }
    return PIPELINE_SPENT;
}

/* Ends the connection and tells everybody who waits on it. */
static void break_stream(struct pipeline_stream *s, uint64_t now)
{
    struct pipeline *p = s->pipeline;

    if (s->socket == NULL)
        return;
    enum pipeline_event event = take_end(s, now);
    p->network->close(s->socket);
    s->socket = NULL;
    s->leaving = true;
    for (size_t i = 0; i < PIPELINE_SLOTS && s->owed > 0; i++) {
        struct pipeline_ask *ask = s->slots[i];

        if (ask == NULL)
            continue;
        /* Taken out first: to the asker it is over. */
        s->slots[i] = NULL;
        s->owed--;
        ask->stream = NULL;
        p->fn(p->arg, ask, event, NULL, 0, now);
    }
    if (!s->busy)
        free_stream(s);
}

static void close_if_done(struct pipeline_stream *s)
{
    if (!s->leaving || s->owed > 0 || s->busy || s->socket == NULL)
        return;
    s->pipeline->network->close(s->socket);
    s->socket = NULL;
    free_stream(s);
}

void pipeline_free(struct pipeline *p)
{
    if (p == NULL)
        return;
    while (p->streams != NULL) {
        assert(p->streams->owed == 0);
        p->streams->leaving = true;
        close_if_done(p->streams);
    }
    p->network->timer_free(p->cut);
    free(p);
}

static void on_network(void *arg, enum network_event event, const uint8_t *data, size_t size,
                       uint64_t now);

static struct pipeline_stream *open_stream(struct pipeline *p, uint64_t now)
{
    struct pipeline_stream *s = alloc_array(1, sizeof *s);

    s->socket = p->network->stream(p->network, p->to, on_network, s);
    if (s->socket == NULL) {
        free(s);
        return NULL;
    }
    s->pipeline = p;
    s->born = s->heard = s->used = now;
    s->next = p->streams;
    p->streams = s;
    return s;
}

/* The oldest of the connections that take no new question, if they are too many; or NULL. */
static struct pipeline_stream *find_to_cut(const struct pipeline *p)
{
    struct pipeline_stream *oldest = NULL;
    unsigned leaving = 0;

    for (struct pipeline_stream *s = p->streams; s != NULL; s = s->next) {
        if ((!s->leaving && !s->late) || s->busy)
            continue;
        oldest = s;
        leaving++;
    }
    return leaving > PIPELINE_LEAVING_MAX ? oldest : NULL;
}

/* By a timer only: who waits on it is told, and may be in the middle of asking when it is found
 * out. */
static void cut_soon(struct pipeline *p, uint64_t now)
{
    if (find_to_cut(p) != NULL)
        p->network->timer_set(p->cut, now, 0);
}

/* One at a time, for who is told may change the list. */
static void on_cut(void *arg, uint64_t now)
{
    struct pipeline *p = arg;
    struct pipeline_stream *s = find_to_cut(p);

    if (s == NULL)
        return;
    break_stream(s, now);
    cut_soon(p, now);
}

static bool is_better(const struct pipeline_stream *s, const struct pipeline_stream *than,
                      uint64_t now)
{
    if (than == NULL || is_full(s, now) != is_full(than, now))
        return than == NULL || is_full(than, now);
    return s->owed < than->owed;
}

static struct pipeline_stream *choose(struct pipeline *p, uint64_t now)
{
    struct pipeline_stream *best = NULL, *fresh;
    unsigned open = 0;
    unsigned most = now < p->share_until ? PIPELINE_STREAMS_SHORT : PIPELINE_STREAMS_MAX;

    for (struct pipeline_stream *s = p->streams; s != NULL; s = s->next) {
        s->leaving = s->leaving || now - s->born >= PIPELINE_AGE_MS;
        if (s->leaving || s->late)
            continue;
        open++;
        if (is_better(s, best, now))
            best = s;
    }
    if (best != NULL && ((best->owed < PIPELINE_BUSY && !is_full(best, now)) || open >= most))
        return best;
    cut_soon(p, now);
    fresh = open_stream(p, now);
    return fresh != NULL ? fresh : best;
}

/* ---- questions ---- */

static bool take_slot(struct pipeline_stream *s, struct pipeline_ask *ask, uint64_t now)
{
    struct network *network = s->pipeline->network;

    for (unsigned i = 0; i < ID_TRIES; i++) {
        uint16_t id;

        network->random(network, &id, sizeof id);
        if (s->slots[id % PIPELINE_SLOTS] != NULL)
            continue;
        s->slots[id % PIPELINE_SLOTS] = ask;
        s->owed++;
        s->asked++;
        s->used = now;
        *ask = (struct pipeline_ask){.stream = s, .id = id, .sent_at = now};
        return true;
    }
    return false;
}

bool pipeline_write(struct pipeline_ask *ask, uint8_t *framed, size_t size)
{
    struct pipeline_stream *s = ask->stream;

    framed[0] = (uint8_t)(size >> 8);
    framed[1] = (uint8_t)size;
    framed[2] = (uint8_t)(ask->id >> 8);
    framed[3] = (uint8_t)ask->id;
    if (s->pipeline->network->send(s->socket, framed, PREFIX + size))
        return true;
    /* Full or broken: others may still hear from it, new ones go elsewhere. */
    s->leaving = true;
    pipeline_drop(ask);
    return false;
}

bool pipeline_send(struct pipeline *p, struct pipeline_ask *ask, uint8_t *framed, size_t size,
                   uint64_t now)
{
    struct pipeline_stream *s = choose(p, now);

    ask->stream = NULL;
    assert(size <= PIPELINE_MESSAGE_MAX);
    if (s == NULL || !take_slot(s, ask, now))
        return false;
    return !s->connected || pipeline_write(ask, framed, size);
}

void pipeline_drop(struct pipeline_ask *ask)
{
    struct pipeline_stream *s = ask->stream;

    if (s == NULL)
        return;
    assert(s->slots[ask->id % PIPELINE_SLOTS] == ask);
    s->slots[ask->id % PIPELINE_SLOTS] = NULL;
    s->owed--;
    ask->stream = NULL;
    close_if_done(s);
}

void pipeline_doubt(struct pipeline_ask *ask, uint64_t now)
{
    struct pipeline_stream *s = ask->stream;

    if (s == NULL || s->heard > ask->sent_at || now <= ask->sent_at)
        return;
    if (s->connected)
        s->leaving = true;
    else
        s->late = true;
}

/* Those who asked while it was being made may write now.  They may drop each other meanwhile. */
static void on_connected(struct pipeline_stream *s, uint64_t now)
{
    struct pipeline_ask *asks[PIPELINE_SLOTS];

    s->connected = true;
    s->late = false;
    memcpy(asks, s->slots, sizeof asks);
    for (size_t i = 0; i < PIPELINE_SLOTS; i++) {
        if (asks[i] == NULL || s->slots[i] != asks[i] || s->socket == NULL)
            continue;
        asks[i]->sent_at = now;
        s->pipeline->fn(s->pipeline->arg, asks[i], PIPELINE_READY, NULL, 0, now);
    }
}

/* One whole message.  False: the far end makes no sense. */
static bool on_message(struct pipeline_stream *s, const uint8_t *message, size_t size, uint64_t now)
{
    struct pipeline *p = s->pipeline;
    struct pipeline_ask *ask;
    uint16_t id;

    if (size < MESSAGE_LEAST)
        return false;
    id = (uint16_t)(message[0] << 8 | message[1]);
    ask = s->slots[id % PIPELINE_SLOTS];
    s->answers++;
    s->answered = now;
    if (ask != NULL && ask->id == id && p->fn(p->arg, ask, PIPELINE_REPLY, message, size, now))
        s->heard = now;
    else
        stats_count(p->stats, STATS_UPSTREAM_BAD);
    return true;
}

/* Octets still wanted before anything can be done with what has come. */
static size_t wanted(const struct pipeline_stream *s)
{
    if (s->length < PREFIX)
        return PREFIX - s->length;
    return PREFIX + (size_t)(s->bytes[0] << 8 | s->bytes[1]) - s->length;
}

/* Takes in octets and hands out whole messages.  False: the far end makes no sense. */
static bool take_octets(struct pipeline_stream *s, const uint8_t *data, size_t size, uint64_t now)
{
    while (size > 0 && s->socket != NULL) {
        size_t part = wanted(s) < size ? wanted(s) : size;

        if (s->length + part > s->room) {
            s->room = s->length + part;
            s->bytes = alloc_resize(s->bytes, s->room, 1);
        }
        memcpy(s->bytes + s->length, data, part);
        s->length += part;
        data += part;
        size -= part;
        if (s->length < PREFIX || wanted(s) > 0)
            continue;
        if (!on_message(s, s->bytes + PREFIX, s->length - PREFIX, now))
            return false;
        s->length = 0;
        if (s->room > BUFFER_KEPT) {
            free(s->bytes);
            s->bytes = NULL;
            s->room = 0;
        }
    }
    return true;
}

static void on_network(void *arg, enum network_event event, const uint8_t *data, size_t size,
                       uint64_t now)
{
    struct pipeline_stream *s = arg;
    bool broken = event == NETWORK_CLOSED;

    s->busy = true;
    if (event == NETWORK_CONNECTED)
        on_connected(s, now);
    else if (event == NETWORK_DATA)
        broken = !take_octets(s, data, size, now);
    if (broken)
        break_stream(s, now);
    s->busy = false;
    if (s->socket == NULL)
        free_stream(s);
    else
        close_if_done(s);
}

void pipeline_sweep(struct pipeline *p, uint64_t now)
{
    struct pipeline_stream *next;

    for (struct pipeline_stream *s = p->streams; s != NULL; s = next) {
        next = s->next;
        if (now - s->born >= PIPELINE_AGE_MS)
            s->leaving = true;
        if (!s->connected && now - s->born >= PIPELINE_CONNECT_MS) {
            break_stream(s, now);
            next = p->streams; /* who was told may have changed the list: look again */
        } else if (s->owed == 0 && (s->leaving || now - s->used >= PIPELINE_IDLE_MS)) {
            s->leaving = true;
            close_if_done(s);
        }
    }
}

size_t pipeline_streams(const struct pipeline *p)
{
    size_t n = 0;

    for (const struct pipeline_stream *s = p->streams; s != NULL; s = s->next)
        n++;
    return n;
}
