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
