/* private to catalog: a table as bytes on a shelf.  A patch is not written, but what it changes. */
#ifndef PLDNS_TABLEIMAGE_H
#define PLDNS_TABLEIMAGE_H

#include "section.h"
#include "table.h"

/* Puts a table that was built whole onto the shelf and tells of it.  False: see errno. */
MUST_USE bool tableimage_write(const struct table *, struct packing *, struct shelf *);

/* The table in memory again, as table_build() made it, under a generation of now; it does not need
 * the shelf any more.  NULL: it is not there as it was told of. */
struct table *tableimage_read(struct unpacking *, const struct shelf *, uint64_t generation);

#endif
