/* What a restart has to find: accepted documents, detachments, and an image of what is in service;
 * between the catalog and the state directory. */
#ifndef PLDNS_KEEPER_H
#define PLDNS_KEEPER_H

#include "catalog.h"
#include "statedir.h"

struct keeper;

/* Lent for as long as it lives.  'directory' is where the documents come from; 'stamp' what an
 * image holds for (stamp.h; copied), or NULL: no image is read or made.  'hold_ms' is how long a
 * detached domain stays owned. */
struct keeper *keeper_new(struct statedir *, const char *directory, const struct digest *stamp,
                          uint64_t hold_ms);
void keeper_free(struct keeper *); /* NULL is fine */

/* Tells the catalog what was kept; before its first reload.  Tables that an image held get this
 * generation; '*key' is then the key that all tables are to be built with. */
void keeper_restore(struct keeper *, struct catalog *, uint64_t generation, struct hash_key *key);

/* Keeps what is served now.  What does not fit is tried again the next time, see
 * keeper_trouble().  'options' are those of the tables.  A state directory that is
 * there again tells the catalog of more tombstones. */
void keeper_keep(struct keeper *, struct catalog *, struct table_options *options);

/* Why the state directory does not hold what it should; or, for as long as it may matter, what it
 * had lost when it was read.  NULL: neither.  Lent until the next call. */
const char *keeper_trouble(const struct keeper *);

#endif
