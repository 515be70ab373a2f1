/* Half-written documents: the beginning of what was accepted, unless a line ends there. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "alloc.h"
#include "halfwritten.h"

static const char accepted[] = "a: 10\nb: 20\r\nc: 30\n";

static void *get(const void *arg, const char *name, const struct digest *digest, size_t least,
                 size_t *size)
{
    (void)arg;
    (void)digest;
    *size = strlen(accepted);
    return strcmp(name, "known") == 0 && *size > least ? alloc_copy(accepted, *size) : NULL;
}

static bool is(const char *name, const char *text, size_t size, struct error_list *errors)
{
    static const struct digest digest;
    struct halfwritten_source source = {.get = get};

    return halfwritten_is(&source, name, &digest, text, size, errors);
}

static void every_beginning(void **unused)
{
    (void)unused;
    for (size_t size = 0; size <= strlen(accepted); size++) {
        struct error_list errors = {0};
        bool whole = size == 0 || accepted[size - 1] == '\n' || accepted[size] == '\n' ||
                     accepted[size] == '\r';
        assert_int_equal(is("known", accepted, size, &errors), !whole);
        assert_int_equal(errors.errors, !whole);
        error_clear(&errors);
        assert_false(is("unknown", accepted, size, &errors));
    }
}

static void what_is_something_else(void **unused)
{
    static const char *const texts[] = {"a: 11", "a: 1\n", "b: 2", "a: 10\nb: 20\r\nc: 30\nd"};
    struct error_list errors = {0};

    (void)unused;
    for (size_t i = 0; i < ARRAY_LENGTH(texts); i++)
        assert_false(is("known", texts[i], strlen(texts[i]), &errors));
    assert_int_equal(errors.length, 0);
}

static void where_it_ends(void **unused)
{
    struct error_list errors = {0};
    char line[256];

    (void)unused;
    assert_true(is("known", accepted, strlen("a: 10\nb: 2"), &errors));
    assert_string_equal(error_format(&errors.items[0], line, sizeof line),
                        "known:2: ends in the middle of a line of the version in service: "
                        "half-written? If it is meant so, end the line");
    error_clear(&errors);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_beginning),
        cmocka_unit_test(what_is_something_else),
        cmocka_unit_test(where_it_ends),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
