/* Unique names: the form of the manual, and the bits of a UUID of version 4. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "uniquename.h"

static const struct {
    uint8_t random[UNIQUENAME_RANDOM];
    const char *name;
} cases[] = {
    {{0}, "aaaaaaaaabaabaaaaaaaaaaaaa"},
    {{255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255},
     "7777777775h77p777777777774"},
    /* What Python's base64.b32encode() says of the same UUID. */
    {{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16}, "aebagbafazdqrcikbmga2dqpca"},
};

static void test_cases(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char name[UNIQUENAME_LENGTH + 1];
        uniquename_make(cases[i].random, name);
        assert_string_equal(name, cases[i].name);
        assert_int_equal(strspn(name, "abcdefghijklmnopqrstuvwxyz234567"), UNIQUENAME_LENGTH);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_cases)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
