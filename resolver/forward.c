#include "forward.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "alloc.h"
#include "fetch.h"
#include "inquiry.h"

#define ERRANDS_KEPT  64  /* ended ones, for the next */
#define FETCHED       256 /* octets of what is soon needed */
#define BUCKETS_LEAST 64  /* as many as errands, so that those of a quiet day stay near */

/* One question on its way, for all who wait for it. */
struct errand {
    struct forward *forward;
    struct errand *next, **link; /* in the bucket, or spare */
    uint64_t hash;
    struct forward_jobs jobs;
    unsigned jobs_length;
    bool unattended; /* goes on though nobody waits (prefetch) */
    bool ending;     /* being told to its waiters */
    bool late;       /* kept as a failure already, its first waiters were told */
    bool forgotten;  /* asked before a flush: of no use to who comes later */
    struct inquiry inquiry;
};

_Static_assert(offsetof(struct errand, inquiry) <= INQUIRY_FRONT,
               "so that they are fetched together");

static struct errand *errand_of(const struct inquiry *i)
{
    return (struct errand *)((uintptr_t)i - offsetof(struct errand, inquiry));
}

_Static_assert(FORWARD_SENDS_MAX == INQUIRY_SENDS_MAX, "the promise and who keeps it");

struct forward {
    struct forward_options options;
    struct questionhash hash;
    struct route *route;
    struct errand **buckets;
    size_t mask, length;
    struct errand *spare;
    size_t spare_length;
    struct forward_jobs overloaded;
    struct network_timer *overloaded_timer;
    struct inquiry_desk desk;
};

static inquiry_done_fn on_done;
static inquiry_late_fn on_late;
static network_socket_fn on_socket;
static void on_overloaded(void *arg, uint64_t now);

/* From the beginning of a question to its deadline. */
static uint64_t time_for(const struct forward_options *options)
{
    uint64_t timeout = options->config->forward.timeout_ms, margin = timeout / 20;

    return timeout - (margin < INQUIRY_MARGIN_MS ? margin : INQUIRY_MARGIN_MS);
}

static uint64_t late_after(const struct forward_options *options)
{
    uint64_t timeout = options->config->forward.timeout_ms, late = timeout - timeout / 10;

    if (options->late == NULL)
        return INQUIRY_LATE_NEVER;
    return late < INQUIRY_LATE_MS ? late : INQUIRY_LATE_MS;
}

struct forward *forward_new(const struct forward_options *options)
{
    struct forward *f = alloc_array(1, sizeof *f);
    struct hash_key key;

    f->options = *options;
    options->network->random(options->network, &key, sizeof key);
    questionhash_init(&f->hash, &key);
    f->route = route_new(options->config, options->upstreams, options->network, options->stats,
                         inquiry_on_upstream, on_socket);
    f->buckets = alloc_array(BUCKETS_LEAST, sizeof(struct errand *));
    f->mask = BUCKETS_LEAST - 1;
    f->overloaded.end = &f->overloaded.first;
    f->overloaded_timer = options->network->timer(options->network, on_overloaded, f);
    f->desk.config = options->config;
    f->desk.network = options->network;
    f->desk.stats = options->stats;
    f->desk.guard = options->guard;
    f->desk.guard_arg = options->guard_arg;
    f->desk.done = on_done;
    f->desk.late = options->late != NULL ? on_late : NULL;
    f->desk.time_ms = time_for(options);
    f->desk.late_ms = late_after(options);
    return f;
}

void forward_set_upstreams(struct forward *f, const struct config_upstreams *upstreams,
                           uint64_t now)
{
    route_set_standard(f->route, upstreams, now);
}

/* ---- jobs ---- */

static void append(struct forward_job *job, struct forward_jobs *list)
{
    job->list = list;
    job->next = NULL;
    job->link = list->end;
    *list->end = job;
    list->end = &job->next;
}

static void unlink_job(struct forward_job *job)
{
    *job->link = job->next;
    if (job->next != NULL)
        job->next->link = job->link;
    else
        job->list->end = job->link;
    job->link = NULL;
}

/* Nothing came of what these ask. */
static void tell_in_vain(struct forward *f, struct forward_jobs *jobs, enum forward_result result,
                         uint64_t now)
{
    f->options.tell(f->options.arg,
                    &(struct forward_outcome){.result = result, .now = now, .jobs = jobs});
}

static void on_overloaded(void *arg, uint64_t now)
{
    struct forward *f = arg;

    tell_in_vain(f, &f->overloaded, FORWARD_OVERLOADED, now);
}

/* ---- errands come and go ---- */

APART static struct errand *make_errand(struct forward *f)
{
    struct errand *e = alloc_array(1, sizeof *e);

    e->forward = f;
    inquiry_open(&e->inquiry, &f->desk);
    return e;
}

static struct errand *take_spare(struct forward *f)
{
    struct errand *e = f->spare;

    if (e == NULL)
        return make_errand(f);
    f->spare = e->next;
    f->spare_length--;
    fetch_memory(f->spare, FETCHED); /* for the next question */
    return e;
}

static void enter(struct forward *f, struct errand *e)
{
    e->link = &f->buckets[e->hash & f->mask];
    e->next = *e->link;
    if (e->next != NULL)
        e->next->link = &e->next;
    *e->link = e;
}

/* Twice the buckets; 'in_flight' bounds it. */
RARE static void grow(struct forward *f)
{
    struct errand **before = f->buckets;
    size_t length = f->mask + 1;

    f->buckets = alloc_array(2 * length, sizeof(struct errand *));
    f->mask = 2 * length - 1;
    for (size_t n = 0; n < length; n++) {
        for (struct errand *e = before[n], *next; e != NULL; e = next) {
            next = e->next;
            enter(f, e);
        }
    }
    free(before);
}

/* Takes the errand out of the table. */
static void leave(struct errand *e)
{
    *e->link = e->next;
    if (e->next != NULL)
        e->next->link = e->link;
    e->inquiry.group->in_flight--;
    e->forward->length--;
}

APART static void free_errand(struct errand *e)
{
    inquiry_close(&e->inquiry);
    free(e);
}

static void bury(struct errand *e)
{
    struct forward *f = e->forward;

    if (f->spare_length < ERRANDS_KEPT) {
        e->next = f->spare;
        f->spare = e;
        f->spare_length++;
        return;
    }
    free_errand(e);
}

/* A reply has come: what it may need is fetched from memory while it is looked at. */
static void expect(const struct inquiry *i)
{
    const struct errand *e = errand_of(i);
    const struct forward_options *options = &e->forward->options;

    __builtin_prefetch(e->jobs.first);
    if (options->expect != NULL)
        options->expect(options->arg, &i->question);
}

/* Of what was late the failure is kept already. */
static bool is_to_keep(const struct errand *e, enum forward_result result,
                       const struct reply *reply)
{
    if (e->forgotten || result == FORWARD_OWNED)
        return false;
    return !e->late || (result == FORWARD_ANSWER &&
                        (reply->rcode == REPLY_NOERROR || reply->rcode == REPLY_NXDOMAIN));
}

/* Well or badly done: tell everybody, free. */
static void on_done(struct inquiry *i, enum inquiry_result outcome,
                    const struct inquiry_message *message, const struct reply *reply, uint64_t now)
{
    static const enum forward_result results[] = {
        [INQUIRY_ANSWER] = FORWARD_ANSWER, [INQUIRY_UNREACHABLE] = FORWARD_UNREACHABLE,
        [INQUIRY_BROKEN] = FORWARD_BROKEN, [INQUIRY_LOOP] = FORWARD_LOOP,
        [INQUIRY_GUARDED] = FORWARD_OWNED,
    };
    struct errand *e = errand_of(i);
    const struct forward_options *options = &e->forward->options;
    enum forward_result result = results[outcome];

    e->ending = true;
    leave(e);
    fetch_memory(e->jobs.first, FETCHED); /* needed once it is kept */
    options->tell(options->arg, &(struct forward_outcome){
                                    .question = &i->question,
                                    .result = result,
                                    .keep = is_to_keep(e, result, reply),
                                    .message = message != NULL ? message->octets : NULL,
                                    .size = message != NULL ? message->size : 0,
                                    .room = message != NULL ? message->room : 0,
                                    .reply = reply,
                                    .now = now,
                                    .jobs = &e->jobs,
                                });
    bury(e);
}

/* The way of most replies in one piece: what is no answer to a question of ours goes the long way
 * round. */
IN_ONE_PIECE static void on_socket(void *arg, enum network_event event, const uint8_t *data,
                                   size_t size, uint64_t now)
{
    struct upstream_ask *ask = event == NETWORK_DATA ? upstream_meet(arg, data, size) : NULL;
    struct inquiry_answer answer;
    bool ours;

    if (ask == NULL) {
        portpool_hear(arg, event, data, size, now);
        return;
    }
    expect(ask->owner);
    ours = inquiry_meet(ask, data, size, now, &answer);
    if (answer.inquiry != NULL)
        on_done(answer.inquiry, INQUIRY_ANSWER, &answer.message, &answer.reply, now);
    portpool_let_go(arg, ours, now);
}

/* Nobody waits behind this, but what comes still is worth keeping. */
static void on_late(struct inquiry *i, uint64_t now)
{
    struct errand *e = errand_of(i);
    struct forward *f = e->forward;

    if (!f->options.late(f->options.arg, &i->question, now))
        return;
    e->unattended = e->late = true;
    f->options.tell(f->options.arg, &(struct forward_outcome){
                                        .question = &i->question,
                                        .result = FORWARD_UNREACHABLE,
                                        .keep = true,
                                        .now = now,
                                        .jobs = &e->jobs,
                                    });
    e->jobs_length = 0;
}

/* ---- asking ---- */

static struct errand *find(const struct forward *f, uint64_t hash, const struct reply_question *q)
{
    struct errand *e = f->buckets[hash & f->mask];

    for (; e != NULL; e = e->next) {
        const struct reply_question *o = &e->inquiry.question;

        if (e->hash == hash && !e->forgotten && o->name_size == q->name_size &&
            memcmp(o->name, q->name, q->name_size) == 0 && o->type == q->type &&
            o->class == q->class && o->dnssec_ok == q->dnssec_ok &&
            o->checking_disabled == q->checking_disabled && o->view == q->view)
            return e;
    }
    return NULL;
}

/* Servers that do not answer may not take all the room: others' names must still get through. */
static bool has_room(const struct forward *f, const struct route_group *g)
{
    if (f->length >= f->options.in_flight)
        return false;
    for (size_t n = 0; n < g->length; n++) {
        if (!upstream_doubted(g->upstreams[n]))
            return true;
    }
    return g->in_flight < (f->options.in_flight + 1) / 2;
}

static struct errand *begin(struct forward *f, uint64_t hash, const struct reply_question *q,
                            struct route_group *group, uint64_t now)
{
    struct errand *e = take_spare(f);

    e->hash = hash;
    e->jobs = (struct forward_jobs){NULL, &e->jobs.first};
    e->jobs_length = 0;
    e->unattended = e->ending = e->late = e->forgotten = false;
    if (f->length > f->mask)
        grow(f);
    enter(f, e);
    f->length++;
    group->in_flight++;
    inquiry_start(&e->inquiry, q, group, now);
    return e;
}

static void wait_for(struct errand *e, struct forward_job *job)
{
    job->errand = e;
    append(job, &e->jobs);
    e->jobs_length++;
}

RARE static void refuse(struct forward *f, struct forward_job *job, uint64_t now)
{
    if (job == NULL)
        return;
    stats_count(f->options.stats, STATS_OVERLOADED);
    f->options.network->timer_set(f->overloaded_timer, now, 0);
    job->errand = NULL;
    append(job, &f->overloaded);
}

IN_ONE_PIECE void forward_ask(struct forward *f, const struct reply_question *q, uint64_t now,
                              struct forward_job *job)
{
    uint64_t hash = reply_question_hash(q, &f->hash);
    struct errand *e = find(f, hash, q);

    if (e != NULL) {
        if (e->jobs_length >= FORWARD_WAITERS_MAX) {
            refuse(f, job, now);
            return;
        }
        stats_add(f->options.stats, STATS_MERGED, job != NULL);
        inquiry_hurry(&e->inquiry, now);
    } else {
        struct route_group *group = route_find(f->route, q->name);

        if (!has_room(f, group)) {
            refuse(f, job, now);
            return;
        }
        e = begin(f, hash, q, group, now);
    }
    if (job != NULL)
        wait_for(e, job);
    else
        e->unattended = true;
}

static void abandon(struct errand *e)
{
    inquiry_stop(&e->inquiry);
    leave(e);
    bury(e);
}

void forward_cancel(struct forward_job *job)
{
    struct errand *e = job->errand;

    if (job->link == NULL)
        return;
    unlink_job(job);
    if (e == NULL)
        return;
    e->jobs_length--;
    if (e->jobs.first == NULL && !e->unattended && !e->ending)
        abandon(e);
}

void forward_end(struct forward *f, uint64_t now)
{
    for (size_t n = 0; n <= f->mask; n++) {
        while (f->buckets[n] != NULL) {
            struct errand *e = f->buckets[n];

            e->ending = true;
            inquiry_stop(&e->inquiry);
            leave(e);
            tell_in_vain(f, &e->jobs, FORWARD_ENDED, now);
            bury(e);
        }
    }
    tell_in_vain(f, &f->overloaded, FORWARD_ENDED, now);
}

void forward_free(struct forward *f)
{
    if (f == NULL)
        return;
    for (size_t n = 0; n <= f->mask; n++) {
        while (f->buckets[n] != NULL)
            abandon(f->buckets[n]);
    }
    while (f->spare != NULL) {
        struct errand *e = f->spare;

        f->spare = e->next;
        free_errand(e);
    }
    route_free(f->route);
    f->options.network->timer_free(f->overloaded_timer);
    free(f->buckets);
    free(f);
}

void forward_forget(struct forward *f, const uint8_t *name, bool subtree)
{
    for (size_t n = 0; n <= f->mask; n++) {
        for (struct errand *e = f->buckets[n]; e != NULL; e = e->next) {
            if (dname_is_in(e->inquiry.question.name, name, subtree))
                e->forgotten = true;
        }
    }
}

size_t forward_in_flight(const struct forward *f)
{
    return f->length;
}

size_t forward_read(const struct forward *f, struct upstream_state *out, size_t most)
{
    return route_read(f->route, out, most);
}

bool forward_has_upstreams(const struct forward *f)
{
    return !route_is_empty(f->route);
}

char *forward_describe(const struct forward *f, const uint8_t *name, char *text, size_t size)
{
    const struct route_group *g = route_find(f->route, name);
    size_t at = 0;

    text[0] = '\0';
    for (size_t n = 0; n < g->length && at < size; n++) {
        int length = snprintf(text + at, size - at, "%s%s", n > 0 ? ", " : "",
                              upstream_server(g->upstreams[n])->text);

        at += length > 0 ? (size_t)length : 0;
    }
    return text;
}
