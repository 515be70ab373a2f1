/* Reads one private link connection of a document into a struct connection. */
#ifndef PLDNS_READER_H
#define PLDNS_READER_H

#include "connection.h"
#include "fields.h"

/* Known fields of a connection: what fields_open() and fields_enter() want. */
const char *const *reader_fields(void);

/* Reads an opened map.  False if there was any error; 'out' is then unusable.  All mistakes of the
 * connection are reported, warnings too. */
MUST_USE bool reader_connection(const struct fields *, struct connection *out);

#endif
