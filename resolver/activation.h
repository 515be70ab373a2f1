/* Sockets that systemd bound for us before it started us (sd_listen_fds(3)): they take the place of
 * those of 'listen'. */
#ifndef PLDNS_ACTIVATION_H
#define PLDNS_ACTIVATION_H

#include "listener.h"

/* Takes them, and makes their addresses those of 'config->listen'.  '*out' is one listener for each
 * address (see listener_share()), or NULL if there are none.  False: one is of no use, 'errors'
 * says why; every address wants a socket for datagrams and one for streams. */
MUST_USE bool activation_take(struct config *, struct listener **out, struct error_list *errors);

#endif
