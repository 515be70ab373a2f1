/* Views: who is in which, what may be written, what each sees of documents. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <arpa/inet.h>
#include <cmocka.h>
#include <netinet/in.h>

#include "catalog.h"
#include "viewread.h"
#include "viewsplit.h"

#define HOLD 60000

/* ---- what is written ---- */

#define A "{name: a, clients: [10.1.0.0/16], clusterIds: ['1']}"

static const struct {
    const char *text; /* in attachments: {views: …} */
    const char *said; /* how the complaints begin; "" = none */
} writings[] = {
    {"[]", ""},
    {"[" A "]", ""},
    {"[" A ", {name: b, clients: [10.1.0.0/17, loopback], clusterIds: ['1', '2']}]", ""},
    {"[{name: a, clients: [loopback, 127.0.0.0/8], clusterIds: []}]", ""},
    {"[" A ", {name: b, clients: [10.2.0.0/16, 10.1.0.0/16], clusterIds: []}]",
     "c:1:110: attachments.views[1].clients[1]: '10.1.0.0/16' is a network of view 'a' already"},
    {"[" A ", {name: b, clients: ['::ffff:10.1.0.0/112'], clusterIds: []}]",
     "c:1:97: attachments.views[1].clients[0]: '::ffff:10.1.0.0/112' is a network of view 'a'"},
    {"[{name: a, clients: [127.0.0.0/8], clusterIds: []},"
     " {name: b, clients: [loopback], clusterIds: []}]",
     "c:1:94: attachments.views[1].clients[0]: 'loopback' is a network of view 'a' already"},
    {"[" A ", " A "]", "c:1:84: attachments.views[1].name: 'a' is there twice"},
    {"[{name: 'a b', clients: [any], clusterIds: []}]",
     "c:1:30: attachments.views[0].name: wants up to 63 letters, digits, '-', '_' or '.', has 'a "
     "b'"},
    {"[{name: '', clients: [any], clusterIds: []}]", "c:1:30: attachments.views[0].name: wants up"},
    {"[{name: [x], clients: [any], clusterIds: []}]", "c:1:30: attachments.views[0].name: "},
    {"[{name: a, clients: [], clusterIds: []}]",
     "c:1:42: attachments.views[0].clients: wants at least one network"},
    {"[{name: a, clients: any, clusterIds: []}]",
     "c:1:42: attachments.views[0].clients: wants a list, as in [a, b]"},
    {"[{name: a, clients: [10.1.0.1/16], clusterIds: []}]",
     "c:1:43: attachments.views[0].clients[0]: '10.1.0.1/16': address has bits set"},
    {"[{name: a, clients: [any], clusterIds: ['1', '2', '1']}]",
     "c:1:72: attachments.views[0].clusterIds[2]: '1' is there twice"},
    {"[{name: a, clients: [any], clusterIds: ['']}]",
     "c:1:62: attachments.views[0].clusterIds[0]: wants a cluster id of 1 to 128 characters"},
    {"[{name: a, clients: [any]}]",
     "c:1:23: attachments.views[0]: wants a name, clients and clusterIds"},
    {"[{name: a, clients: [any], clusterIDs: []}]",
     "c:1:49: attachments.views[0].clusterIDs: unknown field; did you mean 'clusterIds'?"},
    {"[a]", "c:1:23: attachments.views[0]: wants a map"},
    {"a", "c:1:22: attachments.views: wants a list of {name, clients, clusterIds}"},
};

static void what_is_written(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LENGTH(writings); i++) {
        char text[512], said[512] = "";
        struct error_list errors = {0};
        struct view_list list = {0};
        snprintf(text, sizeof text, "attachments: {views: %s}", writings[i].text);
        viewread_file("c", text, strlen(text), &list, &errors);
        if (errors.length > 0)
            error_format(&errors.items[0], said, sizeof said);
        if (strncmp(said, writings[i].said, strlen(writings[i].said)) != 0 ||
            (writings[i].said[0] == '\0' && said[0] != '\0'))
            fail_msg("%s: wants '%s', said '%s'", writings[i].text, writings[i].said, said);
        error_clear(&errors);
        view_clear(&list);
    }
}

/* ---- who is in which ---- */

static struct sockaddr_storage address_of(const char *text)
{
    struct sockaddr_storage out = {0};
    struct sockaddr_in *v4 = (void *)&out;
    struct sockaddr_in6 *v6 = (void *)&out;

    if (inet_pton(AF_INET, text, &v4->sin_addr) == 1) {
        v4->sin_family = AF_INET;
    } else {
        assert_int_equal(inet_pton(AF_INET6, text, &v6->sin6_addr), 1);
        v6->sin6_family = AF_INET6;
    }
    return out;
}

static const char networks[] =
    "attachments:\n  views:\n"
    "  - {name: wide, clients: [10.0.0.0/8, 'fd00::/8'], clusterIds: [shared, '1']}\n"
    "  - {name: part, clients: [10.1.0.0/16, 'fd00:2::/33'], clusterIds: ['2', shared]}\n"
    "  - {name: host, clients: [10.1.2.3, 'fd00:2::1'], clusterIds: []}\n"
    "  - {name: rest6, clients: ['::/0'], clusterIds: ['3']}\n"
    "  - {name: rest4, clients: [0.0.0.0/0], clusterIds: ['4']}\n";

static const struct {
    const char *client, *view;
} clients[] = {
    {"10.2.0.1", "wide"},          {"10.1.0.1", "part"},         {"10.1.2.3", "host"},
    {"10.1.2.2", "part"},          {"::ffff:10.1.2.3", "host"},  {"11.0.0.0", "rest4"},
    {"fd00:3::1", "wide"},         {"fd00:2::2", "part"},        {"fd00:2::1", "host"},
    {"fd00:2:8000::1", "wide"},    {"fd00:2:7fff::1", "part"},   {"2001:db8::1", "rest6"},
    {"::ffff:192.0.2.1", "rest4"}, {"255.255.255.255", "rest4"}, {"::", "rest6"},
};

static const struct {
    const char *cluster, *views;
} clusters[] = {
    {"1", "wide "}, {"2", "part "}, {"3", "rest6 "}, {"shared", "wide part "},
    {"5", " "},     {"", " "},      {"sharee", " "},
};

static void read_views(struct view_list *list, const char *text)
{
    struct error_list errors = {0};

    viewread_file("c", text, strlen(text), list, &errors);
    assert_int_equal(errors.length, 0);
}

static void who_is_in_which(void **state)
{
    struct view_list list = {0};

    (void)state;
    read_views(&list, networks);
    for (size_t i = 0; i < ARRAY_LENGTH(clients); i++) {
        struct sockaddr_storage address = address_of(clients[i].client);
        const char *view = view_name(&list, view_of_client(&list, (void *)&address));
        if (strcmp(view, clients[i].view) != 0)
            fail_msg("%s: wants %s, is %s", clients[i].client, clients[i].view, view);
    }
    for (size_t i = 0; i < ARRAY_LENGTH(clusters); i++) {
        char text[128] = "";
        const uint16_t *views;
        size_t length = view_of_cluster(&list, clusters[i].cluster, &views);
        for (size_t v = 0; v < length; v++)
            snprintf(text + strlen(text), sizeof text - strlen(text), "%s ",
                     view_name(&list, views[v]));
        assert_string_equal(text, clusters[i].views);
    }
    struct sockaddr unix_socket = {.sa_family = AF_UNIX};
    assert_int_equal(view_of_client(&list, &unix_socket), VIEW_NONE);
    assert_int_equal(view_of_client(NULL, &unix_socket), VIEW_NONE);
    assert_int_equal(view_find(&list, "part"), 2);
    assert_int_equal(view_find(&list, "p"), VIEW_NONE);
    view_clear(&list);
}

/* The same by brute force: every network is looked at. */
static void longest_prefix_wins(void **state)
{
    (void)state;
    srand(1);
    for (int round = 0; round < 200; round++) {
        struct view_list list = {0};
        struct netblock_list blocks = {0};
        uint16_t owners[64];
        char why[VIEW_WHY], name[8];
        const char *reason;
        for (int i = 0; i < 60; i++) {
            char text[64];
            unsigned bits = (unsigned)rand() % 33;
            struct in_addr address = {htonl((uint32_t)(rand() & 0x03030303))};
            if (bits < 32)
                address.s_addr &= htonl(~(UINT32_MAX >> bits));
            snprintf(text, sizeof text, "%s/%u", inet_ntoa(address), bits);
            snprintf(name, sizeof name, "v%d", rand() % 8);
            unsigned view = view_add(&list, name, why);
            assert_true(view != VIEW_NONE);
            size_t before = list.networks_length;
            (void)!view_add_clients(&list, view, text, why);
            if (list.networks_length > before) {
                assert_true(netblock_add(&blocks, text, &reason));
                owners[blocks.length - 1] = (uint16_t)view;
            }
        }
        for (int i = 0; i < 200; i++) {
            struct sockaddr_in client = {.sin_family = AF_INET};
            client.sin_addr.s_addr = htonl((uint32_t)(rand() & 0x07030303));
            unsigned want = VIEW_NONE, bits = 0;
            for (size_t b = 0; b < blocks.length; b++) {
                struct netblock_list one = {&blocks.items[b], &blocks.ranges[b], &blocks.v4[b], 1,
                                            1};
                if (netblock_contains(&one, (void *)&client) && blocks.items[b].bits >= bits) {
                    bits = blocks.items[b].bits;
                    want = owners[b];
                }
            }
            assert_int_equal(view_of_client(&list, (void *)&client), want);
        }
        netblock_clear(&blocks);
        view_clear(&list);
    }
}

static void too_much_is_refused(void **state)
{
    struct view_list list = {0};
    char why[VIEW_WHY], text[64];
    unsigned view = VIEW_NONE;

    (void)state;
    for (unsigned i = 0; i < VIEW_MAX; i++) {
        snprintf(text, sizeof text, "v%u", i);
        view = view_add(&list, text, why);
        assert_int_equal(view, i + 1);
    }
    assert_int_equal(view_add(&list, "one-more", why), VIEW_NONE);
    assert_int_equal(view_add(&list, "v7", why), 8);
    for (unsigned i = 0; i < VIEW_NETWORKS_MAX; i++) {
        snprintf(text, sizeof text, "10.0.%u.%u", i / 256, i % 256);
        assert_true(view_add_clients(&list, view, text, why));
    }
    assert_false(view_add_clients(&list, view, "11.0.0.1", why));
    for (unsigned i = 0; i < VIEW_CLUSTERS_MAX; i++) {
        snprintf(text, sizeof text, "%u", i);
        assert_true(view_add_cluster(&list, 1 + i % VIEW_MAX, text, why));
    }
    assert_false(view_add_cluster(&list, view, "one-more", why));
    view_clear(&list);
}

/* ---- what each sees of documents ---- */

static const char views[] = "attachments:\n  views:\n"
                            "  - {name: a, clients: [10.1.0.0/16], clusterIds: ['1', both]}\n"
                            "  - {name: b, clients: [10.2.0.0/16], clusterIds: ['2', both]}\n";

/* One connection; 'cluster' "" = none. */
static const char *connection(const char *id, const char *cluster, const char *name,
                              const char *endpoint)
{
    static char texts[4][1024];
    static unsigned turn;
    char *text = texts[turn++ % ARRAY_LENGTH(texts)];

    snprintf(text, sizeof texts[0],
             "- privateLinkConnectionId: %s\n  clusterId: '%s'\n  type: VPC_RESOURCE\n"
             "  endpoints: [{%s}]\n"
             "  attachedDomains: [{type: CUSTOM, domains: [{name: '%s'}]}]\n",
             id, cluster, endpoint, name);
    return text;
}

#define ADDRESS(n) "addresses: [10.0.0." #n "]"

static void offer(struct catalog *catalog, const char *name, const char *first, const char *second)
{
    char text[4096];

    snprintf(text, sizeof text, "privateLinkConnections:\n%s%s", first, second);
    (void)catalog_offer(catalog, name, text, strlen(text));
}

static const char *complaint(const struct catalog *catalog, size_t i)
{
    static char text[512];
    struct catalog_entry entry;

    catalog_entry(catalog, i, &entry);
    for (size_t e = 0; e < entry.complaints->length; e++) {
        if (!entry.complaints->items[e].warning)
            return error_format(&entry.complaints->items[e], text, sizeof text);
    }
    return "";
}

static const char *said_of(const struct table *table, const char *text)
{
    struct table_match match;
    struct dname name;
    const char *why;
    static struct table_why rules[4];
    static unsigned turn;
    struct table_why *rule = &rules[turn++ % ARRAY_LENGTH(rules)];

    assert_true(dname_from_text(&name, text, strlen(text), &why));
    table_find(table, name.wire, &match);
    if (match.outcome == TABLE_ANSWER) {
        table_describe(table, match.rule, rule);
        return rule->connection;
    }
    return match.outcome == TABLE_NOT_OWNED  ? "-"
           : match.outcome == TABLE_DETACHED ? "detached"
                                             : "else";
}

/* "plc-0 plc-a -": who answers for a name to clients in no view, in a, and in b. */
static const char *seen(struct catalog *catalog, const char *name)
{
    static char texts[4][256];
    static unsigned turn;
    char *text = texts[turn++ % ARRAY_LENGTH(texts)];
    struct table_options options = {.zone = "", .generation = 7};
    struct tableset *set = catalog_build_set(catalog, &options);

    struct dname wire;
    const char *why;
    bool out = false;

    text[0] = '\0';
    assert_int_equal(tableset_generation(set), 7);
    assert_true(dname_from_text(&wire, name, strlen(name), &why));
    for (unsigned view = 0; view < set->length; view++) {
        size_t used = strlen(text);
        const char *said = said_of(tableset_table(set, view), name); /* lives as the table does */
        out = out || strcmp(said, "-") == 0;
        snprintf(text + used, sizeof texts[0] - used, "%s%s", view == 0 ? "" : " ", said);
    }
    assert_int_equal(tableset_lets_out(set, wire.wire), out);
    tableset_free(set);
    return text;
}

static struct catalog *new_catalog(struct view_list *list)
{
    struct catalog *catalog = catalog_new(HOLD);

    *list = (struct view_list){0};
    read_views(list, views);
    catalog_set_views(catalog, list);
    return catalog;
}

static void each_sees_its_own(void **state)
{
    struct view_list list;
    struct catalog *catalog = new_catalog(&list);
    struct catalog_change change;

    (void)state;
    catalog_begin(catalog);
    offer(catalog, "a", connection("plc-a", "1", "*.x.example", ADDRESS(1)), "");
    offer(catalog, "b", connection("plc-b", "2", "*.x.example", ADDRESS(2)),
          connection("plc-c", "1", "*.y.example", ADDRESS(3)));
    offer(catalog, "c", connection("plc-d", "both", "*.z.example", ADDRESS(4)), "");
    offer(catalog, "d", connection("plc-e", "", "*.x.example", ADDRESS(5)),
          connection("plc-f", "9", "*.w.example", ADDRESS(6)));
    catalog_finish(catalog, 0, &change);
    assert_int_equal(change.refused, 0);
    assert_int_equal(change.names_added, 7); /* z counts in both views */
    assert_string_equal(seen(catalog, "k.x.example"), "plc-e plc-a plc-b");
    assert_string_equal(seen(catalog, "k.y.example"), "- plc-c -");
    assert_string_equal(seen(catalog, "k.z.example"), "- plc-d plc-d");
    assert_string_equal(seen(catalog, "k.w.example"), "plc-f - -");
    /* A document that two views share loses the part of one only. */
    catalog_begin(catalog);
    assert_true(catalog_offer_same(catalog, "a"));
    offer(catalog, "b", connection("plc-b", "2", "*.x.example", ADDRESS(2)), "");
    assert_true(catalog_offer_same(catalog, "c"));
    assert_true(catalog_offer_same(catalog, "d"));
    catalog_finish(catalog, 0, &change);
    assert_int_equal(change.names_removed, 1);
    assert_string_equal(seen(catalog, "k.x.example"), "plc-e plc-a plc-b");
    assert_string_equal(seen(catalog, "k.y.example"), "- detached -");
    catalog_free(catalog);
    view_clear(&list);
}

static void conflicts_are_of_one_view(void **state)
{
    static const struct {
        const char *first, *second, *said;
    } rows[] = {
        {"1", "2", ""},
        {"1", "9", ""},
        {"9", "", "b:6: '*.x.example' is attached already by plc-a at a:6"},
        {"1", "1", "b:6: '*.x.example' is attached already by plc-a at a:6 in view a"},
        {"2", "both", "b:6: '*.x.example' is attached already by plc-a at a:6 in view b"},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LENGTH(rows); i++) {
        struct view_list list;
        struct catalog *catalog = new_catalog(&list);
        struct catalog_change change;
        catalog_begin(catalog);
        offer(catalog, "a", connection("plc-a", rows[i].first, "*.x.example", ADDRESS(1)), "");
        offer(catalog, "b", connection("plc-b", rows[i].second, "*.x.example", ADDRESS(2)), "");
        catalog_finish(catalog, 0, &change);
        assert_string_equal(complaint(catalog, 1), rows[i].said);
        assert_int_equal(change.refused, rows[i].said[0] != '\0');
        catalog_free(catalog);
        view_clear(&list);
    }
}

/* One document of several clusters is no conflict in itself, but in a view that sees both. */
static void conflicts_within_a_document(void **state)
{
    static const struct {
        const char *first, *second, *said;
        bool divided;
    } rows[] = {
        {"1", "2", "", true},
        {"1", "2", "a:11: '*.x.example' is attached already by plc-a at a:6", false},
        {"1", "both", "a:11: '*.x.example' is attached already by plc-a at a:6 in view a", true},
        {"1", "1", "a:11: '*.x.example' is attached twice, also at line 6", true},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LENGTH(rows); i++) {
        struct view_list list;
        struct catalog *catalog = new_catalog(&list);
        struct catalog_change change;
        if (!rows[i].divided)
            catalog_set_views(catalog, NULL);
        catalog_begin(catalog);
        offer(catalog, "a", connection("plc-a", rows[i].first, "*.x.example", ADDRESS(1)),
              connection("plc-b", rows[i].second, "*.x.example", ADDRESS(2)));
        catalog_finish(catalog, 0, &change);
        assert_string_equal(complaint(catalog, 0), rows[i].said);
        catalog_free(catalog);
        view_clear(&list);
    }
}

/* Ids are the cloud's: one is used once, whoever sees it.  Names of endpoints are looked up
 * outside, so only a view that owns them is in the way. */
static void ids_and_targets(void **state)
{
    struct view_list list;
    struct catalog *catalog = new_catalog(&list);
    struct catalog_change change;

    (void)state;
    catalog_begin(catalog);
    offer(catalog, "a", connection("plc-a", "1", "*.x.example", ADDRESS(1)), "");
    offer(catalog, "b", connection("plc-a", "2", "*.y.example", ADDRESS(2)), "");
    offer(catalog, "c", connection("plc-c", "2", "*.z.example", "dnsName: k.x.example"), "");
    offer(catalog, "d", connection("plc-d", "1", "*.z.example", "dnsName: k.x.example"), "");
    catalog_finish(catalog, 0, &change);
    assert_string_equal(complaint(catalog, 0), "");
    assert_string_equal(complaint(catalog, 1),
                        "b:2: privateLinkConnectionId 'plc-a' is used already at a:2");
    assert_string_equal(complaint(catalog, 2), "");
    assert_string_equal(
        complaint(catalog, 3),
        "d:5: dnsName 'k.x.example' is owned by 'x.example', attached by plc-a at a:6");
    catalog_free(catalog);
    view_clear(&list);
}

static void a_connection_moves_between_clusters(void **state)
{
    static const struct tombstone_moment moment = {0, 5000000, "boot"};
    struct view_list list;
    struct catalog *catalog = new_catalog(&list);
    struct catalog_change change;
    size_t size, damaged;

    (void)state;
    catalog_begin(catalog);
    offer(catalog, "a", connection("plc-a", "1", "*.x.example", ADDRESS(1)), "");
    catalog_finish(catalog, 0, &change);
    assert_string_equal(seen(catalog, "k.x.example"), "- plc-a -");
    catalog_begin(catalog);
    offer(catalog, "a", connection("plc-a", "2", "*.x.example", ADDRESS(1)), "");
    catalog_finish(catalog, 1000, &change);
    assert_true(change.changed);
    assert_int_equal(change.names_added, 1);
    assert_int_equal(change.names_removed, 1);
    assert_string_equal(seen(catalog, "k.x.example"), "- detached plc-a");
    /* Across a restart, and back again: only view b has lost it then. */
    char *text = catalog_detached(catalog, &moment, &size);
    assert_non_null(strstr(text, " all x.example a\n"));
    struct catalog *next = catalog_new(HOLD);
    catalog_set_views(next, &list);
    catalog_restore_detached(next, text, size, &moment, &damaged);
    assert_int_equal(damaged, 0);
    catalog_begin(next);
    offer(next, "a", connection("plc-a", "2", "*.x.example", ADDRESS(1)), "");
    catalog_finish(next, 0, &change);
    assert_string_equal(seen(next, "k.x.example"), "- detached plc-a");
    catalog_begin(next);
    offer(next, "a", connection("plc-a", "1", "*.x.example", ADDRESS(1)), "");
    catalog_finish(next, 0, &change);
    assert_string_equal(seen(next, "k.x.example"), "- plc-a detached");
    assert_true(catalog_expire(next, HOLD));
    assert_string_equal(seen(next, "k.x.example"), "- plc-a -");
    catalog_free(next);
    /* Views that are not configured any more: the hold is for all. */
    next = catalog_new(HOLD);
    catalog_restore_detached(next, text, size, &moment, &damaged);
    assert_int_equal(damaged, 0);
    catalog_begin(next);
    catalog_finish(next, 0, &change);
    assert_string_equal(seen(next, "k.x.example"), "detached");
    free(text);
    /* And with the first: the same, though one of them has the name again; and so on. */
    text = catalog_detached(next, &moment, &size);
    catalog_free(next);
    for (unsigned i = 0; i < 2; i++) {
        next = catalog_new(HOLD);
        catalog_set_views(next, &list);
        catalog_restore_detached(next, text, size, &moment, &damaged);
        assert_int_equal(damaged, 0);
        catalog_begin(next);
        offer(next, "a", connection("plc-a", "1", "*.x.example", ADDRESS(1)), "");
        catalog_finish(next, 0, &change);
        assert_string_equal(seen(next, "k.x.example"), "detached plc-a detached");
        free(text);
        text = catalog_detached(next, &moment, &size);
        assert_non_null(strstr(text, " all x.example *\n"));
        assert_true(catalog_expire(next, HOLD));
        assert_string_equal(seen(next, "k.x.example"), "- plc-a -");
        catalog_free(next);
    }
    free(text);
    catalog_free(catalog);
    view_clear(&list);
}

/* ---- nothing of one view shows in another ---- */

#define NAMES    4
#define SLOTS    5
#define CLUSTERS 3 /* none, view a's, view b's */

/* Random documents of one cluster each, with names that overlap: all decisions in a view are those
 * of a catalog that knows its documents alone. */
static void views_are_catalogs_of_their_own(void **state)
{
    static const char *const of[CLUSTERS] = {"", "1", "2"};

    (void)state;
    srand(2);
    for (int round = 0; round < 60; round++) {
        struct view_list list;
        struct catalog *joint = new_catalog(&list), *alone[CLUSTERS];
        struct catalog_change change;
        for (int c = 0; c < CLUSTERS; c++)
            alone[c] = catalog_new(HOLD);
        for (uint64_t now = 0; now < 8 * 20000; now += 20000) {
            catalog_begin(joint);
            for (int c = 0; c < CLUSTERS; c++)
                catalog_begin(alone[c]);
            for (int i = 0; i < SLOTS * CLUSTERS; i++) {
                char file[16], id[16], name[32];
                if (rand() % 3 == 0)
                    continue;
                snprintf(file, sizeof file, "d%02d", i);
                snprintf(id, sizeof id, "plc-%d", i);
                snprintf(name, sizeof name, "%sn%d.example", rand() % 2 ? "*." : "",
                         rand() % NAMES);
                const char *text = connection(id, of[i % CLUSTERS], name, ADDRESS(1));
                offer(joint, file, text, "");
                offer(alone[i % CLUSTERS], file, text, "");
            }
            catalog_finish(joint, now, &change);
            (void)catalog_expire(joint, now);
            for (int c = 0; c < CLUSTERS; c++) {
                catalog_finish(alone[c], now, &change);
                (void)catalog_expire(alone[c], now);
            }
            for (int n = 0; n < 2 * NAMES; n++) {
                char name[32], want[256] = "";
                snprintf(name, sizeof name, "%sn%d.example", n % 2 ? "k." : "", n / 2);
                for (int c = 0; c < CLUSTERS; c++)
                    snprintf(want + strlen(want), sizeof want - strlen(want), "%s%s",
                             c == 0 ? "" : " ", seen(alone[c], name));
                const char *is = seen(joint, name);
                if (strcmp(is, want) != 0)
                    fail_msg("round %d, %s: alone %s, together %s", round, name, want, is);
            }
        }
        for (int c = 0; c < CLUSTERS; c++)
            catalog_free(alone[c]);
        catalog_free(joint);
        view_clear(&list);
    }
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_written),
        cmocka_unit_test(who_is_in_which),
        cmocka_unit_test(longest_prefix_wins),
        cmocka_unit_test(too_much_is_refused),
        cmocka_unit_test(each_sees_its_own),
        cmocka_unit_test(conflicts_are_of_one_view),
        cmocka_unit_test(conflicts_within_a_document),
        cmocka_unit_test(ids_and_targets),
        cmocka_unit_test(a_connection_moves_between_clusters),
        cmocka_unit_test(views_are_catalogs_of_their_own),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
