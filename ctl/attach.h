/* pldnsctl attach-domains and detach-domains. */
#ifndef PLDNS_ATTACH_H
#define PLDNS_ATTACH_H

#include "command.h"

command_fn attach_domains;
command_fn attach_detach;

#endif
