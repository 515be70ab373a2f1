/* What is known of endpoints besides the documents: the addresses behind their names, and which
 * addresses do not answer.
 *
 * Sees to what the served documents want found out (refresh, prober), and has a new table built
 * when something has changed; what comes close together goes into one table, and a large table is
 * not built so often that nothing else gets done.  Belongs to the control thread. */
#ifndef PLDNS_REACH_H
#define PLDNS_REACH_H

#include "prober.h"
#include "refresh.h"
#include "reload.h"

#define REACH_MERGE_MS      20   /* changes so close together are one */
#define REACH_PAUSE         4    /* times as long as the last table took, until the next … */
#define REACH_PAUSE_MOST_MS 2000 /* … but no longer than this */

struct reach;

/* All lent for as long as it lives.  It opens so many sockets at most, half of them for tries. */
struct reach *reach_new(struct event_base *, const struct config *, const struct config_upstreams *,
                        struct reload *, unsigned sockets);
void reach_free(struct reach *); /* NULL is fine; before the reload */

/* To be called at the start and after every run of the reload. */
void reach_update(struct reach *, uint64_t now);

/* To be called when the list of reach_new() has become another one. */
void reach_upstreams_changed(struct reach *, uint64_t now);

/* For the status; NULL as long as nothing was wanted. */
const struct refresh *reach_refresh(const struct reach *);
const struct prober *reach_prober(const struct reach *);

#endif
