#include "message.h"

#include "chain.h"
#include "relay.h"

/* Within the limits of the cache, which nearly all are as they come. */
static inline void clamp(struct visit *v, const struct reply *reply, bool negative)
{
    const struct config *config = v->config;
    uint64_t most = config->cache.max_ttl_ms, less = config->cache.max_negative_ttl_ms;

    if (negative && less < most)
        most = less;
    if (config->cache.min_ttl_ms > 0 || (uint64_t)reply->longest * 1000 > most)
        relay_clamp(&v->reply, config->cache.min_ttl_ms, most);
}

/* The upstream's chain up to the cut, and our own answer for what it leads to, whose TTL is ours.
 */
static void write_chain(struct visit *v, const uint8_t *message, const struct reply *reply,
                        const struct chain_cut *cut, bool fresh, struct owned_turns *turns)
{
    struct wire_owner target = {.name = cut->target.wire, .at = cut->target_at, .compressed = true};
    struct wire_reply *r = &v->reply;

    stats_count(v->stats, STATS_CHAINS);
    owned_explain_target(r, v->table, &cut->match, &target);
    if (owned_rcode(&cut->match) == WIRE_SERVFAIL) {
        r->rcode = WIRE_SERVFAIL;
        return;
    }
    bool whole = relay_records(r, WIRE_ANSWER, message, reply->records_at,
                               reply->hops[cut->hops - 1].end, cut->records);
    if (fresh)
        clamp(v, reply, false);
    if (whole)
        owned_write_target(r, v->table, &cut->match, &target, v->wire.type, turns);
    else
        r->rcode = (uint16_t)owned_rcode(&cut->match);
}

/* False: it leads to nothing of ours. */
APART static bool write_if_chain(struct visit *v, const uint8_t *message, const struct reply *reply,
                                 bool fresh, struct owned_turns *turns)
{
    struct chain_cut cut;

    if (!chain_find(v->table, message, reply, &cut))
        return false;
    table_narrow(&cut.match, v->wire.type);
    write_chain(v, message, reply, &cut, fresh, turns);
    return true;
}

void message_write(struct visit *v, const uint8_t *message, const struct reply *reply, bool fresh,
                   struct owned_turns *turns)
{
    if (reply->hops_length > 0 && write_if_chain(v, message, reply, fresh, turns))
        return;
    relay_message(&v->reply, message, reply);
    if (fresh)
        clamp(v, reply, reply->negative);
}
