/* What a change of documents means for names: how many came, went, or are answered otherwise. */
#ifndef PLDNS_NAMECHANGE_H
#define PLDNS_NAMECHANGE_H

#include "document.h"
#include "hash.h"
#include "view.h"

struct namechange {
    struct hash_key key;
    const struct view_list *views; /* a name in two views counts as two; NULL: there are none */
    struct namechange_name *names;
    size_t length, space;
};

/* Tells a document whose names were served before, or are now.  A struct that is zero but for the
 * key and the views is a good start. */
void namechange_add(struct namechange *, const struct document *, bool now);

/* Counts, and forgets what it was told. */
void namechange_count(struct namechange *, size_t *added, size_t *moved, size_t *removed);

#endif
