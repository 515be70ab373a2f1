/* The daemon's state as JSON: the status, and explanations of names. */
#ifndef PLDNS_OVERVIEW_H
#define PLDNS_OVERVIEW_H

#include "service.h"
#include <jansson.h>

/* All of it inside a read-side section of the table; the caller releases the reference. */
json_t *overview_status(const struct service *, uint64_t now);
/* 'client' may be NULL. */
json_t *overview_explain(const struct service *, const struct dname *, const char *type,
                         const struct sockaddr *client);

#endif
