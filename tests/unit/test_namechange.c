/* What counts as a change of a name: whatever a client would be told otherwise. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "catalogplay.h"

static const struct {
    const char *id, *ttl, *address;
    size_t moved;
} steps[] = {
    {"plc-a", "30", "10.0.0.1", 0}, /* the first */
    {"plc-a", "5", "10.0.0.1", 1},
    {"plc-a", "5", "10.0.0.2", 1},
    {"plc-b", "5", "10.0.0.2", 1},
    {"plc-b", "5", "'::1', 10.0.0.2", 1},
    {"plc-b", "5 # five", "'::1', 10.0.0.2", 0},
};

static void test_moved(void **state)
{
    struct catalog *catalog = catalog_new(CATALOGPLAY_HOLD);

    (void)state;
    for (size_t i = 0; i < ARRAY_LENGTH(steps); i++) {
        char text[4096];
        snprintf(text, sizeof(text), "ttl: %s\n%s", steps[i].ttl,
                 catalogplay_document(steps[i].id, "h.x.example", steps[i].address));
        catalog_begin(catalog);
        catalogplay_offer_text(catalog, "a", text);
        struct catalog_change change = catalogplay_finish(catalog);
        assert_int_equal(change.refused, 0);
        assert_int_equal(change.names_added, i == 0);
        assert_int_equal(change.names_moved, steps[i].moved);
        assert_int_equal(change.names_removed, 0);
    }
    catalog_free(catalog);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_moved),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
