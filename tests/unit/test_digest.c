/* SHA-256 against the vectors of its standard, and GMAC: the first is test case 1 of GCM's. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "digest.h"

static const struct {
    const char *bytes, *text;
} cases[] = {
    {"", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"},
    {"abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"},
};

static void test_vectors(void **state)
{
    struct digest digest;
    char text[DIGEST_TEXT];

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        digest_of(&digest, cases[i].bytes, strlen(cases[i].bytes));
        assert_string_equal(digest_to_text(&digest, text), cases[i].text);
    }
}

static void sum_to_text(const struct hash_key *key, const void *bytes, size_t size,
                        char text[2 * DIGEST_SUM_SIZE + 1])
{
    struct digest_sum sum;

    digest_sum_of(&sum, key, bytes, size);
    for (size_t i = 0; i < DIGEST_SUM_SIZE; i++)
        snprintf(text + 2 * i, 3, "%02x", sum.bytes[i]);
}

static void test_sums(void **state)
{
    char text[2 * DIGEST_SUM_SIZE + 1];
    struct hash_key key;

    (void)state;
    memcpy(&key, "0123456789abcdef", sizeof key);
    sum_to_text(NULL, "", 0, text);
    assert_string_equal(text, "58e2fccefa7e3061367f1d57a4e7455a");
    sum_to_text(NULL, "abc", 3, text);
    assert_string_equal(text, "258281014dcf7bc2eac3be27cc039fb4");
    sum_to_text(&(struct hash_key){0}, "abc", 3, text);
    assert_string_equal(text, "258281014dcf7bc2eac3be27cc039fb4");
    sum_to_text(&key, "abc", 3, text);
    assert_string_equal(text, "e5c8a7f8e5aa8bd90cf318227ca0c4ff");
}

/* Each octet counts, and how many there are. */
static void test_accidents(void **state)
{
    static uint8_t bytes[5000];
    char before[2 * DIGEST_SUM_SIZE + 1], after[2 * DIGEST_SUM_SIZE + 1];

    (void)state;
    sum_to_text(NULL, bytes, sizeof bytes - 1, before);
    sum_to_text(NULL, bytes, sizeof bytes, after);
    assert_string_not_equal(before, after);
    for (size_t i = 0; i < sizeof bytes - 1; i += 37) {
        bytes[i] ^= 1;
        sum_to_text(NULL, bytes, sizeof bytes - 1, after);
        assert_string_not_equal(before, after);
        bytes[i] ^= 1;
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_vectors),
        cmocka_unit_test(test_sums),
        cmocka_unit_test(test_accidents),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
