/* Memory that is given piece by piece and freed all at once: what a document is made of.
 *
 * An arena is empty when all its bytes are zero: struct arena arena = {0}; */
#ifndef PLDNS_ARENA_H
#define PLDNS_ARENA_H

#include <stddef.h>
#include <stdint.h>

struct arena {
    struct arena_chunk *chunks; /* newest first */
    char *next;                 /* free bytes of the newest chunk */
    size_t left;
    size_t size; /* bytes of all chunks */
};

/* Zeroed memory, aligned for any struct, good until arena_clear().  Never NULL, not even for 0. */
void *arena_array(struct arena *, size_t length, size_t size) __attribute__((returns_nonnull));

/* The same as it comes: who takes it writes all of it. */
static inline void *arena_room(struct arena *, size_t length, size_t size);

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

/* What was given since 'next' was 'mark' is given back, as far as it is in one piece, and its
 * memory given again; what stood before stays.  NULL: since the beginning. */
void arena_rewind(struct arena *, const char *mark);

/* Frees all of it; the arena is empty again. */
void arena_clear(struct arena *);

/* ---- private ---- */

#define ARENA_ALIGNMENT 8 /* pointers and 64-bit numbers; nothing here holds more */

void *arena_grow(struct arena *, size_t length, size_t size) __attribute__((returns_nonnull));

static inline void *arena_room(struct arena *arena, size_t length, size_t size)
{
    size_t skip = -(uintptr_t)arena->next & (ARENA_ALIGNMENT - 1), bytes;

    if (__builtin_mul_overflow(length, size, &bytes) || arena->left < skip ||
        arena->left - skip < bytes || arena->chunks == NULL) {
        return arena_grow(arena, length, size);
    }
    char *memory = arena->next + skip;
    arena->next = memory + bytes;
    arena->left -= skip + bytes;
    return memory;
}

#endif
