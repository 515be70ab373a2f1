/* Changes of a moment ago: counted together, each for a while, and once. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "recent.h"

static struct recent recent;

static void add(size_t names, uint64_t now)
{
    struct catalog_change change = {.changed = true,
                                    .accepted = 1,
                                    .names_added = names,
                                    .names_moved = 2,
                                    .names_not_held = 3};

    recent_add(&recent, &change, now);
}

static void each_for_a_while(void **unused)
{
    struct catalog_change sum = {.names_added = 100}, none = {0};

    (void)unused;
    recent_clear(&recent);
    assert_int_equal(recent_join(&recent, 5, &sum), 0);
    assert_false(sum.changed);
    add(1, 1000);
    add(20, 1500);
    recent_add(&recent, &none, 1600);
    assert_int_equal(recent_join(&recent, 1000 + RECENT_MS, &sum), 1000);
    assert_true(sum.changed);
    assert_int_equal(sum.names_added, 121);
    assert_int_equal(sum.names_moved, 4);
    assert_int_equal(sum.names_not_held, 6);
    assert_int_equal(sum.accepted, 2);
    sum = none;
    assert_int_equal(recent_join(&recent, 1001 + RECENT_MS, &sum), 1500);
    assert_int_equal(sum.names_added, 20);
    recent_clear(&recent);
    assert_int_equal(recent_join(&recent, 1001 + RECENT_MS, &sum), 0);
}

static void more_than_are_remembered(void **unused)
{
    struct catalog_change sum = {0};

    (void)unused;
    recent_clear(&recent);
    for (unsigned i = 0; i < RECENT_CHANGES_MAX + 3; i++)
        add(1, 1000 + i);
    assert_int_equal(recent_join(&recent, 1200, &sum), 1003);
    assert_int_equal(sum.names_added, RECENT_CHANGES_MAX);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_for_a_while),
        cmocka_unit_test(more_than_are_remembered),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
