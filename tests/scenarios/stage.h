/* What a scenario plays on: the real answer path, from query_handle() down to the upstreams' ports,
 * with a scripted network, clock and dice; and clients that remember what they were told. */
#ifndef STAGE_H
#define STAGE_H

#include <stdio.h>

#include "documents.h"
#include "fake_network.h"

#define STAGE_CLIENTS_MAX 4500

struct stage;

/* ---- before it opens ---- */

/* Events go to 'trace' while they happen; NULL: nowhere. */
struct stage *stage_new(FILE *trace);
void stage_free(struct stage *);
/* As the daemon's environment does; later ones win. */
void stage_configure(struct stage *, const char *key, const char *value);
/* A configuration file to be written to; the settings above go before it. */
int stage_config_file(struct stage *);
/* One more upstream; "none" forgets those before.  Without a call: 192.0.2.1 and 192.0.2.2. */
void stage_upstream(struct stage *, const char *text);

/* ---- documents; at any time ---- */

struct documents *stage_documents(struct stage *);

/* Opens the stage if it is not open; puts changed documents into service.  False: 'errors' says
 * why. */
MUST_USE bool stage_settle(struct stage *, struct error_list *errors);

/* ---- time ---- */

uint64_t stage_now(const struct stage *); /* milliseconds since it opened */
void stage_pass(struct stage *, uint64_t ms);

/* ---- clients ---- */

enum stage_state { STAGE_IDLE, STAGE_DROPPED, STAGE_WAITING, STAGE_TOLD };

struct stage_client {
    enum stage_state state;
    bool tcp;
    uint8_t *query, *reply; /* 'reply': STAGE_TOLD only */
    size_t query_size, reply_size;
    unsigned line; /* of the scenario, where it asked */
};

/* False: it still waits, or has an answer that nobody looked at. */
MUST_USE bool stage_ask(struct stage *, unsigned client, const void *query, size_t size, bool tcp,
                        const union config_address *from, unsigned line, const char **why);
struct stage_client *stage_client(struct stage *, unsigned client);
/* Nothing is left of the last answer. */
void stage_dismiss(struct stage *, unsigned client);

/* ---- upstreams ---- */

/* From now on these are the upstreams, as when resolv.conf has changed; copied. */
void stage_set_upstreams(struct stage *, const struct config_upstreams *);

struct stage_sent {
    struct fake_sent sent;
    bool probe;          /* the root's NS */
    uint64_t taken;      /* 0: no line of the scenario spoke of it yet; else a rising number */
    unsigned connection; /* of those to that address, from 1; 0: a datagram */
    char label[32];
};

size_t stage_sent_length(const struct stage *);
struct stage_sent *stage_sent(struct stage *, size_t i);
void stage_take(struct stage *, struct stage_sent *);
size_t stage_connections(const struct stage *, const char *to); /* open ones */

/* A message comes, whole or in part, or the socket breaks. */
void stage_deliver(struct stage *, const struct stage_sent *, const void *message, size_t size);
void stage_octets(struct stage *, const struct stage_sent *, const void *octets, size_t size);
void stage_break(struct stage *, const struct stage_sent *);

/* ---- the rest of the world ---- */

struct fake_network *stage_network(struct stage *);
const struct config *stage_config(const struct stage *);
/* False: there is no such counter. */
MUST_USE bool stage_counter(const struct stage *, const char *name, uint64_t *out);
size_t stage_flush(struct stage *, const uint8_t *name, bool subtree);
/* The server stops: who waits is told. */
void stage_stop(struct stage *);

#endif
