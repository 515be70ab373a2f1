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
void listener_close(struct listener *, size_t length);

#endif
