/* The cache beside the table of the moment: what upstreams said is kept, and given out again, only
 * as far as it is not ours.
 *
 * Of an answer whose chain leads to an owned name only the head is kept (chain.h).  What stands
 * behind it is said from the table, and the head itself only as long as that name is owned. */
#ifndef PLDNS_CACHED_H
#define PLDNS_CACHED_H

#include "forward.h"
#include "owned.h"
#include "visit.h"

/* True of what is no answer: an old one is better.  YXDOMAIN is one: by a DNAME the name would be
 * too long, and nobody will ever say otherwise. */
static inline bool cached_is_failure(const struct reply *reply)
{
    return reply->rcode != REPLY_NOERROR && reply->rcode != REPLY_NXDOMAIN &&
           reply->rcode != REPLY_YXDOMAIN;
}

/* Keeps what became of a question: the answer, unless the name has become ours, or the failure. */
void cached_keep(struct cache *, const struct table *, const struct forward_outcome *);

/* Writes what the cache holds as the reply, a short one straight to where that is built, a long one
 * by way of 'room', which has REPLY_SIZE_MAX octets.  False, and nothing of it is in the reply: it
 * is the head of a chain whose end is not ours any more. */
bool cached_write(struct visit *, const struct cache_hit *, uint8_t *room, struct owned_turns *);

/* True if cached_write() would write it.  'room' is spoiled. */
MUST_USE bool cached_is_complete(const struct table *, const struct cache_hit *, uint64_t now,
                                 uint8_t *room);

#endif
