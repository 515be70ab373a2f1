/* Counters: every one has a name of its own, fit for a metric, and a sentence. */
#include <ctype.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "stats.h"

static void names_and_help(void **state)
{
    (void)state;
    for (enum stats_counter i = 0; i < STATS_COUNT; i++) {
        const char *name = stats_name(i), *help = stats_help(i);
        assert_non_null(name);
        assert_non_null(help);
        assert_true(isupper((unsigned char)help[0]));
        for (const char *c = name; *c != '\0'; c++)
            assert_true(islower((unsigned char)*c) || *c == '_');
        for (enum stats_counter j = 0; j < i; j++)
            assert_string_not_equal(name, stats_name(j));
    }
}

static void counting(void **state)
{
    struct stats stats = {0};

    (void)state;
    stats_count(&stats, STATS_CHAOS);
    stats_add(&stats, STATS_CHAOS, 41);
    assert_int_equal(stats_read(&stats, STATS_CHAOS), 42);
    assert_int_equal(stats_read(&stats, STATS_CHAINS), 0);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_and_help),
        cmocka_unit_test(counting),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
