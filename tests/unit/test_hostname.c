/* Names that may be attached. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "hostname.h"

static const struct {
    const char *text, *name; /* NULL = refused */
} cases[] = {
    {"db-1.abc.us-east-1.rds.amazonaws.com", "db-1.abc.us-east-1.rds.amazonaws.com"},
    {"DB.Example.COM.", "db.example.com"},
    {"*.example.com", "*.example.com"},
    {"unique_name.example", "unique_name.example"},
    {"x", "x"},
    {"*", NULL},
    {".", NULL},
    {"", NULL},
    {"a..b", NULL},
    {"a.*.b", NULL},
    {"b*.example.com", NULL},
    {"a b.example.com", NULL},
    {"a/b.example.com", NULL},
    {"a\\.b.example.com", NULL},
    {"a\\000b.example.com", NULL},
    {"b\xc3\xbc"
     "cher.example",
     NULL},
};

static void test_names(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LENGTH(cases); i++) {
        struct dname name;
        const char *why = NULL;
        char text[DNAME_TEXT_MAX];
        bool taken = hostname_read(&name, cases[i].text, &why);
        if (taken != (cases[i].name != NULL))
            fail_msg("'%s'", cases[i].text);
        if (taken)
            assert_string_equal(dname_to_text(name.wire, text), cases[i].name);
        else
            assert_non_null(why);
    }
}

static void test_labels(void **state)
{
    struct dname name;
    const char *why;

    (void)state;
    assert_true(hostname_read_label(&name, "USE1-az1", &why));
    assert_false(hostname_read_label(&name, "use1-az1.x", &why));
    assert_false(hostname_read_label(&name, "*", &why));
    assert_false(hostname_read_label(&name, "", &why));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_names),
        cmocka_unit_test(test_labels),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
