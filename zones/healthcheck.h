/* healthCheck of a connection: how its addresses are to be tried. */
#ifndef PLDNS_HEALTHCHECK_H
#define PLDNS_HEALTHCHECK_H

#include "connection.h"
#include "fields.h"

/* Reads the map 'field' of 'parent'; absent means off.  False: something was wrong; complaints were
 * added. */
MUST_USE bool healthcheck_read(const struct fields *parent, unsigned field,
                               struct connection_health *health);

#endif
