/* Processors: what a quota means. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "cpus.h"

static const struct {
    const char *text;
    unsigned cpus;
} quotas[] = {
    {"max 100000\n", 0},
    {"100000 100000\n", 1},
    {"150000 100000\n", 2},
    {"50000 100000\n", 1},
    {"400000 100000", 4},
    {"0 100000", 0},
    {"5 0", 0},
    {"", 0},
    {"x", 0},
    {"18446744073709551615 1", 1024},
};

static void quotas_mean(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof quotas / sizeof *quotas; i++)
        assert_int_equal(cpus_of_quota(quotas[i].text), quotas[i].cpus);
    assert_true(cpus_allowed() >= 1);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {cmocka_unit_test(quotas_mean)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
