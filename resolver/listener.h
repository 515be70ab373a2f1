/* Listening sockets: bound before any thread starts, so that a taken port is told at once.
 *
 * Every worker has its own UDP and TCP socket per address (SO_REUSEPORT).  Another process on the
 * same address is refused, even one that would share the port. */
#ifndef PLDNS_LISTENER_H
#define PLDNS_LISTENER_H

#include "config.h"

struct listener {
    int udp, tcp;
    union config_address address;
};

/* Binds 'workers' × 'config->listen_length' listeners, worker by worker.  NULL: 'errors' says which
 * address failed and why ("127.0.0.1:53 udp: permission denied; …what to do").  The caller closes.
 */
MUST_USE struct listener *listener_bind(const struct config *, unsigned workers,
                                        struct error_list *errors);

/* The same for all workers of sockets that somebody else bound, 'length' of them; they are taken
 * over.  The workers share them: each has descriptors of its own.  NULL: no descriptor is left. */
MUST_USE struct listener *listener_share(struct listener *bound, size_t length, unsigned workers,
                                         struct error_list *errors);
/* What is wanted of such a socket.  False: errno says why. */
MUST_USE bool listener_tune(int fd, int type, const union config_address *);

void listener_close(struct listener *, size_t length);

#endif
