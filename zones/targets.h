/* What the names of endpoints (dnsName) stand for at one moment: a book of names and addresses.
 *
 * Immutable once made; a table is built from it and keeps nothing of it. */
#ifndef PLDNS_TARGETS_H
#define PLDNS_TARGETS_H

#include "connection.h"

struct targets_entry {
    const uint8_t *name; /* folded wire name */
    const struct connection_address *addresses;
    unsigned length;        /* 0: never resolved; at most CONNECTION_ADDRESSES_MAX of a family */
    bool v4_told;           /* whether there are IPv4 addresses is known */
    uint64_t trouble_since; /* seconds since 1970; 0: what is known is fresh */
    const char *trouble;    /* one word why the last try failed, "" if it did not; static */
};

struct targets;

/* Copies the entries and all they point to. */
struct targets *targets_make(const struct targets_entry *, size_t length);
void targets_free(struct targets *); /* NULL is fine */

/* NULL: nothing is known of that name.  A book that is NULL is empty. */
const struct targets_entry *targets_find(const struct targets *, const uint8_t *name);

/* All of them, by name. */
const struct targets_entry *targets_entries(const struct targets *, size_t *length);

/* An order of folded names, as for qsort(). */
int targets_compare(const uint8_t *, const uint8_t *);

#endif
