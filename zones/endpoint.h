/* endpoints[] of a connection: where the traffic goes. */
#ifndef PLDNS_ENDPOINT_H
#define PLDNS_ENDPOINT_H

#include "connection.h"
#include "fields.h"

/* Reads the list 'field' of 'parent' into 'connection', whose type and state are known by
 * now.  False:
 * something was wrong; complaints were added. */
MUST_USE bool endpoint_read_all(const struct fields *parent, unsigned field,
                                struct connection *connection);

/* False: nobody can connect to it (unspecified, multicast, IPv4 in disguise …). */
bool endpoint_is_useful(const struct connection_address *);

#endif
