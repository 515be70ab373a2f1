/* An answer as the cache keeps it: what tells its question, its place in the cache's lists, and the
 * message, whose TTLs are counted down when it is written.
 *
 * Behind the entry stand the hops of its chain, where its TTLs are, and the message.  Where they
 * are need not be said if all records have one length, as those of nearly every reply. */
#ifndef PLDNS_CACHEENTRY_H
#define PLDNS_CACHEENTRY_H

#include "expiry.h"
#include "reply.h"

struct cacheentry {
    uint64_t hash, rest;              /* of the question */
    struct cacheentry *newer, *older; /* in the queue */
    struct expiry_item expiry;
    uint32_t ttl; /* seconds; failures: milliseconds */
    uint64_t stored, ends;
    /* In the order of struct reply: they are lent together. */
    uint16_t rcode, answer_count, authority_count, records_at, answer_end;
    uint16_t message_size, message_at; /* 'message_at' in 'behind' */
    bool authoritative, authentic_data;
    bool negative, has_soa;
    uint8_t stride, hops_length;
    uint8_t uses;
    bool visited; /* used since the hand came by */
    bool failure : 1, cut : 1, refreshed : 1;
    /* struct reply_hop hops[hops_length]; without a stride, uint16_t ttls[], one for each record;
     * uint8_t message[]; */
    _Alignas(struct reply_hop) uint8_t behind[];
};

struct cacheentry_limits { /* in seconds */
    uint32_t least_ttl, most_ttl, most_negative_ttl;
};

/* What of a message is kept. */
struct cacheentry_extent {
    size_t size;  /* octets behind the entry */
    size_t front; /* of them before the message */
    size_t records, answers;
    uint32_t ttl; /* seconds */
    uint16_t ttls[REPLY_RECORDS_MAX];
};

static inline uint8_t *cacheentry_message(const struct cacheentry *e)
{
    return (uint8_t *)(uintptr_t)e->behind + e->message_at;
}

static inline const uint8_t *cacheentry_name(const struct cacheentry *e)
{
    return cacheentry_message(e) + REPLY_HEADER_SIZE;
}

/* Fills in what of a reply differs between entries. */
void cacheentry_lend(const struct cacheentry *, struct reply *);
/* Writes the records, TTLs counted down to 'now'; those of what has ended are 'stale_ttl'. */
void cacheentry_write(const struct cacheentry *, uint64_t now, uint32_t stale_ttl, uint8_t *out);

uint32_t cacheentry_clamp(const struct cacheentry_limits *, uint32_t ttl);

/* Works out what of a message would be kept.  False: nothing. */
MUST_USE bool cacheentry_measure(struct cacheentry_extent *, const struct cacheentry_limits *,
                                 const struct reply_question *, const uint8_t *message,
                                 const struct reply *, bool cut);
/* Fills an entry that is zero but for its question and time. */
void cacheentry_fill(struct cacheentry *, const struct cacheentry_limits *, const uint8_t *message,
                     const struct reply *, bool cut, const struct cacheentry_extent *);
/* The same of a reply with a stride, to be kept for 'ttl': its answer section is all that is kept.
 */
void cacheentry_fill_evenly(struct cacheentry *, const struct cacheentry_limits *,
                            const uint8_t *message, const struct reply *, uint32_t ttl);

#endif
