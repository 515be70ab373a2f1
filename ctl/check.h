/* pldnsctl check: would the daemon take these documents? */
#ifndef PLDNS_CHECK_H
#define PLDNS_CHECK_H

#include "command.h"

command_fn check_documents;

#endif
