/* Images that are damaged, foreign, or did not fit: nothing is taken from them, and nothing is
 * lost. What good ones hold is for test_catalogtables.c, where catalogs restart in the middle of
 * life. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "alloc.h"
#include "catalogimage.h"
#include "catalogplay.h"
#include "catalogshelf.h"

#define DOCUMENTS 20
#define CLUSTERS  40 /* connections of each */

static const struct digest stamp = {{7}}, other_stamp = {{8}};
static struct table_options options = {.key = {3, 4}, .generation = 1, .zone = ""};

/* ---- catalogs ---- */

static void offer_all(struct catalog *catalog, char fourth)
{
    char name[16];
    char *text = alloc_array(1u << 16, 1);

    for (unsigned d = 0; d < DOCUMENTS; d++) {
        size_t at = (size_t)sprintf(text, "privateLinkConnections:\n");
        for (unsigned c = 0; c < CLUSTERS; c++) {
            at += (size_t)sprintf(
                text + at,
                "- {privateLinkConnectionId: plc-%u-%u, type: VPC_RESOURCE, "
                "endpoints: [{addresses: [10.%u.%u.%c]}], "
                "attachedDomains: [{type: CUSTOM, domains: [{name: '*.c%u.d%u.example'}]}]}\n",
                d, c, d, c, fourth, c, d);
        }
        snprintf(name, sizeof(name), "d%02u.yaml", d);
        (void)catalog_offer(catalog, name, text, at);
    }
    free(text);
}

static struct catalog *catalog_of_all(struct shelf *shelf)
{
    struct catalog *catalog = catalog_new(0);
    struct catalog_change change;

    if (shelf != NULL) {
        catalogshelf_use(catalog, shelf);
    }
    catalog_begin(catalog);
    offer_all(catalog, '1');
    catalog_finish(catalog, 0, &change);
    assert_int_equal(change.accepted, DOCUMENTS);
    return catalog;
}

/* All names are answered, with addresses that end in this digit. */
static void check_answers(struct catalog *catalog, unsigned fourth)
{
    struct tableset *set = catalog_build_set(catalog, &options);
    const struct table *table = tableset_table(set, VIEW_NONE);

    assert_int_equal(table_connections(table), DOCUMENTS * CLUSTERS);
    for (unsigned d = 0; d < DOCUMENTS; d++) {
        for (unsigned c = 0; c < CLUSTERS; c++) {
            char text[64];
            struct dname name;
            struct table_match match;
            const char *why;
            snprintf(text, sizeof(text), "b.c%u.d%u.example", c, d);
            assert_true(dname_from_text(&name, text, strlen(text), &why));
            table_find(table, name.wire, &match);
            assert_int_equal(match.outcome, TABLE_ANSWER);
            assert_int_equal(match.answer->a_count, 1);
            assert_int_equal(match.answer->addresses[3], fourth);
        }
    }
    tableset_free(set);
}

/* ---- files ---- */

static int new_file(void)
{
    int file = memfd_create("image", MFD_CLOEXEC);

    assert_return_code(file, 0);
    return file;
}

/* The image of all documents, in a file. */
static int write_image(void)
{
    int file = new_file();
    struct shelf *shelf = catalogplay_shelf(file);

    assert_true(catalogimage_begin(shelf));
    struct catalog *catalog = catalog_of_all(shelf);
    tableset_free(catalog_build_set(catalog, &options));
    assert_true(catalogimage_is_due(catalog));
    assert_true(catalogimage_write(catalog, shelf, &stamp, &options, NULL, 0));
    assert_false(catalogimage_is_due(catalog));
    catalog_free(catalog);
    shelf_drop(shelf);
    return file;
}

/* True: it was read, and then all is there.  Otherwise '*why' says why not, and the catalog is as
 * good as new. */
static bool read_image(int file, const struct digest *whose, const char **why)
{
    struct catalog *catalog = catalog_new(0);
    struct catalogimage_told told;
    struct catalog_change change;
    struct shelf *shelf = catalogplay_shelf(file);
    bool read = catalogimage_read(catalog, shelf, whose, 1, &told, why);

    shelf_drop(shelf);
    assert_int_equal(catalog_length(catalog), read ? DOCUMENTS : 0);
    if (read) {
        assert_int_equal(told.key.k0, 3);
        assert_int_equal(told.key.k1, 4);
    }
    catalog_begin(catalog);
    offer_all(catalog, '1');
    catalog_finish(catalog, 0, &change);
    assert_int_equal(change.accepted, read ? 0 : DOCUMENTS);
    check_answers(catalog, 1);
    catalog_begin(catalog);
    offer_all(catalog, '2');
    catalog_finish(catalog, 0, &change);
    assert_int_equal(change.accepted, DOCUMENTS);
    assert_int_equal(change.names_moved, DOCUMENTS * CLUSTERS);
    check_answers(catalog, 2);
    catalog_free(catalog);
    return read;
}

/* ---- tests ---- */

static void test_foreign(void **state)
{
    const char *why;
    int file = write_image();

    (void)state;
    assert_true(read_image(file, &stamp, &why));
    assert_false(read_image(file, &other_stamp, &why));
    assert_string_equal(why, "another program or configuration wrote it");
    assert_return_code(ftruncate(file, 0), 0);
    assert_false(read_image(file, &stamp, &why));
    assert_string_equal(why, "it is no image");
    assert_int_equal(write(file, "x", 1), 1);
    assert_return_code(ftruncate(file, 3 * SHELF_PAGE), 0);
    assert_false(read_image(file, &stamp, &why));
    assert_string_equal(why, "it is no image");
    close(file);
}

/* A bit is flipped in every part of it; bits between the parts may be any. */
static void test_damaged(void **state)
{
    int file = write_image();
    struct stat status;
    const char *why;
    unsigned refused = 0, read = 0;

    (void)state;
    assert_return_code(fstat(file, &status), 0);
    for (off_t at = 1; at < status.st_size; at += at < 256 ? 5 : status.st_size / 200) {
        uint8_t octet;
        assert_int_equal(pread(file, &octet, 1, at), 1);
        octet ^= 0x10;
        assert_int_equal(pwrite(file, &octet, 1, at), 1);
        if (read_image(file, &stamp, &why)) {
            read++;
        } else {
            refused++;
        }
        octet ^= 0x10;
        assert_int_equal(pwrite(file, &octet, 1, at), 1);
    }
    assert_true(read_image(file, &stamp, &why));
    assert_true(refused > 100 &&
                refused > read); /* much of it is room in the ledger's last pages */
    for (off_t size = status.st_size - 1; size > 0; size -= status.st_size / 20) {
        assert_return_code(ftruncate(file, size), 0);
        assert_false(read_image(file, &stamp, &why));
        assert_string_equal(why, size < SHELF_PAGE ? "it is no image" : "it is damaged");
    }
    close(file);
}

/* What is put behind an image does not touch it. */
static void test_changes_behind(void **state)
{
    int file = write_image();
    const char *why;

    (void)state;
    for (unsigned n = 0; n < 3; n++) { /* reading changes all documents */
        assert_true(read_image(file, &stamp, &why));
    }
    close(file);
}

static void test_no_room(void **state)
{
    struct rlimit before, small;
    struct catalog_change change;
    uint64_t most = 1 << 20;

    (void)state;
    signal(SIGXFSZ, SIG_IGN);
    assert_return_code(getrlimit(RLIMIT_FSIZE, &before), 0);
    for (uint64_t size = SHELF_PAGE; size < most; size = size * 3 / 2) {
        int file = new_file();
        struct shelf *shelf = catalogplay_shelf(file);
        assert_true(catalogimage_begin(shelf));
        small = (struct rlimit){size, before.rlim_max};
        assert_return_code(setrlimit(RLIMIT_FSIZE, &small), 0);
        struct catalog *catalog = catalog_of_all(shelf);
        catalogshelf_rest(catalog);
        check_answers(catalog, 1);
        if (catalogimage_write(catalog, shelf, &stamp, &options, NULL, 0)) {
            most = size; /* it has room */
        } else {
            assert_int_equal(errno, EFBIG);
            catalogshelf_leave(catalog, shelf);
            assert_true(catalogimage_is_due(catalog));
        }
        check_answers(catalog, 1);
        catalog_begin(catalog);
        offer_all(catalog, '2');
        catalog_finish(catalog, 0, &change);
        check_answers(catalog, 2);
        assert_return_code(setrlimit(RLIMIT_FSIZE, &before), 0);
        catalog_free(catalog);
        shelf_drop(shelf);
        close(file);
    }
    assert_true(most < 1 << 20);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_foreign),
        cmocka_unit_test(test_damaged),
        cmocka_unit_test(test_changes_behind),
        cmocka_unit_test(test_no_room),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
