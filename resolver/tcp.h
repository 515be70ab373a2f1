/* Queries over TCP (RFC 7766): many on a connection, pipelined, answered in any order; one write
 * for all the answers of one read.
 *
 * Nobody starves anybody: connections are capped in all and per client, the most idle one goes
 * first; a message must come whole, and replies must be taken, within the idle time; what is kept
 * for one connection and for all is bounded.  A connection that only sits there costs no buffer. */
#ifndef PLDNS_TCP_H
#define PLDNS_TCP_H

#include "listener.h"
#include "peers.h"
#include "query.h"

struct event_base;
struct tcp;

struct tcp_options { /* all held as long as the tcp */
    struct event_base *base;
    struct query_desk *desk;
    const struct config *config;
    struct stats *stats;
    struct listener *listeners; /* config->listen_length of them */
    unsigned most;              /* connections there may be descriptors for */
    struct peers *peers;        /* of all workers */
};

/* config->limits hold for all workers together, but that each takes one connection at least; 'most'
 * holds for this one.  NULL: libevent could not take the sockets. */
MUST_USE struct tcp *tcp_new(const struct tcp_options *);
/* Those who have come are let in still; then the listening sockets are closed. */
void tcp_stop_accepting(struct tcp *);
/* Sends what can be sent at once, closes everything.  Queries that wait must have been ended. */
void tcp_free(struct tcp *);

size_t tcp_connections(const struct tcp *);

#endif
