/* Spare memory: given things are taken again, so many are kept, and all is given back at the end.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "spare.h"

#define SIZE 100

static void given_is_taken_again(void **state)
{
    struct spare spare = {0};
    void *first = spare_take(&spare, SIZE), *second = spare_take(&spare, SIZE);

    (void)state;
    assert_ptr_not_equal(first, second);
    memset(first, 0xff, SIZE);
    spare_give(&spare, first);
    spare_give(&spare, second);
    assert_int_equal(spare.length, 2);
    assert_ptr_equal(spare_take(&spare, SIZE), second);
    assert_ptr_equal(spare_take(&spare, SIZE), first);
    assert_int_equal(spare.length, 0);
    spare_give(&spare, first);
    spare_give(&spare, second);
    spare_clear(&spare);
    assert_int_equal(spare.length, 0);
}

static void only_so_many_are_kept(void **state)
{
    struct spare spare = {0};
    void *all[SPARE_MAX + 5];

    (void)state;
    for (size_t i = 0; i < SPARE_MAX + 5; i++)
        all[i] = spare_take(&spare, SIZE);
    for (size_t i = 0; i < SPARE_MAX + 5; i++)
        spare_give(&spare, all[i]);
    assert_int_equal(spare.length, SPARE_MAX);
    spare_clear(&spare); /* the leak checker sees to the rest */
    spare_clear(&spare);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(given_is_taken_again),
        cmocka_unit_test(only_so_many_are_kept),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
