#include "upstream.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "alloc.h"
#include "log.h"
#include "loop.h"
#include "question.h"
#include "roundtrip.h"
#include "tls.h"

#define TICK_MS 1000

static const uint8_t root[] = {0};
static const struct reply_question probe_question = {
    .name = root, .name_size = 1, .type = 2 /* NS */, .class = 1};

struct upstream {
    struct network *network;
    struct network *secure; /* the same behind TLS, or NULL */
    struct config_upstream server;
    struct loop_member *loop; /* NULL: nobody looks for loops */
    struct stats *stats;
    upstream_fn *fn;
    struct portpool *datagrams;
    struct pipeline *streams;
    struct network_timer *tick; /* set while there are sockets */
    bool ticking;
    struct roundtrip roundtrip;
    uint64_t longest;       /* no reply takes longer, unless this process was stopped meanwhile */
    unsigned unanswered;    /* in a row */
    unsigned refusals;      /* in a row */
    uint64_t refused;       /* when that was the last time … */
    const void *refused_by; /* … and of what socket: one message counts once, whoever waits on it */
    unsigned ends;          /* connections in a row that ended with questions on them … */
    uint64_t ended;         /* … and when the last one did: it counts once, whoever waits on it */
    uint64_t heard;
    struct {
        uint64_t queries, replies, unanswered;
    } sums; /* for people */
    struct network_timer *probe_timer;
    bool probing;
    uint64_t probe_delay;
    struct upstream_ask probe;
    struct log_limit log_limit;
};

/* ---- what comes from the sockets ---- */

static size_t write_probe(uint8_t *room)
{
    return question_write(room + 2, &probe_question, root, true);
}

/* Any reply to a probe shows that the server lives; for the rest its timer goes on. */
static bool on_probe(struct upstream_ask *ask, enum upstream_event event, const uint8_t *message,
                     size_t size, uint64_t now)
{
    uint8_t room[2 + QUESTION_MAX];
    struct reply reply;

    if (event == UPSTREAM_READY)
        return upstream_write(ask, room, write_probe(room));
    if (event != UPSTREAM_REPLY)
        return true;
    if (reply_check(message, size, upstream_id(ask), root, &probe_question, &reply) ==
        REPLY_NOT_OURS)
        return false;
    upstream_heard(ask, now);
    upstream_drop(ask);
    return true;
}

static bool tell(struct upstream *u, struct upstream_ask *ask, enum upstream_event event,
                 const uint8_t *message, size_t size, uint64_t now)
{
    if (ask == &u->probe)
        return on_probe(ask, event, message, size, now);
    return u->fn(ask, event, message, size, now);
}

static void doubt(struct upstream *u, const char *why, uint64_t now);

/* An ask counts once, whatever is found out about it in turn. */
static void count_unanswered(struct upstream_ask *ask)
{
    ask->upstream->sums.unanswered += !ask->unanswered;
    ask->unanswered = true;
}

static void count_refusal(struct upstream_ask *ask, const void *socket, uint64_t now)
{
    struct upstream *u = ask->upstream;

    if (!ask->tcp || u->server.transport != CONFIG_UDP) { /* else it may well answer over UDP */
        u->refusals += u->refusals == 0 || u->refused != now || u->refused_by != socket;
        u->refused = now;
        u->refused_by = socket;
    }
    upstream_overdue(ask, now);
}

/* One that is kept may end just as we write; who ends the next one, too, does not answer. */
static void count_end(struct upstream_ask *ask, uint64_t now)
{
    struct upstream *u = ask->upstream;

    count_unanswered(ask);
    if (u->ends > 0 && u->ended == now)
        return;
    u->ended = now;
    if (++u->ends >= UPSTREAM_ENDS)
        doubt(u, "its connections end", now);
}

/* True for what stands between us and this server; false for what would stop any message. */
static bool is_its_own(int error)
{
    return error == ENETUNREACH || error == EHOSTUNREACH || error == EAFNOSUPPORT ||
           error == EADDRNOTAVAIL || error == EPERM || error == EACCES;
}

/* It could not be sent. */
RARE static void count_unsent(struct upstream *u, int error, uint64_t now)
{
    if (!is_its_own(error))
        return;
    u->refusals++;
    u->refused = now;
    u->refused_by = NULL;
    doubt(u, strerrordesc_np(error), now);
}

static struct upstream_ask *ask_of(struct portpool_ask *part)
{
    return (struct upstream_ask *)((char *)part - offsetof(struct upstream_ask, datagram));
}

static bool on_datagram(void *arg, struct portpool_ask *part, enum portpool_event event,
                        const uint8_t *message, size_t size, uint64_t now)
{
    static const enum upstream_event events[] = {
        [PORTPOOL_REPLY] = UPSTREAM_REPLY,
        [PORTPOOL_UNSENT] = UPSTREAM_UNSENT,
        [PORTPOOL_ERROR] = UPSTREAM_ERROR,
        [PORTPOOL_FLOODED] = UPSTREAM_FLOODED,
    };
    struct upstream_ask *ask = ask_of(part);

    if (event == PORTPOOL_ERROR) {
        count_refusal(ask, part->socket, now);
    } else if (event == PORTPOOL_UNSENT) {
        count_unsent(arg, errno, now);
        count_unanswered(ask);
        ask->upstream = NULL;
    }
    return tell(arg, ask, events[event], message, size, now);
}

static bool on_stream(void *arg, struct pipeline_ask *part, enum pipeline_event event,
                      const uint8_t *message, size_t size, uint64_t now)
{
    struct upstream_ask *ask =
        (struct upstream_ask *)((char *)part - offsetof(struct upstream_ask, stream));
    enum upstream_event end = UPSTREAM_SPENT;

    switch (event) {
    case PIPELINE_READY:
        ask->sent_at = now; /* how long the connection took is not how long an answer takes */
        return tell(arg, ask, UPSTREAM_READY, NULL, 0, now);
    case PIPELINE_REPLY:
        return tell(arg, ask, UPSTREAM_REPLY, message, size, now);
    case PIPELINE_REFUSED:
        count_refusal(ask, ask->upstream->streams, now);
        end = UPSTREAM_REFUSED;
        break;
    case PIPELINE_CLOSED:
        count_end(ask, now);
        end = UPSTREAM_CLOSED;
        break;
    case PIPELINE_SPENT:
        count_unanswered(ask);
    }
    ask->upstream = NULL;
    return tell(arg, ask, end, NULL, 0, now);
}

static void on_tick(void *arg, uint64_t now)
{
    struct upstream *u = arg;

    portpool_sweep(u->datagrams, now);
    pipeline_sweep(u->streams, now);
    u->ticking = portpool_sockets(u->datagrams) + pipeline_streams(u->streams) > 0;
    if (u->ticking)
        u->network->timer_set(u->tick, now, TICK_MS);
}

/* ---- probing ---- */

/* Between half and all of it. */
static uint64_t jitter(struct upstream *u, uint64_t ms)
{
    uint16_t dice;

    u->network->random(u->network, &dice, sizeof dice);
    return ms - (ms / 2 * dice >> 16);
}

RARE static void start_probing(struct upstream *u, uint64_t now, uint64_t delay)
{
    if (u->probing)
        return;
    u->probing = true;
    u->probe_delay = UPSTREAM_PROBE_FIRST_MS;
    u->network->timer_set(u->probe_timer, now, delay);
}

static void on_probe_timer(void *arg, uint64_t now)
{
    struct upstream *u = arg;
    uint8_t room[2 + QUESTION_MAX];

    if (u->probe.upstream != NULL)
        upstream_overdue(&u->probe, now);
    upstream_drop(&u->probe);
    configaddress_follow(&u->server);
    portpool_renew(u->datagrams); /* the ways back to its ports may be lost, and not the server */
    if (!upstream_send(u, &u->probe, room, write_probe(room), false, now))
        log_debug("probe not sent", "upstream=%s", u->server.text);
    u->network->timer_set(u->probe_timer, now, jitter(u, u->probe_delay));
    u->probe_delay =
        u->probe_delay * 2 < UPSTREAM_PROBE_MAX_MS ? u->probe_delay * 2 : UPSTREAM_PROBE_MAX_MS;
}

RARE void upstream_let_be(struct upstream *u)
{
    u->probing = false;
    u->network->timer_clear(u->probe_timer);
    upstream_drop(&u->probe);
}

void upstream_touch(struct upstream *u, uint64_t now)
{
    u->heard = u->heard != 0 ? u->heard : now; /* it has its time from the first question on */
    if (!u->probing && now - u->heard >= UPSTREAM_FRESH_MS)
        start_probing(u, now, jitter(u, UPSTREAM_PROBE_FIRST_MS));
}

/* ---- life ---- */

struct upstream *upstream_new(struct network *network, const struct config_upstream *server,
                              const struct config *config, struct stats *stats, upstream_fn *fn,
                              network_socket_fn *hear)
{
    struct upstream *u = alloc_array(1, sizeof *u);

    u->network = network;
    u->server = *server;
    u->loop = config->forward.loop != NULL ? loop_join(config->forward.loop, server) : NULL;
    u->longest = config->forward.timeout_ms + UPSTREAM_PROBE_MAX_MS;
    u->stats = stats;
    u->fn = fn;
    u->datagrams = portpool_new(network, &u->server.address.any, stats, on_datagram, u, hear);
    if (server->transport == CONFIG_TLS)
        u->secure = tls_network_new(network, config->forward.trust, server->name, server->text);
    u->streams = pipeline_new(u->secure != NULL ? u->secure : network, &u->server.address.any,
                              stats, on_stream, u);
    u->tick = network->timer(network, on_tick, u);
    u->probe_timer = network->timer(network, on_probe_timer, u);
    return u;
}

void upstream_free(struct upstream *u)
{
    if (u == NULL)
        return;
    upstream_drop(&u->probe);
    portpool_free(u->datagrams);
    pipeline_free(u->streams);
    tls_network_free(u->secure);
    u->network->timer_free(u->tick);
    u->network->timer_free(u->probe_timer);
    loop_leave(u->loop);
    free(u);
}

const struct config_upstream *upstream_server(const struct upstream *u)
{
    return &u->server;
}

/* ---- questions ---- */

bool upstream_over_tcp(const struct upstream *u, bool wanted)
{
    return wanted || u->server.transport != CONFIG_UDP;
}

static size_t fill_up(const struct upstream *u, uint8_t *room, size_t size)
{
    return u->server.transport == CONFIG_TLS ? question_pad(room + 2, size) : size;
}

RARE static void start_ticking(struct upstream *u, uint64_t now)
{
    u->ticking = true;
    u->network->timer_set(u->tick, now, TICK_MS);
}

/* True if it was sent. */
static bool note_sent(struct upstream *u, struct upstream_ask *ask, bool sent, uint64_t now)
{
    if (!u->ticking)
        start_ticking(u, now);
    if (!sent) {
        count_unsent(u, errno, now);
        ask->upstream = NULL;
        return false;
    }
    ask->upstream = u;
    ask->unanswered = false;
    ask->sent_at = now;
    stats_count(u->stats, STATS_UPSTREAM_QUERIES);
    u->sums.queries++;
    return true;
}

bool upstream_post(struct upstream *u, struct upstream_ask *ask, uint8_t *message, size_t size,
                   uint64_t now)
{
    ask->tcp = false;
    return note_sent(
        u, ask, portpool_send(u->datagrams, &ask->datagram, ask->about, message, size, now), now);
}

APART bool upstream_send(struct upstream *u, struct upstream_ask *ask, uint8_t *room, size_t size,
                         bool tcp, uint64_t now)
{
    assert(size <= QUESTION_MAX);
    if (!upstream_over_tcp(u, tcp))
        return upstream_post(u, ask, room + 2, size, now);
    ask->tcp = true;
    errno = 0;
    return note_sent(
        u, ask, pipeline_send(u->streams, &ask->stream, room, fill_up(u, room, size), now), now);
}

struct upstream_ask *upstream_meet(struct portpool_socket *s, const uint8_t *message, size_t size)
{
    struct portpool_ask *part = portpool_find(s, message, size);

    if (part == NULL || ask_of(part)->owner == NULL)
        return NULL;
    portpool_hold(s);
    return ask_of(part);
}

bool upstream_write(struct upstream_ask *ask, uint8_t *room, size_t size)
{
    if (pipeline_write(&ask->stream, room, fill_up(ask->upstream, room, size)))
        return true;
    ask->upstream = NULL;
    return false;
}

void upstream_drop(struct upstream_ask *ask)
{
    if (ask->upstream == NULL)
        return;
    if (!ask->tcp)
        portpool_drop(&ask->datagram);
    else
        pipeline_drop(&ask->stream);
    ask->upstream = NULL;
}

uint16_t upstream_id(const struct upstream_ask *ask)
{
    return ask->tcp ? ask->stream.id : ask->datagram.id;
}

/* ---- how it does ---- */

/* It was doubted, in one way or another. */
RARE static void trust_again(struct upstream *u, uint64_t now)
{
    uint64_t suppressed, silent = now - u->heard;

    if (u->unanswered >= UPSTREAM_DOWN_AFTER)
        portpool_renew(u->datagrams);
    if (u->unanswered >= UPSTREAM_DOWN_AFTER && log_allowed(&u->log_limit, now, &suppressed))
        log_info("upstream answers again", "upstream=%s silent_ms=%llu suppressed=%llu",
                 u->server.text, (unsigned long long)silent, (unsigned long long)suppressed);
    u->unanswered = u->refusals = u->ends = 0;
    upstream_let_be(u);
}

void upstream_heard(struct upstream_ask *ask, uint64_t now)
{
    struct upstream *u = ask->upstream;

    u->sums.replies++;
    if ((!ask->tcp || u->server.transport != CONFIG_UDP) && now - ask->sent_at <= u->longest)
        roundtrip_add(&u->roundtrip, now - ask->sent_at);
    if ((u->unanswered | u->refusals | u->ends) != 0 || u->probing)
        trust_again(u, now);
    u->heard = now;
}

/* It has left something unanswered. */
static void doubt(struct upstream *u, const char *why, uint64_t now)
{
    uint64_t suppressed;

    u->unanswered++;
    if (u->unanswered == UPSTREAM_DOWN_AFTER && log_allowed(&u->log_limit, now, &suppressed))
        log_warning("upstream silent",
                    "upstream=%s unanswered=%u why=\"%s\" suppressed=%llu action=\"others are "
                    "asked first; probed until it answers\"",
                    u->server.text, u->unanswered, why, (unsigned long long)suppressed);
    start_probing(u, now, jitter(u, UPSTREAM_PROBE_FIRST_MS));
}

void upstream_overdue(struct upstream_ask *ask, uint64_t now)
{
    struct upstream *u = ask->upstream;
    const char *refused =
        u->secure != NULL ? "no TLS connection can be made" : "nobody listens there";

    count_unanswered(ask);
    if (ask->tcp)
        pipeline_doubt(&ask->stream, now);
    if (u->heard <= ask->sent_at) /* else it lives, and only this one is slow or lost */
        doubt(u, u->refusals > 0 ? refused : "no reply", now);
}

void upstream_read(const struct upstream *u, struct upstream_state *out)
{
    *out = (struct upstream_state){
        .doubted = upstream_doubted(u),
        .measured = u->roundtrip.known,
        .round_trip_us = roundtrip_us(&u->roundtrip),
        .queries = u->sums.queries,
        .replies = u->sums.replies,
        .unanswered = u->sums.unanswered,
    };
    memcpy(out->text, u->server.text, strnlen(u->server.text, sizeof out->text - 1));
}

bool upstream_loops(const struct upstream *u, uint64_t now)
{
    return loop_has(u->loop, now);
}

bool upstream_doubted(const struct upstream *u)
{
    return u->unanswered > 0;
}

bool upstream_refuses(const struct upstream *u, uint64_t now)
{
    return u->refusals >= UPSTREAM_REFUSALS && now - u->refused < UPSTREAM_REFUSED_MS;
}

uint64_t upstream_round_trip(const struct upstream *u)
{
    return u->roundtrip.known ? roundtrip_ms(&u->roundtrip) : UPSTREAM_WAIT_FIRST_MS / 2;
}

/* Of a server that is not there for all questions at once, or not for this one. */
APART static uint64_t wait_longer(const struct upstream *u, uint64_t wait, unsigned overdue,
                                  bool tcp, uint64_t now)
{
    if (upstream_refuses(u, now)) {
        overdue = 0;
        wait = u->roundtrip.known ? wait : UPSTREAM_WAIT_LEAST_MS;
    }
    if (wait < UPSTREAM_WAIT_LEAST_MS)
        wait = UPSTREAM_WAIT_LEAST_MS;
    if (tcp && wait < UPSTREAM_WAIT_TCP_MS)
        wait = UPSTREAM_WAIT_TCP_MS;
    for (; overdue > 0 && wait < UPSTREAM_WAIT_MAX_MS; overdue--)
        wait *= 2;
    return wait < UPSTREAM_WAIT_MAX_MS ? wait : UPSTREAM_WAIT_MAX_MS;
}

uint64_t upstream_wait(const struct upstream *u, unsigned overdue, bool tcp, uint64_t now)
{
    uint64_t wait = u->roundtrip.known ? roundtrip_most_ms(&u->roundtrip) : UPSTREAM_WAIT_FIRST_MS;

    if (u->refusals > 0 || overdue > 0 || tcp)
        return wait_longer(u, wait, overdue, tcp, now);
    if (wait < UPSTREAM_WAIT_LEAST_MS)
        return UPSTREAM_WAIT_LEAST_MS;
    return wait < UPSTREAM_WAIT_MAX_MS ? wait : UPSTREAM_WAIT_MAX_MS;
}
