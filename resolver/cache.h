/* Answers from upstream, kept until their TTL ends.  One worker's own: no lock.
 *
 * Bounded in bytes, all bookkeeping counted.  When full, expired entries go first (but not for a
 * failure, which may be what calls for them), then those not used again since they came (SIEVE), so
 * that a flood of unique names cannot push out the hot set.
 * No clock inside: 'now' is monotonic milliseconds.
 *
 * Key: folded name, type, class, DO, CD, and the view of who asks: no client learns from the cache
 * what clients of another view asked, or gets an answer cut where they own a name.  What is kept:
 * header, question, answer section; authority too when negative or DO.  Never the additional
 * section, never a record under another name.
 *
 * Failures are remembered beside answers, under the same limit. */
#ifndef PLDNS_CACHE_H
#define PLDNS_CACHE_H

#include "reply.h"

#define CACHE_STALE_TTL 30 /* seconds said of a stale record: RFC 8767 section 4 */

struct cache;

struct cache_options {
    size_t bytes; /* 0 = keeps nothing */
    struct hash_key key;
    uint64_t min_ttl_ms, max_ttl_ms, max_negative_ttl_ms;
    uint64_t serve_stale_ms; /* how long behind its end an entry may still be served; 0 = not */
};

struct cache *cache_new(const struct cache_options *);
void cache_free(struct cache *);
const struct questionhash *cache_hash(const struct cache *); /* for reply_question_hash() */

/* Where the answer seemed to be, and how the cache has changed since; private. */
struct cache_note {
    uint32_t place, changes;
};

/* The question, whose hash is known, will be looked up in a moment: fetches from memory what says
 * where its answer is; and, called a moment later, the answer. */
void cache_expect(const struct cache *, const struct reply_question *);
void cache_expect_entry(const struct cache *, const struct reply_question *, struct cache_note *);

enum cache_result { CACHE_MISS, CACHE_HIT, CACHE_STALE };

/* What who asks again is told of a failure. */
struct cache_failure {
    uint16_t rcode, ede; /* 0: no extended error */
};

struct cache_hit { /* lent until the next call on this cache that is not cache_write */
    const void *entry;
    size_t size;               /* octets cache_write() writes */
    const struct reply *reply; /* index of the stored message (offsets fit what cache_write()
                                  writes); lent as the hit is */
    bool cut;     /* stored only up to a CNAME whose target was owned then: complete only
                     if that target is owned still */
    bool refresh; /* near its end and asked often: worth a prefetch.  Said once per entry */
    bool failed;  /* a failure is remembered.  Said of CACHE_MISS, too; none is behind a CACHE_HIT
                     that is not cut */
    struct cache_failure failure; /* this one, if so */
};

/* Behind CACHE_MISS nothing of '*out' is filled in but 'failed' and 'failure'. */
MUST_USE enum cache_result cache_get(struct cache *, const struct reply_question *, uint64_t now,
                                     struct cache_hit *out);

/* The same of a question that was expected. */
MUST_USE enum cache_result cache_get_noted(struct cache *, const struct reply_question *,
                                           struct cache_note, uint64_t now, struct cache_hit *out);

/* Writes the stored message to 'out' ('hit->size' octets) with TTLs counted down to 'now' (stale
 * ones: CACHE_STALE_TTL).  Id 0; counts as stored, no additional section; question in lower case.
 */
void cache_write(const struct cache_hit *, uint64_t now, uint8_t *out);
/* The same without header and question, which stand there already. */
void cache_write_records(const struct cache_hit *, uint64_t now, uint8_t *out);

/* Keeps a checked reply that reply_normalise() has seen.  'cut': only the answer up to the last hop
 * of 'reply' is kept, whatever else stands in 'message'.  Not kept: what is too big, TTL 0,
 * negative without SOA, referrals, rcodes other than NOERROR and NXDOMAIN (see cache_put_failure).
 * Kept or not, what was said before is forgotten. */
void cache_put(struct cache *, const struct reply_question *, const uint8_t *message, size_t size,
               const struct reply *, bool cut, uint64_t now);

/* Remembers that the question failed (RFC 9520): 1 s, doubled each time in a row up to 5 s, never
 * in place of good data, but beside what was stored cut. */
void cache_put_failure(struct cache *, const struct reply_question *, struct cache_failure,
                       uint64_t now);

/* Drops a name (all types), or everything at and below it; returns how many entries.  Looks at
 * every entry: for people, not for queries. */
size_t cache_flush(struct cache *, const uint8_t *name, bool subtree);

size_t cache_bytes(const struct cache *);
size_t cache_entries(const struct cache *);   /* failures included */
uint64_t cache_evicted(const struct cache *); /* dropped for want of room */

#endif
