/* The heap of things that end, beside a plain list of them: whatever is added and taken out, from
 * wherever, the first is the one that ends first. */
#include "expiry.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#define ITEMS 600
#define STEPS 60000

static struct {
    struct expiry_item item;
    uint64_t when;
    bool in;
} all[ITEMS];

static uint64_t dice(void)
{
    static uint64_t state = 88172645463325252u;

    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return state;
}

static void check(const struct expiry *x, size_t length)
{
    uint64_t when = 0, least = UINT64_MAX;
    const struct expiry_item *first = expiry_first(x, &when);

    assert_int_equal(x->length, length);
    assert_true((first == NULL) == (length == 0));
    for (size_t i = 0; i < ITEMS; i++) {
        if (all[i].in && all[i].when < least)
            least = all[i].when;
        if (first == &all[i].item)
            assert_true(all[i].in && all[i].when == when);
    }
    assert_true(first == NULL || when == least);
}

static void test_first_ends_first(void **state)
{
    struct expiry x = {0};
    size_t length = 0;

    (void)state;
    for (unsigned step = 0; step < STEPS; step++) {
        size_t i = dice() % ITEMS;
        if (all[i].in) {
            expiry_remove(&x, &all[i].item);
            length--;
        } else {
            all[i].when = dice() % 1000;
            expiry_add(&x, &all[i].item, all[i].when);
            length++;
        }
        all[i].in = !all[i].in;
        if (step % 16 == 0)
            check(&x, length);
    }
    for (uint64_t when, last = 0; length > 0; last = when, length--) {
        struct expiry_item *first = expiry_first(&x, &when);
        assert_true(when >= last);
        expiry_remove(&x, first);
    }
    assert_null(expiry_first(&x, &(uint64_t){0}));
    expiry_clear(&x);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_first_ends_first),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
