/* What contradicts itself within one document: ids used twice, names used twice by one cluster,
 * endpoints below their own cluster's names; and what a writer may not have meant: hosts that hide
 * from a wildcard. */
#ifndef PLDNS_OVERLAP_H
#define PLDNS_OVERLAP_H

#include "connection.h"
#include "digest.h"

/* Owner names of one document: what the largest documents have, times four. */
#define OVERLAP_NAMES_MAX (4u << 20)

/* Checks the connections of the document 'file', whose bytes have this digest.  Linear in the
 * names.  Of connections that have mistakes of their own only what could be read is there: an id
 * may be "", domains and names without sense are left out. */
void overlap_check(const char *file, const struct digest *, const struct connection *connections,
                   size_t length, struct error_list *errors);

#endif
