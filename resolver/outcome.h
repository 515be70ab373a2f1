/* The outcome of a reload as JSON, for who asked for it. */
#ifndef PLDNS_OUTCOME_H
#define PLDNS_OUTCOME_H

#include "reload.h"
#include <jansson.h>

/* The caller releases the reference. */
json_t *outcome_json(const struct reload_outcome *);

#endif
