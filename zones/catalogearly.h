/* One new version of a document before the reload that it belongs to: read while changes are still
 * gathered, and served at once if no other document has a say in it. */
#ifndef PLDNS_CATALOGEARLY_H
#define PLDNS_CATALOGEARLY_H

#include "catalog.h"

/* True: some version of it is served. */
bool catalogearly_knows(const struct catalog *, const char *name);

/* Between two reloads, of a document that is served; the reading is taken over.  True: the version
 * is served from now on, because it claims what the one before claimed, so that no other document
 * has to do with it, and because nothing that the source holds is refused.  Otherwise all stays as
 * it is, and if the next reload is offered the same bytes, they are not parsed again. */
bool catalogearly_take(struct catalog *, const char *name, struct catalog_reading *, uint64_t now,
                       struct catalog_change *out);
/* A reading that came too early for anything; NULL is fine. */
void catalogearly_drop(struct catalog_reading *);
/* Adds what was taken so to what a reload changed, and forgets it. */
void catalogearly_join(struct catalog_change *, struct catalog_change *early);

#endif
