#include "expiry.h"

#include <assert.h>
#include <stdlib.h>

#include "alloc.h"

#define ROOM_FIRST 64
/* Children of a place.  Each step down writes to an item somewhere in memory: few steps, and what
 * is compared on the way stands side by side. */
#define WIDTH 8

static size_t above(size_t place)
{
    return (place - 1) / WIDTH;
}

static void put(struct expiry *x, size_t place, struct expiry_slot slot)
{
    x->slots[place] = slot;
    slot.item->place = (uint32_t)place;
}

APART static void rise(struct expiry *x, size_t place, struct expiry_slot slot)
{
    while (place > 0 && x->slots[above(place)].when > slot.when) {
        put(x, place, x->slots[above(place)]);
        place = above(place);
    }
    put(x, place, slot);
}

static void sink(struct expiry *x, size_t place, struct expiry_slot slot)
{
    for (;;) {
        size_t child = WIDTH * place + 1, first = child;

        for (size_t i = first + 1; i < first + WIDTH && i < x->length; i++) {
            if (x->slots[i].when < x->slots[child].when)
                child = i;
        }
        if (child >= x->length || x->slots[child].when >= slot.when)
            break;
        put(x, place, x->slots[child]);
        place = child;
    }
    put(x, place, slot);
}

static size_t next_room(const struct expiry *x)
{
    if (x->length < x->room)
        return x->room;
    return x->room == 0 ? ROOM_FIRST : x->room * 2;
}

RARE static void grow(struct expiry *x)
{
    size_t room = next_room(x);

    assert(room <= UINT32_MAX);
    x->slots = alloc_resize(x->slots, room, sizeof *x->slots);
    x->room = room;
}

bool expiry_is_full(const struct expiry *x)
{
    return x->length == x->room;
}

void expiry_add(struct expiry *x, struct expiry_item *item, uint64_t when)
{
    struct expiry_slot slot = {when, item};

    if (expiry_is_full(x))
        grow(x);
    size_t place = x->length++;
    if (place > 0 && x->slots[above(place)].when > when)
        rise(x, place, slot);
    else
        put(x, place, slot); /* most end later than what came before */
}

void expiry_remove(struct expiry *x, struct expiry_item *item)
{
    size_t place = item->place;

    assert(place < x->length && x->slots[place].item == item);
    struct expiry_slot last = x->slots[--x->length];
    if (last.item == item)
        return;
    if (place > 0 && x->slots[above(place)].when > last.when)
        rise(x, place, last);
    else
        sink(x, place, last);
}

void expiry_expect(const struct expiry *x, const struct expiry_item *item)
{
    __builtin_prefetch(&x->slots[item->place]);
    __builtin_prefetch(&x->slots[item->place > 0 ? above(item->place) : 0]);
}

struct expiry_item *expiry_first(const struct expiry *x, uint64_t *when)
{
    if (x->length == 0)
        return NULL;
    *when = x->slots[0].when;
    return x->slots[0].item;
}

size_t expiry_bytes(const struct expiry *x)
{
    return x->room * sizeof *x->slots;
}

size_t expiry_bytes_with_one_more(const struct expiry *x)
{
    return next_room(x) * sizeof *x->slots;
}

void expiry_clear(struct expiry *x)
{
    free(x->slots);
    *x = (struct expiry){0};
}
