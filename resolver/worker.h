/* One thread that answers: its own event base, sockets, cache, forward and counters. */
#ifndef PLDNS_WORKER_H
#define PLDNS_WORKER_H

#include "descriptors.h"
#include "hash.h"
#include "listener.h"
#include "publish.h"
#include "stats.h"

struct worker;
struct query_facts; /* query.h */

struct worker_options {
    unsigned index;
    const struct config *config;
    struct publish *table;
    struct listener *listeners; /* config->listen_length of them; at its end the worker closes those
                                   for TCP, else nobody but the owner */
    const struct config_upstreams *upstreams; /* copied */
    struct hash_key key;
    size_t cache_bytes;              /* this worker's share */
    const struct query_facts *facts; /* for `generation.pldns`; NULL = not known */
    struct descriptors_share descriptors;
    struct peers *peers; /* of all workers */
};

/* Starts the thread.  NULL: 'errors' says why. */
MUST_USE struct worker *worker_start(const struct worker_options *, struct error_list *errors);

/* Ends them all, and returns when that is done: no new TCP connections, waiting queries answered
 * (SERVFAIL if they must).  Those may wait for upstreams a little before; until nobody does any
 * more, all workers answer on. */
void worker_stop(struct worker *const *, unsigned length);

const struct stats *worker_stats(const struct worker *);

/* Has all workers look at what they hold, and waits for them, WORKER_LOOK_MS at most: an idle
 * worker is not woken to do so by itself.  The two below tell what the latest look found, and one
 * that counts what the cache evicted since the one before. */
#define WORKER_LOOK_MS 100
void worker_look(struct worker *const *, unsigned length);

struct worker_gauges {
    uint64_t cache_bytes, cache_entries, cache_evicted, in_flight, tcp_connections;
};
void worker_gauges(struct worker *, struct worker_gauges *out);

/* What the worker knows of each upstream, 'most' at most; returns how many. */
#define WORKER_UPSTREAMS_MAX 64
struct upstream_state; /* upstream.h */
size_t worker_upstreams(struct worker *, struct upstream_state *out, size_t most);

/* Drops cached names; done in the worker's thread, soon. */
void worker_flush(struct worker *, const struct dname *name, bool subtree);

/* From now on these are the standard upstreams; copied.  Done in the worker's thread, soon. */
void worker_set_upstreams(struct worker *, const struct config_upstreams *);

#endif
