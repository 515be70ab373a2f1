#include "cacheentry.h"

#include <string.h>

#include "wire.h"

#define COUNTS_AT 6 /* of ANCOUNT in the header; NSCOUNT and ARCOUNT follow */

static struct reply_hop *hops_of(const struct cacheentry *e)
{
    return (struct reply_hop *)(uintptr_t)e->behind;
}

static uint16_t *ttls_of(const struct cacheentry *e)
{
    return (uint16_t *)(uintptr_t)(e->behind + e->hops_length * sizeof(struct reply_hop));
}

/* ---- reading ---- */

void cacheentry_lend(const struct cacheentry *e, struct reply *r)
{
    r->rcode = e->rcode;
    r->answer_count = e->answer_count;
    r->authority_count = e->authority_count;
    r->records_at = e->records_at;
    r->answer_end = e->answer_end;
    r->authority_end = r->end = e->message_size;
    r->authoritative = e->authoritative;
    r->authentic_data = e->authentic_data;
    r->negative = e->negative;
    r->has_soa = e->has_soa;
    r->ttl = e->ttl;
    r->hops_length = e->hops_length;
    if (e->hops_length > 0)
        memcpy(r->hops, hops_of(e), e->hops_length * sizeof(struct reply_hop));
}

/* How TTLs are written. */
struct count {
    bool stale;
    uint32_t stale_ttl, passed; /* seconds */
};

static void put_ttl(uint8_t *to, const uint8_t *from, struct count count)
{
    uint32_t ttl = wire_get32(from);

    wire_put32(to, count.stale ? count.stale_ttl : ttl > count.passed ? ttl - count.passed : 0);
}

APART static void write_listed(const struct cacheentry *e, uint8_t *out, struct count count)
{
    const uint8_t *message = cacheentry_message(e);
    size_t records = (size_t)e->answer_count + e->authority_count;

    memcpy(out + e->records_at, message + e->records_at, (size_t)e->message_size - e->records_at);
    for (size_t i = 0; i < records; i++)
        put_ttl(out + ttls_of(e)[i], message + ttls_of(e)[i], count);
}

/* Records are short: a call would cost more than to copy them.  The last step overlaps the first.
 */
static void write_even(const struct cacheentry *e, uint8_t *out, struct count count)
{
    enum { STEP = 16 };
    const uint8_t *message = cacheentry_message(e);
    size_t stride = e->stride;

    for (size_t at = e->records_at; at < e->message_size; at += stride) {
        memcpy(out + at, message + at, STEP);
        memcpy(out + at + stride - STEP, message + at + stride - STEP, STEP);
        put_ttl(out + at + REPLY_TTL_AT, message + at + REPLY_TTL_AT, count);
    }
}

void cacheentry_write(const struct cacheentry *e, uint64_t now, uint32_t stale_ttl, uint8_t *out)
{
    struct count count = {
        .stale = now >= e->ends,
        .stale_ttl = stale_ttl,
        .passed = now > e->stored ? (uint32_t)((now - e->stored) / 1000) : 0,
    };

    if (e->stride > 0)
        write_even(e, out, count);
    else
        write_listed(e, out, count);
}

/* ---- keeping ---- */

uint32_t cacheentry_clamp(const struct cacheentry_limits *limits, uint32_t ttl)
{
    uint32_t wide = ttl < limits->least_ttl ? limits->least_ttl : ttl;

    return wide > limits->most_ttl ? limits->most_ttl : wide;
}

bool cacheentry_measure(struct cacheentry_extent *x, const struct cacheentry_limits *limits,
                        const struct reply_question *q, const uint8_t *message,
                        const struct reply *reply, bool cut)
{
    bool negative = reply->negative && !cut, authority = !cut && (negative || q->dnssec_ok);
    unsigned count = reply->answer_count + (authority ? reply->authority_count : 0u);
    size_t found, end;

    if (reply->truncated || reply->referral || (cut && reply->hops_length == 0) ||
        (!cut && reply->rcode != REPLY_NOERROR && reply->rcode != REPLY_NXDOMAIN) ||
        (negative && !reply->has_soa) || (authority && !reply->authority_plain))
        return false;
    end = cut         ? reply->hops[reply->hops_length - 1].end
          : authority ? reply->authority_end
                      : reply->answer_end;
    x->ttl = cut ? UINT32_MAX : reply->ttl;
    found = reply_ttl_offsets(message, reply, count, x->ttls);
    for (x->records = x->answers = 0; x->records < found; x->records++) {
        size_t at = x->ttls[x->records];

        if (at >= end)
            break;
        x->answers += at < reply->answer_end;
        if (cut && wire_get32(message + at) < x->ttl)
            x->ttl = wire_get32(message + at);
    }
    x->ttl = cacheentry_clamp(limits, x->ttl);
    if (negative && x->ttl > limits->most_negative_ttl)
        x->ttl = limits->most_negative_ttl;
    x->front = reply->hops_length * sizeof(struct reply_hop) + x->records * sizeof(uint16_t);
    x->size = x->front + end;
    return x->ttl > 0;
}

static void set_ttl(struct cacheentry *e, uint32_t ttl)
{
    e->ttl = ttl;
    e->ends = e->stored + ttl * UINT64_C(1000);
}

static void copy_message(struct cacheentry *e, const uint8_t *message)
{
    uint8_t *to = cacheentry_message(e);

    memcpy(to, message, e->message_size);
    wire_put16(to, 0);
    wire_put16(to + COUNTS_AT, e->answer_count);
    wire_put16(to + COUNTS_AT + 2, e->authority_count);
    wire_put16(to + COUNTS_AT + 4, 0);
}

/* None is above our limits; a negative answer's are all no longer than the answer may live, because
 * that is what clients go by. */
static void settle_ttls(struct cacheentry *e, const struct cacheentry_limits *limits,
                        const uint8_t *message, const struct cacheentry_extent *x)
{
    for (size_t i = 0; i < x->records; i++) {
        uint32_t ttl = cacheentry_clamp(limits, wire_get32(message + x->ttls[i]));

        wire_put32(cacheentry_message(e) + x->ttls[i], e->negative && ttl > e->ttl ? e->ttl : ttl);
        ttls_of(e)[i] = x->ttls[i];
    }
}

void cacheentry_fill(struct cacheentry *e, const struct cacheentry_limits *limits,
                     const uint8_t *message, const struct reply *reply, bool cut,
                     const struct cacheentry_extent *x)
{
    set_ttl(e, x->ttl);
    e->message_size = (uint16_t)(x->size - x->front);
    e->message_at = (uint16_t)x->front;
    e->rcode = cut ? REPLY_NOERROR : reply->rcode;
    e->answer_count = (uint16_t)x->answers;
    e->authority_count = (uint16_t)(x->records - x->answers);
    e->answer_end = cut ? e->message_size : reply->answer_end;
    e->records_at = reply->records_at;
    e->hops_length = (uint8_t)reply->hops_length;
    e->authoritative = reply->authoritative;
    e->authentic_data = reply->authentic_data;
    e->negative = reply->negative && !cut;
    e->has_soa = reply->has_soa && e->authority_count > 0;
    e->cut = cut;
    memcpy(hops_of(e), reply->hops, reply->hops_length * sizeof(struct reply_hop));
    copy_message(e, message);
    settle_ttls(e, limits, message, x);
}

void cacheentry_fill_evenly(struct cacheentry *e, const struct cacheentry_limits *limits,
                            const uint8_t *message, const struct reply *reply, uint32_t ttl)
{
    set_ttl(e, ttl);
    e->message_size = e->answer_end = reply->answer_end;
    e->stride = reply->stride;
    e->answer_count = reply->answer_count;
    e->records_at = reply->records_at;
    e->authoritative = reply->authoritative;
    e->authentic_data = reply->authentic_data;
    copy_message(e, message);
    if (reply->longest <= limits->most_ttl && reply->ttl >= limits->least_ttl)
        return;
    for (size_t at = e->records_at + REPLY_TTL_AT; at < e->message_size; at += e->stride)
        wire_put32(cacheentry_message(e) + at, cacheentry_clamp(limits, wire_get32(message + at)));
}
