/* Upstream's answers whose records make a chain, in another order than the chain's.  Servers that
 * rotate all records alike send them, and most stub resolvers find no address there: they read on
 * from each CNAME.
 *
 * Not for the fast path: ldns takes the message apart and writes it again. */
#ifndef PLDNS_CHAINORDER_H
#define PLDNS_CHAINORDER_H

#include "reply.h"

/* Writes the message anew into 'out', the answer section in the order that reply.h wants: nothing
 * added, nothing left out.  Returns its size; 0: a record stands there that the chain from the
 * question's name does not explain, it is in that order, or the message is longer than
 * CHAINORDER_SIZE_MAX.  'message' was found sound by reply_check(), with a question; 'out' has room
 * for REPLY_SIZE_MAX octets. */
#define CHAINORDER_SIZE_MAX 4096 /* octets: other clients wait meanwhile */
MUST_USE size_t chainorder_mend(const uint8_t *message, size_t size, uint8_t *out);

#endif
