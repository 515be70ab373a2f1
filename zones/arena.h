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

/* Short texts met lately.  Keys and enum words of a document come again and again: kept once, they
 * cost neither memory nor copying.  Empty when all its bytes are zero. */
#define ARENA_RECENT_LENGTH 128 /* a power of two */
#define ARENA_RECENT_SIZE   24  /* longer texts are copied every time */
struct arena_recent {
    const char *texts[ARENA_RECENT_LENGTH];
    size_t sizes[ARENA_RECENT_LENGTH];
};

/* As arena_text(), or the copy that was made of the same text before. */
const char *arena_keep(struct arena *, struct arena_recent *, const char *text, size_t size);

/* Frees all of it; the arena is empty again. */
void arena_clear(struct arena *);

#endif
