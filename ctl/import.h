/* pldnsctl import: what APIs print becomes documents, or changes those that are there. */
#ifndef PLDNS_IMPORT_H
#define PLDNS_IMPORT_H

#include "command.h"

command_fn import_documents;

#endif
