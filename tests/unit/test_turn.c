/* What is put off: done once, at the end of the turn, or when the loop has dealt with its events.
 */
#include "turn.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>

#include <event2/event.h>

#include <cmocka.h>

#define AGAINS 3

static struct event_base *base;
static struct turn turn;

/* A task that counts, and puts itself off again a few times. */
struct counter {
    struct turn_task task;
    unsigned done, again;
};

static void count(void *arg)
{
    struct counter *c = arg;

    c->done++;
    if (c->again > 0) {
        c->again--;
        turn_put_off(&turn, &c->task);
    }
}

static void set_up(struct counter *c)
{
    *c = (struct counter){.task = {.run = count, .arg = c}};
}

static int begin(void **state)
{
    (void)state;
    base = event_base_new();
    turn_open(&turn, base);
    return base == NULL;
}

static int end(void **state)
{
    (void)state;
    turn_close(&turn);
    event_base_free(base);
    return 0;
}

static void run_loop(void)
{
    (void)event_base_loop(base, EVLOOP_NONBLOCK);
}

static void test_at_the_end_of_a_turn(void **state)
{
    struct counter one, two;

    (void)state;
    set_up(&one);
    set_up(&two);
    turn_begin(&turn);
    turn_put_off(&turn, &one.task);
    turn_put_off(&turn, &two.task);
    turn_put_off(&turn, &one.task);
    assert_int_equal(one.done + two.done, 0);
    turn_end(&turn);
    assert_int_equal(one.done, 1);
    assert_int_equal(two.done, 1);
    run_loop();
    assert_int_equal(one.done + two.done, 2);
}

static void test_outside_of_turns(void **state)
{
    struct counter one;

    (void)state;
    set_up(&one);
    turn_put_off(&turn, &one.task);
    turn_put_off(&turn, &one.task);
    assert_int_equal(one.done, 0);
    run_loop();
    assert_int_equal(one.done, 1);
}

/* What was put off before a turn began is done at its end, too; the event finds nothing then. */
static void test_before_a_turn(void **state)
{
    struct counter one;

    (void)state;
    set_up(&one);
    turn_put_off(&turn, &one.task);
    turn_begin(&turn);
    turn_end(&turn);
    assert_int_equal(one.done, 1);
    run_loop();
    assert_int_equal(one.done, 1);
}

/* The end of a turn comes to an end, whatever its tasks put off. */
static void test_again_and_again(void **state)
{
    struct counter one;

    (void)state;
    set_up(&one);
    one.again = AGAINS;
    turn_begin(&turn);
    turn_put_off(&turn, &one.task);
    turn_end(&turn);
    assert_int_equal(one.done, 1);
    for (unsigned n = 0; n < AGAINS; n++)
        run_loop();
    assert_int_equal(one.done, 1 + AGAINS);
}

static void test_forgotten(void **state)
{
    struct counter one, two;

    (void)state;
    set_up(&one);
    set_up(&two);
    turn_begin(&turn);
    turn_forget(&turn, &one.task);
    turn_put_off(&turn, &one.task);
    turn_put_off(&turn, &two.task);
    turn_forget(&turn, &one.task);
    turn_end(&turn);
    assert_int_equal(one.done, 0);
    assert_int_equal(two.done, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_at_the_end_of_a_turn, begin, end),
        cmocka_unit_test_setup_teardown(test_outside_of_turns, begin, end),
        cmocka_unit_test_setup_teardown(test_before_a_turn, begin, end),
        cmocka_unit_test_setup_teardown(test_again_and_again, begin, end),
        cmocka_unit_test_setup_teardown(test_forgotten, begin, end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
