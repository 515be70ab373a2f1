/* pldnsctl diff: which names are answered otherwise. */
#ifndef PLDNS_DIFFER_H
#define PLDNS_DIFFER_H

#include "command.h"
#include "tableset.h"

command_fn differ_show;

/* The differences as JSON, one object each; the caller's.  Both have the same views. */
json_t *differ_list(const struct tableset *before, const struct tableset *after);
/* The same for people. */
void differ_print(const struct output *, const json_t *list);

#endif
