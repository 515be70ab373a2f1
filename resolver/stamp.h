/* What decides, besides the documents, what is served: this very program and a part of its
 * configuration.  An image of what was served holds for who has the same stamp. */
#ifndef PLDNS_STAMP_H
#define PLDNS_STAMP_H

#include "config.h"
#include "digest.h"

/* False: the program does not say which one it is (buildid.h). */
MUST_USE bool stamp_make(const struct config *, struct digest *stamp);

#endif
