/* What is put onto a shelf stays where it is, is found again, and is saved as it lies there. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "alloc.h"
#include "fullwrite.h"
#include "shelf.h"

#define PIECES 40
#define PIECE  (300u << 10) /* does not divide a window */

static int new_file(void)
{
    int file = memfd_create("shelf", MFD_CLOEXEC);

    assert_return_code(file, 0);
    return file;
}

static const void *fill(uint8_t *piece, unsigned n)
{
    return memset(piece, (int)(n + 1), PIECE);
}

static void test_many_windows(void **state)
{
    struct shelf *shelf = shelf_new(new_file(), 0);
    uint8_t *piece = alloc_array(PIECE, 1);
    const void *put[PIECES];
    uint64_t places[PIECES];
    int saved = new_file();
    struct stat status;

    (void)state;
    assert_non_null(shelf);
    for (unsigned n = 0; n < PIECES; n++) {
        put[n] = shelf_put(shelf, fill(piece, n), PIECE, n % 2 == 0 ? 1 : 8, &places[n]);
        assert_non_null(put[n]);
    }
    /* No more than a page is left free where a window ends. */
    assert_true(shelf_size(shelf) <
                PIECES * (PIECE + 8) + PIECES * PIECE / (1u << 20) * SHELF_PAGE);
    assert_true(shelf_save(shelf, saved));
    assert_return_code(fstat(saved, &status), 0);
    assert_int_equal(status.st_size, shelf_size(shelf));
    struct shelf *copy = shelf_new(saved, (uint64_t)status.st_size);
    assert_non_null(copy);
    shelf_rest(shelf);
    for (unsigned n = 0; n < PIECES; n++) {
        fill(piece, n);
        assert_memory_equal(put[n], piece, PIECE);
        assert_memory_equal(shelf_at(shelf, places[n], PIECE), piece, PIECE);
        assert_memory_equal(shelf_at(copy, places[n], PIECE), piece, PIECE);
    }
    assert_null(shelf_at(shelf, shelf_size(shelf) - 1, 2));
    shelf_drop(copy);
    shelf_drop(shelf);
    free(piece);
}

/* Cut short by somebody meanwhile. */
static void test_copy_of_too_little(void **state)
{
    int from = new_file(), file = new_file();

    (void)state;
    assert_return_code(ftruncate(from, 3 * SHELF_PAGE), 0);
    assert_true(fullwrite_copy(file, from, 2 * SHELF_PAGE));
    assert_int_equal(lseek(file, 0, SEEK_END), 2 * SHELF_PAGE);
    close(file);
    file = new_file();
    assert_false(fullwrite_copy(file, from, 4 * SHELF_PAGE));
    assert_int_equal(errno, ENODATA);
    close(file);
    close(from);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_many_windows),
        cmocka_unit_test(test_copy_of_too_little),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
