/* An upstream's message becomes a reply of ours: whole records, within the client's limit. */
#ifndef PLDNS_RELAY_H
#define PLDNS_RELAY_H

#include "reply.h"
#include "wire.h"

/* Appends the records between two offsets, all of them if they fit, else as many as do.  'message'
 * and the reply have questions of one length, so that its compression pointers stay good, and
 * everything appended before comes from it.  'message' may be the reply's own buffer. */
bool relay_records(struct wire_reply *, enum wire_section, const uint8_t *message, size_t from,
                   size_t to, uint16_t count);

/* Rcode, AD if the client wants to know, answer section; authority section if it means something
 * to the client: of a negative answer, or with DO.  Never the additional section. */
void relay_message(struct wire_reply *, const uint8_t *message, const struct reply *);

/* Brings all TTLs within the limits that the cache keeps to, so that a fresh answer lives no longer
 * than a stored one. */
void relay_clamp(struct wire_reply *, uint64_t least_ms, uint64_t most_ms);

#endif
