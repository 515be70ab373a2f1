#include "spare.h"

#include <assert.h>
#include <stdlib.h>

#include "alloc.h"

struct link { /* at the beginning of each */
    struct link *next;
};

void *spare_take(struct spare *s, size_t size)
{
    struct link *first = s->first;

    assert(size >= sizeof *first);
    if (first == NULL)
        return alloc_array(1, size);
    s->first = first->next;
    s->length--;
    __builtin_prefetch(s->first); /* for the next time */
    return first;
}

void spare_give(struct spare *s, void *memory)
{
    struct link *link = memory;

    if (s->length == SPARE_MAX) {
        free(memory);
        return;
    }
    link->next = s->first;
    s->first = link;
    s->length++;
}

void spare_clear(struct spare *s)
{
    while (s->first != NULL)
        free(spare_take(s, sizeof(struct link)));
}
