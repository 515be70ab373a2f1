#include "query.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "alloc.h"
#include "chain.h"
#include "chaos.h"
#include "clock.h"
#include "cookie.h"
#include "owned.h"
#include "querylog.h"
#include "relay.h"
#include "special.h"
#include "table.h"
#include "wire.h"

#define HINFO_TTL 3600 /* seconds */

struct query_desk {
    const struct config *config;
    struct publish *table;
    struct cache *cache;
    struct stats *stats;
    struct forward *forward;
    const struct query_facts *facts;
    unsigned turn; /* rotates the addresses */
    uint8_t cookie_secret[COOKIE_SECRET_SIZE];
    struct waiting *first; /* questions that wait for an upstream */
    size_t waiting;
    uint8_t *stored; /* room for one message out of the cache … */
    uint8_t *late;   /* … and for one late reply; QUERY_REPLY_MAX octets each */
};

/* A client that waits for an upstream.  Lives from ask_upstream() to end_wait(). */
struct waiting {
    struct query_desk *desk;
    struct waiting *next, **link; /* 'link' is what points to this one */
    struct forward_job *job;
    struct query_client client;
    struct wire_query wire; /* points into 'packet' */
    size_t space;
    uint8_t packet[WIRE_QUESTION_MAX];
};

/* One query while it is being worked on. */
struct query {
    struct query_desk *desk;
    const struct query_client *client;
    const struct table *table;
    uint64_t now;
    const uint8_t *packet; /* as it came; NULL after a wait */
    size_t size;
    uint8_t *out;
    size_t space;
    const char *how; /* for the query log */
    struct wire_query wire;
    struct wire_reply reply;
    struct reply_question question;
    uint8_t folded[WIRE_NAME_MAX];
};

enum stage { STAGE_NEXT, STAGE_DONE, STAGE_SILENT, STAGE_WAIT };

static enum stage fail(struct query *q, enum wire_ede code, const char *why)
{
    wire_reply_explain(&q->reply, code, why);
    q->reply.rcode = WIRE_SERVFAIL;
    return STAGE_DONE;
}

static enum stage refuse(struct query *q, enum wire_rcode rcode)
{
    q->reply.rcode = (uint16_t)rcode;
    return STAGE_DONE;
}

/* ---- the stages, in the order in which a query meets them ---- */

/* Everything a reply needs before anything is decided. */
static void start_reply(struct query *q)
{
    const struct config *config = q->desk->config;
    size_t limit = wire_limit(&q->wire, q->client->tcp, config->udp_size);
    struct wire_reply *r = &q->reply;

    wire_reply_begin(r, &q->wire, q->out, limit < q->space ? limit : q->space, config->udp_size);
    if (q->wire.cookie) {
        uint8_t cookie[COOKIE_CLIENT_SIZE + COOKIE_SERVER_SIZE];
        memcpy(cookie, q->wire.client_cookie, COOKIE_CLIENT_SIZE);
        cookie_make(q->desk->cookie_secret, cookie, (uint32_t)(clock_wall_us() / 1000000),
                    &q->client->address.any, cookie + COOKIE_CLIENT_SIZE);
        wire_reply_option(r, WIRE_OPTION_COOKIE, cookie, sizeof cookie);
    }
    if (q->wire.keepalive && q->client->tcp) {
        uint64_t units = config->limits.tcp_idle_ms / 100; /* RFC 7828 */
        uint8_t timeout[2];
        wire_put16(timeout, (uint16_t)(units < UINT16_MAX ? units : UINT16_MAX));
        wire_reply_option(r, WIRE_OPTION_KEEPALIVE, timeout, sizeof timeout);
    }
    if (q->wire.nsid && !config->identity_hidden) {
        size_t size = strlen(config->instance);
        wire_reply_option(r, WIRE_OPTION_NSID, config->instance,
                          size < WIRE_NSID_MAX ? size : WIRE_NSID_MAX);
    }
}

static bool is_loopback(const union config_address *a)
{
    return a->any.sa_family == AF_INET ? (ntohl(a->v4.sin_addr.s_addr) >> 24) == IN_LOOPBACKNET
                                       : IN6_IS_ADDR_LOOPBACK(&a->v6.sin6_addr);
}

/* True if 'from' is 'listen', an address of ours; of a wildcard only loopback is surely our own. */
static bool is_same(const union config_address *from, const union config_address *listen)
{
    if (from->any.sa_family != listen->any.sa_family)
        return false;
    if (from->any.sa_family == AF_INET)
        return from->v4.sin_port == listen->v4.sin_port &&
               (from->v4.sin_addr.s_addr == listen->v4.sin_addr.s_addr ||
                (listen->v4.sin_addr.s_addr == INADDR_ANY && is_loopback(from)));
    return from->v6.sin6_port == listen->v6.sin6_port &&
           (IN6_ARE_ADDR_EQUAL(&from->v6.sin6_addr, &listen->v6.sin6_addr) ||
            (IN6_IS_ADDR_UNSPECIFIED(&listen->v6.sin6_addr) && is_loopback(from)));
}

/* A reply to ourselves, or to a port that nobody can have, would go round for ever or nowhere. */
static enum stage shun_ourselves(struct query *q)
{
    const union config_address *from = &q->client->address;
    const struct config *config = q->desk->config;
    uint16_t port = from->any.sa_family == AF_INET ? from->v4.sin_port : from->v6.sin6_port;
    bool ours = port == 0;

    for (size_t i = 0; i < config->listen_length && !ours; i++)
        ours = is_same(from, &config->listen[i]);
    if (!ours)
        return STAGE_NEXT;
    stats_count(q->desk->stats, STATS_DROPPED_SELF);
    return STAGE_SILENT;
}

static enum stage decode(struct query *q)
{
    struct stats *stats = q->desk->stats;
    enum wire_verdict verdict = wire_decode(&q->wire, q->packet, q->size);

    if (verdict == WIRE_RUNT || verdict == WIRE_RESPONSE) {
        stats_count(stats, verdict == WIRE_RUNT ? STATS_DROPPED_RUNT : STATS_DROPPED_RESPONSE);
        return STAGE_SILENT;
    }
    start_reply(q);
    q->how = "malformed";
    switch (verdict) {
    case WIRE_OPCODE:
        stats_count(stats, STATS_NOTIMP);
        wire_reply_explain(&q->reply, WIRE_EDE_NOT_SUPPORTED, "");
        return refuse(q, WIRE_NOTIMP);
    case WIRE_MALFORMED:
        stats_count(stats, STATS_FORMERR);
        return refuse(q, WIRE_FORMERR);
    case WIRE_VERSION:
        stats_count(stats, STATS_BADVERS);
        return refuse(q, WIRE_BADVERS);
    default:
        return STAGE_NEXT;
    }
}

static enum stage admit(struct query *q)
{
    const struct config *config = q->desk->config;

    if (netblock_contains(&config->allow, &q->client->address.any))
        return STAGE_NEXT;
    if (config->otherwise == CONFIG_DROP) {
        stats_count(q->desk->stats, STATS_DROPPED_CLIENT);
        return STAGE_SILENT;
    }
    stats_count(q->desk->stats, STATS_REFUSED_CLIENT);
    q->how = "client";
    wire_reply_explain(&q->reply, WIRE_EDE_PROHIBITED, "not in clients.allow");
    return refuse(q, WIRE_REFUSED);
}

static enum stage diagnose(struct query *q)
{
    const struct query_desk *desk = q->desk;
    char upstreams[512];

    if (q->wire.class != WIRE_CHAOS)
        return STAGE_NEXT;
    stats_count(desk->stats, STATS_CHAOS);
    q->how = "chaos";
    if (!netblock_contains(&desk->config->diagnostics, &q->client->address.any)) {
        wire_reply_explain(&q->reply, WIRE_EDE_PROHIBITED, "not in diagnostics.clients");
        return refuse(q, WIRE_REFUSED);
    }
    dname_fold(q->folded, wire_name(&q->wire));
    struct chaos_facts facts = {
        .config = desk->config,
        .table = q->table,
        .upstreams = forward_describe(desk->forward, q->folded, upstreams, sizeof upstreams),
        .dated = desk->facts != NULL,
    };
    if (facts.dated) {
        uint64_t published = atomic_load(&desk->facts->published_ms);
        facts.age_ms = q->now > published ? q->now - published : 0;
        facts.refused = atomic_load(&desk->facts->refused);
    }
    chaos_write(&q->reply, &facts);
    return STAGE_DONE;
}

static enum stage refuse_class(struct query *q)
{
    q->how = "class";
    return q->wire.class == WIRE_IN ? STAGE_NEXT : refuse(q, WIRE_REFUSED);
}

static enum stage refuse_type(struct query *q)
{
    q->how = "type";
    switch (q->wire.type) {
    case WIRE_AXFR:
    case WIRE_IXFR:
        return refuse(q, WIRE_REFUSED);
    case WIRE_MAILA:
    case WIRE_MAILB:
    case WIRE_OPT:
    case WIRE_TSIG:
    case WIRE_TKEY:
        stats_count(q->desk->stats, STATS_NOTIMP);
        wire_reply_explain(&q->reply, WIRE_EDE_NOT_SUPPORTED, "");
        return refuse(q, WIRE_NOTIMP);
    default:
        return STAGE_NEXT;
    }
}

/* RFC 8482, for every name alike. */
static enum stage answer_any(struct query *q)
{
    static const uint8_t rdata[] = {7, 'R', 'F', 'C', '8', '4', '8', '2', 0};
    struct wire_owner owner = {.name = wire_name(&q->wire), .at = WIRE_HEADER_SIZE};

    if (q->wire.type != WIRE_ANY)
        return STAGE_NEXT;
    q->how = "any";
    wire_reply_record(&q->reply, WIRE_ANSWER, &owner, 0, WIRE_HINFO, WIRE_IN, HINFO_TTL, rdata,
                      sizeof rdata);
    return STAGE_DONE;
}

static void count_owned(struct stats *stats, const struct table_match *match)
{
    static const enum stats_counter counters[] = {
        [TABLE_NXDOMAIN] = STATS_OWNED_NXDOMAIN, [TABLE_NOT_READY] = STATS_OWNED_NOT_READY,
        [TABLE_GONE] = STATS_OWNED_NXDOMAIN,     [TABLE_NO_ZONE] = STATS_OWNED_NXDOMAIN,
        [TABLE_DETACHED] = STATS_DETACHED,       [TABLE_FENCED] = STATS_FENCED,
        [TABLE_SEARCH] = STATS_SEARCH_ABSORBED,
    };

    stats_count(stats, STATS_OWNED);
    if (match->outcome < ARRAY_LENGTH(counters) && counters[match->outcome] != 0)
        stats_count(stats, counters[match->outcome]);
    if (match->regional_fallback)
        stats_count(stats, STATS_OWNED_REGIONAL);
}

static void write_owned(struct query *q, const struct table_match *match)
{
    struct wire_owner owner = {.name = wire_name(&q->wire), .at = WIRE_HEADER_SIZE};

    q->how = "owned";
    count_owned(q->desk->stats, match);
    q->reply.flags |= WIRE_FLAG_AA;
    owned_explain(&q->reply, q->table, match, owner.name);
    owned_write(&q->reply, q->table, match, &owner, q->wire.type, q->desk->turn++);
}

/* Before everything that knows the world outside: an owned name never leaves. */
static enum stage answer_owned(struct query *q)
{
    struct table_match match;

    table_find(q->table, wire_name(&q->wire), &match);
    if (match.placeholder)
        stats_count(q->desk->stats, STATS_PLACEHOLDER);
    if (match.outcome == TABLE_NOT_OWNED)
        return STAGE_NEXT;
    write_owned(q, &match);
    return STAGE_DONE;
}

static enum stage answer_special(struct query *q)
{
    size_t root_offset;
    enum special special = special_find(wire_name(&q->wire), &root_offset);

    if (special == SPECIAL_NONE)
        return STAGE_NEXT;
    q->how = "special";
    stats_count(q->desk->stats, STATS_SPECIAL);
    q->reply.flags |= WIRE_FLAG_AA;
    special_write(&q->reply, special, root_offset);
    return STAGE_DONE;
}

/* The upstream's chain up to the cut, and our own answer for what it leads to. */
static void write_chain(struct query *q, const uint8_t *message, const struct reply *reply,
                        const struct chain_cut *cut)
{
    struct wire_owner target = {.name = cut->target.wire, .at = cut->target_at, .compressed = true};
    struct wire_reply *r = &q->reply;

    stats_count(q->desk->stats, STATS_CHAINS);
    owned_explain(r, q->table, &cut->match, target.name);
    if (owned_rcode(&cut->match) == WIRE_SERVFAIL) {
        r->rcode = WIRE_SERVFAIL;
        return;
    }
    if (relay_records(r, WIRE_ANSWER, message, reply->records_at, reply->hops[cut->hops - 1].end,
                      cut->records))
        owned_write(r, q->table, &cut->match, &target, q->wire.type, q->desk->turn++);
    else
        r->rcode = (uint16_t)owned_rcode(&cut->match);
}

/* A message of an upstream, fresh or stored, as our reply. */
static void write_message(struct query *q, const uint8_t *message, const struct reply *reply)
{
    struct chain_cut cut;

    if (reply->hops_length > 0 && chain_find(q->table, message, reply, &cut))
        write_chain(q, message, reply, &cut);
    else
        relay_message(&q->reply, message, reply);
}

static void make_question(struct query *q)
{
    dname_fold(q->folded, wire_name(&q->wire));
    q->question = (struct reply_question){
        .name = q->folded,
        .name_size = q->wire.name_size,
        .type = q->wire.type,
        .class = q->wire.class,
        .dnssec_ok = q->wire.dnssec_ok,
        .checking_disabled = (q->wire.flags & WIRE_FLAG_CD) != 0,
        .authentic_data = (q->wire.flags & WIRE_FLAG_AD) != 0,
    };
}

/* Writes what the cache holds.  A short one goes straight to where the reply is built.  False: it
 * is the head of a chain whose end is not ours any more. */
static bool write_stored(struct query *q, const struct cache_hit *hit)
{
    struct wire_reply *r = &q->reply;
    bool fits = hit->size <= r->limit;
    uint8_t *to = fits ? q->out : q->desk->stored;
    struct chain_cut cut;

    assert(hit->size <= QUERY_REPLY_MAX);
    cache_write(q->desk->cache, hit, q->now, to);
    if (fits)
        memcpy(q->out, q->wire.packet, q->wire.question_end);
    if (hit->cut && !chain_find(q->table, to, hit->reply, &cut))
        return false;
    write_message(q, to, hit->reply);
    return true;
}

static enum stage serve_stale(struct query *q, const struct cache_hit *hit)
{
    bool nothing = hit->reply->rcode == WIRE_NXDOMAIN;

    wire_reply_explain(&q->reply, nothing ? WIRE_EDE_STALE_NXDOMAIN : WIRE_EDE_STALE, "");
    if (!write_stored(q, hit))
        return fail(q, WIRE_EDE_UNREACHABLE, "");
    q->how = "stale";
    stats_count(q->desk->stats, STATS_CACHE_STALE);
    return STAGE_DONE;
}

static enum stage answer_cached(struct query *q)
{
    const struct query_desk *desk = q->desk;
    struct cache_hit hit;

    make_question(q);
    if (cache_get(desk->cache, &q->question, q->now, &hit) != CACHE_HIT || !write_stored(q, &hit)) {
        stats_count(desk->stats, STATS_CACHE_MISSES);
        return STAGE_NEXT;
    }
    q->how = "cached";
    stats_count(desk->stats, STATS_CACHE_HITS);
    if (hit.refresh && desk->config->cache.prefetch)
        (void)forward_ask(desk->forward, &q->question, q->now, NULL, NULL);
    return STAGE_DONE;
}

static enum stage want_recursion(struct query *q)
{
    q->how = "no recursion";
    return q->wire.flags & WIRE_FLAG_RD ? STAGE_NEXT : refuse(q, WIRE_REFUSED);
}

static enum stage recall_failure(struct query *q)
{
    struct cache *cache = q->desk->cache;
    struct cache_hit hit;

    if (!cache_failed(cache, &q->question, q->now))
        return STAGE_NEXT;
    q->how = "failed before";
    if (cache_get(cache, &q->question, q->now, &hit) == CACHE_STALE)
        return serve_stale(q, &hit);
    return fail(q, WIRE_EDE_UNREACHABLE, "failed a moment ago");
}

static forward_done_fn on_forwarded;

static enum stage ask_upstream(struct query *q)
{
    struct query_desk *desk = q->desk;
    struct waiting *w;

    /* A second look where nothing may slip through: this must never be true. */
    struct table_match match;
    table_find(q->table, q->folded, &match);
    if (match.outcome != TABLE_NOT_OWNED) {
        stats_count(desk->stats, STATS_LEAKS);
        write_owned(q, &match);
        return STAGE_DONE;
    }
    w = alloc_array(1, sizeof *w);
    w->desk = desk;
    w->client = *q->client;
    w->wire = q->wire;
    w->wire.packet = w->packet;
    w->space = q->space;
    memcpy(w->packet, q->wire.packet, q->wire.question_end);
    w->next = desk->first;
    w->link = &desk->first;
    if (w->next != NULL)
        w->next->link = &w->next;
    desk->first = w;
    desk->waiting++;
    stats_count(desk->stats, STATS_FORWARDED);
    w->job = forward_ask(desk->forward, &q->question, q->now, on_forwarded, w);
    return STAGE_WAIT;
}

static enum stage (*const stages[])(struct query *) = {
    shun_ourselves, decode,         admit,        diagnose,       refuse_class,
    refuse_type,    answer_any,     answer_owned, answer_special, answer_cached,
    want_recursion, recall_failure, ask_upstream,
};

/* ---- the way out ---- */

static size_t finish(struct query *q)
{
    static const enum stats_counter counters[] = {
        [WIRE_NOERROR] = STATS_RCODE_NOERROR,   [WIRE_FORMERR] = STATS_RCODE_OTHER,
        [WIRE_SERVFAIL] = STATS_RCODE_SERVFAIL, [WIRE_NXDOMAIN] = STATS_RCODE_NXDOMAIN,
        [WIRE_NOTIMP] = STATS_RCODE_OTHER,      [WIRE_REFUSED] = STATS_RCODE_REFUSED,
    };
    struct query_desk *desk = q->desk;
    uint16_t rcode = q->reply.rcode;

    stats_count(desk->stats, rcode < ARRAY_LENGTH(counters) ? counters[rcode] : STATS_RCODE_OTHER);
    if (q->reply.flags & WIRE_FLAG_TC)
        stats_count(desk->stats, STATS_TRUNCATED);
    if (desk->config->log.queries != CONFIG_QUERIES_OFF)
        querylog_write(desk->config, &q->client->address.any, q->client->tcp, &q->reply, q->how);
    return wire_reply_finish(&q->reply);
}

enum query_result query_handle(struct query_desk *desk, const struct query_client *client,
                               const uint8_t *packet, size_t size, uint8_t *out, size_t space,
                               size_t *out_size, uint64_t now)
{
    struct query q; /* filled in stage by stage; clearing it would cost more than the answer */

    q.desk = desk;
    q.client = client;
    q.table = publish_get(desk->table);
    q.now = now;
    q.packet = packet;
    q.size = size;
    q.out = out;
    q.space = space;
    stats_count(desk->stats, client->tcp ? STATS_TCP_QUERIES : STATS_UDP_QUERIES);
    for (size_t i = 0; i < ARRAY_LENGTH(stages); i++) {
        switch (stages[i](&q)) {
        case STAGE_NEXT:
            continue;
        case STAGE_DONE:
            *out_size = finish(&q);
            return QUERY_DONE;
        case STAGE_SILENT:
            return QUERY_SILENT;
        case STAGE_WAIT:
            return QUERY_WAITING;
        }
    }
    assert(false && "the last stage never says next");
    return QUERY_SILENT;
}

/* ---- behind a wait ---- */

static void resume(struct query *q, struct waiting *w, uint64_t now)
{
    q->desk = w->desk;
    q->client = &w->client;
    q->wire = w->wire;
    q->now = now;
    q->packet = NULL;
    q->size = 0;
    q->out = w->desk->late;
    q->space = w->space;
    q->how = "forwarded";
    start_reply(q);
    make_question(q);
}

/* The only way a wait ends: the reply goes out, and nothing of the wait is left. */
static void end_wait(struct waiting *w, struct query *q)
{
    size_t size = finish(q);

    w->client.reply(&w->client, q->out, size);
    *w->link = w->next;
    if (w->next != NULL)
        w->next->link = w->link;
    w->desk->waiting--;
    free(w);
}

static enum stage stale_or_fail(struct query *q, enum wire_ede code, const char *why)
{
    struct cache_hit hit;

    if (cache_get(q->desk->cache, &q->question, q->now, &hit) == CACHE_STALE)
        return serve_stale(q, &hit);
    return fail(q, code, why);
}

static enum stage take_result(struct query *q, enum forward_result result, const uint8_t *message,
                              const struct reply *reply)
{
    switch (result) {
    case FORWARD_ANSWER:
        if (reply->rcode == WIRE_SERVFAIL) {
            struct cache_hit hit;
            if (cache_get(q->desk->cache, &q->question, q->now, &hit) == CACHE_STALE)
                return serve_stale(q, &hit);
        }
        write_message(q, message, reply);
        return STAGE_DONE;
    case FORWARD_UNREACHABLE:
        return stale_or_fail(q, WIRE_EDE_UNREACHABLE, "no upstream answered in time");
    case FORWARD_BROKEN:
        return stale_or_fail(q, WIRE_EDE_NETWORK, "only broken or refusing answers from upstream");
    case FORWARD_LOOP:
        return fail(q, WIRE_EDE_NETWORK, "the answer's chain of names is a loop or too long");
    case FORWARD_OVERLOADED:
        return fail(q, WIRE_EDE_UNREACHABLE, "too many questions in flight");
    case FORWARD_OWNED: /* it was ours for a moment only */
        break;
    }
    return fail(q, WIRE_EDE_UNREACHABLE, "");
}

static void on_forwarded(void *arg, enum forward_result result, const uint8_t *message, size_t size,
                         const struct reply *reply, uint64_t now)
{
    struct waiting *w = arg;
    struct query q;

    (void)size;
    w->job = NULL;
    resume(&q, w, now);
    publish_read_begin();
    q.table = publish_get(w->desk->table);
    if (answer_owned(&q) == STAGE_NEXT) /* the name may have become ours meanwhile */
        take_result(&q, result, message, reply);
    end_wait(w, &q);
    publish_read_end();
}

/* ---- what forward asks of us ---- */

static bool is_owned_now(void *arg, const uint8_t *name)
{
    const struct query_desk *desk = arg;
    struct table_match match;

    publish_read_begin();
    table_find(publish_get(desk->table), name, &match);
    publish_read_end();
    return match.outcome != TABLE_NOT_OWNED;
}

static void keep_answer(const struct query_desk *desk, const struct table *table,
                        const struct reply_question *question, const uint8_t *message, size_t size,
                        const struct reply *reply, uint64_t now)
{
    struct table_match match;
    struct chain_cut cut;
    struct reply head;

    table_find(table, question->name, &match);
    if (match.outcome != TABLE_NOT_OWNED)
        return;
    if (chain_find(table, message, reply, &cut)) {
        chain_shorten(message, reply, &cut, &head);
        cache_put(desk->cache, question, message, head.end, &head, true, now);
    } else {
        cache_put(desk->cache, question, message, size, reply, false, now);
    }
}

static void keep(void *arg, const struct reply_question *question, enum forward_result result,
                 const uint8_t *message, size_t size, const struct reply *reply, uint64_t now)
{
    const struct query_desk *desk = arg;

    if (result != FORWARD_ANSWER ||
        (reply->rcode != WIRE_NOERROR && reply->rcode != WIRE_NXDOMAIN)) {
        cache_put_failure(desk->cache, question, now);
        return;
    }
    publish_read_begin();
    keep_answer(desk, publish_get(desk->table), question, message, size, reply, now);
    publish_read_end();
}

/* ---- the desk ---- */

struct query_desk *query_desk_new(const struct query_desk_options *options)
{
    struct query_desk *desk = alloc_array(1, sizeof *desk);

    desk->config = options->config;
    desk->table = options->table;
    desk->cache = options->cache;
    desk->stats = options->stats;
    desk->facts = options->facts;
    desk->stored = alloc_array(QUERY_REPLY_MAX, 1);
    desk->late = alloc_array(QUERY_REPLY_MAX, 1);
    options->network->random(options->network, desk->cookie_secret, sizeof desk->cookie_secret);
    desk->forward = forward_new(&(struct forward_options){
        .config = options->config,
        .upstreams = options->upstreams,
        .network = options->network,
        .stats = options->stats,
        .in_flight = options->in_flight,
        .keep = keep,
        .guard = is_owned_now,
        .arg = desk,
    });
    return desk;
}

void query_desk_free(struct query_desk *desk)
{
    if (desk == NULL)
        return;
    while (desk->first != NULL) {
        struct waiting *w = desk->first;
        struct query q;
        forward_cancel(w->job);
        resume(&q, w, clock_ms());
        fail(&q, WIRE_EDE_UNREACHABLE, "shutting down");
        end_wait(w, &q);
    }
    forward_free(desk->forward);
    free(desk->stored);
    free(desk->late);
    free(desk);
}

struct forward *query_desk_forward(struct query_desk *desk)
{
    return desk->forward;
}

size_t query_desk_waiting(const struct query_desk *desk)
{
    return desk->waiting;
}
