/* attachedDomains[] of a connection: which names it serves. */
#ifndef PLDNS_ATTACHMENT_H
#define PLDNS_ATTACHMENT_H

#include "connection.h"
#include "fields.h"

/* Reads the list 'field' of 'parent' into 'connection', whose type, fallback and endpoints are
 * known by now.  False: something was wrong; complaints were added. */
MUST_USE bool attachment_read_all(const struct fields *parent, unsigned field,
                                  struct connection *connection);

#endif
