/* Queries over UDP: batches in, batches out, one read-side section a batch.
 *
 * Replies leave from the address that was asked, also when the socket is bound to all addresses. */
#ifndef PLDNS_UDP_H
#define PLDNS_UDP_H

#include "listener.h"
#include "query.h"
#include "turn.h"

#define UDP_BATCH 32 /* more in one system call wins nothing (docs/decisions.md) */

struct event_base;
struct udp;

struct udp_options { /* all held as long as the udp */
    struct event_base *base;
    struct turn *turn; /* late replies are gathered and leave at its end */
    struct query_desk *desk;
    const struct config *config;
    const struct listener *listeners; /* config->listen_length of them */
};

/* NULL: libevent could not take the sockets. */
MUST_USE struct udp *udp_new(const struct udp_options *);
/* Answers what has arrived already, to the last datagram or UDP_DRAIN_MAX of them. */
#define UDP_DRAIN_MAX 100000
void udp_drain(struct udp *);
void udp_free(struct udp *);

#endif
