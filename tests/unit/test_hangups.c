/* Connections that stand aside until their clients have hung up.  The test's time runs ahead of the
 * clock, so that nobody is looked at for having waited. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <event2/event.h>

#include <cmocka.h>

#include "clock.h"
#include "hangups.h"

#define ENTRIES 4096

struct bench {
    struct event_base *base;
    struct hangups *hangups;
    uint64_t now;
    enum hangups_found found; /* in all that are looked at */
    struct idlelist_entry entries[ENTRIES];
    size_t arrived, looked, stood_aside;
    const struct idlelist_entry *latest; /* that was looked at */
};

static enum hangups_found look(void *arg, struct idlelist_entry *entry, uint64_t now)
{
    struct bench *b = arg;

    (void)now;
    /* The oldest first: one that is behind the one before. */
    assert_true(b->latest == NULL || entry > b->latest);
    b->latest = entry;
    b->looked++;
    return b->found;
}

static void open_bench(struct bench *b)
{
    memset(b, 0, sizeof *b);
    b->base = event_base_new();
    b->hangups = hangups_new(b->base, look, b);
    assert_non_null(b->hangups);
    b->now = clock_ms();
}

static void close_bench(struct bench *b)
{
    hangups_look(b->hangups, b->now);
    assert_int_equal(b->looked, b->stood_aside);
    hangups_free(b->hangups);
    event_base_free(b->base);
}

/* True: it stands aside. */
static bool arrive(struct bench *b)
{
    assert_true(b->arrived < ENTRIES);
    bool aside = hangups_expect(b->hangups, &b->entries[b->arrived++], b->now);

    b->stood_aside += aside;
    return aside;
}

static void turn(struct bench *b)
{
    event_base_loop(b->base, EVLOOP_NONBLOCK);
}

/* So many, ten a millisecond. */
static void rush(struct bench *b, size_t length)
{
    for (size_t i = 0; i < length; i++) {
        arrive(b);
        if (i % 10 == 9) {
            turn(b);
            b->now++;
        }
    }
    turn(b);
}

static size_t standing(const struct bench *b)
{
    return b->stood_aside - b->looked;
}

static void nobody_stands_aside_when_they_come_one_by_one(void **state)
{
    static struct bench b;

    (void)state;
    open_bench(&b);
    for (unsigned i = 0; i < 1000; i++) {
        assert_false(arrive(&b));
        b.now += 1 + i % 7;
    }
    /* A few at once are no rush either. */
    for (unsigned i = 0; i < 20; i++) {
        for (unsigned j = 0; j < 8; j++)
            assert_false(arrive(&b));
        b.now += 100;
    }
    close_bench(&b);
}

static void in_a_rush_the_oldest_is_looked_at_when_more_come(void **state)
{
    static struct bench b;

    (void)state;
    open_bench(&b);
    b.found = HANGUPS_GONE;
    rush(&b, 100);
    assert_true(standing(&b) > 8);
    assert_true(b.looked > 0);
    size_t before = b.looked;
    for (unsigned i = 0; i < 10; i++)
        assert_true(arrive(&b));
    assert_int_equal(b.looked, before); /* first those are answered that came with it */
    turn(&b);
    assert_in_range(b.looked - before, 10, 12);
    /* When it is over, the next is watched. */
    b.now += 100;
    assert_false(arrive(&b));
    close_bench(&b);
}

static void patience_follows_from_what_was_found(void **state)
{
    static struct bench b;

    (void)state;
    open_bench(&b);
    b.found = HANGUPS_GONE;
    rush(&b, 1000);
    assert_int_equal(standing(&b), 2);
    b.found = HANGUPS_QUIET;
    rush(&b, 150);
    assert_int_equal(standing(&b), HANGUPS_MOST / 2);
    b.found = HANGUPS_GONE;
    rush(&b, 2000);
    assert_true(standing(&b) < 16);
    close_bench(&b);
}

static void only_so_many_stand_aside(void **state)
{
    static struct bench b;

    (void)state;
    open_bench(&b);
    b.found = HANGUPS_QUIET;
    for (unsigned i = 0; i < 1000; i++) { /* one large burst */
        arrive(&b);
        assert_true(standing(&b) <= HANGUPS_MOST);
    }
    assert_int_equal(standing(&b), HANGUPS_MOST);
    turn(&b);
    assert_true(standing(&b) <= HANGUPS_MOST / 2);
    close_bench(&b);
}

/* Who asks again waits for us meanwhile: that is to be seldom. */
static void nobody_stands_aside_for_a_while_when_one_has_asked_again(void **state)
{
    static struct bench b;

    (void)state;
    open_bench(&b);
    b.found = HANGUPS_ASKED;
    rush(&b, 100);
    size_t aside = b.stood_aside;
    assert_in_range(aside, 1, 32);
    rush(&b, 900);
    assert_int_equal(b.stood_aside, aside);
    b.now += HANGUPS_REST_MS;
    rush(&b, 100);
    assert_true(b.stood_aside > aside);
    close_bench(&b);
}

static void nobody_stands_aside_for_a_while_when_most_stay(void **state)
{
    static struct bench b;

    (void)state;
    open_bench(&b);
    b.found = HANGUPS_QUIET;
    rush(&b, 1000);
    assert_in_range(b.stood_aside, 64, 300);
    close_bench(&b);
}

/* Nobody else comes: time is what they are looked at for. */
static void who_stands_aside_is_looked_at_soon(void **state)
{
    static struct bench b;

    (void)state;
    open_bench(&b);
    b.now -= 1000; /* the clock is ahead, this time */
    for (unsigned i = 0; i < 9; i++)
        arrive(&b);
    assert_int_equal(standing(&b), 1);
    event_base_loop(b.base, 0); /* until nothing is pending */
    assert_int_equal(standing(&b), 0);
    close_bench(&b);
}

static void who_is_closed_is_not_looked_at(void **state)
{
    static struct bench b;

    (void)state;
    open_bench(&b);
    rush(&b, 30);
    assert_true(standing(&b) > 3);
    hangups_remove(b.hangups, &b.entries[b.arrived - 2]);
    b.stood_aside--;
    const struct idlelist_entry *removed = &b.entries[b.arrived - 2];
    while (standing(&b) > 0) {
        arrive(&b);
        hangups_look(b.hangups, b.now);
        assert_ptr_not_equal(b.latest, removed);
    }
    close_bench(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nobody_stands_aside_when_they_come_one_by_one),
        cmocka_unit_test(in_a_rush_the_oldest_is_looked_at_when_more_come),
        cmocka_unit_test(patience_follows_from_what_was_found),
        cmocka_unit_test(only_so_many_stand_aside),
        cmocka_unit_test(nobody_stands_aside_for_a_while_when_one_has_asked_again),
        cmocka_unit_test(nobody_stands_aside_for_a_while_when_most_stay),
        cmocka_unit_test(who_stands_aside_is_looked_at_soon),
        cmocka_unit_test(who_is_closed_is_not_looked_at),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
