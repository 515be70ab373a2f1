/* pldnsctl help and version. */
#ifndef PLDNS_HELP_H
#define PLDNS_HELP_H

#include "command.h"

command_fn help_show;    /* help [COMMAND] */
command_fn help_version; /* version */

/* The command of that name, or NULL after an error on standard error with a suggestion. */
const struct command *help_find(const struct output *, const struct command *table,
                                const char *name);

#endif
