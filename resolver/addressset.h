/* The addresses of one family that a name stands for: sorted, no two equal, so that an upstream
 * that turns them round says nothing new. */
#ifndef PLDNS_ADDRESSSET_H
#define PLDNS_ADDRESSSET_H

#include "connection.h"
#include "reply.h"

struct addressset { /* all zero bytes: empty */
    struct connection_address items[CONNECTION_ADDRESSES_MAX];
    unsigned length;
};

/* Those of a reply that was found good: the records of that type (A or AAAA), but for addresses
 * that nobody can connect to; of too many the first in order. */
void addressset_read(struct addressset *, const uint8_t *message, size_t size, const struct reply *,
                     uint16_t type);

/* Makes 'set' what 'other' is.  True: it was something else. */
bool addressset_replace(struct addressset *set, const struct addressset *other);

/* Appends "10.0.0.1,10.0.0.2" to the text of 'used' characters, as many as fit; returns how many
 * characters there are now. */
size_t addressset_list(const struct addressset *, char *text, size_t size, size_t used);

#endif
