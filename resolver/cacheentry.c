#include "cacheentry.h"

#include <string.h>

#include "wire.h"

#define COUNTS_AT 6 /* of ANCOUNT in the header; NSCOUNT and ARCOUNT follow */

_Static_assert(sizeof(struct cacheentry) % sizeof(uint64_t) == 0, "no octet is lost");

static struct reply_hop *hops_of(const struct cacheentry *e)
{
    size_t at = (cacheentry_reply(e)->end + 1u) & ~(size_t)1;

    return (struct reply_hop *)(uintptr_t)(e->message + at);
}

static uint16_t *ttls_of(const struct cacheentry *e)
{
    return (uint16_t *)(uintptr_t)(hops_of(e) + cacheentry_reply(e)->hops_length);
}

/* ---- reading ---- */

APART void cacheentry_lend(const struct cacheentry *e, struct reply *r)
{
    memcpy(r, e->front, REPLY_FRONT);
    memcpy(r->hops, hops_of(e), r->hops_length * sizeof(struct reply_hop));
}

/* What has passed of its time: it ends when its least TTL does. */
static inline uint32_t seconds_passed(const struct cacheentry *e, uint64_t now)
{
    return cacheentry_reply(e)->ttl - (uint32_t)((e->ends - now + 999) / 1000);
}

APART static void write_any(const struct cacheentry *e, uint64_t now, uint32_t stale_ttl,
                            uint8_t *out)
{
    const struct reply *r = cacheentry_reply(e);
    size_t records = (size_t)r->answer_count + r->authority_count;
    bool stale = now >= e->ends;
    uint32_t passed = stale ? 0 : seconds_passed(e, now);

    memcpy(out + r->records_at, e->message + r->records_at, (size_t)r->end - r->records_at);
    for (size_t i = 0; i < records; i++) {
        size_t at = r->stride > 0 ? r->records_at + i * r->stride + REPLY_TTL_AT : ttls_of(e)[i];
        uint32_t ttl = wire_get32(e->message + at);

        wire_put32(out + at, stale ? stale_ttl : ttl > passed ? ttl - passed : 0);
    }
}

/* Records are short: a call would cost more than to copy them.  The last step overlaps the first.
 * The first TTL to end is the entry's own, so none is shorter than what has passed.  They are the
 * addresses of one set, and clients take the first of it: it is another one each time. */
static inline void write_evenly(const struct cacheentry *e, uint64_t now, uint8_t *out)
{
    const struct reply *r = cacheentry_reply(e);
    size_t stride = r->stride, at = r->records_at, end = r->end, to = at + e->turn * stride;
    uint32_t passed = seconds_passed(e, now);

    do {
        const uint8_t *from = e->message + at, *last = from + stride - OCTETS_STEP;
        uint32_t ttl = wire_get32(from + REPLY_TTL_AT) - passed;

        memcpy(out + to, from, OCTETS_STEP);
        memcpy(out + to + stride - OCTETS_STEP, last, OCTETS_STEP);
        wire_put32(out + to + REPLY_TTL_AT, ttl);
        to = to + stride < end ? to + stride : r->records_at;
        at += stride;
    } while (at < end);
}

void cacheentry_write(const struct cacheentry *e, uint64_t now, uint32_t stale_ttl, uint8_t *out)
{
    if (cacheentry_reply(e)->stride > 0 && now < e->ends)
        write_evenly(e, now, out);
    else
        write_any(e, now, stale_ttl, out);
}

/* ---- keeping ---- */

static uint32_t seconds(uint64_t ms)
{
    return ms / 1000 < UINT32_MAX ? (uint32_t)(ms / 1000) : UINT32_MAX;
}

struct cacheentry_limits cacheentry_limits_of(uint64_t min_ttl_ms, uint64_t max_ttl_ms,
                                              uint64_t max_negative_ttl_ms)
{
    return (struct cacheentry_limits){.least_ttl = seconds(min_ttl_ms + 999),
                                      .most_ttl = seconds(max_ttl_ms),
                                      .most_negative_ttl = seconds(max_negative_ttl_ms)};
}

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
    x->message = end;
    x->size = end + end % 2 + reply->hops_length * sizeof(struct reply_hop) +
              x->records * sizeof(uint16_t);
    return x->ttl > 0;
}

static void set_ttl(struct cacheentry *e, uint32_t ttl, uint64_t now)
{
    cacheentry_reply(e)->ttl = ttl;
    e->ends = now + ttl * UINT64_C(1000);
}

/* None is above our limits; a negative answer's are all no longer than the answer may live, because
 * that is what clients go by. */
static void settle_ttls(struct cacheentry *e, const struct cacheentry_limits *limits,
                        const uint8_t *message, const struct cacheentry_extent *x)
{
    const struct reply *r = cacheentry_reply(e);

    for (size_t i = 0; i < x->records; i++) {
        uint32_t ttl = cacheentry_clamp(limits, wire_get32(message + x->ttls[i]));

        wire_put32(e->message + x->ttls[i], r->negative && ttl > r->ttl ? r->ttl : ttl);
        ttls_of(e)[i] = x->ttls[i];
    }
}

void cacheentry_fill(struct cacheentry *e, const struct cacheentry_limits *limits,
                     const uint8_t *message, const struct reply *reply, bool cut,
                     const struct cacheentry_extent *x, uint64_t now)
{
    struct reply *r = cacheentry_reply(e);

    memcpy(e->front, reply, REPLY_FRONT);
    set_ttl(e, x->ttl, now);
    e->cut = cut;
    r->authority_end = r->end = (uint16_t)x->message;
    r->answer_count = (uint16_t)x->answers;
    r->authority_count = (uint16_t)(x->records - x->answers);
    if (cut) {
        r->rcode = REPLY_NOERROR;
        r->answer_end = r->end;
        r->negative = false;
    }
    r->has_soa = reply->has_soa && r->authority_count > 0;
    r->authority_plain = r->sound = true;
    r->stride = 0;
    memcpy(hops_of(e), reply->hops, reply->hops_length * sizeof(struct reply_hop));
    memcpy(e->message, message, x->message);
    wire_put16(e->message, 0);
    wire_put16(e->message + COUNTS_AT, r->answer_count);
    wire_put16(e->message + COUNTS_AT + 2, r->authority_count);
    wire_put16(e->message + COUNTS_AT + 4, 0);
    settle_ttls(e, limits, message, x);
}

void cacheentry_fill_evenly(struct cacheentry *e, const uint8_t *message, const struct reply *reply,
                            uint64_t now)
{
    memcpy(e->front, reply, REPLY_FRONT);
    cacheentry_reply(e)->end = reply->answer_end;
    e->ends = now + reply->ttl * UINT64_C(1000);
    octets_copy_pairs(e->message, message, reply->answer_end); /* header, question, record */
    wire_put16(e->message, 0);
    wire_put16(e->message + COUNTS_AT + 4, 0);
}

void cacheentry_limit_evenly(struct cacheentry *e, const struct cacheentry_limits *limits,
                             uint64_t now)
{
    const struct reply *r = cacheentry_reply(e);

    set_ttl(e, cacheentry_clamp(limits, r->ttl), now);
    for (size_t at = r->records_at + REPLY_TTL_AT; at < r->end; at += r->stride)
        wire_put32(e->message + at, cacheentry_clamp(limits, wire_get32(e->message + at)));
}
