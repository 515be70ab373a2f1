/* What the API shows of a connection and documents leave out: the names of attached domains. */
#ifndef PLDNS_SHAPE_H
#define PLDNS_SHAPE_H

#include <jansson.h>
#include <stddef.h>

/* For each attached domain of the connection a list of its names; NULL: the document is refused.
 * The caller's. */
json_t *shape_names(const char *file, const void *bytes, size_t size, const char *id);

/* Gives each of the connection's attachedDomains that has none its 'domains', as Get does. */
void shape_fill(json_t *connection, const json_t *names);

#endif
