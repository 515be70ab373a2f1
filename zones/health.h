/* The addresses that do not answer their health checks at one moment.
 *
 * Immutable once made.  An address is known by itself and by how it is tried: two connections that
 * try one address in different ways may come to different results. */
#ifndef PLDNS_HEALTH_H
#define PLDNS_HEALTH_H

#include "connection.h"

struct health_key {
    struct connection_address address;
    struct connection_health check; /* all but min_healthy_percent counts */
};

struct health_entry {
    struct health_key key;
    uint64_t since; /* seconds since 1970 */
};

struct health;

struct health *health_make(const struct health_entry *, size_t length); /* copied */
void health_free(struct health *);                                      /* NULL is fine */

/* NULL: it answers, as far as is known.  A list that is NULL is empty. */
const struct health_entry *health_find(const struct health *, const struct health_key *);

/* All of them, by key. */
const struct health_entry *health_entries(const struct health *, size_t *length);

/* The order of keys, as for qsort(). */
int health_compare(const struct health_key *, const struct health_key *);

/* How many of 'total' addresses must be left: a share of them, but never none. */
unsigned health_least(const struct connection_health *, unsigned total);

#endif
