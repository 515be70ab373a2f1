#include "blocks.h"

#include <assert.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "alloc.h"

/* Free blocks are kept by size: up to SMALL units each size by itself, above it four lists for each
 * power of two. */
#define SMALL       64
#define SMALL_SHIFT 6
#define SPLIT_SHIFT 2 /* four lists */
#define LISTS       192
#define WORD        64

#define LEAST 2 /* units: a block that is free holds its links */

enum { USED = 1, BEFORE_USED = 2, FLAGS = 2 /* bits */ };

/* What stands in front of each block.  Sizes and places are counted in units. */
struct head {
    uint32_t before; /* size of the block before; good while that one is free */
    uint32_t size;   /* its own, and the flags */
};

struct hole { /* a free block */
    struct head head;
    uint32_t next, previous; /* in its list; 0 = none */
};
_Static_assert(sizeof(struct head) == BLOCKS_OVERHEAD, "as promised");
_Static_assert(sizeof(struct hole) <= LEAST * BLOCKS_UNIT, "a free block holds its links");

/* The address sanitizer sees only what it allocates itself: with it, forbidden octets stand behind
 * each block. */
#ifdef __has_feature
#if __has_feature(address_sanitizer)
#define GUARD 16
#endif
#endif
#ifdef __SANITIZE_ADDRESS__
#define GUARD 16
#endif
#ifdef GUARD
#include <sanitizer/asan_interface.h>
#else
#define GUARD                                0
#define ASAN_POISON_MEMORY_REGION(a, size)   ((void)(a), (void)(size))
#define ASAN_UNPOISON_MEMORY_REGION(a, size) ((void)(a), (void)(size))
#endif

struct blocks {
    char *memory;
    size_t limit;
    size_t end;     /* units in use from the beginning on; the first is never a block's */
    size_t holes;   /* units of them that are free */
    size_t simple;  /* units: up to there the end moves without a thought */
    size_t touched; /* units; when 'end' is there, one more */
    size_t offered; /* octets that the kernel may put into huge pages */
    uint64_t filled[LISTS / WORD];
    uint32_t lists[LISTS];
};

static struct head *head_at(const struct blocks *b, size_t place)
{
    return (struct head *)(void *)(b->memory + place * BLOCKS_UNIT);
}

static struct hole *hole_at(const struct blocks *b, size_t place)
{
    return (struct hole *)(void *)(b->memory + place * BLOCKS_UNIT);
}

static uint32_t units_of(const struct head *h)
{
    return h->size >> FLAGS;
}

/* The list whose blocks have at least the size of this one. */
static unsigned list_of(uint32_t units)
{
    unsigned power;

    if (units < SMALL)
        return units;
    power = 31u - (unsigned)__builtin_clz(units);
    return SMALL + ((power - SMALL_SHIFT) << SPLIT_SHIFT) +
           (units >> (power - SPLIT_SHIFT) & ((1u << SPLIT_SHIFT) - 1));
}

/* The first list of which every block is large enough. */
static unsigned list_for(uint32_t units)
{
    unsigned power;

    if (units < SMALL)
        return units;
    power = 31u - (unsigned)__builtin_clz(units);
    return list_of(units + (1u << (power - SPLIT_SHIFT)) - 1);
}

/* ---- free blocks ---- */

static void put_in_list(struct blocks *b, size_t place)
{
    struct hole *h = hole_at(b, place);
    unsigned list = list_of(units_of(&h->head));

    h->next = b->lists[list];
    h->previous = 0;
    if (h->next != 0)
        hole_at(b, h->next)->previous = (uint32_t)place;
    b->lists[list] = (uint32_t)place;
    b->holes += units_of(&h->head);
    b->filled[list / WORD] |= UINT64_C(1) << list % WORD;
}

static void take_from_list(struct blocks *b, size_t place)
{
    struct hole *h = hole_at(b, place);
    unsigned list = list_of(units_of(&h->head));

    b->holes -= units_of(&h->head);
    if (h->next != 0)
        hole_at(b, h->next)->previous = h->previous;
    if (h->previous != 0)
        hole_at(b, h->previous)->next = h->next;
    else
        b->lists[list] = h->next;
    if (b->lists[list] == 0)
        b->filled[list / WORD] &= ~(UINT64_C(1) << list % WORD);
}

/* Any block of that list or one above; 0: there is none. */
static size_t find_from(const struct blocks *b, unsigned list)
{
    uint64_t left = b->filled[list / WORD] & UINT64_MAX << list % WORD;

    for (unsigned word = list / WORD;;) {
        if (left != 0)
            return b->lists[word * WORD + (unsigned)__builtin_ctzll(left)];
        if (++word == LISTS / WORD)
            return 0;
        left = b->filled[word];
    }
}

/* Makes a hole of all these units; who comes behind them is told. */
static void make_hole(struct blocks *b, size_t place, uint32_t units)
{
    head_at(b, place)->size = units << FLAGS | BEFORE_USED;
    head_at(b, place + units)->before = units;
    head_at(b, place + units)->size &= ~(uint32_t)BEFORE_USED;
    put_in_list(b, place);
}

/* ---- the end of what is used ---- */

/* What is filled may become a huge page, by the kernel's own thread and in its own time: to fault
 * one in takes milliseconds, in which nobody would be answered. */
static void offer(struct blocks *b)
{
    while (b->offered + ALLOC_HUGE <= b->end * BLOCKS_UNIT) {
        (void)madvise(b->memory + b->offered, ALLOC_HUGE, MADV_HUGEPAGE);
        b->offered += ALLOC_HUGE;
    }
}

/* A block behind all others.  There is always a head behind the last one, which says whether that
 * is free. */
static inline size_t extend(struct blocks *b, uint32_t units)
{
    size_t place = b->end;

    b->end += units;
    head_at(b, place)->size = units << FLAGS | BEFORE_USED | USED; /* the last one is never free */
    head_at(b, b->end)->size = BEFORE_USED;
    return place;
}

/* The same, unless it is beyond the first 'most' octets: 0. */
static size_t extend_to(struct blocks *b, uint32_t units, size_t most)
{
    size_t place, huge;

    if ((b->end + units + 1) * BLOCKS_UNIT > most)
        return 0;
    place = extend(b, units);
    offer(b);
    huge = b->offered + ALLOC_HUGE;
    b->simple = (most < huge ? most : huge) / BLOCKS_UNIT;
    return place;
}

/* Before the end moves back. */
static void note_touched(struct blocks *b)
{
    if (b->touched < b->end + 1)
        b->touched = b->end + 1;
}

static size_t round_up(size_t octets, size_t step)
{
    return (octets + step - 1) / step * step;
}

/* Small pages are what comes there next, as when it is used for the first time. */
void blocks_trim(struct blocks *b)
{
    size_t end = (b->end + 1) * BLOCKS_UNIT, touched = blocks_touched(b);
    size_t page = round_up(end, (size_t)sysconf(_SC_PAGESIZE)), huge = round_up(end, ALLOC_HUGE);

    if (touched > page)
        (void)madvise(b->memory + page, touched - page, MADV_DONTNEED);
    if (b->offered > huge) {
        (void)madvise(b->memory + huge, b->offered - huge, MADV_NOHUGEPAGE);
        b->offered = huge;
    }
    b->touched = 0;
}

/* ---- blocks ---- */

struct blocks *blocks_new(size_t limit)
{
    struct blocks *b = alloc_array(1, sizeof *b);

    assert(limit <= BLOCKS_LIMIT_MAX);
    b->limit = limit;
    b->memory = alloc_reserve(limit);
    b->end = 1; /* no place is 0 */
    return b;
}

void blocks_free(struct blocks *b)
{
    if (b == NULL)
        return;
    ASAN_UNPOISON_MEMORY_REGION(b->memory, b->limit);
    alloc_unreserve(b->memory, b->limit);
    free(b);
}

/* With all that belongs to a block of so many octets. */
static inline uint32_t units_for(size_t size)
{
    size_t units = (size + GUARD + BLOCKS_OVERHEAD + BLOCKS_UNIT - 1) / BLOCKS_UNIT;

    return units < LEAST ? LEAST : (uint32_t)units;
}

uint32_t blocks_take_simply(struct blocks *b, size_t size)
{
    uint32_t units = units_for(size), place;

    if (b->holes != 0 || b->end + units >= b->simple)
        return 0;
    place = (uint32_t)extend(b, units);
    ASAN_POISON_MEMORY_REGION((char *)blocks_at(b, place) + size, GUARD);
    return place;
}

void *blocks_take(struct blocks *b, size_t size, size_t most)
{
    uint32_t units, left;
    size_t place;
    struct head *h;

    if (size > b->limit)
        return NULL;
    if (b->simple > most / BLOCKS_UNIT)
        b->simple = most / BLOCKS_UNIT; /* others have taken what it was promised */
    units = units_for(size);
    place = find_from(b, list_for(units));
    if (place != 0) {
        h = head_at(b, place);
        take_from_list(b, place);
        left = units_of(h) - units;
        head_at(b, place + units_of(h))->size |= BEFORE_USED;
        if (left >= LEAST) {
            h->size = units << FLAGS | BEFORE_USED;
            make_hole(b, place + units, left);
        }
        h->size |= USED;
    } else {
        place = extend_to(b, units, most < b->limit ? most : b->limit);
        if (place == 0)
            return NULL;
        h = head_at(b, place);
    }
    ASAN_POISON_MEMORY_REGION((char *)(h + 1) + size, GUARD);
    return h + 1;
}

void blocks_give(struct blocks *b, void *block)
{
    struct head *h = (struct head *)block - 1, *behind;
    size_t place = blocks_place(b, block);
    uint32_t units = units_of(h);

    assert((h->size & USED) != 0);
    ASAN_UNPOISON_MEMORY_REGION(block, units * BLOCKS_UNIT - sizeof *h);
    behind = head_at(b, place + units);
    if (place + units < b->end && (behind->size & USED) == 0) {
        take_from_list(b, place + units);
        units += units_of(behind);
    }
    if ((h->size & BEFORE_USED) == 0) {
        place -= h->before;
        units += h->before;
        take_from_list(b, place);
    }
    if (place + units == b->end) {
        note_touched(b);
        b->end = place; /* nobody is behind it */
        head_at(b, place)->size = BEFORE_USED;
    } else {
        make_hole(b, place, units);
    }
}

uint32_t blocks_place(const struct blocks *b, const void *block)
{
    return (uint32_t)((size_t)((const char *)block - sizeof(struct head) - b->memory) /
                      BLOCKS_UNIT);
}

void *blocks_at(const struct blocks *b, uint32_t place)
{
    return head_at(b, place) + 1;
}

bool blocks_is_within(const struct blocks *b, const void *block, size_t most)
{
    size_t end = blocks_place(b, block) * BLOCKS_UNIT + blocks_size(block);

    return end + BLOCKS_UNIT <= most; /* a head stands behind it */
}

size_t blocks_size(const void *block)
{
    return (size_t)units_of((const struct head *)block - 1) * BLOCKS_UNIT;
}

size_t blocks_touched(const struct blocks *b)
{
    size_t now = b->end > 1 ? b->end + 1 : 0;

    return (b->touched > now ? b->touched : now) * BLOCKS_UNIT;
}

size_t blocks_used(const struct blocks *b)
{
    return (b->end - 1 - b->holes) * BLOCKS_UNIT;
}
