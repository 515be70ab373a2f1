/* Which program this is: notes that hold a build id, and those that hold none. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "alloc.h"
#include "buildid.h"

#define NUMBER(n)   (n), 0, 0, 0 /* on a little-endian machine */
#define GNU         'G', 'N', 'U', 0
#define ID          1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20
#define BUILD_ID    NUMBER(4), NUMBER(20), NUMBER(3), GNU, ID
#define PROPERTY(n) NUMBER(4), NUMBER(n), NUMBER(5), GNU
#define ROW(...)    (const uint8_t[]){__VA_ARGS__}, sizeof((const uint8_t[]){__VA_ARGS__})

static const struct {
    const char *title;
    const uint8_t *notes;
    size_t size, align, found_at; /* 0: nowhere */
} rows[] = {
    {"alone", ROW(BUILD_ID), 4, 16},
    {"behind another", ROW(PROPERTY(4), NUMBER(9), BUILD_ID), 4, 36},
    {"behind a padded one", ROW(PROPERTY(5), NUMBER(9), NUMBER(9), BUILD_ID), 4, 40},
    {"behind one that is aligned to 8", ROW(PROPERTY(4), NUMBER(9), NUMBER(0), BUILD_ID), 8, 40},
    {"before others", ROW(BUILD_ID, PROPERTY(4), NUMBER(9)), 4, 16},
    {"none", ROW(PROPERTY(4), NUMBER(9)), 4, 0},
    {"somebody else's", ROW(NUMBER(4), NUMBER(20), NUMBER(3), 'G', 'N', 'O', 0, ID), 4, 0},
    {"another kind", ROW(NUMBER(4), NUMBER(20), NUMBER(1), GNU, ID), 4, 0},
    {"too short to tell programs apart", ROW(NUMBER(4), NUMBER(4), NUMBER(3), GNU, NUMBER(9)), 4,
     0},
    {"cut in its head", ROW(NUMBER(4), NUMBER(20)), 4, 0},
    {"cut in the id", ROW(NUMBER(4), NUMBER(20), NUMBER(3), GNU, 1, 2, 3), 4, 0},
    {"cut at the id's end", ROW(NUMBER(4), NUMBER(20), NUMBER(3), GNU, NUMBER(1), NUMBER(2)), 4, 0},
    {"a name that leads far away", ROW(255, 255, 255, 255, NUMBER(20), NUMBER(3), GNU, ID), 4, 0},
    {"an id that leads far away", ROW(NUMBER(4), 253, 255, 255, 255, NUMBER(3), GNU, ID), 4, 0},
};

/* Copied to where the sanitizer sees each octet beyond. */
static void notes_are_read(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        uint8_t *notes = alloc_copy(rows[i].notes, rows[i].size);
        size_t size = 0;
        const uint8_t *id = buildid_find(notes, rows[i].size, rows[i].align, &size);
        if (rows[i].found_at == 0 ? id != NULL : id != notes + rows[i].found_at || size != 20)
            fail_msg("%s", rows[i].title);
        free(notes);
    }
}

/* Otherwise no image would ever be made. */
static void this_program_has_one(void **state)
{
    size_t size = 0, again = 0;
    const uint8_t *id = buildid_own(&size);

    (void)state;
    assert_non_null(id);
    assert_int_equal(size, 20);
    assert_ptr_equal(buildid_own(&again), id);
    assert_int_equal(again, size);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(notes_are_read),
        cmocka_unit_test(this_program_has_one),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
