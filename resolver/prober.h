/* Tries addresses: a TCP connection each, again and again, and what follows from its failures.
 *
 * An address is taken for healthy until 'fall' tries in a row have failed, and then for unhealthy
 * until 'rise' in a row have succeeded.  A try succeeds if the connection stands within the
 * timeout; it is closed at once and nothing is sent.  The next one starts an interval after the
 * last, a little earlier by chance: so what is dead is known within interval × fall + timeout.  A
 * try that could not be made for want of something of our own (descriptors, ports, memory) says
 * nothing about the address.
 *
 * Bounded: so many tries at a time, PROBER_AT_ONCE at most; as many addresses as are wanted.  One
 * thread's own. */
#ifndef PLDNS_PROBER_H
#define PLDNS_PROBER_H

#include "health.h"
#include "network.h"

#define PROBER_AT_ONCE  512
#define PROBER_FIRST_MS 2000  /* a new address is tried within this time, or within its interval */
#define PROBER_MOST     65536 /* addresses; those beyond are taken for healthy */

struct prober;

/* What prober_health() says has changed.  Never from inside prober_want(). */
typedef void prober_changed_fn(void *arg, uint64_t now);

struct prober *prober_new(struct network *, unsigned at_once, prober_changed_fn *, void *arg);
void prober_free(struct prober *); /* NULL is fine */

/* From now on these and no others; in the order of health_compare(), no two equal; copied.  Who was
 * tried before keeps what is known of it.  True: somebody unhealthy is not wanted any more, so what
 * prober_health() says has changed. */
MUST_USE bool prober_want(struct prober *, const struct health_key *, size_t length, uint64_t now);

/* Who is unhealthy; 'wall' is the present moment in seconds since 1970.  NULL if nobody is tried.
 */
struct health *prober_health(const struct prober *, uint64_t now, uint64_t wall);

struct prober_totals {
    size_t addresses, unhealthy; /* now */
    uint64_t tries, failures;    /* ever */
};
struct prober_totals prober_totals(const struct prober *); /* NULL: all zero */

struct prober_status {
    const struct health_key *key;
    bool healthy, tried; /* tried: at least once to an end */
    uint64_t since_ms;   /* since when it is so; 0: since it is known */
    unsigned opposite;   /* tries in a row that said the other thing */
    const char *last;    /* "connected", "refused", "timeout", "unreachable", "" = not yet */
};
typedef void prober_each_fn(void *arg, const struct prober_status *);
void prober_each(const struct prober *, prober_each_fn *, void *arg);

#endif
