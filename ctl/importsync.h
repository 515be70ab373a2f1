/* A connection that is there is brought up to what an API tells of it. */
#ifndef PLDNS_IMPORTSYNC_H
#define PLDNS_IMPORTSYNC_H

#include "rewrite.h"

/* Notes the changes in 'rewrite'; returns the names of the fields that change, the caller's.
 *
 * What is not told stays: fields that are absent or null, an attachedDomains that is absent (as in
 * the API's List), and attached domains of types that the API does not have. */
json_t *importsync_connection(struct rewrite *, const struct rewrite_place *, const json_t *from);

#endif
