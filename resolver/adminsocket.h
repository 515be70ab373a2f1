/* The admin address's listening sockets. */
#ifndef PLDNS_ADMINSOCKET_H
#define PLDNS_ADMINSOCKET_H

#include "config.h"

/* A listening socket, not blocking.  A unix socket gets mode 0660, and its directory is made if it
 * is missing.  -1: 'errors' says why. */
MUST_USE int adminsocket_open(const union config_address *, struct error_list *errors);

/* Removes the socket file, if it is still the one that was bound. */
void adminsocket_remove(const union config_address *, int socket);

#endif
