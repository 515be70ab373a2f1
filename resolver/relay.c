#include "relay.h"

#include <string.h>

/* One after the other, as many as there is room for. */
RARE static bool relay_some(struct wire_reply *r, enum wire_section section, const uint8_t *message,
                            size_t from, size_t to)
{
    for (size_t at = from, end; at < to; at = end) {
        end = wire_skip_record(message, to, at);
        if (end == 0 || r->size != at || r->limit < end) {
            r->flags |= WIRE_FLAG_TC;
            return false;
        }
        if (message != r->out)
            memcpy(r->out + at, message + at, end - at);
        r->size = end;
        r->counts[section]++;
    }
    return true;
}

bool relay_records(struct wire_reply *r, enum wire_section section, const uint8_t *message,
                   size_t from, size_t to, uint16_t count)
{
    if (r->limit < to || r->size != from)
        return relay_some(r, section, message, from, to);
    if (message != r->out)
        memcpy(r->out + from, message + from, to - from);
    r->size = to;
    r->counts[section] = count;
    return true;
}

void relay_message(struct wire_reply *r, const uint8_t *message, const struct reply *reply)
{
    const struct wire_query *query = r->query;

    r->rcode = reply->rcode;
    if (reply->authentic_data && (query->dnssec_ok || query->flags & WIRE_FLAG_AD))
        r->flags |= WIRE_FLAG_AD;
    if (relay_records(r, WIRE_ANSWER, message, reply->records_at, reply->answer_end,
                      reply->answer_count) &&
        (reply->negative || query->dnssec_ok)) {
        relay_records(r, WIRE_AUTHORITY, message, reply->answer_end, reply->authority_end,
                      reply->authority_count);
    }
}

void relay_clamp(struct wire_reply *r, uint64_t least_ms, uint64_t most_ms)
{
    enum { TTL = 4 }; /* behind the owner */
    uint64_t least = (least_ms + 999) / 1000, most = most_ms / 1000;

    for (size_t at = r->query->question_end, end; at < r->size; at = end) {
        size_t fixed = wire_skip_name(r->out, r->size, at);
        end = wire_skip_record(r->out, r->size, at);
        if (end == 0)
            return; /* never: it was checked when it came */
        uint64_t ttl = wire_get32(r->out + fixed + TTL);
        if (ttl < least)
            ttl = least;
        wire_put32(r->out + fixed + TTL, (uint32_t)(ttl > most ? most : ttl));
    }
}
