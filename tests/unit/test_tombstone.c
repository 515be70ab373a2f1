/* What was detached, beyond the most that is held: a name counts once, and those are let go whose
 * hold ends first. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "tombstone.h"

#define HOLD      60000
#define LINE_ROOM 40 /* of "59000 one h1048576.x" */

static struct tombstone_list list;
static struct ledger *ledger;

static int set_up(void **state)
{
    static const struct hash_key key;

    (void)state;
    ledger = ledger_new(&key, NULL);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    tombstone_clear(&list);
    ledger_free(ledger);
    return 0;
}

/* So many names with this end; 'times' of each, one after another. */
static void hold(unsigned first, unsigned length, unsigned times, unsigned end)
{
    char *text = malloc((size_t)length * times * LINE_ROOM);
    size_t size = 0;

    assert_non_null(text);
    for (unsigned i = 0; i < length * times; i++)
        size += (size_t)snprintf(text + size, LINE_ROOM, "%u one h%u.x\n", end, first + i / times);
    tombstone_read(&list, text, size, &(struct tombstone_moment){0, 0, ""}, HOLD);
    free(text);
}

static void test_doubles_take_no_room(void **state)
{
    (void)state;
    hold(1, 1, TOMBSTONE_MAX + TOMBSTONE_MAX / 2, 59000);
    hold(2, 4, 2, 58000);
    assert_int_equal(tombstone_settle(&list, ledger), 0);
    assert_int_equal(list.length, 5);
    hold(1, 5, 3, 59500); /* the later end counts */
    assert_int_equal(tombstone_settle(&list, ledger), 0);
    assert_int_equal(list.length, 5);
    assert_int_equal(tombstone_next(&list), 59500);
}

static void test_too_many(void **state)
{
    (void)state;
    hold(0, 3, 1, 57000);
    hold(3, TOMBSTONE_MAX - 2, 1, 59000);
    assert_int_equal(tombstone_settle(&list, ledger), 1);
    assert_int_equal(list.length, TOMBSTONE_MAX);
    assert_int_equal(tombstone_next(&list), 57000); /* two of them are left */
    assert_int_equal(tombstone_settle(&list, ledger), 0);
    hold(TOMBSTONE_MAX + 1, TOMBSTONE_MAX / 4, 1,
         59000); /* more than there is room for meanwhile */
    assert_true(list.space <= 2 * TOMBSTONE_MAX);
    assert_int_equal(tombstone_settle(&list, ledger), TOMBSTONE_MAX / 4);
    assert_int_equal(list.length, TOMBSTONE_MAX);
    assert_int_equal(tombstone_next(&list), 59000);
    assert_false(tombstone_expire(&list, 58999));
    assert_true(tombstone_expire(&list, 59000));
    assert_int_equal(list.length, 0);
    assert_int_equal(tombstone_settle(&list, ledger), 0);
}

/* When a hold of 60 s that is kept after 10 ends for the process that reads it. */
static const struct {
    struct tombstone_moment written, read;
    uint64_t end;
} moments[] = {
    {{500000, 9000000, "a"}, {505000, 9005000, "a"}, 550000},
    {{500000, 9000000, "a"}, {505000, 9999999, "a"}, 550000}, /* the wall clock went on … */
    {{500000, 9000000, "a"}, {505000, 1, "a"}, 550000},       /* … and back */
    {{500000, 9000000, "a"}, {550000, 9000000, "a"}, 0},      /* it has ended */
    {{500000, 9000000, "a"}, {7, 9999999, "b"}, 50007},       /* nobody knows when that was */
    {{500000, 9000000, "a"}, {700000, 9005000, "ab"}, 750000},
    {{500000, 9000000, "a"}, {7, 9005000, "a"}, 50007}, /* another monotonic clock, all the same */
    {{500000, 9000000, ""}, {505000, 9005000, "a"}, 550000}, /* of an older version, too */
    {{500000, 9000000, "a"}, {7, 9005000, ""}, 45007},
    {{500000, 9000000, ""}, {7, 9005000, ""}, 45007},
};

static void test_moments(void **state)
{
    static const char line[] = "50000 one h.x\n";

    (void)state;
    for (size_t i = 0; i < sizeof moments / sizeof *moments; i++) {
        struct tombstone_moment start = {moments[i].written.now, 0, ""};
        size_t size;
        tombstone_read(&list, line, sizeof line - 1, &start, HOLD);
        char *text = tombstone_write(&list, &moments[i].written, &size);
        tombstone_clear(&list);
        assert_int_equal(tombstone_read(&list, text, size, &moments[i].read, HOLD), 0);
        uint64_t end = tombstone_next(&list);
        if (end != (moments[i].end == 0 ? UINT64_MAX : moments[i].end))
            fail_msg("%zu ends at %llu", i, (unsigned long long)end);
        tombstone_clear(&list);
        free(text);
    }
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_doubles_take_no_room, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_too_many, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_moments, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
