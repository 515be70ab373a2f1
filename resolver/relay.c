#include "relay.h"

#include <string.h>

bool relay_records(struct wire_reply *r, enum wire_section section, const uint8_t *message,
                   size_t from, size_t to, uint16_t count)
{
    bool in_place = message == r->out;

    if (r->limit < to || r->size != from) {
        /* One after the other. */
        for (size_t at = from, end; at < to; at = end) {
            end = wire_skip_record(message, to, at);
            if (end == 0 || r->size != at || r->limit < end) {
                r->flags |= WIRE_FLAG_TC;
                return false;
            }
            if (!in_place)
                memcpy(r->out + at, message + at, end - at);
            r->size = end;
            r->counts[section]++;
        }
        return true;
    }
    if (!in_place)
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
