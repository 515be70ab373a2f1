/* Bytes that are kept once and named by their place: texts, answers, whatever repeats.
 *
 * Grows while a table is built; afterwards pool_seal() leaves the plain bytes.  A place is a 32-bit
 * offset; more than 4 GiB in one pool counts as running out of memory. */
#ifndef PLDNS_POOL_H
#define PLDNS_POOL_H

#include "hash.h"
#include <stdbool.h>

struct pool {
    uint8_t *bytes; /* owned */
    size_t size, space;
    struct hash_key key;
    struct pool_item {
        uint32_t place, hash; /* hash 0 = free */
    } * items;
    size_t items_length, items_space; /* space: a power of two or 0 */
};

void pool_init(struct pool *, const struct hash_key *);
/* The same in memory of the heap, which is the pool's from now on. */
void pool_init_in(struct pool *, const struct hash_key *, void *memory, size_t space);

/* The place of 'size' bytes (at least 1) equal to these, at a multiple of 'align' (a power of two;
 * the same for all calls on one pool). */
uint32_t pool_put(struct pool *, const void *bytes, size_t size, size_t align);
/* The same for a terminated text. */
uint32_t pool_put_text(struct pool *, const char *text);
/* Adds bytes without looking for equal ones. */
uint32_t pool_append(struct pool *, const void *bytes, size_t size, size_t align);

/* Takes the bytes out, no larger than they need to be, and clears the pool. */
uint8_t *pool_seal(struct pool *, size_t *size);
void pool_clear(struct pool *);

#endif
