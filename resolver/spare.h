/* Memory of things that come and go with every question: what has ended is kept for the next ones,
 * up to a limit.  One thread's own; all zero bytes: empty. */
#ifndef PLDNS_SPARE_H
#define PLDNS_SPARE_H

#include <stddef.h>

#define SPARE_MAX 64 /* more at a time go back to the allocator */

struct spare {
    void *first;
    unsigned length;
};

/* Memory of 'size' octets, the same each time.  Its contents are anything. */
void *spare_take(struct spare *, size_t size);
/* Takes over what spare_take() gave. */
void spare_give(struct spare *, void *);
void spare_clear(struct spare *);

#endif
