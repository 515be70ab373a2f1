/* Memory that is given piece by piece and freed all at once: what a document is made of.
 *
 * An arena is empty when all its bytes are zero: struct arena arena = {0}; */
#ifndef PLDNS_ARENA_H
#define PLDNS_ARENA_H

#include <stddef.h>

struct arena {
    struct arena_chunk *chunks; /* newest first */
    char *next;                 /* free bytes of the newest chunk */
    size_t left;
    size_t size; /* bytes of all chunks */
};

/* Zeroed memory, aligned for any struct, good until arena_clear().  Never NULL, not even for 0. */
void *arena_array(struct arena *, size_t length, size_t size) __attribute__((returns_nonnull));

/* A copy of the bytes with a NUL behind them; unaligned, so texts lie close together. */
char *arena_text(struct arena *, const void *bytes, size_t size) __attribute__((returns_nonnull));

/* The same without the NUL. */
void *arena_copy(struct arena *, const void *bytes, size_t size) __attribute__((returns_nonnull));

/* Frees all of it; the arena is empty again. */
void arena_clear(struct arena *);

#endif
