/* Copies and comparisons of all sizes, between blocks of exactly that size, so that a sanitizer
 * sees one octet too many. */
#include "octets.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#define SIZE_MAX_TESTED 300

typedef void copier(uint8_t *to, const uint8_t *from, size_t size);

static uint8_t *some_octets(size_t size)
{
    uint8_t *octets = malloc(size + (size == 0));

    for (size_t i = 0; i < size; i++)
        octets[i] = (uint8_t)(i * 37 + size);
    return octets;
}

static void check_copy(copier *copy, size_t size)
{
    uint8_t *from = some_octets(size), *to = calloc(size + (size == 0), 1);

    copy(to, from, size);
    assert_memory_equal(to, from, size);
    free(from);
    free(to);
}

static void test_copies(void **state)
{
    (void)state;
    for (size_t size = 0; size < SIZE_MAX_TESTED; size++) {
        check_copy(octets_copy, size);
        if (size >= OCTETS_STEP)
            check_copy(octets_copy_steps, size);
        if (size >= (size_t)2 * OCTETS_STEP)
            check_copy(octets_copy_pairs, size);
    }
}

static void test_same(void **state)
{
    (void)state;
    for (size_t size = 0; size < SIZE_MAX_TESTED; size++) {
        uint8_t *a = some_octets(size), *b = some_octets(size);

        assert_true(octets_same(a, b, size));
        for (size_t i = 0; i < size; i++) {
            b[i] ^= 0x80;
            assert_false(octets_same(a, b, size));
            b[i] ^= 0x80;
        }
        free(a);
        free(b);
    }
}

static void test_words(void **state)
{
    static const uint8_t octets[8] = {0xab, 0, 0, 0x12, 0x34, 0, 0, 0xcd};
    uint64_t word = OCTETS_ONE(0, 0xab) | OCTETS_TWO(3, 0x1234) | OCTETS_ONE(7, 0xcd);
    uint8_t out[8] = {0}, half[5] = {0, 0, 0, 0, 7};

    (void)state;
    assert_true(octets_word(octets) == word);
    octets_put_word(out, word);
    assert_memory_equal(out, octets, sizeof out);
    octets_put_half(half, word);
    assert_memory_equal(half, octets, 4);
    assert_int_equal(half[4], 7);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_copies),
        cmocka_unit_test(test_same),
        cmocka_unit_test(test_words),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
