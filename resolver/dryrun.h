/* The documents as a start would take them, for who only wants to know what is wrong with them. */
#ifndef PLDNS_DRYRUN_H
#define PLDNS_DRYRUN_H

#include "config.h"

/* Reads and checks the documents of the directory as a start without state would, and serves
 * nothing: all complaints, warnings too. */
void dryrun(const struct config *, struct error_list *errors);

#endif
