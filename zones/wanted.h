/* What the documents of a table want found out: the names of their endpoints, and the health of
 * their addresses.
 *
 * Endpoints that are gone for good want nothing; names of those that are not ready yet are looked
 * up already, but only what is usable is tried. */
#ifndef PLDNS_WANTED_H
#define PLDNS_WANTED_H

#include "document.h"
#include "health.h"

/* More than this many names or checks are not seen to; the log says so.  A process could not do
 * more every minute. */
#define WANTED_NAMES_MAX  65536
#define WANTED_CHECKS_MAX 65536

#define WANTED_NO_NAME UINT32_MAX

struct wanted_check {
    struct health_key key; /* its address, unless there is a name */
    uint32_t name;         /* place in 'names', for all its addresses; or WANTED_NO_NAME */
};

struct wanted {
    uint8_t **names; /* folded wire names, in the order of targets_compare(), no two equal */
    size_t names_length, names_left_out;
    struct wanted_check *checks; /* no two equal */
    size_t checks_length, checks_left_out;
};

/* False: the document wants nothing, and may be left out. */
bool wanted_any(const struct document *);

struct wanted *wanted_of(struct document *const *documents, size_t length);
void wanted_free(struct wanted *); /* NULL is fine */

#endif
