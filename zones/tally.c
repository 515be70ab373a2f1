#include "tally.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "alloc.h"

#define FIRST_SLOTS 256 /* a power of two, as all their numbers are */

static size_t size_of(const struct tally *tally)
{
    return tally->slots * sizeof(*tally->all);
}

/* Gives the slots back. */
static void drop(const struct tally *tally)
{
    if (tally->shelved) {
        munmap(tally->all, size_of(tally));
    } else {
        free(tally->all);
    }
}

void tally_clear(struct tally *tally)
{
    drop(tally);
    *tally = (struct tally){0};
}

/* ---- counting ---- */

static uint64_t hash_of(const struct tally_slot *slot)
{
    uint64_t hash;

    memcpy(&hash, slot->hash, sizeof(hash));
    return hash;
}

/* Where the hash stands, or would. */
static struct tally_slot *find(const struct tally *tally, uint64_t hash)
{
    size_t mask = tally->slots - 1, at = hash & mask;

    while (tally->all[at].count != 0 && hash_of(&tally->all[at]) != hash) {
        at = (at + 1) & mask;
    }
    return &tally->all[at];
}

/* True if so many more leave too few slots free. */
static bool is_full(const struct tally *tally, size_t more)
{
    return 4 * (tally->taken + more) > 3 * tally->slots;
}

static void make_room(struct tally *tally, size_t more)
{
    struct tally old = *tally;

    tally->slots = old.slots == 0 ? FIRST_SLOTS : old.slots;
    while (is_full(tally, more)) {
        tally->slots *= 2;
    }
    tally->shelved = false;
    tally->all = alloc_array(tally->slots, sizeof(*tally->all));
    for (size_t i = 0; i < old.slots; i++) {
        if (old.all[i].count != 0) {
            *find(tally, hash_of(&old.all[i])) = old.all[i];
        }
    }
    drop(&old);
}

/* Frees a slot: what was put behind it because it was taken moves up, so that no search is cut
 * short. */
static void vacate(struct tally *tally, size_t at)
{
    size_t mask = tally->slots - 1, next = at;

    tally->taken--;
    for (;;) {
        tally->all[at].count = 0;
        size_t home;
        do {
            next = (next + 1) & mask;
            if (tally->all[next].count == 0) {
                return;
            }
            home = hash_of(&tally->all[next]) & mask;
        } while (((next - home) & mask) < ((next - at) & mask));
        tally->all[at] = tally->all[next];
        at = next;
    }
}

uint32_t tally_count(const struct tally *tally, uint64_t hash)
{
    return tally->taken == 0 ? 0 : find(tally, hash)->count;
}

void tally_expect(struct tally *tally, size_t more)
{
    if (is_full(tally, more)) {
        make_room(tally, more);
    }
}

uint32_t tally_change(struct tally *tally, uint64_t hash, int64_t by)
{
    if (by == 0) {
        return tally_count(tally, hash);
    }
    tally_expect(tally, 1);
    struct tally_slot *slot = find(tally, hash);
    uint32_t before = slot->count;
    int64_t count = before + by;
    /* Documents are far smaller than 2^32 claims, and only what was counted is uncounted. */
    assert(count >= 0 && count <= UINT32_MAX);
    tally->changed = true;
    if (count == 0) {
        vacate(tally, (size_t)(slot - tally->all));
        return before;
    }
    tally->taken += before == 0;
    memcpy(slot->hash, &hash, sizeof(hash));
    slot->count = (uint32_t)count;
    return before;
}

void tally_fetch(const struct tally *tally, uint64_t hash)
{
    if (tally->slots > 0) {
        __builtin_prefetch(&tally->all[hash & (tally->slots - 1)], 1);
    }
}

bool tally_next(const struct tally *tally, size_t *cursor, uint64_t *hash, uint32_t *count)
{
    for (; *cursor < tally->slots; ++*cursor) {
        if (tally->all[*cursor].count != 0) {
            *hash = hash_of(&tally->all[*cursor]);
            *count = tally->all[(*cursor)++].count;
            return true;
        }
    }
    return false;
}

/* ---- on a shelf ---- */

/* Looks into what was put.  False: it cannot be mapped, and nothing changed. */
static bool map(struct tally *tally, const struct shelf *shelf, uint64_t place)
{
    struct tally_slot *mapped = shelf_copy(shelf, place, size_of(tally));

    if (mapped == NULL) {
        return false;
    }
    drop(tally);
    tally->all = mapped;
    tally->shelved = true;
    tally->changed = false;
    return true;
}

bool tally_shelve(struct tally *tally, struct packing *packing, struct shelf *shelf)
{
    uint64_t place;

    if (tally->slots == 0) {
        make_room(tally, 0);
    }
    if (shelf_put(shelf, tally->all, size_of(tally), SHELF_PAGE, &place) == NULL) {
        return false;
    }
    packing_number(packing, tally->slots);
    packing_number(packing, tally->taken);
    section_tell(packing, place, tally->all, size_of(tally));
    return map(tally, shelf, place);
}

bool tally_told(struct tally *tally, struct unpacking *unpacking, const struct shelf *shelf)
{
    struct tally told = {0};
    uint64_t place;
    size_t size;

    told.slots = unpacking_number(unpacking);
    told.taken = unpacking_number(unpacking);
    bool good = section_take(unpacking, shelf, &place, &size) != NULL &&
                told.slots >= FIRST_SLOTS && (told.slots & (told.slots - 1)) == 0 &&
                told.taken < told.slots && told.slots <= SIZE_MAX / sizeof(*told.all) &&
                size == size_of(&told) && map(&told, shelf, place);
    if (!good) {
        unpacking->broken = true;
        return false;
    }
    tally_clear(tally);
    *tally = told;
    return true;
}

void tally_unshelve(struct tally *tally)
{
    struct tally old = *tally;

    if (tally->shelved) {
        tally->shelved = false;
        tally->all = alloc_copy(old.all, size_of(&old));
        drop(&old);
    }
}

void tally_rest(struct tally *tally)
{
    if (tally->shelved && !tally->changed) {
        madvise(tally->all, size_of(tally), MADV_DONTNEED);
    }
}
