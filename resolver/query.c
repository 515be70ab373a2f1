#include "query.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "alloc.h"
#include "cached.h"
#include "chaos.h"
#include "clock.h"
#include "cookie.h"
#include "message.h"
#include "owned.h"
#include "plain.h"
#include "spare.h"
#include "tableset.h"
#include "visit.h"

struct query_desk {
    const struct config *config;
    struct publish *table;
    struct cache *cache;
    struct stats *stats;
    struct forward *forward;
    const struct query_facts *facts;
    struct owned_turns turns;
    uint8_t cookie_secret[COOKIE_SECRET_SIZE];
    size_t waiting;     /* questions that wait for an upstream … */
    size_t waiting_max; /* … and how many may */
    bool asking;        /* an upstream, just now: the visits are those of a batch */
    struct spare spare; /* of struct waiting */
    struct visit_moment moment;
    struct visit visits[QUERY_BATCH];
    struct table_look looks[QUERY_BATCH];
    struct table_match match; /* of the name in hand */
    uint8_t *stored;          /* room for one message out of the cache … */
    uint8_t *late;            /* … and for one late reply; QUERY_REPLY_MAX octets each */
};

/* A client that waits for an upstream: what it takes to begin its reply anew.  Lives from
 * ask_upstream() to end_wait(). */
struct waiting {
    struct forward_job job; /* first: what is fetched of it (forward.c) is all of this */
    struct query_desk *desk;
    uint64_t foreign; /* generation of the table in which the name was not ours */
    size_t space;
    struct query_client client;
    struct wire_query wire; /* points into 'packet' */
    uint8_t packet[WIRE_QUESTION_MAX];
};
_Static_assert(offsetof(struct waiting, job) == 0, "a job is what waits");
_Static_assert(QUERY_REPLY_MAX >= REPLY_SIZE_MAX, "what is stored is written where replies fit");

/* ---- the stages, in the order in which a query meets them ---- */

static enum visit_step tell_diagnosis(struct visit *v)
{
    const struct query_desk *desk = v->desk;
    char upstreams[512];

    stats_count(desk->stats, STATS_CHAOS);
    v->how = "chaos";
    if (!netblock_contains(&desk->config->diagnostics, &v->from->any)) {
        wire_reply_explain(&v->reply, WIRE_EDE_PROHIBITED, "not in diagnostics.clients");
        return visit_refuse(v, WIRE_REFUSED, "chaos");
    }
    dname_fold(v->folded, wire_name(&v->wire));
    struct chaos_facts facts = {
        .config = desk->config,
        .table = v->table,
        .view = view_name(v->moment->set->views, v->view),
        .divided = v->moment->set->views != NULL,
        .upstreams = forward_describe(desk->forward, v->folded, upstreams, sizeof upstreams),
        .dated = desk->facts != NULL,
    };
    if (facts.dated) {
        uint64_t now = v->moment->now, published = atomic_load(&desk->facts->published_ms);
        facts.age_ms = now > published ? now - published : 0;
        facts.refused = atomic_load(&desk->facts->refused);
    }
    chaos_write(&v->reply, &facts);
    return VISIT_DONE;
}

static enum visit_step diagnose(struct visit *v)
{
    return v->wire.class == WIRE_CHAOS ? tell_diagnosis(v) : VISIT_NEXT;
}

/* Before the stage that looks for it. */
static void begin_look(struct visit *v, struct table_look *look)
{
    v->look = look;
    table_look_begin(look, wire_name(&v->wire), &v->cut);
}

/* Before everything that knows the world outside: an owned name never leaves. */
IN_ONE_PIECE static enum visit_step answer_owned(struct visit *v)
{
    struct query_desk *desk = v->desk;
    struct table_match *match = &desk->match;

    table_look_find(v->table, v->look, match);
    if (match->placeholder)
        stats_count(desk->stats, STATS_PLACEHOLDER);
    if (match->outcome == TABLE_NOT_OWNED) {
        v->foreign = true;
        return VISIT_NEXT;
    }
    v->how = "owned";
    owned_count(desk->stats, match);
    v->reply.flags |= WIRE_FLAG_AA;
    owned_answer(&v->reply, v->table, match, &desk->turns);
    return VISIT_DONE;
}

/* VISIT_NEXT: it leads to what is not ours any more. */
static enum visit_step serve_stale(struct visit *v, const struct cache_hit *hit)
{
    bool nothing = hit->reply->rcode == WIRE_NXDOMAIN;

    if (!cached_is_complete(v->table, hit, v->moment->now, v->desk->stored))
        return VISIT_NEXT;
    wire_reply_explain(&v->reply, nothing ? WIRE_EDE_STALE_NXDOMAIN : WIRE_EDE_STALE, "");
    (void)cached_write(v, hit, v->desk->stored, &v->desk->turns);
    v->how = "stale";
    stats_count(v->desk->stats, STATS_CACHE_STALE);
    return VISIT_DONE;
}

/* Better an old answer than none.  VISIT_NEXT: there is none. */
RARE static enum visit_step serve_old(struct visit *v)
{
    struct cache_hit hit;

    visit_question(v); /* nobody keeps it for who hardly ever needs it */
    if (cache_get(v->desk->cache, &v->question, v->moment->now, &hit) == CACHE_STALE)
        return serve_stale(v, &hit);
    return VISIT_NEXT;
}

static enum visit_step stale_or_fail(struct visit *v, enum wire_ede code, const char *why)
{
    return serve_old(v) == VISIT_NEXT ? visit_fail(v, code, why) : VISIT_DONE;
}

/* What is asked for often is asked again before its end. */
APART static void refresh(const struct visit *v)
{
    if (v->config->cache.prefetch)
        forward_ask(v->desk->forward, &v->question, v->moment->now, NULL);
}

static enum visit_step answer_cached(struct visit *v)
{
    const struct query_desk *desk = v->desk;
    struct cache_hit hit;

    if (cache_get_noted(desk->cache, &v->question, v->note, v->moment->now, &hit) != CACHE_HIT ||
        !cached_write(v, &hit, desk->stored, &v->desk->turns)) {
        v->failed = hit.failed;
        stats_count(desk->stats, STATS_CACHE_MISSES);
        return VISIT_NEXT;
    }
    v->how = "cached";
    stats_count(desk->stats, STATS_CACHE_HITS);
    if (hit.refresh)
        refresh(v);
    return VISIT_DONE;
}

/* Who asks again is told what the first was told. */
RARE static enum visit_step repeat_failure(struct visit *v)
{
    struct cache_hit hit;

    v->how = "failed before";
    if (cache_get(v->desk->cache, &v->question, v->moment->now, &hit) == CACHE_STALE &&
        serve_stale(v, &hit) == VISIT_DONE)
        return VISIT_DONE;
    v->reply.rcode = hit.failure.rcode;
    if (hit.failure.ede != 0)
        wire_reply_explain(&v->reply, hit.failure.ede, "failed a moment ago");
    return VISIT_DONE;
}

static enum visit_step recall_failure(struct visit *v)
{
    return v->failed ? repeat_failure(v) : VISIT_NEXT;
}

/* Nobody has looked the name up. */
RARE static enum visit_step stop_leak(struct visit *v)
{
    begin_look(v, v->desk->looks);
    if (answer_owned(v) == VISIT_NEXT)
        return VISIT_NEXT;
    stats_count(v->desk->stats, STATS_LEAKS);
    return VISIT_DONE;
}

/* Each takes memory until its upstream answers, also those that ask the same. */
RARE static enum visit_step refuse_to_wait(struct visit *v)
{
    v->how = "overloaded";
    stats_count(v->stats, STATS_OVERLOADED);
    return stale_or_fail(v, WIRE_EDE_UNREACHABLE, "too many questions in flight");
}

static enum visit_step ask_upstream(struct visit *v)
{
    struct query_desk *desk = v->desk;
    struct waiting *w;

    /* Where nothing may slip through, whoever rearranges the stages: this must never be true. */
    if (!v->foreign && stop_leak(v) == VISIT_DONE)
        return VISIT_DONE;
    if (desk->waiting >= desk->waiting_max)
        return refuse_to_wait(v);
    w = spare_take(&desk->spare, sizeof *w);
    w->desk = desk;
    w->client = *v->item->client;
    w->wire = v->wire;
    w->wire.packet = w->packet;
    w->space = v->item->space;
    w->foreign = v->question.foreign = table_generation(v->table);
    memcpy(w->packet, v->wire.packet, v->wire.question_end);
    desk->waiting++;
    stats_count(desk->stats, STATS_FORWARDED);
    desk->asking = true;
    forward_ask(desk->forward, &v->question, v->moment->now, &w->job);
    desk->asking = false;
    return VISIT_WAIT;
}

/* ---- the way in ---- */

/* What all visits of a desk have in common. */
static void furnish_visit(struct visit *v, struct query_desk *desk)
{
    v->desk = desk;
    v->config = desk->config;
    v->stats = desk->stats;
    v->cookie_secret = desk->cookie_secret;
    v->hash = cache_hash(desk->cache);
    v->port_marks = visit_port_marks(desk->config);
    v->moment = &desk->moment;
}

/* The rest is filled in stage by stage: clearing it all would cost more than the answer. */
static void open_visit(struct visit *v, const struct query_client *client)
{
    v->from = &client->address;
    v->tcp = client->tcp;
    v->foreign = false;
    visit_see(v);
}

static void end_visit(struct visit *v, enum visit_step step)
{
    struct query_item *item = v->item;

    switch (step) {
    case VISIT_DONE:
        item->out_size = visit_finish(v);
        item->result = QUERY_DONE;
        return;
    case VISIT_SILENT:
        item->result = QUERY_SILENT;
        return;
    case VISIT_WAIT:
        item->result = QUERY_WAITING;
        return;
    case VISIT_NEXT:
        break;
    }
    assert(false && "it has not ended");
}

/* The stages that a usual question passes by. */
RARE static enum visit_step meet_unusual(struct visit *v)
{
    enum visit_step step = diagnose(v);

    if (step == VISIT_NEXT)
        step = visit_refuse_class(v);
    if (step == VISIT_NEXT)
        step = visit_refuse_type(v);
    return step == VISIT_NEXT ? visit_answer_any(v) : step;
}

/* The first stages, of what is not plain. */
APART static enum visit_step meet_client(struct visit *v)
{
    const struct query_item *item = v->item;
    enum visit_step step = visit_shun(v);

    if (step == VISIT_NEXT)
        step = visit_decode(v, item->packet, item->size, item->out, item->space);
    return step == VISIT_NEXT ? visit_admit(v) : step;
}

/* The way of most queries, up to the table, and with it unless it is to be fetched first: in one
 * piece but for what is rare. */
static inline enum visit_step begin_visit(struct visit *v, bool fetch)
{
    const struct query_item *item = v->item;
    enum visit_step step = VISIT_NEXT;

    open_visit(v, item->client);
    if (v->read)
        plain_begin(v, item->packet, item->size, item->out, item->space);
    else
        step = meet_client(v);
    if (step == VISIT_NEXT && !wire_is_usual(&v->wire))
        step = meet_unusual(v);
    if (step == VISIT_NEXT && table_is_foreign(v->table, &v->cut)) {
        v->foreign = true;
    } else if (step == VISIT_NEXT && !fetch) {
        begin_look(v, v->desk->looks);
        step = answer_owned(v);
    }
    if (step != VISIT_NEXT)
        end_visit(v, step);
    return step;
}

/* Those of a batch that are not answered yet. */
struct rest {
    unsigned length;
    struct visit *visits[QUERY_BATCH];
};

IN_ONE_PIECE APART static enum visit_step end_named(struct visit *v)
{
    enum visit_step step = answer_owned(v);

    if (step != VISIT_NEXT)
        end_visit(v, step);
    return step;
}

IN_ONE_PIECE APART static enum visit_step meet_upstream(struct visit *v)
{
    enum visit_step step = visit_want_recursion(v);

    if (step == VISIT_NEXT)
        step = recall_failure(v);
    if (step == VISIT_NEXT)
        step = visit_break_loop(v);
    return step == VISIT_NEXT ? ask_upstream(v) : step;
}

/* What is not ours, to its end: most of it is in the cache. */
IN_ONE_PIECE APART static void end_foreign(struct visit *v)
{
    enum visit_step step = visit_answer_special(v);

    if (step == VISIT_NEXT)
        step = answer_cached(v);
    if (step == VISIT_NEXT)
        step = meet_upstream(v);
    end_visit(v, step);
}

/* What is asked for in a large table waits for memory three times. */
APART static void fetch_from_table(struct query_desk *desk, const struct rest *rest)
{
    for (unsigned n = 0; n < rest->length; n++) {
        struct visit *v = rest->visits[n];
        begin_look(v, &desk->looks[n]);
        table_expect(v->table, v->look);
    }
    for (unsigned n = 0; n < rest->length; n++)
        table_expect_node(rest->visits[n]->table, rest->visits[n]->look);
    for (unsigned n = 0; n < rest->length; n++)
        table_expect_answer(rest->visits[n]->table, rest->visits[n]->look);
}

IN_ONE_PIECE APART static void fetch_from_cache(struct query_desk *desk, const struct rest *rest)
{
    for (unsigned n = 0; n < rest->length; n++) {
        struct visit *v = rest->visits[n];
        visit_question(v);
        cache_expect(desk->cache, &v->question);
    }
    for (unsigned n = 0; n < rest->length; n++) {
        struct visit *v = rest->visits[n];
        cache_expect_entry(desk->cache, &v->question, &v->note);
    }
}

/* Answers what is plain; the others, read if they are of that kind, are to be visited.  Who is
 * answered leaves his visit to the next, still near the processor. */
IN_ONE_PIECE APART static unsigned answer_plain(struct query_desk *desk, struct query_item *items,
                                                unsigned length, bool plain, struct rest *rest)
{
    const struct table *table = tableset_table(desk->moment.set, VIEW_NONE);
    struct visit *v = desk->visits;
    unsigned answered = 0;

    rest->length = 0;
    for (struct query_item *item = items; item < items + length; item++) {
        bool read = plain_read(v, &item->client->address, item->packet, item->size);
        if (read && plain) {
            item->out_size = plain_answer(v, table, item->out, item->size, &desk->turns);
            if (item->out_size > 0) {
                item->result = QUERY_DONE;
                answered++;
                continue;
            }
        }
        v->read = read;
        v->item = item;
        rest->visits[rest->length++] = v++;
    }
    stats_add(desk->stats, STATS_OWNED, answered);
    stats_add(desk->stats, STATS_RCODE_NOERROR, answered);
    return answered;
}

static unsigned count_done(const struct rest *rest)
{
    unsigned done = 0;

    for (unsigned n = 0; n < rest->length; n++)
        done += rest->visits[n]->item->result == QUERY_DONE;
    return done;
}

/* For the most usual of questions, if nobody is to hear of it. */
static bool is_plain_batch(const struct query_desk *desk, const struct query_item *items)
{
    return !items->client->tcp && items->out == items->packet &&
           plain_may_answer(desk->config, desk->moment.set);
}

/* The stages that look a name up wait for memory, for table and cache are large.  So what they need
 * is fetched for all of a batch before the first of it goes on. */
IN_ONE_PIECE unsigned query_handle_all(struct query_desk *desk, struct query_item *items,
                                       unsigned length, uint64_t now)
{
    const struct tableset *set = publish_get(desk->table);
    bool fetch = length > 1 && set->large;
    struct rest begun, named, foreign;

    assert(length <= QUERY_BATCH);
    if (length == 0)
        return 0;
    desk->moment = (struct visit_moment){set, now};
    stats_add(desk->stats, items->client->tcp ? STATS_TCP_QUERIES : STATS_UDP_QUERIES, length);
    bool plain = !fetch && is_plain_batch(desk, items);
    unsigned answered = answer_plain(desk, items, length, plain, &begun);
    named.length = foreign.length = 0;
    for (unsigned n = 0; n < begun.length; n++) {
        struct visit *v = begun.visits[n];
        if (begin_visit(v, fetch) == VISIT_NEXT) {
            struct rest *rest = v->foreign ? &foreign : &named;
            rest->visits[rest->length++] = v;
        }
    }
    fetch_from_table(desk, &named);
    for (unsigned n = 0; n < named.length; n++) {
        if (end_named(named.visits[n]) == VISIT_NEXT)
            foreign.visits[foreign.length++] = named.visits[n];
    }
    fetch_from_cache(desk, &foreign);
    for (unsigned n = 0; n < foreign.length; n++)
        end_foreign(foreign.visits[n]);
    return answered + count_done(&begun);
}

enum query_result query_handle(struct query_desk *desk, const struct query_client *client,
                               const uint8_t *packet, size_t size, uint8_t *out, size_t space,
                               size_t *out_size, uint64_t now)
{
    struct query_item item = {
        .client = client, .packet = packet, .size = size, .out = out, .space = space};

    query_handle_all(desk, &item, 1, now);
    *out_size = item.out_size;
    return item.result;
}

/* ---- behind a wait ---- */

/* Begins the reply anew, in a visit that no query has: no wait ends while a batch is handled. */
static struct visit *resume(const struct waiting *w, const struct tableset *set, uint8_t *out,
                            uint64_t now)
{
    struct query_desk *desk = w->desk;
    struct visit *v = desk->visits;

    assert(!desk->asking);
    desk->moment = (struct visit_moment){set, now};
    open_visit(v, &w->client);
    v->wire = w->wire;
    v->how = "forwarded";
    visit_start(v, out, w->space);
    return v;
}

/* The name may have become ours. */
RARE static enum visit_step look_again(struct visit *v)
{
    bool good = dname_cut(&v->cut, wire_name(&v->wire), v->wire.name_size);

    assert(good); /* it was when it came */
    begin_look(v, v->desk->looks);
    return answer_owned(v);
}

/* The only way a wait ends: the reply goes out, and nothing of the wait is left. */
static void send_reply(struct waiting *w, struct visit *v)
{
    size_t size = visit_finish(v);

    w->client.reply(&w->client, v->reply.out, size);
    w->desk->waiting--;
    spare_give(&w->desk->spare, w);
}

/* No answer came. */
RARE static enum visit_step take_failure(struct visit *v, enum forward_result result)
{
    switch (result) {
    case FORWARD_UNREACHABLE:
        return stale_or_fail(v, WIRE_EDE_UNREACHABLE, "no upstream answered");
    case FORWARD_BROKEN:
        return stale_or_fail(v, WIRE_EDE_NETWORK, "only broken or refusing answers from upstream");
    case FORWARD_LOOP:
        return stale_or_fail(v, WIRE_EDE_NETWORK,
                             "the answer's chain of names is a loop or too long");
    case FORWARD_OVERLOADED:
        return stale_or_fail(v, WIRE_EDE_UNREACHABLE, "too many questions in flight");
    case FORWARD_ENDED:
        return visit_fail(v, WIRE_EDE_UNREACHABLE, "shutting down");
    case FORWARD_OWNED: /* it was ours for a moment only */
    case FORWARD_ANSWER:
        break;
    }
    return visit_fail(v, WIRE_EDE_UNREACHABLE, "");
}

static enum visit_step take_outcome(struct visit *v, const struct forward_outcome *outcome)
{
    if (outcome->result != FORWARD_ANSWER)
        return take_failure(v, outcome->result);
    if (cached_is_failure(outcome->reply) && serve_old(v) == VISIT_DONE)
        return VISIT_DONE;
    message_write(v, outcome->message, outcome->reply, true, &v->desk->turns);
    return VISIT_DONE;
}

static void end_wait(struct waiting *w, const struct tableset *set,
                     const struct forward_outcome *outcome)
{
    /* What the last one gets stands where it is; before it, others need it as it came. */
    bool in_place = outcome->room >= w->space && forward_is_last(outcome);
    struct visit *v = resume(w, set, in_place ? outcome->message : w->desk->late, outcome->now);

    if (owned_was_foreign(v->table, w->foreign) || look_again(v) == VISIT_NEXT)
        take_outcome(v, outcome);
    send_reply(w, v);
}

/* ---- what forward asks of us ---- */

static bool is_owned_now(void *arg, const uint8_t *name, unsigned view)
{
    const struct query_desk *desk = arg;

    publish_read_begin();
    bool owned = owned_includes(tableset_table(publish_get(desk->table), view), name);
    publish_read_end();
    return owned;
}

static void expect(void *arg, const struct reply_question *question)
{
    const struct query_desk *desk = arg;

    cache_expect(desk->cache, question);
}

/* Kept first, then told to all who wait, while one table is in sight. */
IN_ONE_PIECE static void on_outcome(void *arg, const struct forward_outcome *outcome)
{
    const struct query_desk *desk = arg;
    struct forward_job *job;

    publish_read_begin();
    const struct tableset *set = publish_get(desk->table);
    if (outcome->keep)
        cached_keep(desk->cache, tableset_table(set, outcome->question->view), outcome);
    while ((job = forward_next(outcome)) != NULL)
        end_wait((struct waiting *)job, set, outcome);
    publish_read_end();
}

/* True if what has ended may be given out to those who wait. */
static bool has_stale(void *arg, const struct reply_question *question, uint64_t now)
{
    const struct query_desk *desk = arg;
    struct cache_hit hit;

    if (cache_get(desk->cache, question, now, &hit) != CACHE_STALE)
        return false;
    publish_read_begin();
    bool complete = cached_is_complete(tableset_table(publish_get(desk->table), question->view),
                                       &hit, now, desk->stored);
    publish_read_end();
    return complete;
}

/* ---- the desk ---- */

static size_t waiting_max(unsigned in_flight)
{
    size_t most = (size_t)in_flight * QUERY_WAITING_EACH;

    return most > QUERY_WAITING_LEAST ? most : QUERY_WAITING_LEAST;
}

struct query_desk *query_desk_new(const struct query_desk_options *options)
{
    struct query_desk *desk = alloc_array(1, sizeof *desk);

    desk->config = options->config;
    desk->table = options->table;
    desk->cache = options->cache;
    desk->stats = options->stats;
    desk->facts = options->facts;
    desk->turns = options->turns;
    desk->waiting_max = waiting_max(options->in_flight);
    for (size_t i = 0; i < QUERY_BATCH; i++)
        furnish_visit(&desk->visits[i], desk);
    desk->stored = alloc_array(QUERY_REPLY_MAX, 1);
    desk->late = alloc_array(QUERY_REPLY_MAX, 1);
    options->network->random(options->network, desk->cookie_secret, sizeof desk->cookie_secret);
    desk->forward = forward_new(&(struct forward_options){
        .config = options->config,
        .upstreams = options->upstreams,
        .network = options->network,
        .stats = options->stats,
        .in_flight = options->in_flight,
        .tell = on_outcome,
        .expect = expect,
        .late = has_stale,
        .arg = desk,
        .guard = is_owned_now,
        .guard_arg = desk,
    });
    return desk;
}

void query_desk_free(struct query_desk *desk)
{
    if (desk == NULL)
        return;
    forward_end(desk->forward, clock_ms());
    assert(desk->waiting == 0);
    forward_free(desk->forward);
    spare_clear(&desk->spare);
    free(desk->stored);
    free(desk->late);
    free(desk);
}

size_t query_desk_flush(struct query_desk *desk, const uint8_t *name, bool subtree)
{
    forward_forget(desk->forward, name, subtree);
    return cache_flush(desk->cache, name, subtree);
}

struct forward *query_desk_forward(struct query_desk *desk)
{
    return desk->forward;
}

size_t query_desk_waiting(const struct query_desk *desk)
{
    return desk->waiting;
}
