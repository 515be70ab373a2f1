/* Memory: zeroed, copied, and the end when there is none. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "alloc.h"

/* The address sanitizer would end the test where alloc.c is to end the process. */
const char *__asan_default_options(void);
const char *__asan_default_options(void)
{
    return "allocator_may_return_null=1";
}

static jmp_buf back;

static void leave(void)
{
    longjmp(back, 1);
}

static void test_zeroed_and_copied(void **state)
{
    (void)state;
    unsigned *numbers = alloc_array(100, sizeof *numbers);
    for (size_t i = 0; i < 100; i++)
        assert_int_equal(numbers[i], 0);
    numbers[99] = 7;
    numbers = alloc_resize(numbers, 200, sizeof *numbers);
    assert_int_equal(numbers[99], 7);
    free(numbers);
    char *text = alloc_string("abc");
    assert_string_equal(text, "abc");
    free(text);
    void *none = alloc_copy("", 0);
    assert_non_null(none);
    free(none);
}

static void test_too_much_ends_the_process(void **state)
{
    (void)state;
    volatile int ways = 0;

    alloc_fail_hook = leave;
    if (setjmp(back) == 0)
        (void)alloc_array(SIZE_MAX / 2, 16);
    else
        ways++;
    if (setjmp(back) == 0)
        (void)alloc_resize(NULL, SIZE_MAX / 2, 16);
    else
        ways++;
    alloc_fail_hook = NULL;
    assert_int_equal(ways, 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_zeroed_and_copied),
        cmocka_unit_test(test_too_much_ends_the_process),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
