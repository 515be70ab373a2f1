#include "tally.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "alloc.h"

#define FIRST_SLOTS 256 /* a power of two, as all their numbers are */

static size_t hashes_size(const struct tally *tally)
{
    return tally->slots * sizeof(*tally->hashes);
}

static size_t counts_size(const struct tally *tally)
{
    return tally->slots * sizeof(*tally->counts);
}

/* Gives the arrays back. */
static void drop(const struct tally *tally)
{
    if (tally->shelved) {
        munmap(tally->hashes, hashes_size(tally));
        munmap(tally->counts, counts_size(tally));
    } else {
        free(tally->hashes);
        free(tally->counts);
    }
}

void tally_clear(struct tally *tally)
{
    drop(tally);
    *tally = (struct tally){0};
}

/* ---- counting ---- */

/* Where the hash stands, or would. */
static size_t find(const struct tally *tally, uint64_t hash)
{
    size_t mask = tally->slots - 1, at = hash & mask;

    while (tally->counts[at] != 0 && tally->hashes[at] != hash) {
        at = (at + 1) & mask;
    }
    return at;
}

static void grow(struct tally *tally)
{
    struct tally old = *tally;

    tally->slots = old.slots == 0 ? FIRST_SLOTS : 2 * old.slots;
    tally->shelved = false;
    tally->hashes = alloc_array(tally->slots, sizeof(*tally->hashes));
    tally->counts = alloc_array(tally->slots, sizeof(*tally->counts));
    for (size_t i = 0; i < old.slots; i++) {
        if (old.counts[i] != 0) {
            size_t at = find(tally, old.hashes[i]);
            tally->hashes[at] = old.hashes[i];
            tally->counts[at] = old.counts[i];
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
        tally->counts[at] = 0;
        size_t home;
        do {
            next = (next + 1) & mask;
            if (tally->counts[next] == 0) {
                return;
            }
            home = tally->hashes[next] & mask;
        } while (((next - home) & mask) < ((next - at) & mask));
        tally->hashes[at] = tally->hashes[next];
        tally->counts[at] = tally->counts[next];
        at = next;
    }
}

uint32_t tally_count(const struct tally *tally, uint64_t hash)
{
    return tally->taken == 0 ? 0 : tally->counts[find(tally, hash)];
}

void tally_change(struct tally *tally, uint64_t hash, int64_t by)
{
    if (by == 0) {
        return;
    }
    if (4 * tally->taken >= 3 * tally->slots) {
        grow(tally);
    }
    size_t at = find(tally, hash);
    int64_t count = tally->counts[at] + by;
    /* Documents are far smaller than 2^32 claims, and only what was counted is uncounted. */
    assert(count >= 0 && count <= UINT32_MAX);
    tally->changed = true;
    if (count == 0) {
        vacate(tally, at);
        return;
    }
    tally->taken += tally->counts[at] == 0;
    tally->hashes[at] = hash;
    tally->counts[at] = (uint32_t)count;
}

bool tally_next(const struct tally *tally, size_t *cursor, uint64_t *hash, uint32_t *count)
{
    for (; *cursor < tally->slots; ++*cursor) {
        if (tally->counts[*cursor] != 0) {
            *hash = tally->hashes[*cursor];
            *count = tally->counts[(*cursor)++];
            return true;
        }
    }
    return false;
}

/* ---- on a shelf ---- */

/* Looks into what was put.  False: it cannot be mapped, and nothing changed. */
static bool map(struct tally *tally, const struct shelf *shelf, uint64_t hashes, uint64_t counts)
{
    struct tally mapped = *tally;

    mapped.shelved = true;
    mapped.changed = false;
    mapped.hashes = shelf_copy(shelf, hashes, hashes_size(tally));
    if (mapped.hashes == NULL) {
        return false;
    }
    mapped.counts = shelf_copy(shelf, counts, counts_size(tally));
    if (mapped.counts == NULL) {
        munmap(mapped.hashes, hashes_size(tally));
        return false;
    }
    drop(tally);
    *tally = mapped;
    return true;
}

bool tally_shelve(struct tally *tally, struct packing *packing, struct shelf *shelf)
{
    uint64_t places[2];

    if (tally->slots == 0) {
        grow(tally);
    }
    if (shelf_put(shelf, tally->hashes, hashes_size(tally), SHELF_PAGE, &places[0]) == NULL ||
        shelf_put(shelf, tally->counts, counts_size(tally), SHELF_PAGE, &places[1]) == NULL) {
        return false;
    }
    packing_number(packing, tally->slots);
    packing_number(packing, tally->taken);
    section_tell(packing, places[0], tally->hashes, hashes_size(tally));
    section_tell(packing, places[1], tally->counts, counts_size(tally));
    return map(tally, shelf, places[0], places[1]);
}

bool tally_told(struct tally *tally, struct unpacking *unpacking, const struct shelf *shelf)
{
    struct tally told = {0};
    uint64_t hashes, counts;
    size_t sizes[2];

    told.slots = unpacking_number(unpacking);
    told.taken = unpacking_number(unpacking);
    bool good = section_take(unpacking, shelf, &hashes, &sizes[0]) != NULL &&
                section_take(unpacking, shelf, &counts, &sizes[1]) != NULL &&
                told.slots >= FIRST_SLOTS && (told.slots & (told.slots - 1)) == 0 &&
                told.taken < told.slots && told.slots <= SIZE_MAX / sizeof(*told.hashes) &&
                sizes[0] == hashes_size(&told) && sizes[1] == counts_size(&told) &&
                map(&told, shelf, hashes, counts);
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
        tally->hashes = alloc_copy(old.hashes, hashes_size(&old));
        tally->counts = alloc_copy(old.counts, counts_size(&old));
        drop(&old);
    }
}

void tally_rest(struct tally *tally)
{
    if (tally->shelved && !tally->changed) {
        madvise(tally->hashes, hashes_size(tally), MADV_DONTNEED);
        madvise(tally->counts, counts_size(tally), MADV_DONTNEED);
    }
}
