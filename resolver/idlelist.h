/* Things in the order of their last progress, the most idle one first.  Intrusive: the entry stands
 * in the thing.  Everything here takes the same short time. */
#ifndef PLDNS_IDLELIST_H
#define PLDNS_IDLELIST_H

#include <stddef.h>
#include <stdint.h>

struct idlelist_entry {
    struct idlelist_entry *before, *behind;
    uint64_t touched; /* milliseconds */
};

struct idlelist { /* all zero bytes is an empty one */
    struct idlelist_entry *head, *tail;
    size_t length;
};

void idlelist_append(struct idlelist *, struct idlelist_entry *, uint64_t now);
void idlelist_remove(struct idlelist *, struct idlelist_entry *);
/* Progress: to the end. */
void idlelist_touch(struct idlelist *, struct idlelist_entry *, uint64_t now);

#endif
