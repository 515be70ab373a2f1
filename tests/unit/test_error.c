/* Complaints: kept, counted, sorted, printable. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "error.h"

static const struct {
    struct error error;
    const char *text;
} formats[] = {
    {{.file = (char *)"a.yaml", .line = 3, .column = 5, .text = (char *)"odd"}, "a.yaml:3:5: odd"},
    {{.file = (char *)"a.yaml", .line = 3, .text = (char *)"odd"}, "a.yaml:3: odd"},
    {{.file = (char *)"a.yaml", .text = (char *)"odd"}, "a.yaml: odd"},
    {{.file = (char *)"", .text = (char *)"odd"}, "odd"},
    {{.file = (char *)"", .line = 3, .column = 5, .text = (char *)"odd"}, "3:5: odd"},
    {{.warning = true, .file = (char *)"a.yaml", .line = 3, .column = 5, .text = (char *)"odd"},
     "a.yaml:3:5: warning: odd"},
};

static void test_formats(void **state)
{
    char text[128];

    (void)state;
    for (size_t i = 0; i < ARRAY_LENGTH(formats); i++)
        assert_string_equal(error_format(&formats[i].error, text, sizeof text), formats[i].text);
    error_format(&formats[0].error, text, 5);
    assert_string_equal(text, "a.ya");
}

static void test_a_full_list_keeps_errors_and_counts(void **state)
{
    struct error_list list = {0};

    (void)state;
    for (unsigned i = 0; i < 2 * ERROR_LIST_MAX; i++)
        error_warn(&list, "a", i, 1, "warning %u", i);
    assert_int_equal(list.length, ERROR_LIST_MAX);
    assert_false(error_is_full(&list)); /* for an error */
    error_add(&list, "a", 7, 1, "error");
    assert_int_equal(list.length, ERROR_LIST_MAX);
    assert_false(list.items[ERROR_LIST_MAX - 1].warning);
    assert_string_equal(list.items[ERROR_LIST_MAX - 1].text, "error");
    assert_string_equal(list.items[ERROR_LIST_MAX - 2].text, "warning 198");
    for (unsigned i = 0; i < 2 * ERROR_LIST_MAX; i++)
        error_add(&list, "a", i, 1, "error %u", i);
    assert_int_equal(list.length, ERROR_LIST_MAX);
    assert_int_equal(list.errors, 2 * ERROR_LIST_MAX + 1);
    assert_true(error_is_full(&list));
    error_count(&list);
    assert_int_equal(list.errors, 2 * ERROR_LIST_MAX + 2);
    assert_int_equal(list.length, ERROR_LIST_MAX);
    assert_int_equal(list.warnings, 2 * ERROR_LIST_MAX);
    error_clear(&list);
    assert_int_equal(list.length + list.errors + list.warnings, 0);
}

static void test_moved_and_sorted(void **state)
{
    struct error_list list = {0}, more = {0};

    (void)state;
    error_add(&list, "a", 9, 1, "kept where it is");
    error_add(&more, "a", 5, 2, "third");
    error_warn(&more, "a", 5, 1, "second");
    error_add(&more, "a", 1, 1, "first");
    error_move(&list, &more);
    assert_int_equal(more.length + more.errors + more.warnings, 0);
    error_sort(&list, 1);
    assert_string_equal(list.items[0].text, "kept where it is");
    assert_string_equal(list.items[1].text, "first");
    assert_string_equal(list.items[2].text, "second");
    assert_string_equal(list.items[3].text, "third");
    assert_int_equal(list.errors, 3);
    assert_int_equal(list.warnings, 1);
    error_clear(&list);
}

static void test_a_copy_counts_what_is_not_kept(void **state)
{
    struct error_list from = {0}, to = {0};

    (void)state;
    for (unsigned i = 0; i < ERROR_LIST_MAX + 5; i++)
        error_add(&from, "a", i, 1, "error %u", i);
    error_warn(&from, "a", 1, 1, "warning");
    error_copy(&to, &from, false);
    assert_int_equal(to.length, ERROR_LIST_MAX);
    assert_int_equal(to.errors, ERROR_LIST_MAX + 5);
    assert_int_equal(to.warnings, 0);
    error_copy(&to, &from, true);
    assert_int_equal(to.length, ERROR_LIST_MAX);
    assert_int_equal(to.errors, 2 * (ERROR_LIST_MAX + 5));
    assert_int_equal(to.warnings, 1);
    error_clear(&from);
    error_clear(&to);
}

static void test_one_printable_line(void **state)
{
    struct error_list list = {0};
    char huge[5000];

    (void)state;
    error_add(&list, "a\nb", 1, 1, "x\ny\x1b[31m\x7f");
    assert_string_equal(list.items[0].file, "a?b");
    assert_string_equal(list.items[0].text, "x?y?[31m?");
    for (size_t i = 0; i + 1 < sizeof huge; i++)
        huge[i] = i % 2 == 0 ? '\xc3' : '\xa4';
    huge[sizeof huge - 1] = '\0';
    error_add(&list, "a", 1, 1, "x%s", huge);
    size_t length = strlen(list.items[1].text);
    assert_true(length < 1024 && length % 2 == 1); /* no half letter at the end */
    error_clear(&list);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_formats),
        cmocka_unit_test(test_a_full_list_keeps_errors_and_counts),
        cmocka_unit_test(test_moved_and_sorted),
        cmocka_unit_test(test_a_copy_counts_what_is_not_kept),
        cmocka_unit_test(test_one_printable_line),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
