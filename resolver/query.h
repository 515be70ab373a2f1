/* The way of a query: **the spine**.  Every transport enters here, every reply leaves here.
 *
 * The stages stand in query.c in the order in which a query meets them.  Owned names and cache hits
 * are answered inside query_handle() without allocation; a question that must wait for an upstream
 * is answered later through the client's reply function. */
#ifndef PLDNS_QUERY_H
#define PLDNS_QUERY_H

#include "cache.h"
#include "config.h"
#include "forward.h"
#include "owned.h"
#include "publish.h"
#include "stats.h"

#define QUERY_REPLY_MAX  65535 /* octets of a reply over TCP */
#define QUERY_ROUTE_SIZE 24

/* Queries of one worker that may wait for upstreams, whatever they ask: so many for each question
 * that may be in flight, and at least as many as may wait for one of them.  Beyond that it is as if
 * there were too many questions in flight. */
#define QUERY_WAITING_EACH  4
#define QUERY_WAITING_LEAST FORWARD_WAITERS_MAX

struct query_client;

/* How a transport sends a reply that had to wait.  'reply' is lent for the call; the transport
 * finds its way back by 'client'.  Called at most once for each QUERY_WAITING; size 0 = no reply
 * (the transport still learns that this query has ended). */
typedef void query_reply_fn(const struct query_client *, const uint8_t *reply, size_t size);

/* Who asks, by which transport.  Copied while the query waits. */
struct query_client {
    union config_ip address;
    bool tcp;
    query_reply_fn *reply;
    void *transport;
    /* The transport's own note of where the reply goes (local address, connection and its age). */
    _Alignas(8) uint8_t route[QUERY_ROUTE_SIZE];
};

enum query_result {
    QUERY_DONE,    /* the reply is in 'out', '*out_size' octets */
    QUERY_SILENT,  /* no reply is due (runt, response, dropped client) */
    QUERY_WAITING, /* client->reply will be called */
};

/* What the control thread knows and the desk only repeats (`generation.pldns`). */
struct query_facts {
    _Atomic uint64_t published_ms; /* monotonic, when the table in service was published */
    _Atomic uint64_t refused;      /* documents whose newest version is not served */
};

struct query_desk; /* what one worker needs to answer */

struct query_desk_options {
    const struct config *config;
    struct publish *table; /* of struct tableset */
    struct cache *cache;
    struct stats *stats;
    struct network *network;
    const struct config_upstreams *upstreams;
    unsigned in_flight;
    const struct query_facts *facts; /* held for ever; NULL = not known */
    struct owned_turns turns; /* where the first answers' addresses begin: somewhere, or all that
                               * ask once of daemons just started connect to the first address */
};

struct query_desk *query_desk_new(const struct query_desk_options *);
/* Ends waiting queries with SERVFAIL through their reply functions, then frees. */
void query_desk_free(struct query_desk *);
/* As cache_flush(); and what is being asked upstream is not kept when it comes. */
size_t query_desk_flush(struct query_desk *, const uint8_t *name, bool subtree);
struct forward *query_desk_forward(struct query_desk *);
size_t query_desk_waiting(const struct query_desk *);

#define QUERY_BATCH 32 /* more at a time wins nothing */

struct query_item { /* one message of a batch */
    const struct query_client *client;
    const uint8_t *packet;
    size_t size;
    uint8_t *out;
    size_t space;
    size_t out_size;          /* set with QUERY_DONE */
    enum query_result result; /* set */
};

/* Answers up to QUERY_BATCH messages of one transport, each as query_handle() does; 'out' is each
 * one's own, for all of them the message's own place or for none.  Returns how many are
 * QUERY_DONE. */
unsigned query_handle_all(struct query_desk *, struct query_item *, unsigned length, uint64_t now);

/* Answers one message.  The caller is inside a read-side section (publish.h), which may span a
 * batch. 'out' has room for 'space' octets: at least 1232 for UDP, QUERY_REPLY_MAX for TCP; it may
 * overlap 'packet' only if it is the same: the reply then takes its place. */
MUST_USE enum query_result query_handle(struct query_desk *, const struct query_client *,
                                        const uint8_t *packet, size_t size, uint8_t *out,
                                        size_t space, size_t *out_size, uint64_t now);

#endif
