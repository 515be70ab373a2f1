#include "forward.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "alloc.h"
#include "hash.h"
#include "question.h"
#include "route.h"

#define SEND_RETRY_MS 50 /* nothing could be sent: descriptors, buffers, routes may come back */
/* Timers may run so much early; a question sent then would be for nothing. */
#define TIMER_EARLY_MS 2
/* Somebody has answered, though badly: the silent ones get so many tries, not the whole budget. */
#define TRIES_AFTER_ANSWER 2
/* Servers whose round trips differ by less are equal; the order of the configuration decides. */
#define EQUAL_MS 10
/* A doubted server comes after a good one was asked so many times. */
#define DOUBT_TRIES       2
#define TRIES_AFTER_CLOSE 2  /* a connection that ends is replaced at once for so many */
#define SPARE_MAX         64 /* ended inquiries kept for the next ones */

struct forward_job {
    struct inquiry *inquiry; /* NULL: overloaded, in forward->overloaded */
    struct forward *forward;
    struct forward_job *next, **link;
    forward_done_fn *done;
    void *arg;
};

/* One question on its way, for all who wait for it. */
struct inquiry {
    struct forward *forward;
    struct inquiry *next, **link; /* in the bucket, or spare */
    struct network_timer *timer;
    struct forward_job *jobs, **jobs_end;
    unsigned jobs_length;
    bool unattended; /* goes on though nobody waits (prefetch) */
    bool ending;     /* being told to its waiters */
    bool over;       /* ends with 'result' as soon as the timer runs */
    enum forward_result result;
    uint64_t hash, deadline;
    struct reply_question question;
    uint8_t name[DNAME_MAX]; /* folded */
    uint8_t sent[DNAME_MAX]; /* as it is sent */
    struct route_group *group;
    unsigned sends;
    struct upstream_ask asks[FORWARD_SENDS_MAX];
    struct upstream_ask *last; /* its wait is what the timer runs for */
    /* Of each server of the group, by place. */
    uint8_t tries[CONFIG_UPSTREAMS_MAX];
    uint32_t finished, over_tcp, without_edns; /* bits */
    bool broken, looped;
    uint16_t rcode; /* the best of the bad ones; 0: none */
};

_Static_assert(CONFIG_UPSTREAMS_MAX <= 32, "a bit for each server");

struct forward {
    struct forward_options options;
    struct hash_key key;
    struct route *route;
    struct inquiry **buckets;
    size_t mask, length;
    struct inquiry *spare;
    size_t spare_length;
    struct forward_job *overloaded, **overloaded_end;
    struct network_timer *overloaded_timer;
    bool asking; /* inside forward_ask(): no callback */
    uint8_t message[REPLY_SIZE_MAX];
};

static void on_timer(void *arg, uint64_t now);
static void on_overloaded(void *arg, uint64_t now);
static upstream_fn on_upstream;

struct forward *forward_new(const struct forward_options *options)
{
    struct forward *f = alloc_array(1, sizeof *f);
    size_t buckets = 16;

    while (buckets < options->in_flight)
        buckets *= 2;
    f->options = *options;
    options->network->random(options->network, &f->key, sizeof f->key);
    f->route = route_new(options->config, options->upstreams, options->network, options->stats,
                         on_upstream);
    f->buckets = alloc_array(buckets, sizeof(struct inquiry *));
    f->mask = buckets - 1;
    f->overloaded_end = &f->overloaded;
    f->overloaded_timer = options->network->timer(options->network, on_overloaded, f);
    return f;
}

/* ---- jobs ---- */

static void append(struct forward_job *job, struct forward_job ***end)
{
    job->next = NULL;
    job->link = *end;
    **end = job;
    *end = &job->next;
}

static void unlink_job(struct forward_job *job, struct forward_job ***end)
{
    *job->link = job->next;
    if (job->next != NULL)
        job->next->link = job->link;
    else
        *end = job->link;
}

/* Tells and ends all jobs of a list.  Each is off the list before it is told, so that whoever is
 * told may cancel others. */
static void tell_jobs(struct forward_job **first, struct forward_job ***end,
                      enum forward_result result, const uint8_t *message, size_t size,
                      const struct reply *reply, uint64_t now)
{
    while (*first != NULL) {
        struct forward_job *job = *first;
        forward_done_fn *done = job->done;
        void *arg = job->arg;

        unlink_job(job, end);
        free(job);
        done(arg, result, message, size, reply, now);
    }
}

static void on_overloaded(void *arg, uint64_t now)
{
    struct forward *f = arg;

    tell_jobs(&f->overloaded, &f->overloaded_end, FORWARD_OVERLOADED, NULL, 0, NULL, now);
}

/* ---- inquiries come and go ---- */

static struct inquiry *take_spare(struct forward *f)
{
    struct network *network = f->options.network;
    struct inquiry *i = f->spare;
    struct network_timer *timer;

    if (i == NULL) {
        i = alloc_array(1, sizeof *i);
        i->timer = network->timer(network, on_timer, i);
        return i;
    }
    f->spare = i->next;
    f->spare_length--;
    timer = i->timer;
    memset(i, 0, sizeof *i);
    i->timer = timer;
    return i;
}

/* Takes the inquiry off the roads and out of the table; its memory stays. */
static void stop(struct inquiry *i)
{
    struct forward *f = i->forward;

    for (unsigned n = 0; n < i->sends; n++)
        upstream_drop(&i->asks[n]);
    f->options.network->timer_clear(i->timer);
    *i->link = i->next;
    if (i->next != NULL)
        i->next->link = i->link;
    i->group->in_flight--;
    f->length--;
}

static void bury(struct inquiry *i)
{
    struct forward *f = i->forward;

    if (f->spare_length < SPARE_MAX) {
        i->next = f->spare;
        f->spare = i;
        f->spare_length++;
        return;
    }
    f->options.network->timer_free(i->timer);
    free(i);
}

/* The only way an inquiry ends well or badly: keeps, tells everybody, frees. */
static void end(struct inquiry *i, enum forward_result result, size_t size,
                const struct reply *reply, uint64_t now)
{
    struct forward *f = i->forward;
    const uint8_t *message = result == FORWARD_ANSWER ? f->message : NULL;

    i->ending = true;
    stop(i);
    if (result == FORWARD_ANSWER || result == FORWARD_UNREACHABLE || result == FORWARD_BROKEN)
        f->options.keep(f->options.arg, &i->question, result, message, size, reply, now);
    tell_jobs(&i->jobs, &i->jobs_end, result, message, size, reply, now);
    bury(i);
}

/* Nobody did well: what is there to say? */
static void give_up(struct inquiry *i, uint64_t now)
{
    struct reply reply;

    if (i->rcode != 0) {
        size_t size = question_write_reply(i->forward->message, &i->question, i->rcode, &reply);

        end(i, FORWARD_ANSWER, size, &reply, now);
        return;
    }
    end(i,
        i->looped   ? FORWARD_LOOP
        : i->broken ? FORWARD_BROKEN
                    : FORWARD_UNREACHABLE,
        0, NULL, now);
}

/* Ends it from the timer, because no callback may come from inside forward_ask(). */
static void end_soon(struct inquiry *i, enum forward_result result, uint64_t now)
{
    i->over = true;
    i->result = result;
    i->forward->options.network->timer_set(i->timer, now, 0);
}

/* ---- sending ---- */

/* Lower is better. */
static uint64_t rank(const struct inquiry *i, unsigned place)
{
    const struct upstream *u = i->group->upstreams[place];
    uint64_t tries = i->tries[place] + (upstream_doubted(u) ? DOUBT_TRIES : 0u);

    return tries << 48 | upstream_round_trip(u) / EQUAL_MS << 8 | place;
}

/* Who is asked next.  False: nobody is left. */
static bool choose(const struct inquiry *i, unsigned *out)
{
    bool found = false;

    for (unsigned place = 0; place < i->group->length; place++) {
        if ((i->finished >> place & 1) != 0)
            continue;
        if (!found || rank(i, place) < rank(i, *out))
            *out = place;
        found = true;
    }
    return found;
}

/* True if an answer is in hand, though a bad one, and the silent ones have had their chances. */
static bool has_waited_enough(const struct inquiry *i)
{
    if (i->rcode == 0 && !i->broken && !i->looped)
        return false;
    for (unsigned place = 0; place < i->group->length; place++) {
        if ((i->finished >> place & 1) == 0 && i->tries[place] < TRIES_AFTER_ANSWER)
            return false;
    }
    return true;
}

/* Up to a tenth more, so that many who wait do not send again in the same moment. */
static uint64_t jitter(struct inquiry *i, uint64_t ms)
{
    struct network *network = i->forward->options.network;
    uint16_t dice;

    network->random(network, &dice, sizeof dice);
    return ms + (ms * dice >> 16) / 10;
}

static void set_timer(struct inquiry *i, uint64_t wait, uint64_t now)
{
    uint64_t left = i->deadline > now ? i->deadline - now : 0;

    i->forward->options.network->timer_set(i->timer, now, wait < left ? wait : left);
}

/* Sends once to that server.  False: it did not go. */
static bool send_to(struct inquiry *i, unsigned place, uint64_t now)
{
    struct upstream *u = i->group->upstreams[place];
    struct upstream_ask *ask = &i->asks[i->sends];
    bool tcp = (i->over_tcp >> place & 1) != 0;
    uint8_t room[2 + QUESTION_MAX];
    unsigned nth = i->tries[place];
    size_t size;

    ask->owner = i;
    ask->index = place;
    ask->edns = (i->without_edns >> place & 1) == 0;
    size = question_write(room + 2, &i->question, i->sent, ask->edns);
    if (i->tries[place] < UINT8_MAX)
        i->tries[place]++;
    if (!upstream_send(u, ask, room, size, tcp, now))
        return false;
    i->sends++;
    i->last = ask;
    set_timer(i, jitter(i, upstream_wait(u, nth, tcp)), now);
    return true;
}

/* True if the name must not leave; the inquiry ends then. */
static bool is_guarded(struct inquiry *i, uint64_t now)
{
    const struct forward_options *options = &i->forward->options;

    if (!options->guard(options->arg, i->name))
        return false;
    if (i->forward->asking)
        stats_count(options->stats, STATS_LEAKS); /* the asker should have known */
    end_soon(i, FORWARD_OWNED, now);
    return true;
}

/* Sends to 'place', or if it will not go there to the next best. */
static void send_from(struct inquiry *i, unsigned place, uint64_t now)
{
    if (i->sends == FORWARD_SENDS_MAX) {
        i->last = NULL;
        set_timer(i, UINT64_MAX, now); /* what is on its way may still arrive */
        return;
    }
    if (is_guarded(i, now))
        return;
    for (size_t n = 0; n < i->group->length; n++) {
        if (send_to(i, place, now))
            return;
        if (!choose(i, &place))
            break;
    }
    i->last = NULL;
    set_timer(i, SEND_RETRY_MS, now);
}

static void send_next(struct inquiry *i, uint64_t now)
{
    unsigned place;

    if (!choose(i, &place) || has_waited_enough(i)) {
        if (i->forward->asking)
            end_soon(i, FORWARD_UNREACHABLE, now);
        else
            give_up(i, now);
        return;
    }
    send_from(i, place, now);
}

static void on_timer(void *arg, uint64_t now)
{
    struct inquiry *i = arg;

    if (i->over) {
        end(i, i->result, 0, NULL, now);
        return;
    }
    if (i->last != NULL && i->last->upstream != NULL) {
        stats_count(i->forward->options.stats, STATS_UPSTREAM_TIMEOUTS);
        upstream_overdue(i->last, now);
    }
    i->last = NULL;
    if (now + TIMER_EARLY_MS >= i->deadline)
        give_up(i, now);
    else
        send_next(i, now);
}

/* ---- replies ---- */

static void drop_asks_to(struct inquiry *i, unsigned place)
{
    for (unsigned n = 0; n < i->sends; n++) {
        if (i->asks[n].upstream != NULL && i->asks[n].index == place)
            upstream_drop(&i->asks[n]);
    }
}

/* The same question to the same server over TCP: nothing it says over UDP counts any more. */
static void turn_to_tcp(struct inquiry *i, unsigned place, uint64_t now)
{
    i->over_tcp |= 1u << place;
    drop_asks_to(i, place);
    stats_count(i->forward->options.stats, STATS_UPSTREAM_TCP);
    send_from(i, place, now);
}

/* The server has said its last word to this question, and it was no good. */
static void turn_from(struct inquiry *i, unsigned place, uint64_t now)
{
    i->finished |= 1u << place;
    drop_asks_to(i, place);
    send_next(i, now);
}

static void answer(struct inquiry *i, const uint8_t *message, size_t size, struct reply *reply,
                   uint64_t now)
{
    struct forward *f = i->forward;

    stats_count(f->options.stats, STATS_UPSTREAM_REPLIES);
    memcpy(f->message, message, size);
    reply_normalise(f->message, &i->question, reply);
    end(i, FORWARD_ANSWER, size, reply, now);
}

static bool is_answer(const struct reply *reply)
{
    return (reply->rcode == REPLY_NOERROR && !reply->referral) || reply->rcode == REPLY_NXDOMAIN ||
           reply->rcode == REPLY_YXDOMAIN;
}

/* A reply that is well formed: is it what we want? */
static void take_reply(struct inquiry *i, struct upstream_ask *ask, const uint8_t *message,
                       size_t size, struct reply *reply, uint64_t now)
{
    unsigned place = ask->index;

    if (reply->truncated && !ask->tcp) {
        turn_to_tcp(i, place, now);
    } else if (!reply->truncated && is_answer(reply)) {
        answer(i, message, size, reply, now);
    } else if (ask->edns && (reply->rcode == REPLY_FORMERR || reply->rcode == REPLY_BADVERS)) {
        i->without_edns |= 1u << place;
        drop_asks_to(i, place);
        send_from(i, place, now);
    } else {
        if (reply->truncated || reply->rcode == REPLY_NOERROR || reply->rcode > 15)
            i->broken = true;
        else if (i->rcode == 0 || reply->rcode == REPLY_SERVFAIL)
            i->rcode = reply->rcode;
        turn_from(i, place, now);
    }
}

static bool on_reply(struct inquiry *i, struct upstream_ask *ask, const uint8_t *message,
                     size_t size, uint64_t now)
{
    unsigned place = ask->index;
    struct reply reply;

    switch (reply_check(message, size, upstream_id(ask), i->sent, &i->question, &reply)) {
    case REPLY_NOT_OURS:
        /* A server that does not keep letter case; over TCP nobody has to. */
        if (ask->tcp || memcmp(i->sent, i->name, i->question.name_size) == 0 ||
            !question_differs_in_case(message, size, upstream_id(ask), &i->question))
            return false;
        memcpy(i->sent, i->name, i->question.name_size);
        for (unsigned n = 0; n < i->sends; n++) /* all were sent with the other letters */
            upstream_drop(&i->asks[n]);
        turn_to_tcp(i, place, now);
        return true;
    case REPLY_GOOD:
        upstream_heard(ask, now);
        take_reply(i, ask, message, size, &reply, now);
        return true;
    case REPLY_LOOP:
        i->looped = true;
        break;
    case REPLY_MALFORMED:
        i->broken = true;
        break;
    }
    stats_count(i->forward->options.stats, STATS_UPSTREAM_BAD);
    upstream_heard(ask, now);
    turn_from(i, place, now);
    return true;
}

/* Nobody listens there, or the connection has ended: at once to somebody who was asked less;
 * without such a one the timer decides, so that refusals do not make us send faster. */
static void on_error(struct inquiry *i, struct upstream_ask *ask, enum upstream_event event,
                     uint64_t now)
{
    unsigned place = ask->index, other;

    if (ask != i->last)
        return;
    /* A kept connection may end just as we write: one more try with a new one (RFC 7766). */
    if (event == UPSTREAM_CLOSED && i->tries[place] <= TRIES_AFTER_CLOSE)
        send_from(i, place, now);
    else if (choose(i, &other) && i->tries[other] < i->tries[place])
        send_from(i, other, now);
}

static bool on_upstream(struct upstream_ask *ask, enum upstream_event event, const uint8_t *message,
                        size_t size, uint64_t now)
{
    struct inquiry *i = ask->owner;

    if (i->over)
        return true;
    switch (event) {
    case UPSTREAM_REPLY:
        return on_reply(i, ask, message, size, now);
    case UPSTREAM_FLOODED:
        turn_to_tcp(i, ask->index, now);
        return true;
    case UPSTREAM_ERROR:
    case UPSTREAM_CLOSED:
    case UPSTREAM_REFUSED:
        on_error(i, ask, event, now);
        return true;
    }
    return true;
}

/* ---- asking ---- */

static uint64_t hash_of(const struct forward *f, const struct reply_question *q)
{
    uint8_t key[DNAME_MAX + 5];
    size_t size = q->name_size;

    memcpy(key, q->name, size);
    memcpy(key + size, &q->type, 2);
    memcpy(key + size + 2, &q->class, 2);
    key[size + 4] = (uint8_t)(q->dnssec_ok | q->checking_disabled << 1);
    return hash_bytes(&f->key, key, size + 5);
}

static struct inquiry *find(const struct forward *f, uint64_t hash, const struct reply_question *q)
{
    struct inquiry *i = f->buckets[hash & f->mask];

    for (; i != NULL; i = i->next) {
        if (i->hash == hash && i->question.name_size == q->name_size &&
            memcmp(i->name, q->name, q->name_size) == 0 && i->question.type == q->type &&
            i->question.class == q->class && i->question.dnssec_ok == q->dnssec_ok &&
            i->question.checking_disabled == q->checking_disabled)
            return i;
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

static struct inquiry *begin(struct forward *f, uint64_t hash, const struct reply_question *q,
                             struct route_group *group, uint64_t now)
{
    struct inquiry *i = take_spare(f);
    uint8_t dice[32];

    i->forward = f;
    i->hash = hash;
    i->deadline = now + f->options.config->forward.timeout_ms;
    i->question = *q;
    i->question.name = i->name;
    memcpy(i->name, q->name, q->name_size);
    memcpy(i->sent, q->name, q->name_size);
    if (f->options.config->forward.letter_case == CONFIG_CASE_RANDOM) {
        f->options.network->random(f->options.network, dice, sizeof dice);
        question_shuffle_case(i->sent, &i->question, dice);
    }
    i->group = group;
    group->in_flight++;
    i->jobs_end = &i->jobs;
    i->next = f->buckets[hash & f->mask];
    i->link = &f->buckets[hash & f->mask];
    if (i->next != NULL)
        i->next->link = &i->next;
    *i->link = i;
    f->length++;
    return i;
}

static struct forward_job *wait_for(struct forward *f, struct inquiry *i, forward_done_fn *done,
                                    void *arg)
{
    struct forward_job *job = alloc_array(1, sizeof *job);

    *job = (struct forward_job){.forward = f, .inquiry = i, .done = done, .arg = arg};
    if (i != NULL) {
        append(job, &i->jobs_end);
        i->jobs_length++;
    } else {
        append(job, &f->overloaded_end);
    }
    return job;
}

static struct forward_job *refuse(struct forward *f, forward_done_fn *done, void *arg, uint64_t now)
{
    stats_count(f->options.stats, STATS_OVERLOADED);
    if (done == NULL)
        return NULL;
    f->options.network->timer_set(f->overloaded_timer, now, 0);
    return wait_for(f, NULL, done, arg);
}

struct forward_job *forward_ask(struct forward *f, const struct reply_question *q, uint64_t now,
                                forward_done_fn *done, void *arg)
{
    uint64_t hash = hash_of(f, q);
    struct inquiry *i = find(f, hash, q);
    struct route_group *group;
    bool was_asking = f->asking;

    if (i != NULL) {
        if (i->jobs_length >= FORWARD_WAITERS_MAX)
            return refuse(f, done, arg, now);
        stats_count(f->options.stats, STATS_MERGED);
    } else {
        group = route_find(f->route, q->name);
        if (!has_room(f, group))
            return refuse(f, done, arg, now);
        i = begin(f, hash, q, group, now);
        for (size_t n = 0; n < group->length; n++)
            upstream_touch(group->upstreams[n], now);
        f->asking = true;
        send_next(i, now);
        f->asking = was_asking;
    }
    if (done != NULL)
        return wait_for(f, i, done, arg);
    i->unattended = true;
    return NULL;
}

void forward_cancel(struct forward_job *job)
{
    struct inquiry *i;

    if (job == NULL)
        return;
    i = job->inquiry;
    unlink_job(job, i != NULL ? &i->jobs_end : &job->forward->overloaded_end);
    free(job);
    if (i == NULL)
        return;
    i->jobs_length--;
    if (i->jobs == NULL && !i->unattended && !i->ending) {
        stop(i);
        bury(i);
    }
}

void forward_free(struct forward *f)
{
    struct network *network;

    if (f == NULL)
        return;
    network = f->options.network;
    for (size_t n = 0; n <= f->mask; n++) {
        while (f->buckets[n] != NULL) {
            struct inquiry *i = f->buckets[n];

            i->unattended = false;
            i->ending = true;
            while (i->jobs != NULL)
                forward_cancel(i->jobs);
            stop(i);
            bury(i);
        }
    }
    while (f->overloaded != NULL)
        forward_cancel(f->overloaded);
    while (f->spare != NULL) {
        struct inquiry *i = f->spare;

        f->spare = i->next;
        network->timer_free(i->timer);
        free(i);
    }
    route_free(f->route);
    network->timer_free(f->overloaded_timer);
    free(f->buckets);
    free(f);
}

size_t forward_in_flight(const struct forward *f)
{
    return f->length;
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
