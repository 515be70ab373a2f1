/* The catalog: what is served after reloads that bring good, bad and contradicting documents. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "catalogplay.h"

/* The first error of a document, as a person reads it. */
static const char *complaint(const struct catalog *catalog, size_t i)
{
    static char text[512];
    struct catalog_entry entry;

    catalog_entry(catalog, i, &entry);
    for (size_t e = 0; e < entry.complaints->length; e++) {
        if (!entry.complaints->items[e].warning) {
            return error_format(&entry.complaints->items[e], text, sizeof(text));
        }
    }
    return "";
}

static void test_first_load(void **state)
{
    struct catalog *catalog = catalog_new(CATALOGPLAY_HOLD);
    const void *bytes;
    size_t size;

    (void)state;
    catalog_begin(catalog);
    assert_int_equal(catalogplay_offer(catalog, "b.yaml", "plc-b", "*.b.x.example"),
                     CATALOG_PARSED);
    assert_int_equal(catalogplay_offer(catalog, "a.yaml", "plc-a", "*.a.x.example h.x.example"),
                     CATALOG_PARSED);
    assert_int_equal(catalogplay_offer_text(catalog, "c.yaml", ""), CATALOG_REFUSED);
    struct catalog_change change = catalogplay_finish(catalog);
    assert_true(change.changed);
    assert_int_equal(change.accepted, 2);
    assert_int_equal(change.refused, 1);
    assert_int_equal(change.removed, 0);
    assert_int_equal(change.names_added, 3);
    assert_string_equal(catalogplay_served(catalog), "a.yaml b.yaml c.yaml(none)(refused)");
    assert_string_equal(catalogplay_whose(catalog, "q.a.x.example"), "plc-a");
    assert_string_equal(catalogplay_whose(catalog, "q.b.x.example"), "plc-b");
    bytes = catalog_unkept(catalog, 1, &size);
    assert_int_equal(size, strlen(catalogplay_document("plc-b", "*.b.x.example", "10.0.0.1")));
    assert_memory_equal(bytes, catalogplay_document("plc-b", "*.b.x.example", "10.0.0.1"), size);
    assert_null(catalog_unkept(catalog, 2, &size));
    assert_int_equal(catalog_next_expiry(catalog), UINT64_MAX);
    assert_false(catalog_degraded(catalog, NULL));

    /* Nothing changed: nothing is parsed, nothing new. */
    catalog_begin(catalog);
    assert_int_equal(catalogplay_offer(catalog, "a.yaml", "plc-a", "*.a.x.example h.x.example"),
                     CATALOG_UNCHANGED);
    assert_int_equal(catalogplay_offer(catalog, "b.yaml", "plc-b", "*.b.x.example"),
                     CATALOG_UNCHANGED);
    assert_int_equal(catalogplay_offer_text(catalog, "c.yaml", ""), CATALOG_UNCHANGED);
    change = catalogplay_finish(catalog);
    assert_false(change.changed);
    assert_int_equal(change.accepted, 0);
    assert_int_equal(change.refused, 1);
    assert_non_null(catalog_unkept(catalog, 0, &size)); /* until it was kept */
    catalog_kept(catalog, 0);
    assert_null(catalog_unkept(catalog, 0, &size));
    assert_non_null(catalog_unkept(catalog, 1, &size));
    catalog_free(catalog);
}

static void test_last_accepted(void **state)
{
    struct catalog *catalog = catalog_new(CATALOGPLAY_HOLD);

    (void)state;
    catalog_begin(catalog);
    catalogplay_offer(catalog, "a", "plc-a", "*.a.x.example");
    catalogplay_finish(catalog);
    catalog_begin(catalog); /* broken: the old one stays */
    assert_int_equal(catalogplay_offer_text(catalog, "a", "privateLinkConnectionId: ["),
                     CATALOG_REFUSED);
    struct catalog_change change = catalogplay_finish(catalog);
    assert_false(change.changed);
    assert_int_equal(change.refused, 1);
    assert_string_equal(catalogplay_served(catalog), "a(refused)");
    assert_string_equal(catalogplay_whose(catalog, "q.a.x.example"), "plc-a");
    catalog_begin(catalog); /* unreadable: the same */
    catalog_offer_unreadable(catalog, "a", "Is a directory");
    assert_int_equal(catalogplay_finish(catalog).refused, 1);
    assert_string_equal(complaint(catalog, 0), "a: cannot be read: Is a directory");
    catalog_begin(catalog); /* back to what it was */
    assert_int_equal(catalogplay_offer(catalog, "a", "plc-a", "*.a.x.example"), CATALOG_UNCHANGED);
    change = catalogplay_finish(catalog);
    assert_false(change.changed);
    assert_int_equal(change.refused, 0);
    assert_string_equal(catalogplay_served(catalog), "a");
    catalog_begin(catalog); /* and on to something new */
    catalogplay_offer(catalog, "a", "plc-a2", "*.a.x.example *.c.x.example");
    change = catalogplay_finish(catalog);
    assert_true(change.changed);
    assert_int_equal(change.accepted, 1);
    assert_int_equal(change.names_moved, 1);
    assert_int_equal(change.names_added, 1);
    assert_int_equal(change.names_removed, 0);
    assert_string_equal(catalogplay_whose(catalog, "q.a.x.example"), "plc-a2");
    catalog_free(catalog);
}

/* What is being written stays as it is, whatever that is. */
static void test_left_alone(void **state)
{
    struct catalog *catalog = catalog_new(CATALOGPLAY_HOLD);

    (void)state;
    catalog_begin(catalog);
    catalogplay_offer(catalog, "a", "plc-a", "*.a.x.example");
    catalogplay_offer(catalog, "b", "plc-b", "*.b.x.example");
    catalog_restored(catalog); /* nothing is known of a newest version */
    catalog_begin(catalog);
    catalog_offer_standing(catalog, "a");
    catalogplay_offer_text(catalog, "b", "[");
    catalog_offer_standing(catalog, "c");
    struct catalog_change change = catalogplay_finish(catalog);
    assert_false(change.changed);
    assert_int_equal(change.removed, 0);
    assert_string_equal(catalogplay_served(catalog), "a(restored) b(refused)(restored)");
    catalog_begin(catalog);
    catalogplay_offer(catalog, "a", "plc-a", "*.a.x.example *.a2.x.example");
    catalog_offer_standing(catalog, "b");
    change = catalogplay_finish(catalog);
    assert_int_equal(change.names_added, 1);
    assert_int_equal(change.refused, 1);
    assert_string_equal(catalogplay_served(catalog), "a b(refused)(restored)");
    catalog_free(catalog);
}

static void test_source_failed(void **state)
{
    struct catalog *catalog = catalog_new(CATALOGPLAY_HOLD);
    const char *why;

    (void)state;
    catalog_begin(catalog);
    catalogplay_offer(catalog, "a", "plc-a", "*.a.x.example");
    catalogplay_offer(catalog, "b", "plc-b", "*.b.x.example");
    catalogplay_finish(catalog);
    catalog_begin(catalog);
    catalogplay_offer(catalog, "a", "plc-a",
                      "*.a2.x.example"); /* what was told before it failed counts */
    catalog_source_failed(catalog, "Input/output error");
    struct catalog_change change = catalogplay_finish(catalog);
    assert_true(change.changed);
    assert_int_equal(change.removed, 0);
    assert_true(catalog_degraded(catalog, &why));
    assert_string_equal(why, "Input/output error");
    assert_string_equal(catalogplay_whose(catalog, "q.b.x.example"), "plc-b");
    assert_string_equal(catalogplay_whose(catalog, "q.a2.x.example"), "plc-a");
    catalog_begin(catalog);
    catalogplay_offer(catalog, "a", "plc-a", "*.a2.x.example");
    change = catalogplay_finish(catalog);
    assert_int_equal(change.removed, 1);
    assert_false(catalog_degraded(catalog, NULL));
    assert_string_equal(catalogplay_whose(catalog, "q.b.x.example"), "detached");
    catalog_free(catalog);
}

/* ---- documents that contradict each other ---- */

#define STEP_DOCUMENTS 4

/* Reloads in a row; each says what the source holds: "name id names". */
static const struct {
    const char *what;
    struct {
        const char *documents[STEP_DOCUMENTS];
        const char *served, *complaint; /* of the first refused; NULL: do not look */
    } steps[4];
} conflicts[] = {
    {"cold start: the first in name order wins",
     {{{"b plc-b *.n.x.example", "a plc-a *.n.x.example"},
       "a b(none)(refused)",
       "b:9: '*.n.x.example' is attached already by plc-a at a:9"}}},
    {"who is served keeps it, whatever the names",
     {{{"b plc-b *.n.x.example"}, "b", NULL},
      {{"a plc-a *.n.x.example", "b plc-b *.n.x.example"},
       "a(none)(refused) b",
       "a:9: '*.n.x.example' is attached already by plc-b at b:9"}}},
    {"one id used twice",
     {{{"a plc-1 *.a.x.example", "b plc-1 *.b.x.example"},
       "a b(none)(refused)",
       "b:1: privateLinkConnectionId 'plc-1' is used already at a:1"}}},
    {"a refused newcomer is taken once the other is gone, though its bytes are the same",
     {{{"a plc-a *.n.x.example", "b plc-b *.n.x.example"}, "a b(none)(refused)", NULL},
      {{"b plc-b *.n.x.example"}, "b", NULL}}},
    {"a name moves between two documents in one reload, one way",
     {{{"a plc-a *.n.x.example *.k.x.example", "b plc-b *.m.x.example"}, "a b", NULL},
      {{"a plc-a *.k.x.example", "b plc-b *.m.x.example *.n.x.example"}, "a b", NULL}}},
    {"and the other",
     {{{"a plc-a *.k.x.example", "b plc-b *.m.x.example *.n.x.example"}, "a b", NULL},
      {{"a plc-a *.n.x.example *.k.x.example", "b plc-b *.m.x.example"}, "a b", NULL}}},
    {"two names change places",
     {{{"a plc-a *.n.x.example", "b plc-b *.m.x.example"}, "a b", NULL},
      {{"a plc-a *.m.x.example", "b plc-b *.n.x.example"}, "a b", NULL}}},
    {"a name moves to a document that is refused: it stays where it was",
     {{{"a plc-a *.n.x.example", "b plc-b *.m.x.example", "c plc-c *.k.x.example"}, "a b c", NULL},
      {{"a plc-a *.o.x.example", "b plc-b *.n.x.example *.k.x.example", "c plc-c *.k.x.example"},
       "a b(refused) c",
       "b:10: '*.k.x.example' is attached already by plc-c at c:9"}}},
    {"a change that is refused sends back who took its name",
     {{{"a plc-a *.n.x.example", "b plc-b *.m.x.example", "c plc-c *.k.x.example"}, "a b c", NULL},
      {{"a plc-a *.k.x.example", "b plc-b *.n.x.example", "c plc-c *.k.x.example"},
       "a(refused) b(refused) c",
       "a:9: '*.k.x.example' is attached already by plc-c at c:9"}}},
    {"but not who came for something else",
     {{{"a plc-a *.n.x.example", "c plc-c *.k.x.example"}, "a c", NULL},
      {{"a plc-a *.k.x.example", "b plc-b *.n.x.example", "c plc-c *.k.x.example",
        "d plc-d *.d.x.example"},
       "a(refused) b(none)(refused) c d",
       NULL}}},
    {"who is in the way is told as it is now",
     {{{"a plc-a *.n.x.example", "c plc-c *.m.x.example"}, "a c", NULL},
      {{"a plc-a *.n.x.example", "b plc-b *.n.x.example", "c plc-c *.m.x.example"},
       "a b(none)(refused) c",
       "b:9: '*.n.x.example' is attached already by plc-a at a:9"},
      {{"a plc-a *.k.x.example", "b plc-b *.n.x.example", "c plc-c *.m.x.example *.n.x.example"},
       "a b(none)(refused) c",
       "b:9: '*.n.x.example' is attached already by plc-c at c:10"},
      {{"a plc-a *.k.x.example", "b plc-b *.n.x.example", "c plc-c *.n.x.example *.m.x.example"},
       "a b(none)(refused) c",
       "b:9: '*.n.x.example' is attached already by plc-c at c:9"}}},
    {"and who is in the way of what came later",
     {{{"a plc-a *.n.x.example", "c plc-c *.m.x.example"}, "a c", NULL},
      {{"a plc-a *.n.x.example", "b plc-b *.n.x.example", "c plc-c *.m.x.example"},
       "a b(none)(refused) c",
       NULL},
      {{"a plc-a *.n.x.example", "b plc-b *.m.x.example *.n.x.example", "c plc-c *.m.x.example"},
       "a b(none)(refused) c",
       "b:9: '*.m.x.example' is attached already by plc-c at c:9"},
      {{"b plc-b *.m.x.example *.n.x.example", "c plc-c *.k.x.example"}, "b c", NULL}}},
    {"names passed along in a ring, one of which is taken: all stay, both ways",
     {{{"a plc-a *.a.x.example", "b plc-b *.b.x.example", "c plc-c *.c.x.example",
        "d plc-d *.d.x.example"},
       "a b c d",
       NULL},
      {{"a plc-a *.b.x.example *.d.x.example", "b plc-b *.c.x.example", "c plc-c *.a.x.example",
        "d plc-d *.d.x.example"},
       "a(refused) b(refused) c(refused) d",
       "a:9: '*.b.x.example' is attached already by plc-b at b:9"},
      {{"a plc-a *.c.x.example *.d.x.example", "b plc-b *.a.x.example", "c plc-c *.b.x.example",
        "d plc-d *.d.x.example"},
       "a(refused) b(refused) c(refused) d",
       NULL},
      {{"a plc-a *.c.x.example", "b plc-b *.a.x.example", "c plc-c *.b.x.example",
        "d plc-d *.d.x.example"},
       "a b c d",
       NULL}}},
    {"exact hosts too, letter case aside",
     {{{"a plc-a h.x.example", "b plc-b H.X.example"},
       "a b(none)(refused)",
       "b:9: 'h.x.example' is attached already by plc-a at a:9"}}},
    {"what is not told is not detached",
     {{{"a plc-a *.a.x.example"}, "a", NULL},
      {{"a plc-a -"},
       "a(refused)",
       "a:1: attachedDomains of 'plc-a' is absent, while 1 attached domain is in service; the "
       "API's "
       "List leaves it out, its Get tells; write [] if there are none any more"},
      {{"a plc-a *.a.x.example", "b plc-b -"}, "a b", NULL}}},
    {"a wildcard and a host below it do not contradict each other",
     {{{"a plc-a *.x.example.org", "b plc-b h.x.example.org x.example.org"}, "a b", NULL}}},
};

static void test_conflicts(void **state) /* in whatever order the source tells its documents */
{
    (void)state;
    for (size_t turn = 0; turn < 2 * ARRAY_LENGTH(conflicts); turn++) {
        struct catalog *catalog = catalog_new(CATALOGPLAY_HOLD);
        size_t i = turn / 2;
        for (size_t s = 0; s < 4 && conflicts[i].steps[s].served != NULL; s++) {
            catalog_begin(catalog);
            for (size_t d = 0; d < STEP_DOCUMENTS; d++) {
                size_t at = turn % 2 == 0 ? d : STEP_DOCUMENTS - 1 - d;
                const char *what = conflicts[i].steps[s].documents[at];
                char name[8], id[16];
                int used;
                if (what != NULL && sscanf(what, "%7s %15s %n", name, id, &used) == 2) {
                    catalogplay_offer(catalog, name, id, what + used);
                }
            }
            catalogplay_finish(catalog);
            if (strcmp(catalogplay_served(catalog), conflicts[i].steps[s].served) != 0) {
                fail_msg("%s: step %zu: %s", conflicts[i].what, s, catalogplay_served(catalog));
            }
            for (size_t d = 0; conflicts[i].steps[s].complaint != NULL; d++) {
                assert_true(d < catalog_length(catalog));
                if (*complaint(catalog, d) != '\0') {
                    assert_string_equal(complaint(catalog, d), conflicts[i].steps[s].complaint);
                    break;
                }
            }
        }
        catalog_free(catalog);
    }
}

/* An endpoint that is to be found under a name which the table owns would answer for itself. */
static void test_targets(void **state)
{
    static const char pointing[] = "privateLinkConnectionId: plc-t\n"
                                   "type: VPC_RESOURCE\n"
                                   "endpoints:\n"
                                   "  - dnsName: vpce-1.Target.example.com\n"
                                   "attachedDomains:\n"
                                   "  - {type: CUSTOM, domains: [{name: '*.t.x.example'}]}\n";
    static const struct {
        const char *names, *first, *second; /* complaints: of "n" after "t", of "t" after "n" */
    } rows[] = {
        {"*.target.example.com",
         "n:9: 'target.example.com' would own the dnsName of plc-t at t:4, which is to be found "
         "elsewhere",
         "t:4: dnsName 'vpce-1.Target.example.com' is owned by 'target.example.com', attached by "
         "plc-n at n:9"},
        {"vpce-1.target.example.com",
         "n:9: 'vpce-1.target.example.com' would own the dnsName of plc-t at t:4, which is to be "
         "found elsewhere",
         "t:4: dnsName 'vpce-1.Target.example.com' is owned by 'vpce-1.target.example.com', "
         "attached by plc-n at n:9"},
        {"target.example.com", NULL, NULL}, /* a host owns nothing below it */
        {"*.vpce-2.target.example.com", NULL, NULL},
        {"*.a.vpce-1.target.example.com", NULL, NULL},
    };

    (void)state;
    for (size_t i = 0; i < 2 * ARRAY_LENGTH(rows); i++) {
        struct catalog *catalog = catalog_new(CATALOGPLAY_HOLD);
        bool target_first = i % 2 == 0;
        const char *expected = target_first ? rows[i / 2].first : rows[i / 2].second;
        for (size_t step = 0; step < 2; step++) {
            catalog_begin(catalog);
            if (step > 0 || target_first) {
                catalogplay_offer_text(catalog, "t", pointing);
            }
            if (step > 0 || !target_first) {
                catalogplay_offer(catalog, "n", "plc-n", rows[i / 2].names);
            }
            catalogplay_finish(catalog);
        }
        if (expected == NULL) {
            assert_string_equal(catalogplay_served(catalog), "n t");
        } else {
            assert_string_equal(complaint(catalog, target_first ? 0 : 1), expected);
        }
        catalog_free(catalog);
    }
}

#define UNIQUE "dvs6nl5jgveztmla3pxkxgh76i"
#define MANAGED                                                                                    \
    "type: AWS_ENDPOINT_SERVICE\nendpoints:\n- {zone: use1-az1, addresses: [10.0.0.1]}\n"          \
    "- {zone: use1-az2, addresses: [10.0.0.2]}\n"                                                  \
    "attachedDomains:\n- type: TIDBCLOUD_MANAGED\n  uniqueName: " UNIQUE "\n  domains:\n"
#define BELOW UNIQUE ".aws.plc.tidbcloud.com"

/* The zones that a written "*.U" stands for contradict nobody who writes their names. */
static void test_implied(void **state)
{
    static const char star[] =
        "privateLinkConnectionId: plc-a\n" MANAGED "  - name: '*." BELOW "'\n";
    static const char both[] =
        "privateLinkConnectionId: plc-a\n" MANAGED "  - name: '*." BELOW "'\n"
        "- type: TIDBCLOUD_MANAGED\n  uniqueName: " UNIQUE "\n"
        "  domains: [{name: '*.use1-az1." BELOW "'}]\n";
    static const char other[] =
        "privateLinkConnectionId: plc-b\n" MANAGED "  - name: '*.use1-az2." BELOW "'\n";
    struct catalog *catalog = catalog_new(CATALOGPLAY_HOLD);

    (void)state;
    catalog_begin(catalog);
    catalogplay_offer_text(catalog, "a", star);
    assert_int_equal(catalogplay_finish(catalog).names_added, 3);
    assert_string_equal(catalogplay_whose(catalog, "b1.use1-az2." BELOW), "plc-a");

    catalog_begin(catalog);
    catalogplay_offer_text(catalog, "a", star);
    catalogplay_offer_text(catalog, "b", other);
    struct catalog_change change = catalogplay_finish(catalog);
    assert_int_equal(change.refused, 0);
    assert_string_equal(catalogplay_served(catalog), "a b");
    assert_string_equal(catalogplay_whose(catalog, "b1.use1-az1." BELOW), "plc-a");
    assert_string_equal(catalogplay_whose(catalog, "b1.use1-az2." BELOW), "plc-b");

    catalog_begin(catalog); /* a name of its own, that was implied: the same answer */
    catalogplay_offer_text(catalog, "a", both);
    catalogplay_offer_text(catalog, "b", other);
    change = catalogplay_finish(catalog);
    assert_int_equal(change.accepted, 1);
    assert_int_equal(change.names_added, 0);
    assert_int_equal(change.names_moved, 0);
    assert_int_equal(change.names_removed, 0);

    catalog_begin(catalog);
    catalogplay_offer_text(catalog, "a", both);
    catalogplay_finish(catalog);
    assert_string_equal(catalogplay_whose(catalog, "b1.use1-az2." BELOW), "plc-a");
    catalog_free(catalog);
}

static void test_tombstones(void **state)
{
    struct catalog *catalog = catalog_new(CATALOGPLAY_HOLD);
    struct catalog_change change;

    (void)state;
    catalog_begin(catalog);
    catalogplay_offer(catalog, "a", "plc-a", "*.a.x.example *.b.x.example h.x.example");
    catalogplay_offer(catalog, "c", "plc-c", "in.a.x.example");
    catalog_finish(catalog, 1000, &change);
    assert_int_equal(catalog_next_expiry(catalog), UINT64_MAX);

    catalog_begin(catalog); /* one root moves to another document, others go */
    catalogplay_offer(catalog, "a", "plc-a", "z.b.x.example");
    catalogplay_offer(catalog, "b", "plc-b", "*.b.x.example");
    catalogplay_offer(catalog, "c", "plc-c", "in.a.x.example");
    catalog_finish(catalog, 2000, &change);
    assert_int_equal(change.names_removed, 2);
    assert_int_equal(change.names_moved, 1);
    assert_int_equal(change.names_added, 1);
    assert_string_equal(catalogplay_whose(catalog, "q.a.x.example"), "detached");
    assert_string_equal(catalogplay_whose(catalog, "h.x.example"), "detached");
    assert_string_equal(catalogplay_whose(catalog, "q.h.x.example"), "not owned");
    assert_string_equal(catalogplay_whose(catalog, "q.b.x.example"), "plc-b");
    assert_string_equal(catalogplay_whose(catalog, "in.a.x.example"), "plc-c");
    assert_int_equal(catalog_next_expiry(catalog), 2000 + CATALOGPLAY_HOLD);
    assert_false(catalog_expire(catalog, 2000 + CATALOGPLAY_HOLD - 1));

    catalog_begin(catalog); /* attached again: the tombstone is gone, and with it its end */
    catalogplay_offer(catalog, "a", "plc-a", "z.b.x.example *.a.x.example");
    catalogplay_offer(catalog, "b", "plc-b", "*.b.x.example");
    catalogplay_offer(catalog, "c", "plc-c", "in.a.x.example");
    catalog_finish(catalog, 3000, &change);
    assert_string_equal(catalogplay_whose(catalog, "q.a.x.example"), "plc-a");
    catalog_begin(catalog);
    catalogplay_offer(catalog, "b", "plc-b", "*.b.x.example");
    catalog_finish(catalog, 4000, &change);
    assert_int_equal(change.removed, 2);
    assert_string_equal(catalogplay_whose(catalog, "q.a.x.example"), "detached");
    assert_string_equal(catalogplay_whose(catalog, "z.b.x.example"),
                        "plc-b"); /* covered by the wildcard */
    assert_true(catalog_expire(catalog, 2000 + CATALOGPLAY_HOLD));
    assert_string_equal(catalogplay_whose(catalog, "h.x.example"), "not owned");
    assert_string_equal(catalogplay_whose(catalog, "q.a.x.example"), "detached");
    assert_int_equal(catalog_next_expiry(catalog), 4000 + CATALOGPLAY_HOLD);
    assert_true(catalog_expire(catalog, 4000 + CATALOGPLAY_HOLD));
    assert_false(catalog_expire(catalog, UINT64_MAX));
    assert_string_equal(catalogplay_whose(catalog, "q.a.x.example"), "not owned");
    assert_int_equal(catalog_next_expiry(catalog), UINT64_MAX);
    catalog_free(catalog);

    catalog = catalog_new(0); /* no hold, no tombstones */
    catalog_begin(catalog);
    catalogplay_offer(catalog, "a", "plc-a", "*.a.x.example");
    catalogplay_finish(catalog);
    catalog_begin(catalog);
    assert_int_equal(catalogplay_finish(catalog).names_removed, 1);
    assert_string_equal(catalogplay_whose(catalog, "q.a.x.example"), "not owned");
    catalog_free(catalog);
}

/* Hundreds of documents in no order, changing back and forth, one in ten refused: what is served at
 * the end does not depend on the way there, for they do not contradict each other. */
static void test_many(void **state)
{
    enum { DOCUMENTS = 300 };
    struct catalog *catalog = catalog_new(CATALOGPLAY_HOLD);

    (void)state;
    for (unsigned round = 0; round < 4; round++) {
        catalog_begin(catalog);
        for (unsigned i = 0; i < DOCUMENTS; i++) {
            unsigned n = i * 77 % DOCUMENTS;
            char name[16], id[16], names[128];
            snprintf(name, sizeof(name), "d%03u", n);
            snprintf(id, sizeof(id), "plc-%u", n);
            /* In odd rounds each has its neighbour's name: a ring of moves. */
            snprintf(names, sizeof(names), "*.n%u.x.example", (n + round % 2) % DOCUMENTS);
            if (round == 2 && n % 10 == 0) {
                catalogplay_offer_text(catalog, name, "nonsense");
            } else {
                catalogplay_offer(catalog, name, id, names);
            }
        }
        struct catalog_change change = catalogplay_finish(catalog);
        switch (round) {
        case 0:
            assert_int_equal(change.names_added, DOCUMENTS);
            break;
        case 1:
            assert_int_equal(change.accepted, DOCUMENTS);
            assert_int_equal(change.names_moved, DOCUMENTS);
            break;
        case 2: /* who is broken keeps its name, so the ring is cut, and all stay where they are */
            assert_int_equal(change.refused, DOCUMENTS);
            assert_false(change.changed);
            break;
        default:
            assert_int_equal(change.refused, 0);
            assert_false(change.changed);
            break;
        }
    }
    assert_string_equal(catalogplay_whose(catalog, "q.n7.x.example"), "plc-6");
    catalog_free(catalog);
}

/* ---- anything may come: what holds all the same ---- */

#define RANDOM_DOCUMENTS 6
#define RANDOM_NAMES     5
#define RANDOM_RELOADS   3000

struct spec { /* what a document says: an id, a set of names, an address; names 0 = it does not load
               */
    unsigned id, names, address;
    struct digest digest;
};

static uint32_t random_state = 1;

static unsigned chance(unsigned limit)
{
    random_state = random_state * 1664525 + 1013904223;
    return (random_state >> 16) % limit;
}

static const char *text_of(struct spec *spec)
{
    char id[16], names[128] = "", address[16];

    snprintf(id, sizeof(id), "plc-%u", spec->id);
    for (unsigned n = 0; n < RANDOM_NAMES; n++) {
        if (spec->names >> n & 1) {
            snprintf(names + strlen(names), sizeof(names) - strlen(names), "*.n%u.x.example ", n);
        }
    }
    snprintf(address, sizeof(address), "10.0.0.%u", spec->address);
    const char *text = spec->names == 0 ? "[" : catalogplay_document(id, names, address);
    digest_of(&spec->digest, text, strlen(text));
    return text;
}

static bool contradict(const struct spec *a, const struct spec *b)
{
    return a->id == b->id || (a->names & b->names) != 0;
}

/* The entry of a document; false: there is none. */
static bool find_entry(const struct catalog *catalog, unsigned d, struct catalog_entry *out)
{
    char name[8];

    snprintf(name, sizeof(name), "d%u", d);
    for (size_t i = 0; i < catalog_length(catalog); i++) {
        catalog_entry(catalog, i, out);
        if (strcmp(out->name, name) == 0) {
            return true;
        }
    }
    return false;
}

static bool all_is_well(const bool *present, const bool *had, const struct spec *serving,
                        const struct digest *newest)
{
    bool well = true;

    for (unsigned d = 0; d < RANDOM_DOCUMENTS; d++) {
        well &= present[d] == had[d] &&
                (!had[d] || memcmp(&newest[d], &serving[d].digest, sizeof(newest[d])) == 0);
    }
    return well;
}

static void test_random(void **state)
{
    struct catalog *catalog = catalog_new(0);
    struct spec offered[RANDOM_DOCUMENTS] = {0}, serving[RANDOM_DOCUMENTS] = {0};
    bool present[RANDOM_DOCUMENTS] = {0}, had[RANDOM_DOCUMENTS] = {0};
    struct digest newest_then[RANDOM_DOCUMENTS] = {0};
    unsigned refusals = 0, moves = 0, early = 0;

    (void)state;
    for (unsigned reload = 0; reload < RANDOM_RELOADS; reload++) {
        struct spec before[RANDOM_DOCUMENTS];
        bool peace = chance(8) == 0; /* each has what is its own */
        bool well = all_is_well(present, had, serving, newest_then);
        for (unsigned d = 0; d < RANDOM_DOCUMENTS; d++) {
            if (chance(3) == 0) { /* else as it was */
                present[d] = chance(4) > 0;
                offered[d].id = chance(8);
                offered[d].names =
                    chance(8) == 0 ? 0 : 1u << chance(RANDOM_NAMES) | 1u << chance(RANDOM_NAMES);
            }
            if (peace) {
                present[d] = d < RANDOM_NAMES;
                offered[d].id = d;
                offered[d].names = 1u << d % RANDOM_NAMES;
            }
            offered[d].address = chance(2);
        }
        unsigned first = chance(RANDOM_DOCUMENTS);
        if (present[first] && had[first]) { /* who was moved into place before all the others */
            struct catalog_change change;
            char name[8];
            snprintf(name, sizeof(name), "d%u", first);
            bool same = offered[first].id == serving[first].id &&
                        offered[first].names == serving[first].names;
            bool taken = catalogplay_take_early(catalog, name, text_of(&offered[first]), &change);
            assert_int_equal(taken,
                             well && same && offered[first].address != serving[first].address);
            early += taken;
            if (taken) {
                serving[first] = offered[first];
            }
        }
        memcpy(before, serving, sizeof(before));
        catalog_begin(catalog);
        for (unsigned d = 0; d < RANDOM_DOCUMENTS; d++) {
            char name[8];
            snprintf(name, sizeof(name), "d%u", d);
            if (present[d]) {
                catalogplay_offer_text(catalog, name, text_of(&offered[d]));
                newest_then[d] = offered[d].digest;
            }
        }
        moves += (unsigned)catalogplay_finish(catalog).names_moved;
        for (unsigned d = 0; d < RANDOM_DOCUMENTS; d++) {
            struct catalog_entry entry;
            bool found = find_entry(catalog, d, &entry);
            assert_int_equal(found, present[d]);
            bool is_served = found && entry.served;
            bool newest = is_served && memcmp(&entry.served_digest, &offered[d].digest,
                                              sizeof(struct digest)) == 0;
            /* It is the source's version that is served, or else the one before. */
            if (is_served && !newest) {
                assert_true(had[d]);
                assert_memory_equal(&entry.served_digest, &before[d].digest, sizeof(struct digest));
            }
            /* What was served is never lost while the source has the document. */
            assert_true(!had[d] || !present[d] || is_served);
            assert_int_equal(found && entry.refused, present[d] && !newest);
            had[d] = is_served;
            if (newest) {
                serving[d] = offered[d];
            }
        }
        for (unsigned a = 0; a < RANDOM_DOCUMENTS; a++) {
            bool why = offered[a].names == 0; /* a refusal has a reason */
            for (unsigned b = 0; b < RANDOM_DOCUMENTS; b++) {
                bool both = a != b && had[b];
                assert_false(both && had[a] && contradict(&serving[a], &serving[b]));
                why |= both && contradict(&offered[a], &serving[b]);
            }
            bool refused = present[a] &&
                           !(had[a] && memcmp(&serving[a], &offered[a], sizeof(serving[a])) == 0);
            assert_true(!refused || why);
            refusals += refused;
        }
    }
    assert_true(refusals > 500 && moves > 500 && early > 50); /* else this tests nothing */
    catalog_free(catalog);
}

/* What there is to be found out is asked for again only if it may have changed. */
static void test_wants(void **state)
{
    static const char wanting[] =
        "privateLinkConnectionId: plc-b\ntype: AWS_ENDPOINT_SERVICE\n"
        "endpoints: [{dnsName: e.example.com}]\n"
        "attachedDomains: [{type: CUSTOM, domains: [{name: b.x.example}]}]\n";
    struct catalog *catalog = catalog_new(CATALOGPLAY_HOLD);

    (void)state;
    for (unsigned round = 0; round < 6; round++) {
        const char *address = round < 2 ? "10.0.0.1" : "10.0.0.2";
        catalog_begin(catalog);
        catalogplay_offer_text(catalog, "a.yaml",
                               catalogplay_document("plc-a", "a.x.example", address));
        if (round >= 1 && round <= 3) {
            catalogplay_offer_text(catalog, "b.yaml", wanting);
        }
        struct catalog_change change = catalogplay_finish(catalog);
        /* One comes, one that wants, the first changes, nothing, the other goes, nothing. */
        assert_int_equal(change.wants, round == 1 || round == 4);
        assert_int_equal(change.changed, round != 3 && round != 5);
    }
    catalog_free(catalog);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_first_load), cmocka_unit_test(test_last_accepted),
        cmocka_unit_test(test_left_alone), cmocka_unit_test(test_source_failed),
        cmocka_unit_test(test_conflicts),  cmocka_unit_test(test_targets),
        cmocka_unit_test(test_implied),    cmocka_unit_test(test_tombstones),
        cmocka_unit_test(test_many),       cmocka_unit_test(test_random),
        cmocka_unit_test(test_wants),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
