/* What to say about an owned name: what the table found becomes rcode, records and reasons. */
#ifndef PLDNS_OWNED_H
#define PLDNS_OWNED_H

#include "stats.h"
#include "table.h"
#include "wire.h"

/* Counts a query for an owned name, under its outcome too. */
void owned_count(struct stats *, const struct table_match *);

/* The extended error of the outcome, if it has one; to be called before any record is written. */
void owned_explain(struct wire_reply *, const struct table *, const struct table_match *,
                   const uint8_t *name);

/* Sets the rcode and appends our records for 'name', which is the question's or the target of a
 * chain written before.  'turn' grows from answer to answer and rotates the addresses. */
void owned_write(struct wire_reply *, const struct table *, const struct table_match *,
                 const struct wire_owner *name, uint16_t type, unsigned turn);

/* The rcode that owned_write() sets. */
enum wire_rcode owned_rcode(const struct table_match *);

#endif
