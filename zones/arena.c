#include "arena.h"

#include <stdlib.h>
#include <string.h>

#include "alloc.h"

/* Chunks double in size: a document of one connection stays small, one of a million needs few. */
#define CHUNK_FIRST 1024
#define CHUNK_MOST  (2 * ALLOC_HUGE)

struct arena_chunk {
    struct arena_chunk *older;
    max_align_t bytes[];
};

static void add_chunk(struct arena *arena, size_t wanted)
{
    size_t size = arena->size < CHUNK_FIRST ? CHUNK_FIRST : arena->size;

    if (size > CHUNK_MOST - sizeof(struct arena_chunk))
        size = CHUNK_MOST - sizeof(struct arena_chunk);
    if (size < wanted)
        size = wanted;
    struct arena_chunk *chunk = sizeof *chunk + size < CHUNK_MOST
                                    ? alloc_resize(NULL, sizeof *chunk + size, 1)
                                    : alloc_huge(sizeof *chunk + size);
    chunk->older = arena->chunks;
    arena->chunks = chunk;
    arena->next = (char *)chunk->bytes;
    arena->left = size;
    arena->size += size;
}

static char *take(struct arena *arena, size_t size)
{
    if (arena->left < size)
        add_chunk(arena, size);
    char *memory = arena->next;
    arena->next += size;
    arena->left -= size;
    return memory;
}

void *arena_grow(struct arena *arena, size_t length, size_t size)
{
    size_t bytes;

    if (__builtin_mul_overflow(length, size, &bytes) || bytes > SIZE_MAX / 2)
        return alloc_array(SIZE_MAX, SIZE_MAX); /* no such memory: says so */
    add_chunk(arena, bytes);
    return take(arena, bytes);
}

void *arena_array(struct arena *arena, size_t length, size_t size)
{
    return memset(arena_room(arena, length, size), 0, length * size);
}

char *arena_text(struct arena *arena, const void *bytes, size_t size)
{
    char *memory = take(arena, size + 1);

    memcpy(memory, bytes, size);
    memory[size] = '\0';
    return memory;
}

void *arena_copy(struct arena *arena, const void *bytes, size_t size)
{
    void *memory = take(arena, size);

    memcpy(memory, bytes, size);
    return memory;
}

const char *arena_keep(struct arena *arena, struct arena_recent *recent, const char *text,
                       size_t size)
{
    if (size == 0 || size > ARENA_RECENT_SIZE)
        return arena_text(arena, text, size);
    size_t i = (uint8_t)text[0] + (uint8_t)text[size - 1] * 7u + size * 31u;
    i &= ARENA_RECENT_LENGTH - 1;
    if (recent->sizes[i] != size || memcmp(recent->texts[i], text, size) != 0) {
        recent->texts[i] = arena_text(arena, text, size);
        recent->sizes[i] = size;
    }
    return recent->texts[i];
}

void arena_rewind(struct arena *arena, const char *mark)
{
    if (arena->chunks == NULL)
        return;
    uintptr_t first = (uintptr_t)arena->chunks->bytes, at = (uintptr_t)mark;
    size_t used = (uintptr_t)arena->next - first;
    size_t kept = at - first <= used ? at - first : 0; /* else the newest chunk came since */
    arena->next -= used - kept;
    arena->left += used - kept;
}

void arena_clear(struct arena *arena)
{
    while (arena->chunks != NULL) {
        struct arena_chunk *older = arena->chunks->older;
        free(arena->chunks);
        arena->chunks = older;
    }
    *arena = (struct arena){0};
}
