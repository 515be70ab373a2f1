/* Where the claims of one document stand, for complaints about it: found by a look-up, for a
 * document may contradict another in each of its names. */
#ifndef PLDNS_CLAIMPLACES_H
#define PLDNS_CLAIMPLACES_H

#include "claim.h"

struct claimplaces;

/* The document is lent until claimplaces_free(), and is in memory as a whole until then. */
struct claimplaces *claimplaces_new(const struct document *, const struct hash_key *);
void claimplaces_free(struct claimplaces *); /* NULL is fine */

const struct connection *claimplaces_connection(const struct claimplaces *, uint32_t number);

/* The line of what the connection claims as this kind by this name; of several the last.  For
 * CLAIM_ABOVE_TARGET that of a target at or below the name.  The connection's own for an id, and
 * for what it does not claim. */
unsigned claimplaces_line(struct claimplaces *, uint32_t number, enum claim_kind,
                          const uint8_t *wire);

#endif
