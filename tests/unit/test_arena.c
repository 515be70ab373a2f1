/* Arenas: zeroed, aligned, copied, kept once, freed at once. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "arena.h"

static void test_pieces(void **state)
{
    struct arena arena = {0};

    (void)state;
    for (size_t i = 0; i < 5000; i++) {
        char *text = arena_text(&arena, "abcdefg", i % 8);
        assert_int_equal(strlen(text), i % 8);
        uint64_t *numbers = arena_array(&arena, i % 50, sizeof *numbers);
        assert_int_equal((uintptr_t)numbers % sizeof *numbers, 0);
        for (size_t j = 0; j < i % 50; j++) {
            assert_int_equal(numbers[j], 0);
            numbers[j] = UINT64_MAX; /* the next piece must not see it */
        }
    }
    arena_clear(&arena);
    assert_null(arena.chunks);
}

static void test_larger_than_any_chunk(void **state)
{
    struct arena arena = {0};
    const size_t size = 8u << 20;

    (void)state;
    arena_text(&arena, "x", 1);
    char *large = arena_array(&arena, size, 1);
    large[size - 1] = 'x';
    char *copy = arena_copy(&arena, large, size);
    assert_memory_equal(copy, large, size);
    arena_clear(&arena);
}

static void test_kept_once(void **state)
{
    struct arena arena = {0};
    struct arena_recent recent = {0};

    (void)state;
    const char *first = arena_keep(&arena, &recent, "uniqueName", 10);
    assert_ptr_equal(arena_keep(&arena, &recent, "uniqueName: x", 10), first);
    assert_string_equal(first, "uniqueName");
    assert_string_equal(arena_keep(&arena, &recent, "", 0), "");
    arena_clear(&arena);
}

static void test_never_mixed_up(void **state)
{
    struct arena arena = {0};
    struct arena_recent recent = {0};
    char text[64];

    (void)state;
    for (unsigned i = 0; i < 20000; i++) {
        int size = snprintf(text, sizeof text, "%u.%.*s", i * 7919 % 1000, (int)(i % 30),
                            "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa");
        assert_string_equal(arena_keep(&arena, &recent, text, (size_t)size), text);
    }
    arena_clear(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_pieces),
        cmocka_unit_test(test_larger_than_any_chunk),
        cmocka_unit_test(test_kept_once),
        cmocka_unit_test(test_never_mixed_up),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
