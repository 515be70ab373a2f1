#include "cached.h"

#include <assert.h>

#include "chain.h"
#include "message.h"

/* ---- the way in ---- */

/* Of an answer that leads to us only the head.  False: it does not. */
APART static bool keep_if_chain(struct cache *cache, const struct table *table,
                                const struct forward_outcome *outcome)
{
    struct chain_cut cut;

    if (!chain_find(table, outcome->message, outcome->reply, &cut))
        return false;
    struct reply head = *outcome->reply;
    reply_shorten(outcome->message, &head, cut.hops);
    cache_put(cache, outcome->question, outcome->message, head.end, &head, true, outcome->now);
    return true;
}

IN_ONE_PIECE static void keep_answer(struct cache *cache, const struct table *table,
                                     const struct forward_outcome *outcome)
{
    const struct reply_question *question = outcome->question;
    const struct reply *reply = outcome->reply;

    if (!owned_was_foreign(table, question->foreign) && owned_includes(table, question->name))
        return;
    if (reply->hops_length == 0 || !keep_if_chain(cache, table, outcome))
        cache_put(cache, question, outcome->message, outcome->size, reply, false, outcome->now);
}

/* What take_failure() of query.c says, and as it says it. */
static struct cache_failure failure_of(const struct forward_outcome *outcome)
{
    if (outcome->result == FORWARD_ANSWER)
        return (struct cache_failure){.rcode = outcome->reply->rcode};
    return (struct cache_failure){
        .rcode = WIRE_SERVFAIL,
        .ede = outcome->result == FORWARD_UNREACHABLE ? WIRE_EDE_UNREACHABLE : WIRE_EDE_NETWORK,
    };
}

void cached_keep(struct cache *cache, const struct table *table,
                 const struct forward_outcome *outcome)
{
    if (outcome->result == FORWARD_ANSWER && !cached_is_failure(outcome->reply))
        keep_answer(cache, table, outcome);
    else
        cache_put_failure(cache, outcome->question, failure_of(outcome), outcome->now);
}

/* ---- the way out ---- */

/* True if the chain whose head this is still ends with us. */
APART static bool leads_home(const struct table *table, const uint8_t *message,
                             const struct reply *reply)
{
    struct chain_cut cut;

    return chain_find(table, message, reply, &cut);
}

bool cached_write(struct visit *v, const struct cache_hit *hit, uint8_t *room,
                  struct owned_turns *turns)
{
    struct wire_reply *r = &v->reply;
    bool fits = hit->size <= r->limit;
    uint8_t *to = fits ? r->out : room;

    assert(hit->size <= REPLY_SIZE_MAX);
    if (fits)
        cache_write_records(hit, v->moment->now, to);
    else
        cache_write(hit, v->moment->now, to);
    if (hit->cut && !leads_home(v->table, to, hit->reply))
        return false;
    message_write(v, to, hit->reply, false, turns);
    return true;
}

bool cached_is_complete(const struct table *table, const struct cache_hit *hit, uint64_t now,
                        uint8_t *room)
{
    if (!hit->cut)
        return true;
    cache_write(hit, now, room);
    return leads_home(table, room, hit->reply);
}
