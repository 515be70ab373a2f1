/* Counters.  Each worker has its own set and is its only writer; readers add the sets up.
 *
 * Increments are relaxed atomics without a locked instruction: a plain load, add and store. */
#ifndef PLDNS_STATS_H
#define PLDNS_STATS_H

#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

enum stats_counter {
    STATS_UDP_QUERIES,
    STATS_TCP_QUERIES,
    STATS_TCP_CONNECTIONS,  /* accepted */
    STATS_TCP_REFUSED,      /* closed for a limit */
    STATS_DROPPED_RUNT,     /* fewer than 12 octets */
    STATS_DROPPED_RESPONSE, /* QR=1 */
    STATS_DROPPED_SELF,     /* from our own address, or from port 0 */
    STATS_DROPPED_CLIENT,   /* not allowed, clients.otherwise: drop */
    STATS_REFUSED_CLIENT,
    STATS_FORMERR,
    STATS_NOTIMP,
    STATS_BADVERS,
    STATS_OWNED, /* answered from the table, whatever the rcode */
    STATS_OWNED_NOT_READY,
    STATS_OWNED_NXDOMAIN,
    STATS_OWNED_REGIONAL, /* a zone without endpoint was given all addresses */
    STATS_PLACEHOLDER,    /* label "unique_name" asked */
    STATS_DETACHED,
    STATS_FENCED,
    STATS_SEARCH_ABSORBED,
    STATS_SPECIAL,
    STATS_CHAOS,
    STATS_CHAINS, /* answers cut where a target is owned */
    STATS_CACHE_HITS,
    STATS_CACHE_MISSES,
    STATS_CACHE_STALE,
    STATS_CACHE_EVICTED,
    STATS_FORWARDED,        /* client questions given to forward */
    STATS_MERGED,           /* of them: joined one in flight */
    STATS_OVERLOADED,       /* of them: over limits.inFlight */
    STATS_UPSTREAM_QUERIES, /* packets and TCP messages sent upstream */
    STATS_UPSTREAM_REPLIES, /* accepted */
    STATS_UPSTREAM_BAD,     /* replies thrown away: wrong id, question, address, malformed */
    STATS_UPSTREAM_TIMEOUTS,
    STATS_UPSTREAM_TCP, /* retried over TCP */
    STATS_LEAKS,        /* owned name about to go upstream: stopped.  Must stay 0 */
    STATS_TRUNCATED,
    STATS_RCODE_NOERROR,
    STATS_RCODE_NXDOMAIN,
    STATS_RCODE_SERVFAIL,
    STATS_RCODE_REFUSED,
    STATS_RCODE_OTHER,
    STATS_COUNT
};

struct stats {
    _Atomic uint64_t value[STATS_COUNT];
};

static inline void stats_add(struct stats *s, enum stats_counter c, uint64_t n)
{
    uint64_t old = atomic_load_explicit(&s->value[c], memory_order_relaxed);

    atomic_store_explicit(&s->value[c], old + n, memory_order_relaxed);
}

static inline void stats_count(struct stats *s, enum stats_counter c)
{
    stats_add(s, c, 1);
}

uint64_t stats_read(const struct stats *, enum stats_counter);
/* "udp_queries": the metric's name without prefix and "_total". */
const char *stats_name(enum stats_counter);
const char *stats_help(enum stats_counter);

#endif
