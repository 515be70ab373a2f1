/* Independent pieces of work, done by several threads while the caller waits. */
#ifndef PLDNS_CREW_H
#define PLDNS_CREW_H

#include <stddef.h>

/* Threads at most, the caller's own among them. */
#define CREW_MAX 16

/* Called for each piece, in any order and from any thread, but once. */
typedef void crew_fn(void *arg, size_t piece);

/* Returns when all pieces are done.  'hands' is how many threads may take part, at least 1.  They
 * take no signals, have the caller's priority, and are gone afterwards. */
void crew_run(size_t pieces, size_t hands, crew_fn *, void *arg);

#endif
