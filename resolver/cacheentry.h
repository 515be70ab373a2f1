/* An answer as the cache keeps it: what tells its question, its place in the cache's lists, and the
 * message, whose TTLs are counted down when it is written.
 *
 * Behind the message stand the hops of its chain and where its TTLs are.  Where they are need not
 * be said if all records have one length, as those of nearly every reply. */
#ifndef PLDNS_CACHEENTRY_H
#define PLDNS_CACHEENTRY_H

#include "expiry.h"
#include "octets.h"
#include "reply.h"

struct cacheentry_links { /* in the queue, which is a ring */
    struct cacheentry_links *newer, *older;
};

struct cacheentry {
    struct cacheentry_links links;
    uint64_t rest, hash; /* of the question */
    uint64_t ends;
    struct expiry_item expiry;
    bool visited; /* used since the hand came by */
    uint8_t uses;
    bool cut : 1, refreshed : 1;
    uint8_t turn; /* where the first record stands when they are written next */
    _Alignas(struct reply) uint8_t front[REPLY_FRONT]; /* of the reply; failures: only a TTL, which
                                                          is in milliseconds */
    uint8_t message[]; /* failures: what is told of it, in the header's place, and the name */
    /* struct reply_hop hops[]; without a stride, uint16_t ttls[], one for each record; */
};

struct cacheentry_limits { /* in seconds */
    uint32_t least_ttl, most_ttl, most_negative_ttl;
};

/* What of a message is kept. */
struct cacheentry_extent {
    size_t size;    /* octets behind the entry … */
    size_t message; /* … of which these are the message's */
    size_t records, answers;
    uint32_t ttl; /* seconds */
    uint16_t ttls[REPLY_RECORDS_MAX];
};

/* What the entry knows of its message, without hops. */
static inline struct reply *cacheentry_reply(const struct cacheentry *e)
{
    return (struct reply *)(uintptr_t)e->front;
}

static inline const uint8_t *cacheentry_name(const struct cacheentry *e)
{
    return e->message + REPLY_HEADER_SIZE;
}

/* 'rest' is the question's, or this, of an entry that remembers its failure. */
static inline uint64_t cacheentry_rest_of_failure(const struct reply_question *q)
{
    struct reply_question failed = *q;

    failed.none = 1;
    return failed.rest;
}

static inline bool cacheentry_is_about(const struct cacheentry *e, uint64_t rest,
                                       const struct reply_question *q)
{
    return e->rest == rest && octets_same(cacheentry_name(e), q->name, q->name_size);
}

/* All of a reply that has hops. */
void cacheentry_lend(const struct cacheentry *, struct reply *);
/* For each answer, before it is written: the records of a set with a stride rotate. */
static inline void cacheentry_rotate(struct cacheentry *e)
{
    /* Less than there are of them, however many. */
    e->turn = e->turn > 0 ? e->turn - 1 : (uint8_t)(cacheentry_reply(e)->answer_count - 1);
}

/* Writes the records, TTLs counted down to 'now'; those of what has ended are 'stale_ttl'. */
void cacheentry_write(const struct cacheentry *, uint64_t now, uint32_t stale_ttl, uint8_t *out);

struct cacheentry_limits cacheentry_limits_of(uint64_t min_ttl_ms, uint64_t max_ttl_ms,
                                              uint64_t max_negative_ttl_ms);
uint32_t cacheentry_clamp(const struct cacheentry_limits *, uint32_t ttl);

/* Works out what of a message would be kept.  False: nothing. */
MUST_USE bool cacheentry_measure(struct cacheentry_extent *, const struct cacheentry_limits *,
                                 const struct reply_question *, const uint8_t *message,
                                 const struct reply *, bool cut);
/* Fills in what is kept of a reply. */
void cacheentry_fill(struct cacheentry *, const struct cacheentry_limits *, const uint8_t *message,
                     const struct reply *, bool cut, const struct cacheentry_extent *,
                     uint64_t now);
/* The same of a reply with a stride, none of whose TTLs is out of the limits: its answer section is
 * all that is kept. */
void cacheentry_fill_evenly(struct cacheentry *, const uint8_t *message, const struct reply *,
                            uint64_t now);
/* Brings the TTLs of such an entry into the limits. */
void cacheentry_limit_evenly(struct cacheentry *, const struct cacheentry_limits *, uint64_t now);

#endif
