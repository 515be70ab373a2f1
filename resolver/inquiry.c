#include "inquiry.h"

#include <string.h>

#include "chainorder.h"
#include "octets.h"
#include "question.h"

#define SEND_RETRY_MS 50 /* nothing could be sent: descriptors, buffers, routes may come back */
/* Timers may run so much early; a question sent then would be for nothing. */
#define TIMER_EARLY_MS 2
/* Somebody has answered, though badly: the silent ones get so many tries, and all together so much
 * time, in which most names can be resolved; not the whole budget. */
#define TRIES_AFTER_ANSWER   2
#define TIME_AFTER_ANSWER_MS 700
/* A connection that ends while one waits on it is replaced at once so many times. */
#define TRIES_AFTER_CLOSE 2
#define REFUSED_RETRY_MS  50 /* doubled each time: a server that is being restarted may be back */

_Static_assert(INQUIRY_SENDS_MAX <= 32, "a bit for each ask");

/* ---- the end ---- */

/* What was sent after the first. */
APART static void drop_others(struct inquiry *i)
{
    for (unsigned n = 1; n < i->sends; n++)
        upstream_drop(&i->asks[n]);
}

void inquiry_stop(struct inquiry *i)
{
    if (i->sends > 0)
        upstream_drop(&i->asks[0]);
    if (i->sends > 1)
        drop_others(i);
    network_timer_clear(i->timer);
}

/* The only way an inquiry ends by itself.  Its owner may free it. */
static void end(struct inquiry *i, enum inquiry_result result,
                const struct inquiry_message *message, const struct reply *reply, uint64_t now)
{
    inquiry_stop(i);
    i->desk->done(i, result, message, reply, now);
}

/* Nobody did well: what is there to say? */
RARE static void give_up(struct inquiry *i, uint64_t now)
{
    struct reply reply;

    if (i->rcode != 0) {
        uint8_t *octets = i->desk->message;
        size_t size = question_write_reply(octets, &i->question, i->rcode, &reply);

        end(i, INQUIRY_ANSWER, &(struct inquiry_message){octets, size, REPLY_SIZE_MAX}, &reply,
            now);
        return;
    }
    end(i,
        i->looped   ? INQUIRY_LOOP
        : i->broken ? INQUIRY_BROKEN
                    : INQUIRY_UNREACHABLE,
        NULL, NULL, now);
}

/* Ends it from the timer, because no callback may come from inside inquiry_start(). */
RARE static void end_soon(struct inquiry *i, enum inquiry_result result, uint64_t now)
{
    i->over = true;
    i->result = result;
    i->desk->network->timer_set(i->timer, now, 0);
}

/* ---- sending ---- */

/* True if a reply may still come to something that was sent. */
static bool is_pending(const struct inquiry *i)
{
    for (unsigned n = 0; n < i->sends; n++) {
        if (i->asks[n].upstream != NULL && (i->refused >> n & 1) == 0)
            return true;
    }
    return false;
}

/* True if an answer is in hand, though a bad one, and the silent ones have had their chances. */
static bool has_waited_enough(const struct inquiry *i, uint64_t now)
{
    return (i->rcode != 0 || i->broken || i->looped) &&
           selection_is_tried(&i->selection, TRIES_AFTER_ANSWER) &&
           (now + i->desk->time_ms >= i->deadline + TIME_AFTER_ANSWER_MS || !is_pending(i));
}

/* Up to a tenth more, so that many who wait do not send again in the same moment.  The id is a die
 * that was thrown already. */
static uint64_t jitter(const struct upstream_ask *ask, uint64_t ms)
{
    return ms + (ms * upstream_id(ask) >> 16) / 10;
}

/* For whatever comes first. */
static void arm_timer(struct inquiry *i, uint64_t now)
{
    uint64_t at = i->late < i->due ? i->late : i->due;

    network_timer_set(i->desk->network, i->timer, now, at > now ? at : now);
}

static void set_timer(struct inquiry *i, uint64_t wait, uint64_t now)
{
    uint64_t left = i->deadline > now ? i->deadline - now : 0;

    i->due = now + (wait < left ? wait : left);
    arm_timer(i, now);
}

APART static bool send_over_tcp(const struct inquiry *i, struct upstream *u,
                                struct upstream_ask *ask, uint64_t now)
{
    uint8_t room[2 + QUESTION_MAX];
    size_t size = question_write(room + 2, &i->question, i->name, ask->edns);

    if (i->selection.places[ask->index].over_tcp)
        stats_count(i->desk->stats, STATS_UPSTREAM_TCP);
    return upstream_send(u, ask, room, size, true, now);
}

static bool send_over_udp(const struct inquiry *i, struct upstream *u, struct upstream_ask *ask,
                          uint64_t now)
{
    uint8_t *room = i->desk->network->room;

    return upstream_post(u, ask, room, question_write(room, &i->question, i->sent, ask->edns), now);
}

/* Sends once to that server.  False: it did not go. */
static bool send_to(struct inquiry *i, unsigned place, uint64_t now)
{
    struct upstream *u = i->selection.upstreams[place];
    struct upstream_ask *ask = &i->asks[i->sends];
    struct selection_place *at = &i->selection.places[place];
    bool tcp = upstream_over_tcp(u, at->over_tcp);

    ask->owner = i;
    ask->about = (const void *)((uintptr_t)i - INQUIRY_FRONT);
    ask->index = place;
    ask->edns = !at->without_edns;
    if (at->tries < UINT8_MAX)
        at->tries++;
    if (!(tcp ? send_over_tcp(i, u, ask, now) : send_over_udp(i, u, ask, now))) {
        at->refused += upstream_refuses(u, now);
        return false;
    }
    i->sends++;
    i->last = ask;
    set_timer(i, jitter(ask, upstream_wait(u, at->overdue, tcp, now)), now);
    return true;
}

/* True if the name must not leave; the inquiry ends then. */
APART static bool is_guarded(struct inquiry *i, uint64_t now)
{
    if (!i->desk->guard(i->desk->guard_arg, i->name, i->question.view))
        return false;
    if (i->starting)
        stats_count(i->desk->stats, STATS_LEAKS); /* the asker should have known */
    end_soon(i, INQUIRY_GUARDED, now);
    return true;
}

/* See inquiry_start(). */
static bool was_looked_up(const struct inquiry *i)
{
    return i->starting && i->question.foreign != 0;
}

/* All that may be sent was. */
RARE static void send_no_more(struct inquiry *i, uint64_t now)
{
    i->last = NULL;
    if (is_pending(i))
        set_timer(i, UINT64_MAX, now);
    else
        give_up(i, now);
}

/* It did not go where it was to. */
RARE static void send_elsewhere(struct inquiry *i, uint64_t now)
{
    for (size_t n = 1; n < i->selection.length; n++) {
        unsigned place = selection_next(&i->selection, now);

        if (place == SELECTION_NONE)
            break;
        if (send_to(i, place, now))
            return;
    }
    i->last = NULL;
    set_timer(i, SEND_RETRY_MS, now);
}

/* Sends to 'place', or if it will not go there to the next best. */
static void send_from(struct inquiry *i, unsigned place, uint64_t now)
{
    if (i->sends == INQUIRY_SENDS_MAX)
        send_no_more(i, now);
    else if ((was_looked_up(i) || !is_guarded(i, now)) && !send_to(i, place, now))
        send_elsewhere(i, now);
}

/* True if what was sent there last is still waited for. */
static bool is_awaited(const struct inquiry *i, unsigned place)
{
    return i->last != NULL && i->last->upstream != NULL && i->last->index == place;
}

APART static void send_next(struct inquiry *i, uint64_t now)
{
    unsigned place = selection_next(&i->selection, now);

    if (is_awaited(i, place))
        return;
    if (place != SELECTION_NONE && !has_waited_enough(i, now))
        send_from(i, place, now);
    else
        give_up(i, now);
}

static void give_up_waiting(struct inquiry *i, struct upstream_ask *ask, uint64_t now)
{
    struct selection_place *at = &i->selection.places[ask->index];

    if (at->overdue < UINT8_MAX)
        at->overdue++;
    if (upstream_refuses(i->selection.upstreams[ask->index], now))
        at->refused++;
    if (ask->upstream == NULL)
        return;
    stats_count(i->desk->stats, STATS_UPSTREAM_TIMEOUTS);
    upstream_overdue(ask, now);
}

static void on_timer(void *arg, uint64_t now)
{
    struct inquiry *i = arg;

    if (i->over) {
        end(i, i->result, NULL, NULL, now);
        return;
    }
    if (i->late <= now + TIMER_EARLY_MS) {
        i->late = NETWORK_NEVER;
        i->desk->late(i, now);
    }
    if (now + TIMER_EARLY_MS < i->due) {
        arm_timer(i, now);
        return;
    }
    if (i->last != NULL)
        give_up_waiting(i, i->last, now);
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

/* From now on that server is asked over TCP: nothing it says over UDP counts any more. */
static void use_tcp(struct inquiry *i, unsigned place)
{
    i->selection.places[place].over_tcp = true;
    i->selection.places[place].overdue = 0;
    drop_asks_to(i, place);
}

/* The same question to the same server. */
static void turn_to_tcp(struct inquiry *i, unsigned place, uint64_t now)
{
    use_tcp(i, place);
    send_from(i, place, now);
}

/* What it says over UDP is broken.  It is asked again over TCP when its turn comes: at once, if it
 * is the only one. */
static void turn_from_udp(struct inquiry *i, unsigned place, uint64_t now)
{
    use_tcp(i, place);
    send_next(i, now);
}

/* The server has said its last word to this question, and it was no good. */
static void turn_from(struct inquiry *i, unsigned place, uint64_t now)
{
    i->selection.places[place].finished = true;
    drop_asks_to(i, place);
    send_next(i, now);
}

static bool is_answer(const struct reply *reply)
{
    return (reply->rcode == REPLY_NOERROR && !reply->referral) || reply->rcode == REPLY_NXDOMAIN ||
           reply->rcode == REPLY_YXDOMAIN;
}

/* What servers say to whose EDNS they do not know, or not in this version. */
static bool is_about_edns(const struct reply *reply)
{
    return reply->rcode == REPLY_FORMERR || reply->rcode == REPLY_NOTIMP ||
           reply->rcode == REPLY_BADVERS;
}

/* Nothing to pass on.  FORMERR is said of a message of ours, and not of the client's. */
static bool is_useless(const struct reply *reply)
{
    return reply->truncated || reply->rcode == REPLY_NOERROR || reply->rcode == REPLY_FORMERR ||
           reply->rcode > 15;
}

/* A reply that is well formed, but no answer. */
static void take_reply(struct inquiry *i, struct upstream_ask *ask, const struct reply *reply,
                       uint64_t now)
{
    unsigned place = ask->index;

    if (reply->truncated && !ask->tcp) {
        turn_to_tcp(i, place, now);
    } else if (ask->edns && is_about_edns(reply)) {
        i->selection.places[place].without_edns = true;
        drop_asks_to(i, place);
        send_from(i, place, now);
    } else {
        if (is_useless(reply))
            i->broken = true;
        else if (i->rcode == 0 || reply->rcode == REPLY_SERVFAIL)
            i->rcode = reply->rcode;
        turn_from(i, place, now);
    }
}

/* True if the chain in a reply that is no answer leads to a name which must not leave: what stands
 * behind is not the upstream's to say, so it may be whatever it is.  The reply ends there then. */
static bool leads_to_guarded(struct inquiry *i, const uint8_t *message, size_t size,
                             struct reply *reply)
{
    struct dname target;
    uint8_t folded[DNAME_MAX];

    for (unsigned n = 0; n < reply->hops_length && reply->sound; n++) {
        if (!reply_name(message, size, reply->hops[n].target, &target))
            return false;
        dname_fold(folded, target.wire);
        if (!i->desk->guard(i->desk->guard_arg, folded, i->question.view))
            continue;
        reply_shorten(message, reply, n + 1);
        return true;
    }
    return false;
}

APART static struct inquiry_message copy_message(struct inquiry_desk *desk, const uint8_t *message,
                                                 size_t size)
{
    memmove(desk->message, message, size); /* it may be there already */
    return (struct inquiry_message){desk->message, size, REPLY_SIZE_MAX};
}

/* Where most datagrams stand they may be written over. */
static struct inquiry_message find_room(struct inquiry_desk *desk, const struct upstream_ask *ask,
                                        const uint8_t *message, size_t size)
{
    size_t room = desk->network->data_room;

    if (ask->tcp || size > room)
        return copy_message(desk, message, size);
    return (struct inquiry_message){(uint8_t *)(uintptr_t)message, size, room};
}

/* What is wanted, in the form in which it is handed on. */
static void take_answer(struct inquiry *i, struct upstream_ask *ask, const uint8_t *message,
                        size_t size, uint64_t now, struct inquiry_answer *out)
{
    upstream_heard(ask, now);
    stats_count(i->desk->stats, STATS_UPSTREAM_REPLIES);
    out->message = find_room(i->desk, ask, message, size);
    reply_normalise(out->message.octets, &i->question, &out->reply);
    inquiry_stop(i);
    out->inquiry = i;
}

/* Not our question, as it was sent.  A server may not keep letter case; over TCP nobody has to. */
RARE static bool is_in_other_letters(struct inquiry *i, const struct upstream_ask *ask,
                                     const uint8_t *message, size_t size, uint64_t now)
{
    if (ask->tcp || i->sent == i->name || memcmp(i->sent, i->name, i->question.name_size) == 0 ||
        !question_differs_in_case(message, size, upstream_id(ask), &i->question))
        return false;
    i->sent = i->name;
    for (unsigned n = 0; n < i->sends; n++) /* all were sent with the other letters */
        upstream_drop(&i->asks[n]);
    turn_to_tcp(i, ask->index, now);
    return true;
}

static enum reply_verdict check(const struct upstream_ask *ask, const uint8_t *message, size_t size,
                                struct reply *out)
{
    const struct inquiry *i = ask->owner;

    return reply_check(message, size, upstream_id(ask), ask->tcp ? i->name : i->sent, &i->question,
                       out);
}

/* Its records make no sense as they stand; perhaps they do in another order. */
static enum reply_verdict mend(const struct upstream_ask *ask, const uint8_t **message,
                               size_t *size, struct reply *out)
{
    const struct inquiry *i = ask->owner;
    size_t mended = chainorder_mend(*message, *size, i->desk->message);

    if (mended == 0)
        return REPLY_MALFORMED;
    *message = i->desk->message;
    *size = mended;
    return check(ask, *message, mended, out);
}

/* Anything but a plain answer. */
RARE static bool judge(struct upstream_ask *ask, enum reply_verdict verdict, const uint8_t *message,
                       size_t size, uint64_t now, struct inquiry_answer *out)
{
    struct inquiry *i = ask->owner;
    unsigned place = ask->index;

    if (verdict == REPLY_NOT_OURS)
        return is_in_other_letters(i, ask, message, size, now);
    if (verdict == REPLY_MALFORMED && out->reply.sound)
        verdict = mend(ask, &message, &size, &out->reply);
    if ((verdict != REPLY_GOOD || !is_answer(&out->reply)) &&
        leads_to_guarded(i, message, size, &out->reply))
        verdict = REPLY_GOOD;
    if (verdict == REPLY_GOOD && is_answer(&out->reply) && !out->reply.truncated) {
        take_answer(i, ask, message, size, now, out);
        return true;
    }
    upstream_heard(ask, now);
    if (verdict == REPLY_GOOD) {
        take_reply(i, ask, &out->reply, now);
        return true;
    }
    i->looped = i->looped || verdict == REPLY_LOOP;
    i->broken = i->broken || verdict == REPLY_MALFORMED;
    stats_count(i->desk->stats, STATS_UPSTREAM_BAD);
    if (verdict == REPLY_MALFORMED && !ask->tcp)
        turn_from_udp(i, place, now);
    else
        turn_from(i, place, now);
    return true;
}

bool inquiry_meet(struct upstream_ask *ask, const uint8_t *message, size_t size, uint64_t now,
                  struct inquiry_answer *out)
{
    struct inquiry *i = ask->owner;
    enum reply_verdict verdict;

    out->inquiry = NULL;
    if (i->over)
        return true;
    verdict = check(ask, message, size, &out->reply);
    if (verdict != REPLY_GOOD || out->reply.truncated || !is_answer(&out->reply))
        return judge(ask, verdict, message, size, now, out);
    take_answer(i, ask, message, size, now, out);
    return true;
}

static bool on_reply(struct upstream_ask *ask, const uint8_t *message, size_t size, uint64_t now)
{
    struct inquiry_answer answer;
    bool ours = inquiry_meet(ask, message, size, now, &answer);

    if (answer.inquiry != NULL) {
        struct inquiry_desk *desk = answer.inquiry->desk;

        desk->done(answer.inquiry, INQUIRY_ANSWER, &answer.message, &answer.reply, now);
    }
    return ours;
}

/* That server was not to be had: at once to somebody who was asked less, or soon again.  When
 * nobody is left, there is nothing to wait for. */
static void go_on(struct inquiry *i, const struct selection_place *at, uint64_t wait, uint64_t now)
{
    unsigned other = selection_next(&i->selection, now);

    i->last = NULL; /* it is not overdue */
    if (other == SELECTION_NONE)
        give_up(i, now);
    else if (i->selection.places[other].tries < at->tries)
        send_from(i, other, now);
    else
        set_timer(i, wait, now);
}

/* Nobody listens there, but that may be wrong or over. */
static void on_refused(struct inquiry *i, struct upstream_ask *ask, uint64_t now)
{
    struct selection_place *at = &i->selection.places[ask->index];
    unsigned bit = 1u << (ask - i->asks);

    if ((i->refused & bit) != 0)
        return; /* a socket may be told more than once */
    i->refused |= bit;
    at->refused++;
    if (ask == i->last)
        go_on(i, at, REFUSED_RETRY_MS << (at->refused - 1), now);
}

/* As if it had never been sent. */
static void on_unsent(struct inquiry *i, struct upstream_ask *ask, uint64_t now)
{
    struct selection_place *at = &i->selection.places[ask->index];

    i->refused &= ~(1u << (ask - i->asks));
    if (ask == &i->asks[i->sends - 1])
        i->sends--;
    at->refused += upstream_refuses(i->selection.upstreams[ask->index], now);
    if (ask == i->last)
        go_on(i, at, SEND_RETRY_MS, now);
}

/* A kept connection may end just as we write: once more with a new one (RFC 7766).  If those end
 * too, it is as if nobody listened. */
static void on_closed(struct inquiry *i, struct upstream_ask *ask, uint64_t now)
{
    unsigned place = ask->index;

    if (ask == i->last && i->selection.places[place].closed < TRIES_AFTER_CLOSE) {
        i->selection.places[place].closed++;
        send_from(i, place, now);
    } else {
        on_refused(i, ask, now);
    }
}

/* It answered others, and then ended: nothing against the server (RFC 7766 section 6.2.4). */
static void on_spent(struct inquiry *i, const struct upstream_ask *ask, uint64_t now)
{
    if (ask == i->last)
        send_from(i, ask->index, now);
}

/* The connection that had to be made stands.  Time has passed: may the question still leave? */
static void on_ready(struct inquiry *i, struct upstream_ask *ask, uint64_t now)
{
    uint8_t room[2 + QUESTION_MAX];

    if (is_guarded(i, now))
        return;
    if (!upstream_write(ask, room, question_write(room + 2, &i->question, i->name, ask->edns)))
        on_closed(i, ask, now);
}

bool inquiry_on_upstream(struct upstream_ask *ask, enum upstream_event event,
                         const uint8_t *message, size_t size, uint64_t now)
{
    struct inquiry *i = ask->owner;

    if (i->over)
        return true;
    switch (event) {
    case UPSTREAM_READY:
        on_ready(i, ask, now);
        return true;
    case UPSTREAM_REPLY:
        return on_reply(ask, message, size, now);
    case UPSTREAM_FLOODED:
        turn_to_tcp(i, ask->index, now);
        return true;
    case UPSTREAM_CLOSED:
        on_closed(i, ask, now);
        return true;
    case UPSTREAM_SPENT:
        on_spent(i, ask, now);
        return true;
    case UPSTREAM_UNSENT:
        on_unsent(i, ask, now);
        return true;
    case UPSTREAM_ERROR:
    case UPSTREAM_REFUSED:
        on_refused(i, ask, now);
        return true;
    }
    return true;
}

/* ---- the beginning ---- */

void inquiry_open(struct inquiry *i, struct inquiry_desk *desk)
{
    i->desk = desk;
    i->timer = desk->network->timer(desk->network, on_timer, i);
}

void inquiry_hurry(struct inquiry *i, uint64_t now)
{
    if (i->late != NETWORK_NEVER)
        return;
    i->late = now;
    arm_timer(i, now);
}

void inquiry_close(struct inquiry *i)
{
    i->desk->network->timer_free(i->timer);
}

RARE static void shuffle(struct inquiry *i)
{
    uint8_t dice[QUESTION_DICE];

    i->desk->network->random(i->desk->network, dice, sizeof dice);
    question_shuffle_case(i->shuffled, &i->question, dice);
    i->sent = i->shuffled;
}

void inquiry_start(struct inquiry *i, const struct reply_question *q, struct route_group *group,
                   uint64_t now)
{
    struct inquiry_desk *desk = i->desk;
    unsigned place;

    octets_copy(i->name, q->name, q->name_size);
    i->question = *q;
    i->question.name = i->sent = i->name;
    i->group = group;
    i->deadline = now + desk->time_ms;
    i->late = now + desk->late_ms;
    i->over = i->broken = i->looped = false;
    i->sends = 0;
    i->last = NULL;
    i->refused = 0;
    i->rcode = 0;
    selection_begin(&i->selection, group->upstreams, group->length);
    if (desk->config->forward.letter_case == CONFIG_CASE_RANDOM)
        shuffle(i);
    for (size_t n = 0; n < group->length; n++)
        upstream_touch(group->upstreams[n], now);
    i->starting = true;
    place = selection_next(&i->selection, now);
    if (place != SELECTION_NONE)
        send_from(i, place, now);
    else
        end_soon(i, INQUIRY_UNREACHABLE, now);
    i->starting = false;
}
