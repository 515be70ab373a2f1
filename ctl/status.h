/* pldnsctl status: what the daemon serves and how it fares. */
#ifndef PLDNS_STATUS_H
#define PLDNS_STATUS_H

#include "command.h"

command_fn status_show;

#endif
