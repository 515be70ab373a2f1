/* pldnsctl diff: which names are answered otherwise. */
#ifndef PLDNS_DIFFER_H
#define PLDNS_DIFFER_H

#include "command.h"
#include "table.h"

command_fn differ_show;

/* The differences as JSON, one object each; the caller's. */
json_t *differ_list(const struct table *before, const struct table *after);
/* The same for people. */
void differ_print(const struct output *, const json_t *list);

#endif
