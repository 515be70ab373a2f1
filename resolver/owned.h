/* What to say about an owned name: what the table found becomes rcode, records and reasons. */
#ifndef PLDNS_OWNED_H
#define PLDNS_OWNED_H

#include "stats.h"
#include "table.h"
#include "wire.h"

/* True if the name is owned; '*name' is as table_find() wants it. */
bool owned_includes(const struct table *, const uint8_t *name);

/* True if the table of that generation, in which a name was not owned, is this very one: a wait is
 * shorter than most tables live.  0 is no generation. */
static inline bool owned_was_foreign(const struct table *table, uint64_t generation)
{
    return generation != 0 && generation == table_generation(table);
}

/* Counts a query for an owned name, under its outcome too. */
void owned_count(struct stats *, const struct table_match *);

/* Where the next answer's addresses begin: only answers that have some move it on, each family its
 * own.  Stubs ask for A, AAAA and more in step, and one turn for everything would bring a set back
 * to the same address each time. */
struct owned_turns {
    unsigned a, aaaa;
};

/* Rcode, records and the extended error for the question's name, before anything else is written.
 */
void owned_answer(struct wire_reply *, const struct table *, const struct table_match *,
                  struct owned_turns *);

/* The same for the target of a chain: first the extended error, then, behind the chain's records,
 * rcode and records. */
void owned_explain_target(struct wire_reply *, const struct table *, const struct table_match *,
                          const struct wire_owner *target);
void owned_write_target(struct wire_reply *, const struct table *, const struct table_match *,
                        const struct wire_owner *target, uint16_t type, struct owned_turns *);

/* The rcode that these set. */
enum wire_rcode owned_rcode(const struct table_match *);

#endif
