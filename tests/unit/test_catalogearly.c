/* A document that is taken before its reload: it is served if nobody else has to do with it, and
 * the reload tells of it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "catalogearly.h"
#include "catalogplay.h"

/* A new version of one document before the reload that brings it. */
static void test_early(void **state)
{
    struct catalog *catalog = catalog_new(CATALOGPLAY_HOLD);
    struct catalog_change change;
    char text[1024];

    (void)state;
    catalog_begin(catalog);
    catalogplay_offer(catalog, "a", "plc-a", "*.a.x.example");
    catalogplay_offer(catalog, "b", "plc-b", "*.b.x.example");
    catalogplay_finish(catalog);
    assert_true(catalogearly_knows(catalog, "a"));
    assert_false(catalogearly_knows(catalog, "c"));

    /* Another address: nobody else has to do with it. */
    snprintf(text, sizeof(text), "%s", catalogplay_document("plc-a", "*.a.x.example", "10.0.0.2"));
    assert_true(catalogplay_take_early(catalog, "a", text, &change));
    assert_false(catalogplay_take_early(catalog, "a", text, &change)); /* it is known by now */
    assert_string_equal(catalogplay_served(catalog), "a b");
    catalog_begin(catalog);
    assert_int_equal(catalogplay_offer_text(catalog, "a", text), CATALOG_UNCHANGED);
    catalogplay_offer(catalog, "b", "plc-b", "*.b.x.example");
    assert_false(catalogplay_finish(catalog).changed);

    /* Another id, more names, other names, none, or what does not load: for the reload, which does
     * not parse it again. */
    static const char *const later[] = {"plc-z *.a.x.example", "plc-a *.a.x.example *.c.x.example",
                                        "plc-a *.c.x.example", "plc-a -", "["};
    for (size_t i = 0; i < ARRAY_LENGTH(later); i++) {
        const char *names = strchr(later[i], ' ');
        char id[16] = "";
        snprintf(id, sizeof(id), "%.5s", later[i]);
        snprintf(text, sizeof(text), "%s",
                 names != NULL ? catalogplay_document(id, names + 1, "10.0.0.3") : later[i]);
        assert_false(catalogplay_take_early(catalog, "a", text, &change));
        assert_string_equal(catalogplay_served(catalog), "a b");
        assert_string_equal(catalogplay_whose(catalog, "q.a.x.example"), "plc-a");
        catalog_begin(catalog);
        assert_int_equal(catalogplay_offer_text(catalog, "a", text), CATALOG_UNCHANGED);
        catalogplay_offer(catalog, "b", "plc-b", "*.b.x.example");
        catalogplay_finish(catalog);
        catalog_begin(catalog); /* and back */
        catalogplay_offer(catalog, "a", "plc-a", "*.a.x.example");
        catalogplay_offer(catalog, "b", "plc-b", "*.b.x.example");
        catalogplay_finish(catalog);
    }

    /* While anything is refused, the reload decides. */
    catalog_begin(catalog);
    catalogplay_offer(catalog, "a", "plc-a", "*.a.x.example");
    catalogplay_offer_text(catalog, "b", "[");
    catalogplay_finish(catalog);
    snprintf(text, sizeof(text), "%s", catalogplay_document("plc-a", "*.a.x.example", "10.0.0.4"));
    assert_false(catalogplay_take_early(catalog, "a", text, &change));
    assert_string_equal(catalogplay_served(catalog), "a b(refused)");
    catalog_free(catalog);
}

/* Names that follow from others are no claims, and may come and go early; the reload tells. */
static void test_early_names(void **state)
{
    static const char text[] =
        "privateLinkConnectionId: plc-a\n"
        "type: AWS_ENDPOINT_SERVICE\n"
        "endpoints: [{zone: use1-az%s, addresses: [10.0.0.1]}]\n"
        "attachedDomains:\n"
        "  - type: TIDBCLOUD_MANAGED\n"
        "    uniqueName: aaaaaaaaaaaaaaaaaaaaaaaaaa\n"
        "    domains: [{name: '*.aaaaaaaaaaaaaaaaaaaaaaaaaa.aws.plc.tidbcloud.com'}]\n";
    struct catalog *catalog = catalog_new(CATALOGPLAY_HOLD);
    struct catalog_change early, change;
    char one[512], other[512];

    (void)state;
    snprintf(one, sizeof(one), text, "1");
    snprintf(other, sizeof(other), text, "2");
    catalog_begin(catalog);
    catalogplay_offer_text(catalog, "a", one);
    assert_int_equal(catalogplay_finish(catalog).names_added, 2);
    assert_true(catalogplay_take_early(catalog, "a", other, &early));
    catalog_begin(catalog);
    catalogplay_offer_text(catalog, "a", other);
    change = catalogplay_finish(catalog);
    catalogearly_join(&change, &early);
    assert_true(change.changed);
    assert_int_equal(change.accepted, 1);
    assert_int_equal(change.names_added, 1); /* *.use1-az2.… */
    assert_int_equal(change.names_removed, 1);
    catalog_free(catalog);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_early),
        cmocka_unit_test(test_early_names),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
