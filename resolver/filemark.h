/* How a file stood when it held certain bytes: as long as it stands so, it holds them still, and
 * need not be read.  Only for files that are never written to, but replaced. */
#ifndef PLDNS_FILEMARK_H
#define PLDNS_FILEMARK_H

#include "digest.h"
#include "error.h"
#include "packing.h"
#include "unpacking.h"

/* Tells of the file of this name as it stands in 'folder'; of one that is not there nothing is
 * told. Names are told of, and asked for, in the order of strcmp(). */
void filemark_tell(struct packing *, const char *name, int folder, const char *file,
                   const struct digest *);
/* True: it stands as it did, and 'digest' is set. */
MUST_USE bool filemark_find(struct unpacking *, const char *name, int folder, const char *file,
                            struct digest *digest);

#endif
