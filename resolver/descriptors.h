/* File descriptors: enough of them to start, and a share for each who needs many, so that idle
 * clients never hold the last one. */
#ifndef PLDNS_DESCRIPTORS_H
#define PLDNS_DESCRIPTORS_H

#include "error.h"

/* What must be free when all stands: for upstreams, documents being read, and whoever asks.  With
 * less it would look ready, and then work by chance. */
#define DESCRIPTORS_FREE 16

struct descriptors_share { /* at most */
    unsigned clients;      /* of one worker: TCP connections */
    unsigned upstreams;    /* and sockets towards upstreams … */
    unsigned reserve;      /* … and how many of them are held back from the start */
    unsigned endpoints;    /* of all: sockets for names and tries of endpoints (reach.h) */
};

/* Standard input, output and error that are closed lead nowhere from now on: what is opened first
 * would take their numbers, and lines of the log would be written there. */
void descriptors_occupy(void);
/* As many as the hard limit gives, if they are wanted. */
void descriptors_raise(void);
/* How many are free now; 0 if that cannot be known. */
unsigned descriptors_count(void);
/* False: when so many more workers stand, fewer than DESCRIPTORS_FREE are left; 'errors' says so.
 */
MUST_USE bool descriptors_suffice(unsigned workers, struct error_list *errors);

/* How 'free' descriptors, before any worker has started, are divided among 'workers' and what is
 * done for endpoints.  Nobody gets 0. */
struct descriptors_share descriptors_divide(unsigned free, unsigned workers);

#endif
