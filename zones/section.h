/* A piece of a shelf as an image's directory tells of it: where it lies, how long it is, and what
 * it has to be. */
#ifndef PLDNS_SECTION_H
#define PLDNS_SECTION_H

#include "packing.h"
#include "shelf.h"
#include "unpacking.h"

/* Puts bytes onto the shelf at a multiple of 'align', and tells of them.  False: see errno. */
MUST_USE bool section_put(struct packing *, struct shelf *, const void *bytes, size_t size,
                          size_t align);
/* Tells of what is there already. */
void section_tell(struct packing *, uint64_t place, const void *bytes, size_t size);

/* What was told of, for as long as the shelf is held.  NULL: it is not there or not what it was
 * ('broken' is set). */
const void *section_take(struct unpacking *, const struct shelf *, uint64_t *place, size_t *size);

#endif
