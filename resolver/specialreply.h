/* The reply for a name that is built in. */
#ifndef PLDNS_SPECIALREPLY_H
#define PLDNS_SPECIALREPLY_H

#include "special.h"
#include "wire.h"

/* Sets the rcode and appends the records for the question's name. */
void specialreply_write(struct wire_reply *, enum special, size_t root_offset);

#endif
