/* Blocks against a model: whatever is taken and given back in whatever order, no two overlap, none
 * is written to by us, and what was given back can be had again. */
#include "blocks.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define MANY 600

struct held {
    uint8_t *at;
    size_t size;
    uint8_t mark;
};

static uint32_t dice = 1;

static uint32_t roll(uint32_t below)
{
    dice = dice * 1664525u + 1013904223u;
    return (dice >> 8) % below;
}

static void check_marks(const struct held *h)
{
    for (size_t i = 0; i < h->size; i++)
        assert_int_equal(h->at[i], h->mark);
}

static void check_apart(const struct held *held, size_t n)
{
    for (size_t i = 0; i < MANY; i++) {
        if (i == n || held[i].at == NULL)
            continue;
        assert_true(held[i].at + held[i].size <= held[n].at ||
                    held[n].at + held[n].size <= held[i].at);
    }
}

static size_t some_size(unsigned shape)
{
    return shape == 0 ? 1 + roll(400) : shape == 1 ? 1 + roll(20000) : 8 + 16 * roll(40);
}

static void test_any_order(void **state)
{
    static struct held held[MANY];
    static const size_t limits[] = {1 << 12, 1 << 16, 1 << 20, 48 << 20};
    unsigned simple = 0;

    (void)state;
    for (unsigned round = 0; round < 12; round++) {
        size_t limit = limits[round % 4], taken = 0;
        struct blocks *b = blocks_new(limit);

        memset(held, 0, sizeof held);
        for (unsigned step = 0; step < 20000; step++) {
            struct held *h = &held[roll(MANY)];

            if (h->at != NULL) {
                check_marks(h);
                taken -= blocks_size(h->at);
                blocks_give(b, h->at);
                h->at = NULL;
                continue;
            }
            h->size = some_size(round / 4);
            uint32_t place = step % 3 == 0 ? blocks_take_simply(b, h->size) : 0;
            simple += place != 0;
            h->at = place != 0 ? blocks_at(b, place) : blocks_take(b, h->size, limit);
            if (h->at == NULL)
                continue;
            h->mark = (uint8_t)roll(256);
            memset(h->at, h->mark, h->size);
            assert_int_equal((uintptr_t)h->at % 8, 0);
            assert_true(blocks_size(h->at) >= h->size + BLOCKS_OVERHEAD);
            check_apart(held, (size_t)(h - held));
            taken += blocks_size(h->at);
            assert_true(taken < limit && blocks_touched(b) <= limit);
            assert_int_equal(blocks_used(b), taken);
        }
        blocks_free(b);
    }
    assert_true(simple > 0);
}

/* When all is given back it is one piece again. */
static void test_joined(void **state)
{
    struct blocks *b = blocks_new(1 << 16);
    void *all[MANY];
    size_t length = 0, touched;

    (void)state;
    while (length < MANY && (all[length] = blocks_take(b, 90 + length % 50, 1 << 16)) != NULL)
        length++;
    assert_true(length > 300 && length < MANY);
    assert_null(blocks_take(b, 90, 1 << 16));
    touched = blocks_touched(b);
    for (size_t i = 0; i < length; i += 2)
        blocks_give(b, all[i]);
    assert_null(blocks_take(b, 200, 1 << 16)); /* only holes, each between two */
    for (size_t i = 1; i < length; i += 2)
        blocks_give(b, all[i]);
    assert_non_null(all[0] = blocks_take(b, 60000, 1 << 16));
    blocks_give(b, all[0]);
    assert_int_equal(blocks_touched(b), touched);
    blocks_free(b);
}

static void test_bounds(void **state)
{
    static const struct {
        size_t limit, size, most;
        bool had;
    } rows[] = {
        {0, 1, SIZE_MAX, false},       {16, 1, SIZE_MAX, false},
        {4096, 4096, SIZE_MAX, false}, {4096, 4000, SIZE_MAX, true},
        {4096, 100, 64, false},        {4096, 100, 160, true},
        {4096, 0, SIZE_MAX, true},     {4096, SIZE_MAX, SIZE_MAX, false},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LENGTH(rows); i++) {
        struct blocks *b = blocks_new(rows[i].limit);
        void *block = blocks_take(b, rows[i].size, rows[i].most);

        if ((block != NULL) != rows[i].had)
            fail_msg("row %zu", i);
        blocks_free(b);
    }
    blocks_free(NULL);
}

/* What blocks_take() was told last holds for those that are taken simply, also when it filled a
 * hole and found nothing to think about at the end. */
static void test_less_room(void **state)
{
    enum { LESS = 4096, SIZE = 100 };
    struct blocks *b = blocks_new(1 << 16);
    void *all[3];

    (void)state;
    for (size_t i = 0; i < ARRAY_LENGTH(all); i++)
        assert_non_null(all[i] = blocks_take(b, SIZE, 1 << 16));
    blocks_give(b, all[1]);
    assert_non_null(blocks_take(b, SIZE, LESS));
    while (blocks_take_simply(b, SIZE) != 0)
        assert_true(blocks_touched(b) <= LESS);
    assert_true(blocks_touched(b) > LESS / 2);
    blocks_free(b);
}

/* What lies behind the last block can be given up, and be had again. */
static void test_trimmed(void **state)
{
    enum { SIZE = 100, LESS = 1 << 20, MOST = 3 << 20 };
    struct blocks *b = blocks_new(MOST);
    static void *all[MOST / SIZE];
    size_t length = 0, kept = 0;

    (void)state;
    for (void *block; (block = blocks_take(b, SIZE, MOST)) != NULL;)
        all[length++] = block;
    assert_true(blocks_is_within(b, all[0], LESS) && !blocks_is_within(b, all[length - 1], LESS));
    assert_true(blocks_is_within(b, all[length - 1], blocks_touched(b)));
    assert_false(blocks_is_within(b, all[length - 1], blocks_touched(b) - 1));
    for (; blocks_is_within(b, all[kept], LESS); kept++)
        memset(all[kept], (int)kept, SIZE);
    for (size_t i = kept; i < length; i++)
        blocks_give(b, all[i]);
    assert_true(blocks_touched(b) > LESS);
    blocks_trim(b);
    assert_in_range(blocks_touched(b), LESS - 2 * SIZE, LESS);
    for (size_t i = 0; i < kept; i++)
        assert_int_equal(((uint8_t *)all[i])[SIZE - 1], (uint8_t)i);
    assert_non_null(blocks_take(b, LESS, MOST));
    blocks_free(b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_any_order), cmocka_unit_test(test_joined),
        cmocka_unit_test(test_bounds),    cmocka_unit_test(test_less_room),
        cmocka_unit_test(test_trimmed),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
