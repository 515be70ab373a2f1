/* Records of strings, which are asked for so rarely that ldns makes them: the texts of diagnosis,
 * and what ANY gets.  Not for the fast path: ldns allocates.  Want of memory ends the process, as
 * in alloc.h. */
#ifndef PLDNS_RARERECORD_H
#define PLDNS_RARERECORD_H

#include "wire.h"

struct ldns_struct_rr; /* ldns's record, in the making */

/* A record without strings yet, of the question's class and owned by its name. */
MUST_USE struct ldns_struct_rr *rarerecord_new(const struct wire_query *, enum wire_type,
                                               uint32_t ttl);

/* Adds a text, in as many strings as it needs; the empty text is one string. */
void rarerecord_add(struct ldns_struct_rr *, const char *text);

/* Appends the record to the answer and frees it.  What does not fit sets TC. */
void rarerecord_put(struct wire_reply *, struct ldns_struct_rr *);

#endif
