/* Catalogs across a restart: what was accepted and what was detached. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "catalogplay.h"

static void restore(struct catalog *catalog, const char *name, const char *id, const char *names)
{
    const char *text = catalogplay_document(id, names, "10.0.0.1");

    (void)catalog_offer(catalog, name, text, strlen(text));
}

static void test_restore(void **state)
{
    struct catalog *catalog = catalog_new(CATALOGPLAY_HOLD);
    struct catalog_change change;
    size_t size;

    (void)state;
    catalog_begin(catalog);
    restore(catalog, "bad", "plc-bad", "*.bad.x.example");
    restore(catalog, "gone", "plc-gone", "*.gone.x.example");
    restore(catalog, "new", "plc-old", "*.new.x.example *.half.x.example");
    restore(catalog, "same", "plc-same", "*.same.x.example");
    catalogplay_offer_text(catalog, "junk", "[");
    catalog_restored(catalog);
    catalog_begin(catalog);
    catalogplay_offer_text(catalog, "bad", "{");
    catalogplay_offer(catalog, "new", "plc-new", "*.new.x.example");
    assert_int_equal(catalogplay_offer(catalog, "same", "plc-same", "*.same.x.example"),
                     CATALOG_UNCHANGED);
    catalogplay_offer_text(catalog, "junk", "[");
    change = catalogplay_finish(catalog);
    assert_int_equal(change.accepted, 1);
    assert_int_equal(change.refused, 2);
    assert_int_equal(change.removed, 1);
    assert_string_equal(catalogplay_served(catalog),
                        "bad(refused)(restored) junk(none)(refused) new same");
    assert_string_equal(catalogplay_whose(catalog, "q.bad.x.example"), "plc-bad");
    assert_string_equal(catalogplay_whose(catalog, "q.gone.x.example"),
                        "detached"); /* while we were away */
    assert_string_equal(catalogplay_whose(catalog, "q.half.x.example"), "detached");
    assert_int_equal(catalog_next_expiry(catalog), CATALOGPLAY_HOLD);
    assert_string_equal(catalogplay_whose(catalog, "q.new.x.example"), "plc-new");
    assert_null(catalog_unkept(catalog, 0, &size)); /* it comes from there */
    assert_non_null(catalog_unkept(catalog, 2, &size));
    assert_null(catalog_unkept(catalog, 3, &size));
    catalog_begin(catalog); /* mended to what was kept */
    assert_int_equal(catalogplay_offer(catalog, "bad", "plc-bad", "*.bad.x.example"),
                     CATALOG_UNCHANGED);
    catalogplay_offer(catalog, "new", "plc-new", "*.new.x.example");
    catalogplay_offer(catalog, "same", "plc-same", "*.same.x.example");
    assert_false(catalogplay_finish(catalog).refused);
    assert_string_equal(catalogplay_served(catalog), "bad new same");
    catalog_free(catalog);

    /* The source cannot be read at all: serve all that was accepted last. */
    catalog = catalog_new(CATALOGPLAY_HOLD);
    catalog_begin(catalog);
    restore(catalog, "a", "plc-a", "*.a.x.example");
    catalog_restored(catalog);
    catalog_begin(catalog);
    catalog_source_failed(catalog, "No such file or directory");
    change = catalogplay_finish(catalog);
    assert_false(change.changed);
    assert_string_equal(catalogplay_served(catalog), "a(restored)");
    assert_string_equal(catalogplay_whose(catalog, "q.a.x.example"), "plc-a");
    catalog_begin(catalog); /* it comes back, and without the document */
    assert_int_equal(catalogplay_finish(catalog).removed, 1);
    assert_int_equal(catalog_length(catalog), 0);
    catalog_free(catalog);

    /* Nor does one of them load, and one contradicts another: they are missed, until it is back. */
    catalog = catalog_new(CATALOGPLAY_HOLD);
    catalog_begin(catalog);
    restore(catalog, "a", "plc-a", "*.a.x.example");
    restore(catalog, "b", "plc-b", "*.a.x.example");
    catalogplay_offer_text(catalog, "c", "[");
    catalog_restored(catalog);
    catalog_begin(catalog);
    catalog_source_failed(catalog, "No such file or directory");
    assert_int_equal(catalogplay_finish(catalog).refused, 2);
    assert_string_equal(catalogplay_served(catalog),
                        "a(restored) b(none)(refused) c(none)(refused)");
    catalog_begin(catalog);
    catalogplay_offer(catalog, "a", "plc-a", "*.a2.x.example");
    catalogplay_offer(catalog, "b", "plc-b", "*.a.x.example");
    assert_int_equal(catalogplay_finish(catalog).refused, 0);
    assert_string_equal(catalogplay_served(catalog), "a b");
    catalog_free(catalog);

    /* It can, and holds nothing: all that was attached is detached. */
    catalog = catalog_new(CATALOGPLAY_HOLD);
    catalog_begin(catalog);
    restore(catalog, "a", "plc-a", "*.a.x.example");
    catalog_restored(catalog);
    catalog_begin(catalog);
    assert_true(catalogplay_finish(catalog).changed);
    assert_string_equal(catalogplay_whose(catalog, "q.a.x.example"), "detached");
    catalog_free(catalog);
}

#define WALL UINT64_C(1795270000000)

#define MOMENT(now, wall) (&(struct tombstone_moment){now, wall, "boot"})

/* Tombstones go on where they were, whatever the wall clock of the next daemon says. */
static void test_detached_across_restarts(void **state)
{
    struct catalog *catalog = catalog_new(CATALOGPLAY_HOLD);
    size_t size, damaged;

    (void)state;
    catalog_begin(catalog);
    catalogplay_offer(catalog, "a", "plc-a", "*.a.x.example h.x.example *.b.x.example");
    catalogplay_finish(catalog);
    catalog_begin(catalog);
    uint64_t changes = catalog_detached_changes(catalog);
    catalogplay_finish(catalog); /* at 0: all is detached */
    assert_int_not_equal(catalog_detached_changes(catalog), changes);
    char *text = catalog_detached(catalog, MOMENT(1000, WALL), &size);
    assert_string_equal(text, "at 1795270000000 1000 boot\n"
                              "1795270059000 all a.x.example\n"
                              "1795270059000 all b.x.example\n"
                              "1795270059000 one h.x.example\n");
    assert_int_equal(size, strlen(text));
    catalog_free(catalog);

    catalog =
        catalog_new(CATALOGPLAY_HOLD); /* the next one, nine seconds later: one of them is back */
    catalog_restore_detached(catalog, text, size, MOMENT(10000, 0), &damaged);
    assert_int_equal(damaged, 0);
    catalog_begin(catalog);
    restore(catalog, "b", "plc-b", "*.b.x.example");
    catalog_restored(catalog);
    catalog_begin(catalog);
    catalogplay_offer(catalog, "b", "plc-b", "*.b.x.example");
    catalogplay_finish(catalog);
    assert_string_equal(catalogplay_whose(catalog, "q.a.x.example"), "detached");
    assert_string_equal(catalogplay_whose(catalog, "h.x.example"), "detached");
    assert_string_equal(catalogplay_whose(catalog, "q.h.x.example"), "not owned");
    assert_string_equal(catalogplay_whose(catalog, "q.b.x.example"), "plc-b");
    assert_int_equal(catalog_next_expiry(catalog), 60000);
    assert_true(catalog_expire(catalog, 60000));
    free(catalog_detached(catalog, MOMENT(60000, WALL), &size));
    assert_int_equal(size, 0);
    catalog_free(catalog);
    free(text);
}

/* What a file may hold, when the tombstone ends that comes of it (0: there is none), and how many
 * lines say nothing. */
static const struct {
    const char *text;
    uint64_t end;
    size_t damaged;
} detached_texts[] = {
    {"1795270001000 all a.x.example\n", 1007, 0},
    {"1795270001000 one q.a.x.example\n", 1007, 0},
    {"1795270000000 all a.x.example\n", 0, 0},                    /* ended just now */
    {"1795270999000 all a.x.example\n", 7 + CATALOGPLAY_HOLD, 0}, /* the clock went back */
    {"junk\n\n1795270001000 all a.x.example\n", 1007, 2},
    {"1795270001000 all a.x.example\n1795270001000 all b.", 1007, 1},
    {"1795270001000 all a.x.example", 0, 1}, /* cut off */
    {"1795270001000 all \n", 0, 1},
    {"1795270001000 all .\n", 0, 1}, /* everything: nobody attached that */
    {"1795270001000 any a.x.example\n", 0, 1},
    {"1795270001000 all a..example\n", 0, 1},
    {"99999999999999999999 all a.x.example\n", 0, 1},
    {" all a.x.example\n", 0, 1},
    {"1795270001000", 0, 1},
    {"at 1795269999000 7 boot\n1795270001000 all a.x.example\n", 2007, 0},
    {"at 1795269999000 7 other\n1795270001000 all a.x.example\n", 2007, 0},
    {"at 1795269999000 6 boot\n1795270001000 all a.x.example\n", 2006, 0},
    {"at 1795269999000 6\n1795270001000 all a.x.example\n", 1007, 1},
    {"at  6 boot\n1795270001000 all a.x.example\n", 1007, 1},
    {"at 1795269999000 6 boot", 0, 1},
    {"", 0, 0},
};

static void test_detached_texts(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LENGTH(detached_texts); i++) {
        struct catalog *catalog = catalog_new(CATALOGPLAY_HOLD);
        size_t size = strlen(detached_texts[i].text), damaged;
        char *text = malloc(size + 1); /* to its end, for the sanitizers */
        assert_non_null(text);
        memcpy(text, detached_texts[i].text, size);
        catalog_restore_detached(catalog, text, size, MOMENT(7, WALL), &damaged);
        assert_int_equal(damaged, detached_texts[i].damaged);
        catalog_begin(catalog);
        catalogplay_finish(catalog);
        uint64_t end = detached_texts[i].end == 0 ? UINT64_MAX : detached_texts[i].end;
        if (catalog_next_expiry(catalog) != end) {
            fail_msg("'%s' ends at %llu", detached_texts[i].text,
                     (unsigned long long)catalog_next_expiry(catalog));
        }
        assert_string_equal(catalogplay_whose(catalog, "q.a.x.example"),
                            end == UINT64_MAX ? "not owned" : "detached");
        free(text);
        catalog_free(catalog);
    }
}

/* Who is served before a restart is not a newcomer after it. */
static void test_restored_conflict(void **state)
{
    struct catalog *catalog = catalog_new(CATALOGPLAY_HOLD);

    (void)state;
    catalog_begin(catalog);
    restore(catalog, "b", "plc-b", "*.old.x.example");
    restore(catalog, "c", "plc-c", "*.c.x.example");
    catalog_restored(catalog);
    catalog_begin(catalog);
    catalogplay_offer(catalog, "a", "plc-a", "*.n.x.example");
    catalogplay_offer(catalog, "b", "plc-b", "*.n.x.example");
    catalogplay_offer(catalog, "c", "plc-c", "*.n.x.example *.d.x.example");
    catalogplay_finish(catalog);
    assert_string_equal(catalogplay_served(catalog), "a(none)(refused) b c(refused)(restored)");
    assert_string_equal(catalogplay_whose(catalog, "q.n.x.example"), "plc-b");
    assert_string_equal(catalogplay_whose(catalog, "q.c.x.example"), "plc-c");
    catalog_begin(catalog);
    catalogplay_offer(catalog, "c", "plc-c", "*.n.x.example *.d.x.example");
    struct catalog_change change = catalogplay_finish(catalog);
    assert_int_equal(change.accepted, 1);
    assert_int_equal(change.names_added, 1);
    assert_int_equal(change.names_removed, 1);
    assert_int_equal(change.names_moved, 1);
    assert_string_equal(catalogplay_served(catalog), "c");
    catalog_free(catalog);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_restore),
        cmocka_unit_test(test_restored_conflict),
        cmocka_unit_test(test_detached_across_restarts),
        cmocka_unit_test(test_detached_texts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
