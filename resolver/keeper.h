/* What a restart has to find: accepted documents and detachments, between the catalog and the state
 * directory. */
#ifndef PLDNS_KEEPER_H
#define PLDNS_KEEPER_H

#include "catalog.h"
#include "statedir.h"

struct keeper;

/* Both lent for as long as it lives; 'directory' is where the documents come from. */
struct keeper *keeper_new(struct statedir *, const char *directory);
void keeper_free(struct keeper *); /* NULL is fine */

/* Tells the catalog what was kept; before its first reload. */
void keeper_restore(struct keeper *, struct catalog *);

/* Keeps what is served now.  What does not fit is tried again the next time, see
 * statedir_trouble(). */
void keeper_keep(struct keeper *, const struct catalog *);

#endif
