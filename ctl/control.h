/* pldnsctl reload, wait and flush: what changes something in the daemon, or waits for a change. */
#ifndef PLDNS_CONTROL_H
#define PLDNS_CONTROL_H

#include "command.h"

command_fn control_reload;
command_fn control_wait;
command_fn control_flush;

#endif
