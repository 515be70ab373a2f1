/* Accepts TCP connections, and survives what may go wrong with that: when descriptors or memory run
 * out, its owner is asked to give something back, and if there is nothing, accepting pauses.  (The
 * listening socket stays readable: without a pause the event would fire a million times a second.)
 */
#ifndef PLDNS_ACCEPTOR_H
#define PLDNS_ACCEPTOR_H

#include "listener.h"

#define ACCEPTOR_PAUSE_MS 1000

struct event_base;
struct acceptor;

/* A new connection: 'fd' is taken over. */
typedef void acceptor_take_fn(void *arg, int fd, const union config_address *peer, uint64_t now);
/* Closes something.  False: there is nothing to close. */
typedef bool acceptor_shed_fn(void *arg);

struct acceptor_options {
    struct event_base *base;
    struct listener *listeners; /* held; acceptor_stop() closes their TCP sockets */
    size_t length;
    acceptor_take_fn *take;
    acceptor_shed_fn *shed;
    void *arg;
};

/* NULL: libevent could not take the sockets. */
MUST_USE struct acceptor *acceptor_new(const struct acceptor_options *);
void acceptor_stop(struct acceptor *); /* for good, after those who have come */
void acceptor_free(struct acceptor *);

#endif
