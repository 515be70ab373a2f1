/* attachedDomains[] of a connection: which names it serves. */
#ifndef PLDNS_ATTACHMENT_H
#define PLDNS_ATTACHMENT_H

#include "connection.h"
#include "fields.h"

/* Reads the list 'field' of 'parent' into 'connection', whose fallback and endpoints are known by
 * now; its cloud, too, if 'typed'.  False: something was wrong; complaints were added.  What could
 * be read whole is in 'connection' all the same, to be compared with other names. */
MUST_USE bool attachment_read_all(const struct fields *parent, unsigned field, bool typed,
                                  struct connection *connection);

#endif
