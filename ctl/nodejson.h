/* Documents as JSON values, and JSON values as the nodes that edit.h puts in. */
#ifndef PLDNS_NODEJSON_H
#define PLDNS_NODEJSON_H

#include "yamldoc.h"
#include <jansson.h>

/* A text wherever the API has a text, quoted or not ("clusterId: 108…"). */
json_t *nodejson_read(const struct yamldoc_node *);

/* False: no document can hold it (it is nested too deep, a key is too long); 'why' says so. */
MUST_USE bool nodejson_fits(const json_t *, char *why, size_t why_size);

/* The value, which fits, as a document of its own, the caller's to yamldoc_free(). */
struct yamldoc *nodejson_write(const json_t *);

#endif
