/* Those who wait until something is served: GET /api/wait.
 *
 * Bounded: ADMINWAIT_MAX at a time, who comes then gets 503 and may ask again; a waiter ends at its
 * time, and soon after its client went away. */
#ifndef PLDNS_ADMINWAIT_H
#define PLDNS_ADMINWAIT_H

#include "service.h"

#define ADMINWAIT_MAX 48 /* of ADMINPEERS_MAX: the others are for those who do not wait */

struct event_base;
struct evhttp_request;
struct adminwait;

enum adminwait_for {
    ADMINWAIT_GENERATION, /* this one or a later one */
    ADMINWAIT_DOCUMENT,   /* its version as of now; refused: 409 at once */
    ADMINWAIT_NAME,       /* owned and answered */
};

struct adminwait_condition {
    enum adminwait_for what;
    uint64_t generation;
    const char *document; /* lent for the call */
    struct dname name;
    uint64_t timeout_ms;
};

struct adminwait *adminwait_new(struct event_base *, const struct service *);
/* Requests that still wait belong to their connections, which the caller ends before. */
void adminwait_free(struct adminwait *);

/* Replies at once or later. */
void adminwait_add(struct adminwait *, struct evhttp_request *, const struct adminwait_condition *);

/* A run has ended: who waits may be served now. */
void adminwait_check(struct adminwait *);

#endif
