/* Memory for what comes and goes in all sizes and must be bounded: blocks in one piece of address
 * space that is used from its beginning on.
 *
 * Blocks that were given back are joined with their free neighbours, and found again by size in a
 * fixed number of steps.  What was never used takes no memory.  What is filled may move to huge
 * pages: blocks are come by in no order, and each small page takes a walk to be found. */
#ifndef PLDNS_BLOCKS_H
#define PLDNS_BLOCKS_H

#include "error.h"
#include <stddef.h>
#include <stdint.h>

#define BLOCKS_OVERHEAD  8                 /* octets of each block */
#define BLOCKS_UNIT      16                /* a block is a multiple of that */
#define BLOCKS_LIMIT_MAX ((size_t)8 << 30) /* octets */

struct blocks;

/* At most 'limit' octets, everything included. */
struct blocks *blocks_new(size_t limit);
void blocks_free(struct blocks *); /* with all that is in it; NULL is fine */

/* Memory for 'size' octets, aligned to 8, not zeroed; NULL: there is no room in the first 'most'
 * octets. */
MUST_USE void *blocks_take(struct blocks *, size_t size, size_t most);
/* The place of one that simply stands behind all others, in the first octets that blocks_take() was
 * told of last; 0: it is not that simple, and nothing is said against it. */
uint32_t blocks_take_simply(struct blocks *, size_t size);
void blocks_give(struct blocks *, void *);

/* Where a block is, in BLOCKS_UNIT from the beginning on, and the block that is there.  No place is
 * 0. */
uint32_t blocks_place(const struct blocks *, const void *block);
void *blocks_at(const struct blocks *, uint32_t place);

/* True if it ends in the first 'most' octets. */
bool blocks_is_within(const struct blocks *, const void *block, size_t most);
/* Gives the memory behind the last block back to the system, as if it had never been in use. */
void blocks_trim(struct blocks *);

size_t blocks_size(const void *block);        /* octets that it takes, overhead included */
size_t blocks_used(const struct blocks *);    /* octets that all of them take */
size_t blocks_touched(const struct blocks *); /* octets that were ever in use */

#endif
