/* Equal bytes share a place, others do not; places survive growth. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "pool.h"

static const struct hash_key key = {1, 2};

#define TEXTS 5000

static void test_once(void **state)
{
    static uint32_t places[TEXTS];
    struct pool pool;
    char text[32];
    size_t size, after_first = 0;

    (void)state;
    pool_init(&pool, &key);
    for (unsigned round = 0; round < 2; round++) {
        for (unsigned i = 0; i < TEXTS; i++) {
            snprintf(text, sizeof(text), "text %u", i);
            uint32_t place = pool_put_text(&pool, text);
            if (round == 0) {
                places[i] = place;
            }
            assert_int_equal(place, places[i]);
        }
        if (round == 0) {
            after_first = pool.size;
        }
    }
    assert_int_equal(pool.size, after_first);
    uint8_t *bytes = pool_seal(&pool, &size);
    assert_int_equal(size, after_first);
    for (unsigned i = 0; i < TEXTS; i++) {
        snprintf(text, sizeof(text), "text %u", i);
        assert_string_equal((char *)bytes + places[i], text);
    }
    free(bytes);
}

static void test_align(void **state)
{
    struct pool pool;

    (void)state;
    pool_init(&pool, &key);
    assert_int_equal(pool_put(&pool, "abcde", 5, 4), 0);
    assert_int_equal(pool_put(&pool, "abcd", 4, 4), 8); /* a prefix is another thing */
    assert_int_equal(pool_put(&pool, "abcde", 5, 4), 0);
    assert_int_equal(pool_append(&pool, "abcde", 5, 4), 12);
    assert_int_equal(pool_put(&pool, "abcde", 5, 4), 0);
    assert_memory_equal(pool.bytes, "abcde\0\0\0abcdabcde", 17);
    pool_clear(&pool);
    assert_int_equal(pool_put(&pool, "x", 1, 4), 0);
    pool_clear(&pool);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_once),
        cmocka_unit_test(test_align),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
