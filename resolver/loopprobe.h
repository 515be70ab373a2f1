/* Asks every upstream for the name that tells whether it leads back to us (loop.h): soon after the
 * start or after a change of the upstreams, then now and then; one that loops more often, so that
 * it is used again soon after it was mended.  Sockets are open only while answers are waited for.
 * Belongs to the control thread. */
#ifndef PLDNS_LOOPPROBE_H
#define PLDNS_LOOPPROBE_H

#include "loop.h"

#define LOOPPROBE_FIRST_MS 50   /* the workers answer by then */
#define LOOPPROBE_WAIT_MS  3000 /* whatever comes back has come by then */

struct config;
struct event_base;
struct loopprobe;

/* Asks those of the routes and, once they are set, the standard ones.  All lent for as long as it
 * lives; the loop is the configuration's. */
struct loopprobe *loopprobe_new(struct event_base *, const struct config *);
void loopprobe_free(struct loopprobe *);

/* From now on these are the standard ones; copied.  New ones are asked soon. */
void loopprobe_set(struct loopprobe *, const struct config_upstreams *);

#endif
