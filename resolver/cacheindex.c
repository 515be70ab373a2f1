#include "cacheindex.h"

#include <assert.h>
#include <stdlib.h>
#include <sys/mman.h>
#ifdef __SSE2__
#include <emmintrin.h>
#endif

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

size_t cacheindex_entries(const struct cacheindex *x)
{
    return x->entries;
}

/* ---- lines ---- */

/* The lower half of the hash chooses the line, its highest octet tells the entries there apart. */
static size_t home_of(const struct cacheindex *x, uint64_t hash)
{
    return (hash & UINT32_MAX) * x->length >> 32;
}

static unsigned tag_of(uint64_t hash)
{
    unsigned tag = (unsigned)(hash >> 56);

    return tag + (tag < 1);
}

static size_t line_after(const struct cacheindex *x, size_t line)
{
    return line + 1 < x->length ? line + 1 : 0;
}

/* Which slots of a line have that tag, a bit each. */
static unsigned match(const struct line *line, unsigned tag)
{
    unsigned slots = 0;

#ifdef __SSE2__
    enum { EACH = 0x01010101 };
    __m128i tags = _mm_load_si128((const __m128i *)(const void *)line);

    slots = (unsigned)_mm_movemask_epi8(_mm_cmpeq_epi8(tags, _mm_set1_epi32((int)(tag * EACH))));
    slots &= (1u << SLOTS) - 1;
#else
    for (unsigned i = 0; i < SLOTS; i++)
        slots |= (unsigned)(line->tags[i] == tag) << i;
#endif
    return slots;
}

void cacheindex_expect(const struct cacheindex *x, uint64_t hash)
{
    __builtin_prefetch(&x->lines[home_of(x, hash)]);
}

/* ---- look-ups ---- */

static inline uint32_t take(struct cacheindex_look *look)
{
    unsigned slot = (unsigned)__builtin_ctz(look->matches);

    look->matches &= look->matches - 1;
    return look->index->lines[look->line].places[slot];
}

uint32_t cacheindex_first(const struct cacheindex *x, uint64_t hash, struct cacheindex_look *look)
{
    size_t home = home_of(x, hash);
    unsigned tag = tag_of(hash);
    unsigned matches = match(&x->lines[home], tag);

    if (matches == 0 && x->lines[home].passed == 0)
        return 0;
    *look = (struct cacheindex_look){
        .index = x, .line = home, .left = x->length, .matches = matches, .tag = (uint8_t)tag};
    return matches != 0 ? take(look) : cacheindex_next(look);
}

uint32_t cacheindex_next(struct cacheindex_look *look)
{
    const struct cacheindex *x = look->index;

    while (look->matches == 0) {
        if (x->lines[look->line].passed == 0 || --look->left == 0)
            return 0;
        look->line = line_after(x, look->line);
        look->matches = match(&x->lines[look->line], look->tag);
    }
    return take(look);
}

/* ---- changes ---- */

void cacheindex_add(struct cacheindex *x, uint64_t hash, uint32_t place)
{
    size_t at = home_of(x, hash);
    unsigned free_slots, slot;

    assert(place != 0 && !cacheindex_is_full(x));
    while ((free_slots = match(&x->lines[at], 0)) == 0) {
        if (x->lines[at].passed < PASSED_MOST)
            x->lines[at].passed++;
        at = line_after(x, at);
    }
    slot = (unsigned)__builtin_ctz(free_slots);
    x->lines[at].tags[slot] = (uint8_t)tag_of(hash);
    x->lines[at].places[slot] = place;
    x->entries++;
}

bool cacheindex_is_simple(const struct cacheindex *x, uint64_t hash, struct cacheindex_spot *spot)
{
    struct line *line = &x->lines[home_of(x, hash)];

    spot->line = line;
    spot->free_slots = match(line, 0);
    return match(line, tag_of(hash)) == 0 && line->passed == 0 && spot->free_slots != 0;
}

void cacheindex_add_there(struct cacheindex *x, uint64_t hash, uint32_t place,
                          const struct cacheindex_spot *spot)
{
    unsigned slot = (unsigned)__builtin_ctz(spot->free_slots);
    struct line *line = spot->line;

    line->tags[slot] = (uint8_t)tag_of(hash);
    line->places[slot] = place;
    x->entries++;
}

/* SLOTS: it is not in this line. */
static unsigned find_place(const struct line *line, unsigned tag, uint32_t place)
{
    for (unsigned left = match(line, tag); left != 0; left &= left - 1) {
        unsigned slot = (unsigned)__builtin_ctz(left);

        if (line->places[slot] == place)
            return slot;
    }
    return SLOTS;
}

void cacheindex_remove(struct cacheindex *x, uint64_t hash, uint32_t place)
{
    size_t at = home_of(x, hash), steps = x->length;
    unsigned slot;

    while ((slot = find_place(&x->lines[at], tag_of(hash), place)) == SLOTS) {
        steps--;
        assert(x->lines[at].passed > 0 && steps > 0);
        if (x->lines[at].passed < PASSED_MOST)
            x->lines[at].passed--;
        at = line_after(x, at);
    }
    x->lines[at].tags[slot] = 0;
    x->entries--;
}
