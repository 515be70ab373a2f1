/* The order of idleness, and since when each is idle. */
#include "idlelist.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static void test_progress(void **state)
{
    struct idlelist list = {0};
    struct idlelist_entry a, b;

    (void)state;
    idlelist_append(&list, &a, 1);
    idlelist_touch(&list, &a, 5); /* the only one: it stands last already */
    assert_int_equal(a.touched, 5);
    idlelist_append(&list, &b, 6);
    idlelist_touch(&list, &a, 7);
    assert_ptr_equal(list.head, &b);
    assert_int_equal(list.head->touched, 6);
    idlelist_touch(&list, &a, 9);
    assert_ptr_equal(list.tail, &a);
    assert_int_equal(a.touched, 9);
    idlelist_remove(&list, &b);
    assert_ptr_equal(list.head, &a);
    assert_int_equal(list.length, 1);
    idlelist_remove(&list, &a);
    assert_null(list.head);
    assert_null(list.tail);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_progress),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
