/* Unpredictable numbers: bounds, no repeats, no bias that could be seen. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "random.h"

static void below_stays_below(void **state)
{
    static const uint32_t limits[] = {1, 2, 3, 7, 256, 1000, 0x80000001u, UINT32_MAX};
    struct random random = {0};

    (void)state;
    for (size_t i = 0; i < sizeof limits / sizeof *limits; i++) {
        for (int n = 0; n < 1000; n++)
            assert_true(random_below(&random, limits[i]) < limits[i]);
    }
}

static void every_value_comes(void **state)
{
    struct random random = {0};
    unsigned seen[6] = {0};

    (void)state;
    for (int n = 0; n < 6000; n++)
        seen[random_below(&random, 6)]++;
    for (int i = 0; i < 6; i++)
        assert_in_range(seen[i], 700, 1300); /* 1000 ± 10 standard deviations */
}

static void bytes_differ(void **state)
{
    struct random random = {0};
    uint8_t small[2][16], large[2][RANDOM_BUFFER * 2];
    static const uint8_t zero[RANDOM_BUFFER];

    (void)state;
    random_bytes(&random, small[0], sizeof small[0]);
    random_bytes(&random, small[1], sizeof small[1]);
    assert_memory_not_equal(small[0], small[1], sizeof small[0]);
    random_bytes(&random, large[0], sizeof large[0]);
    random_bytes(&random, large[1], sizeof large[1]);
    assert_memory_not_equal(large[0], large[1], sizeof large[0]);
    /* What was handed out is forgotten. */
    assert_memory_equal(random.buffer + random.left, zero, RANDOM_BUFFER - random.left);
}

static void numbers_of_16_bits(void **state)
{
    struct random random = {0};
    uint16_t all = 0, common = UINT16_MAX;

    (void)state;
    for (int i = 0; i < 2000; i++) {
        uint16_t n = random_u16(&random);
        all |= n;
        common &= n;
    }
    assert_int_equal(all, UINT16_MAX);
    assert_int_equal(common, 0);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(below_stays_below),
        cmocka_unit_test(every_value_comes),
        cmocka_unit_test(bytes_differ),
        cmocka_unit_test(numbers_of_16_bits),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
