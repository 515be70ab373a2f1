/* Descriptors: what each may take, so that clients, upstreams and endpoints do not starve another.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <sys/resource.h>

#include "descriptors.h"

static const struct {
    unsigned free, workers, clients, upstreams, reserve, endpoints;
} rows[] = {
    {0, 1, 1, 1, 0, 2}, /* it does not start, but nothing is divided by 0 */
    {24, 1, 1, 1, 0, 2},
    {30, 1, 1, 5, 3, 2},
    {40, 1, 2, 12, 7, 2},
    {43, 1, 3, 14, 8, 2},
    {70, 1, 8, 33, 16, 5},
    {58, 4, 1, 2, 1, 2},
    {124, 2, 8, 32, 16, 11},
    {1024, 1, 286, 589, 16, 125},
    {65500, 1, 61892, 2048, 16, 1536}, /* upstreams have enough, and endpoints */
    {65500, 64, 325, 666, 16, 1536},
    {2147483647, 1, 2147480039, 2048, 16, 1536},
};

static void each_has_a_share(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct descriptors_share share = descriptors_divide(rows[i].free, rows[i].workers);
        assert_int_equal(share.clients, rows[i].clients);
        assert_int_equal(share.upstreams, rows[i].upstreams);
        assert_int_equal(share.reserve, rows[i].reserve);
        assert_int_equal(share.endpoints, rows[i].endpoints);
    }
}

static void too_few_are_told(void **state)
{
    struct error_list errors = {0};
    struct rlimit limit, low;

    (void)state;
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &limit), 0);
    unsigned before = descriptors_count();
    assert_true(before > DESCRIPTORS_FREE && descriptors_suffice(0, &errors));
    low = limit;
    low.rlim_cur -= before - (DESCRIPTORS_FREE - 1);
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &low), 0);
    assert_int_equal(descriptors_count(), DESCRIPTORS_FREE - 1);
    assert_false(descriptors_suffice(0, &errors));
    assert_int_equal(errors.length, 1);
    low.rlim_cur += 8;
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &low), 0);
    assert_true(descriptors_suffice(0, &errors));
    assert_false(descriptors_suffice(1, &errors));
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &limit), 0);
    error_clear(&errors);
}

/* Up to what the hard limit allows, never down. */
static void the_limit_is_raised(void **state)
{
    struct rlimit limit, low, raised;
    rlim_t wanted;

    (void)state;
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &limit), 0);
    low = limit;
    low.rlim_cur = limit.rlim_cur < 256 ? limit.rlim_cur : 256;
    wanted = limit.rlim_max < 65536 ? limit.rlim_max : 65536;
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &low), 0);
    descriptors_raise();
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &raised), 0);
    assert_true(raised.rlim_cur == (low.rlim_cur > wanted ? low.rlim_cur : wanted));
    assert_true(raised.rlim_max == limit.rlim_max);
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &limit), 0);
    descriptors_raise();
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &raised), 0);
    assert_true(raised.rlim_cur >= limit.rlim_cur);
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &limit), 0);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_has_a_share),
        cmocka_unit_test(too_few_are_told),
        cmocka_unit_test(the_limit_is_raised),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
