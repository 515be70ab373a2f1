#include "recent.h"

#include <string.h>

static void drop_first(struct recent *r, size_t length)
{
    r->length -= length;
    memmove(r->changes, r->changes + length, r->length * sizeof *r->changes);
}

static void drop_old(struct recent *r, uint64_t now)
{
    size_t old = 0;

    while (old < r->length && now - r->changes[old].at > RECENT_MS)
        old++;
    drop_first(r, old);
}

void recent_add(struct recent *r, const struct catalog_change *change, uint64_t now)
{
    drop_old(r, now);
    if (!change->changed)
        return;
    if (r->length == RECENT_CHANGES_MAX)
        drop_first(r, 1);
    r->changes[r->length++] = (struct recent_change){*change, now};
}

void recent_clear(struct recent *r)
{
    r->length = 0;
}

uint64_t recent_join(struct recent *r, uint64_t now, struct catalog_change *sum)
{
    drop_old(r, now);
    for (size_t i = 0; i < r->length; i++) {
        const struct catalog_change *change = &r->changes[i].change;
        sum->changed = sum->changed || change->changed;
        sum->accepted += change->accepted;
        sum->removed += change->removed;
        sum->names_added += change->names_added;
        sum->names_moved += change->names_moved;
        sum->names_removed += change->names_removed;
        sum->names_not_held += change->names_not_held;
    }
    return r->length > 0 ? r->changes[0].at : 0;
}
