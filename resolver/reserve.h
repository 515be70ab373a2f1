/* Descriptors that are held back, so that a process whose clients have eaten all others can still
 * open some. */
#ifndef PLDNS_RESERVE_H
#define PLDNS_RESERVE_H

#include "error.h"

#define RESERVE_MAX 16

struct reserve { /* all zero: none is held, none is wanted */
    int fds[RESERVE_MAX];
    unsigned length, wanted;
};

/* Takes as many as are wanted, or as there are to be had. */
void reserve_fill(struct reserve *);
/* One goes back to the process.  False: there is none. */
MUST_USE bool reserve_lend(struct reserve *);
void reserve_clear(struct reserve *);

#endif
