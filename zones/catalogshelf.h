/* Where a catalog's documents and its ledger rest while nothing changes. */
#ifndef PLDNS_CATALOGSHELF_H
#define PLDNS_CATALOGSHELF_H

#include "catalog.h"

/* Documents are put to rest on this shelf from now on, so that they take no memory; it is held. */
void catalogshelf_use(struct catalog *, struct shelf *);
/* That shelf if there is no image on it yet, held for the caller; or NULL. */
struct shelf *catalogshelf_new(const struct catalog *);
/* Gives back the memory that nobody needs until something changes. */
void catalogshelf_rest(struct catalog *);
/* The shelf, or the one in use (NULL), is given up: what lies there comes back into memory. */
void catalogshelf_leave(struct catalog *, const struct shelf *);

#endif
