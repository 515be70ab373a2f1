/* What all workers together know of the upstreams: each asks them, and measures, by itself. */
#ifndef PLDNS_UPSTREAMSUM_H
#define PLDNS_UPSTREAMSUM_H

#include "upstream.h"
#include "worker.h"

/* Each upstream once: numbers added up, the round trip the mean of all replies, doubted if by all
 * who have asked it.  Returns how many; free '*out'. */
size_t upstreamsum_read(struct worker *const *, unsigned length, struct upstream_state **out);

/* The same rule for one more worker's list, 'length' upstreams long; for tests. */
void upstreamsum_add(struct upstream_state *sum, size_t *sum_length,
                     const struct upstream_state *list, size_t length);

#endif
