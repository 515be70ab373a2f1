/* What is handed over is what was put last, once; all else is freed (as the sanitizers see). */
#include "lore.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

static struct targets *make_targets(void)
{
    static const uint8_t name[] = "\1a\7example";
    const struct targets_entry entry = {.name = name, .trouble = ""};

    return targets_make(&entry, 1);
}

static void check(const struct lore *lore, const struct targets *targets,
                  const struct health *health)
{
    assert_ptr_equal(lore_targets(lore), targets);
    assert_ptr_equal(lore_health(lore), health);
}

static struct health *make_health(void)
{
    static const struct health_entry entry;

    return health_make(&entry, 1);
}

/* What was in use goes. */
static bool take(struct lore *lore)
{
    struct targets *targets;
    struct health *health;

    if (!lore_take(lore, &targets, &health)) {
        return false;
    }
    targets_free(targets);
    health_free(health);
    return true;
}

static void test_nothing_yet(void **state)
{
    struct lore *lore = lore_new();

    (void)state;
    assert_false(lore_waits(lore));
    assert_false(take(lore));
    check(lore, NULL, NULL);
    lore_free(lore);
    lore_free(NULL);
}

static void test_the_last_counts(void **state)
{
    struct lore *lore = lore_new();
    struct targets *first = make_targets(), *last = make_targets();
    struct health *health = make_health();

    (void)state;
    lore_put(lore, first, NULL);
    check(lore, NULL, NULL); /* not before it is taken */
    assert_true(lore_waits(lore));
    assert_true(take(lore));
    assert_false(lore_waits(lore));
    check(lore, first, NULL);
    assert_false(take(lore)); /* nothing new: what is in use stays */
    check(lore, first, NULL);
    lore_put(lore, make_targets(), NULL);
    lore_put(lore, last, health);
    check(lore, first, NULL);
    assert_true(take(lore));
    check(lore, last, health);
    lore_put(lore, NULL, NULL); /* that nothing is known is news, too */
    assert_true(lore_waits(lore));
    assert_true(take(lore));
    check(lore, NULL, NULL);
    lore_free(lore);
}

static void test_what_was_never_taken(void **state)
{
    struct lore *lore = lore_new();

    (void)state;
    lore_put(lore, make_targets(), NULL);
    assert_true(take(lore));
    lore_put(lore, make_targets(), NULL);
    lore_free(lore);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_nothing_yet),
        cmocka_unit_test(test_the_last_counts),
        cmocka_unit_test(test_what_was_never_taken),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
