#include "buffer.h"

#include <stdlib.h>
#include <string.h>

#include "alloc.h"

#define ROOM_FIRST 512 /* most queries and replies are shorter */

bool buffer_grow(struct buffer *b, struct buffer_budget *budget, size_t size, size_t most)
{
    if (b->from > 0) {
        memmove(b->bytes, b->bytes + b->from, buffer_size(b));
        b->to -= b->from;
        b->from = 0;
    }
    if (b->room - b->to >= size)
        return true;
    if (size > most || b->to > most - size)
        return false;
    size_t room = b->room == 0 ? ROOM_FIRST : b->room;
    while (room < b->to + size)
        room *= 2;
    if (room > most)
        room = most;
    if (budget->held - b->room + room > budget->most)
        return false;
    budget->held += room - b->room;
    b->bytes = alloc_resize(b->bytes, room, 1);
    b->room = room;
    return true;
}

bool buffer_add(struct buffer *b, struct buffer_budget *budget, const void *bytes, size_t size,
                size_t most)
{
    if (size == 0)
        return true;
    if (!buffer_grow(b, budget, size, most))
        return false;
    memcpy(b->bytes + b->to, bytes, size);
    b->to += size;
    return true;
}

void buffer_drop(struct buffer *b, struct buffer_budget *budget)
{
    budget->held -= b->room;
    free(b->bytes);
    *b = (struct buffer){0};
}
