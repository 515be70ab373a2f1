/* pldnsctl list, get and zones: what the documents hold. */
#ifndef PLDNS_LISTING_H
#define PLDNS_LISTING_H

#include "command.h"

command_fn listing_list;
command_fn listing_get;
command_fn listing_zones;

/* A connection for people, or as the API shows it.  Takes over 'connection'. */
void listing_show(const struct output *, json_t *connection, const char *document, unsigned line);

#endif
