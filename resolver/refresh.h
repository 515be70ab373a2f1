/* Keeps the addresses behind the names of endpoints (dnsName) fresh.
 *
 * Each name is asked for (A and AAAA) when its records end, 5 to 60 seconds after it was asked for
 * last, a little earlier by chance so that names do not march in step.  What was good last stays
 * through any failure: no answer, SERVFAIL, NXDOMAIN, an answer without addresses, an answer that
 * leads into names that we own.  Such a name is tried again soon, and later the longer it fails.
 *
 * Bounded: REFRESH_AT_ONCE names at a time, CONNECTION_ADDRESSES_MAX addresses of a family; as many
 * names as are wanted, see wanted.h.  One thread's own. */
#ifndef PLDNS_REFRESH_H
#define PLDNS_REFRESH_H

#include "forward.h"
#include "targets.h"

#define REFRESH_TTL_LEAST_MS   5000
#define REFRESH_TTL_MOST_MS    60000
#define REFRESH_RETRY_FIRST_MS 1000
#define REFRESH_RETRY_MOST_MS  10000
#define REFRESH_AT_ONCE        32

struct refresh;

/* True if the name is ours: then it is no place to look for addresses. */
typedef bool refresh_owned_fn(void *arg, const uint8_t *name, unsigned view);
/* What refresh_book() says has changed.  Never from inside refresh_want(). */
typedef void refresh_changed_fn(void *arg, uint64_t now);

struct refresh_options {
    const struct config *config;              /* lent for ever */
    const struct config_upstreams *upstreams; /* copied */
    struct network *network;
    struct stats *stats; /* of the questions */
    refresh_owned_fn *owned;
    refresh_changed_fn *changed;
    void *arg;
};

struct refresh *refresh_new(const struct refresh_options *);
void refresh_free(struct refresh *); /* NULL is fine */

/* Others than before; copied. */
void refresh_set_upstreams(struct refresh *, const struct config_upstreams *, uint64_t now);

/* From now on these names and no others; folded wire names in the order of targets_compare(), no
 * two equal; copied.  New ones are asked for at once.  True: some are not wanted any more, so what
 * refresh_book() says has changed. */
MUST_USE bool refresh_want(struct refresh *, uint8_t *const *names, size_t length, uint64_t now);

/* What is known; 'wall' is the present moment in seconds since 1970.  NULL if no name is wanted. */
struct targets *refresh_book(const struct refresh *, uint64_t now, uint64_t wall);

struct refresh_totals {
    size_t names, stale, unresolved;  /* now */
    uint64_t rounds, failures, loops; /* ever: asked, failed, of those: into names that we own */
};
struct refresh_totals refresh_totals(const struct refresh *); /* NULL: all zero */

struct refresh_status {
    const uint8_t *name;
    const struct connection_address *addresses;
    unsigned length;
    const char *trouble; /* "" if there is none */
    uint64_t trouble_ms; /* since when */
    bool resolved;       /* it had addresses at least once */
    uint64_t fresh_ms;   /* when it was last answered well */
};
typedef void refresh_each_fn(void *arg, const struct refresh_status *);
void refresh_each(const struct refresh *, refresh_each_fn *, void *arg);

#endif
