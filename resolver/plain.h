/* Plain queries: one question and nothing else, from a client that may ask; nearly all are.  They
 * are read here, and if an attached name's addresses are asked for, answered in one go, without a
 * visit.
 *
 * This decides nothing: what is not plain at first sight goes the way of all queries (query.c),
 * which would give a plain one the same answer, octet by octet. */
#ifndef PLDNS_PLAIN_H
#define PLDNS_PLAIN_H

#include "owned.h"
#include "visit.h"

/* True if the query is plain: then the visit's stages up to visit_admit() would all say VISIT_NEXT,
 * and 'cut' is filled in. */
bool plain_read(struct visit *, const union config_ip *from, const uint8_t *packet, size_t size);

/* Begins the visit of a query that was read so, as those stages would. */
void plain_begin(struct visit *, const uint8_t *packet, size_t size, uint8_t *out, size_t space);

/* True if answers need nothing but what plain_answer() looks at: all clients see one table, and no
 * query is logged. */
bool plain_may_answer(const struct config *, const struct tableset *);

/* Octets of the reply to a query that was read so and came by UDP; it has taken the place of the
 * packet, and is for the caller to count.  0: nothing was done. */
size_t plain_answer(const struct visit *, const struct table *, uint8_t *packet, size_t size,
                    struct owned_turns *);

#endif
