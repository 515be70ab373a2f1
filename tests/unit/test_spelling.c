/* Suggestions: near words are found, far ones are not. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "spelling.h"

static const char *const known[] = {"uniqueName",      "type",    "ttl",
                                    "attachedDomains", "domains", NULL};

static const struct {
    const char *word, *nearest;
} cases[] = {
    {"uniqename", "uniqueName"},
    {"unique_name", "uniqueName"},
    {"UNIQUE-NAME", "uniqueName"},
    {"uniqueNmae", "uniqueName"},
    {"tpye", "type"},
    {"typ", "type"},
    {"TTL", "ttl"},
    {"tll", "ttl"},
    {"attachDomains", "attachedDomains"},
    {"domain", "domains"},
    {"unrelated", NULL},
    {"x", NULL},
    {"", NULL},
    {"---", NULL},
    {"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", NULL},
};

static void test_cases(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        const char *nearest = spelling_nearest(cases[i].word, known);
        if (cases[i].nearest == NULL)
            assert_null(nearest);
        else
            assert_string_equal(nearest, cases[i].nearest);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_cases)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
