#include "cacheindex.h"

#include <assert.h>
#include <endian.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "alloc.h"
#include "fetch.h"

#define SLOTS       12
#define SLOTS_USED  10 /* of a line, on average, at most: so that few are passed on far */
#define LINES_LEAST 2

#define PASSED_MOST UINT16_MAX

struct line {
    uint8_t tags[SLOTS]; /* 0: free */
    uint16_t passed;     /* entries that stand in a later line for want of room; PASSED_MOST: that
                            many or more, and nobody knows any longer */
    uint16_t spare;
    uint32_t places[SLOTS];
};
_Static_assert(sizeof(struct line) == FETCH_LINE, "one look into memory");

struct cacheindex {
    struct line *lines;
    size_t length;
    size_t entries, most;
    void *memory; /* of the lines, and what comes before the first for the sake of alignment */
    size_t size;
};

/* Zeroed, and aligned to a line.  A large table is in huge pages, if there are any: two of its
 * small ones would have to be found for each question. */
static void make_lines(struct cacheindex *x)
{
    x->size = (x->length + 1) * FETCH_LINE;
    if (x->size < ALLOC_HUGE) {
        x->memory = alloc_array(x->size, 1);
        x->lines =
            (struct line *)(((uintptr_t)x->memory + FETCH_LINE - 1) & ~(uintptr_t)(FETCH_LINE - 1));
    } else {
        x->memory = alloc_reserve(x->size);
        (void)madvise(x->memory, x->size | (ALLOC_HUGE - 1), MADV_HUGEPAGE); /* the last one, too */
        x->lines = x->memory;
    }
}

struct cacheindex *cacheindex_new(size_t most)
{
    struct cacheindex *x = alloc_array(1, sizeof *x);

    x->length = most / SLOTS_USED + LINES_LEAST;
    assert(x->length <= UINT32_MAX);
    x->most = x->length * SLOTS_USED;
    make_lines(x);
    return x;
}

void cacheindex_free(struct cacheindex *x)
{
    if (x == NULL)
        return;
    if (x->size < ALLOC_HUGE)
        free(x->memory);
    else
        alloc_unreserve(x->memory, x->size);
    free(x);
}

size_t cacheindex_bytes(const struct cacheindex *x)
{
    return sizeof *x + x->size;
}

bool cacheindex_is_full(const struct cacheindex *x)
{
    return x->entries >= x->most;
}

/* ---- lines ---- */

/* The lower half of the hash chooses the line, its highest octet tells the entries there apart. */
static size_t home_of(const struct cacheindex *x, uint64_t hash)
{
    return (hash & UINT32_MAX) * x->length >> 32;
}

static uint8_t tag_of(uint64_t hash)
{
    uint8_t tag = (uint8_t)(hash >> 56);

    return tag != 0 ? tag : 1;
}

static size_t line_after(const struct cacheindex *x, size_t line)
{
    return line + 1 < x->length ? line + 1 : 0;
}

/* The upper bit of each octet that is 0. */
static uint64_t zeros(uint64_t octets)
{
    const uint64_t low = UINT64_C(0x7f7f7f7f7f7f7f7f);

    return ~(((octets & low) + low) | octets | low);
}

/* Which slots of a line have that tag. */
static void match(const struct line *line, uint8_t tag, uint64_t out[2])
{
    uint64_t wanted = tag * UINT64_C(0x0101010101010101), low;
    uint32_t high;

    memcpy(&low, line->tags, sizeof low);
    memcpy(&high, line->tags + sizeof low, sizeof high);
    out[0] = zeros(le64toh(low) ^ wanted);
    out[1] = zeros(le32toh(high) ^ wanted) & UINT32_MAX;
}

/* The lowest of them, which is taken away; SLOTS: there is none. */
static unsigned take_slot(uint64_t matches[2])
{
    unsigned half = matches[0] != 0 ? 0 : 1, bit;

    if (matches[half] == 0)
        return SLOTS;
    bit = (unsigned)__builtin_ctzll(matches[half]);
    matches[half] &= matches[half] - 1;
    return half * (unsigned)sizeof(uint64_t) + bit / 8;
}

void cacheindex_expect(const struct cacheindex *x, uint64_t hash)
{
    __builtin_prefetch(&x->lines[home_of(x, hash)]);
}

/* ---- look-ups ---- */

struct cacheindex_look cacheindex_look(const struct cacheindex *x, uint64_t hash)
{
    struct cacheindex_look look = {
        .index = x, .line = home_of(x, hash), .left = x->length, .tag = tag_of(hash)};

    match(&x->lines[look.line], look.tag, look.matches);
    return look;
}

uint32_t cacheindex_next(struct cacheindex_look *look)
{
    const struct cacheindex *x = look->index;

    for (;;) {
        const struct line *line = &x->lines[look->line];
        unsigned slot = take_slot(look->matches);

        if (slot < SLOTS)
            return line->places[slot];
        if (line->passed == 0 || --look->left == 0)
            return 0;
        look->line = line_after(x, look->line);
        match(&x->lines[look->line], look->tag, look->matches);
    }
}

/* ---- changes ---- */

void cacheindex_add(struct cacheindex *x, uint64_t hash, uint32_t place)
{
    assert(place != 0 && !cacheindex_is_full(x));
    for (size_t at = home_of(x, hash);; at = line_after(x, at)) {
        struct line *line = &x->lines[at];
        uint64_t matches[2];
        unsigned slot;

        match(line, 0, matches);
        slot = take_slot(matches);
        if (slot < SLOTS) {
            line->tags[slot] = tag_of(hash);
            line->places[slot] = place;
            x->entries++;
            return;
        }
        if (line->passed < PASSED_MOST)
            line->passed++;
    }
}

/* SLOTS: it is not in this line. */
static unsigned find_place(const struct line *line, uint8_t tag, uint32_t place)
{
    uint64_t matches[2];
    unsigned slot;

    match(line, tag, matches);
    do {
        slot = take_slot(matches);
    } while (slot < SLOTS && line->places[slot] != place);
    return slot;
}

void cacheindex_remove(struct cacheindex *x, uint64_t hash, uint32_t place)
{
    size_t at = home_of(x, hash), steps = x->length;
    unsigned slot;

    while ((slot = find_place(&x->lines[at], tag_of(hash), place)) == SLOTS) {
        assert(x->lines[at].passed > 0 && --steps > 0);
        if (x->lines[at].passed < PASSED_MOST)
            x->lines[at].passed--;
        at = line_after(x, at);
    }
    x->lines[at].tags[slot] = 0;
    x->entries--;
}
