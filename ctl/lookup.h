/* pldnsctl explain: what a query for a name would get, and why. */
#ifndef PLDNS_LOOKUP_H
#define PLDNS_LOOKUP_H

#include "command.h"

command_fn lookup_explain;

#endif
