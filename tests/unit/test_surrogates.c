/* Pairs of escapes in JSON: joined where they are in a string for sure, left alone elsewhere. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "surrogates.h"

#define PAIR "\\ud83d\\ude00"
#define ONE  "\\U0001f600"

static const struct {
    const char *text, *joined; /* NULL: it is read as it is */
} cases[] = {
    {"{\"a\": \"" PAIR "\"}", "{\"a\": \"" ONE "\"}"},
    {" \n\t[\"" PAIR "\"]", " \n\t[\"" ONE "\"]"},
    {"[\"x" PAIR PAIR "y\",\"" PAIR "\"]", "[\"x" ONE ONE "y\",\"" ONE "\"]"},
    {"{\"" PAIR "\":true}", "{\"" ONE "\":true}"},
    {"[\"\\uDBFF\\uDFFF\", \"\\ud800\\udc00\"]", "[\"\\U0010ffff\", \"\\U00010000\"]"},
    {"[-1.5e+3, null, false, {}, [], \"" PAIR "\"]", "[-1.5e+3, null, false, {}, [], \"" ONE "\"]"},
    {"[\"ü\\\"" PAIR "\\\\" PAIR "\"]", "[\"ü\\\"" ONE "\\\\" ONE "\"]"},
    {"[\"" PAIR "\\ud83d\"]", "[\"" ONE "\\ud83d\"]"}, /* half a pair stays */
    {"[\"\\ud83d" PAIR "\\ude00\"]", "[\"\\ud83d" ONE "\\ude00\"]"},
    {"[\"" PAIR "\"]\n", "[\"" ONE "\"]\n"},
    /* nothing to join */
    {"", NULL},
    {" ", NULL},
    {"{\"a\": \"\\u00e4\\n\"}", NULL},
    {"[\"\\\\ud83d\\\\ude00\"]", NULL}, /* a backslash and letters */
    {"[\"\\\\"
     "\\\\ud83d\\ude00\"]",
     NULL},
    {"[\"\\ude00\\ud83d\"]", NULL},
    {"[\"\\ud83d\\u0041\"]", NULL},
    {"[\"\\ud83d\"]", NULL},
    {"[\"\\ud83d\\ude0\"]", NULL},
    {"[\"\\ud83d\\ude", NULL},
    {"[\"\\", NULL},
    /* no JSON: who knows what it is */
    {"\"" PAIR "\"", NULL},
    {"a: \"" PAIR "\"", NULL},
    {"{a: \"" PAIR "\"}", NULL},
    {"{\"a\": '" PAIR "'}", NULL},
    {"['\"', \"" PAIR "\"]", NULL},
    {"[x\"" PAIR "\"]", NULL},
    {"{a:\"" PAIR "\"}", NULL},
    {"[1] # \"" PAIR "\"", NULL},
    {"[]\n---\n- \"" PAIR "\"", NULL},
    {"[\"" PAIR "\"]\n--- 'x'", NULL},
    {"[\"" PAIR "\"", "[\"" ONE "\""},
    {"[\"" PAIR, NULL},
};

static void test_cases(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct surrogates joined;
        size_t size = strlen(cases[i].text);
        char *text = malloc(size + 1); /* the sanitizer sees what is read behind its end */

        memcpy(text, cases[i].text, size);
        text = realloc(text, size > 0 ? size : 1);
        surrogates_join(&joined, text, size);
        if ((joined.bytes == NULL) != (cases[i].joined == NULL))
            fail_msg("%s: joined or not", cases[i].text);
        if (joined.bytes != NULL) {
            assert_int_equal(joined.size, strlen(cases[i].joined));
            assert_memory_equal(joined.bytes, cases[i].joined, joined.size);
        }
        surrogates_free(&joined);
        free(text);
    }
}

static void test_nul(void **state)
{
    static const char text[] = "[\0\"" PAIR "\"]";
    struct surrogates joined;

    (void)state;
    surrogates_join(&joined, text, sizeof text - 1);
    assert_null(joined.bytes);
}

/* Characters, not octets. */
static void test_origin(void **state)
{
    static const char text[] = "[\"ü" PAIR "x" PAIR "\"]";
    struct surrogates joined;

    (void)state;
    surrogates_join(&joined, text, sizeof text - 1);
    assert_int_equal(joined.length, 2);
    assert_int_equal(surrogates_origin(&joined, 0), 0);
    assert_int_equal(surrogates_origin(&joined, 3), 3);   /* the first pair */
    assert_int_equal(surrogates_origin(&joined, 13), 15); /* x */
    assert_int_equal(surrogates_origin(&joined, 14), 16); /* the second pair */
    assert_int_equal(surrogates_origin(&joined, 24), 28); /* the quote */
    surrogates_free(&joined);
    assert_int_equal(surrogates_origin(&joined, 24), 24);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_cases),
        cmocka_unit_test(test_nul),
        cmocka_unit_test(test_origin),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
