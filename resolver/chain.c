#include "chain.h"

#include "wire.h"

bool chain_find(const struct table *table, const uint8_t *message, const struct reply *reply,
                struct chain_cut *out)
{
    for (unsigned i = 0; i < reply->hops_length; i++) {
        const struct reply_hop *hop = &reply->hops[i];
        if (!reply_name(message, reply->answer_end, hop->target, &out->target))
            return false;
        table_find(table, out->target.wire, &out->match);
        if (out->match.outcome == TABLE_NOT_OWNED)
            continue;
        out->hops = i + 1;
        out->target_at = hop->target;
        out->records = 0;
        for (size_t at = reply->records_at; at != 0 && at < hop->end; out->records++)
            at = wire_skip_record(message, hop->end, at);
        return true;
    }
    return false;
}

void chain_shorten(const uint8_t *message, const struct reply *reply, const struct chain_cut *cut,
                   struct reply *out)
{
    enum { TTL_BEHIND_OWNER = 4, TOP_BIT = 31 };
    size_t at = reply->records_at;

    *out = *reply;
    out->hops_length = cut->hops;
    out->answer_end = out->authority_end = out->end = reply->hops[cut->hops - 1].end;
    out->answer_count = cut->records;
    out->authority_count = 0;
    out->negative = out->has_soa = out->referral = false;
    out->rcode = REPLY_NOERROR;
    out->authority_plain = true;
    out->ttl = UINT32_MAX;
    while (at != 0 && at < out->answer_end) {
        size_t fixed = wire_skip_name(message, out->answer_end, at);
        if (fixed == 0)
            break;
        uint32_t ttl = wire_get32(message + fixed + TTL_BEHIND_OWNER);
        if (ttl >> TOP_BIT)
            ttl = 0;
        if (ttl < out->ttl)
            out->ttl = ttl;
        at = wire_skip_record(message, out->answer_end, at);
    }
}
