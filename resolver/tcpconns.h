/* The open TCP connections of a worker: reads queries, has them answered, sends the replies, and
 * knows of each connection what to wait for and when it ends.  tcp.h lets them in. */
#ifndef PLDNS_TCPCONNS_H
#define PLDNS_TCPCONNS_H

#include "peers.h"
#include "query.h"

#define TCPCONNS_PIPELINE_MAX 128        /* queries of one connection that wait for an upstream */
#define TCPCONNS_UNSENT_MAX   (1 << 20)  /* octets of replies kept for one connection */
#define TCPCONNS_HELD_MAX     (32 << 20) /* octets kept for all connections, both ways */

struct event_base;
struct tcpconns;

struct tcpconns_options { /* all held as long as the tcpconns */
    struct event_base *base;
    struct query_desk *desk;
    const struct config *config;
    struct stats *stats;
    struct peers *peers; /* that clients were entered in */
    size_t most;         /* connections */
};

/* NULL: libevent could not. */
MUST_USE struct tcpconns *tcpconns_new(const struct tcpconns_options *);
/* Sends what can be sent at once, closes everything.  Queries that wait must have been ended. */
void tcpconns_free(struct tcpconns *);

size_t tcpconns_length(const struct tcpconns *);

/* 'fd' and what peers_enter() gave are taken over.  There must be fewer than 'most'.  What the
 * client has sent already is answered at once.  'ample': it may go on to count for a moment when
 * the client has hung up. */
void tcpconns_open(struct tcpconns *, int fd, const union config_ip *, struct peer *, bool ample,
                   uint64_t now);

/* Closes those whose clients have hung up meanwhile. */
void tcpconns_settle(struct tcpconns *, uint64_t now);
/* Closes the one that has been idle for the longest time; one that an answer is due on is not idle,
 * unless nearly all are so.  False: there is none. */
bool tcpconns_shed(struct tcpconns *);

#endif
