/* What becomes of a rule's addresses: names of endpoints, and addresses that do not answer. */
#include "verdict.h"

#include <arpa/inet.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "dname.h"
#include "handmade.h"
#include "note.h"
#include "table.h"

#define SINCE 1763737200u /* 2025-11-21T15:00:00Z */

static struct connection_address address_of(const char *text)
{
    struct connection_address address = {.v6 = strchr(text, ':') != NULL};

    assert_int_equal(inet_pton(address.v6 ? AF_INET6 : AF_INET, text, address.bytes), 1);
    return address;
}

/* Addresses separated by blanks; returns how many. */
static unsigned addresses_of(const char *texts, struct connection_address *out)
{
    char copy[2048], *rest = copy, *one;
    unsigned length = 0;

    snprintf(copy, sizeof copy, "%s", texts);
    while ((one = strsep(&rest, " ")) != NULL) {
        if (*one != '\0')
            out[length++] = address_of(one);
    }
    return length;
}

static struct health *sick(const struct connection_health *check, const char *texts)
{
    struct connection_address all[ANSWER_RECORDS_MAX];
    struct health_entry entries[ANSWER_RECORDS_MAX];
    unsigned length = addresses_of(texts, all);

    for (unsigned i = 0; i < length; i++)
        entries[i] = (struct health_entry){{all[i], *check}, SINCE};
    return health_make(entries, length);
}

static char *write_addresses(const struct verdict *verdict, char *text, size_t size)
{
    size_t used = 0;

    text[0] = '\0';
    for (unsigned i = 0; i < verdict->length; i++) {
        char one[INET6_ADDRSTRLEN];
        inet_ntop(verdict->addresses[i].v6 ? AF_INET6 : AF_INET, verdict->addresses[i].bytes, one,
                  sizeof one);
        used += (size_t)snprintf(text + used, size - used, "%s%s", i == 0 ? "" : " ", one);
    }
    return text;
}

struct taken {
    struct verdict verdict;
    struct verdict_facts facts;
};

static void take(void *arg, const struct domain_rule *rule)
{
    struct taken *taken = arg;

    verdict_of(&taken->verdict, rule, &taken->facts);
}

/* ---- health ---- */

static const struct {
    const char *what, *addresses;
    unsigned percent;
    const char *sick, *left, *note;
} health_rows[] = {
    {"nobody is sick", "10.0.0.1 10.0.0.2", 50, "", "10.0.0.1 10.0.0.2", ""},
    {"one of two", "10.0.0.1 10.0.0.2", 50, "10.0.0.1", "10.0.0.2",
     "withdrawn=10.0.0.1@2025-11-21T15:00:00Z"},
    {"one of two is too few", "10.0.0.1 10.0.0.2", 51, "10.0.0.1", "10.0.0.1 10.0.0.2",
     "unhealthy=10.0.0.1@2025-11-21T15:00:00Z"},
    {"all of two", "10.0.0.1 10.0.0.2", 50, "10.0.0.2 10.0.0.1", "10.0.0.1 10.0.0.2",
     "unhealthy=10.0.0.1@2025-11-21T15:00:00Z,10.0.0.2@2025-11-21T15:00:00Z"},
    {"never none", "10.0.0.1 10.0.0.2", 0, "10.0.0.2 10.0.0.1", "10.0.0.1 10.0.0.2",
     "unhealthy=10.0.0.1@2025-11-21T15:00:00Z,10.0.0.2@2025-11-21T15:00:00Z"},
    {"down to one", "10.0.0.1 10.0.0.2 10.0.0.3", 0, "10.0.0.3 10.0.0.1", "10.0.0.2",
     "withdrawn=10.0.0.1@2025-11-21T15:00:00Z,10.0.0.3@2025-11-21T15:00:00Z"},
    {"half of three is two", "10.0.0.1 10.0.0.2 10.0.0.3", 50, "10.0.0.3 10.0.0.1",
     "10.0.0.1 10.0.0.2 10.0.0.3",
     "unhealthy=10.0.0.1@2025-11-21T15:00:00Z,10.0.0.3@2025-11-21T15:00:00Z"},
    {"all must answer", "10.0.0.1 10.0.0.2", 100, "10.0.0.2", "10.0.0.1 10.0.0.2",
     "unhealthy=10.0.0.2@2025-11-21T15:00:00Z"},
    {"each family alone", "10.0.0.1 10.0.0.2 fd00::1", 50, "10.0.0.1 fd00::1", "10.0.0.2 fd00::1",
     "withdrawn=10.0.0.1@2025-11-21T15:00:00Z unhealthy=fd00::1@2025-11-21T15:00:00Z"},
    {"somebody else's", "10.0.0.1 10.0.0.2", 50, "10.0.0.9", "10.0.0.1 10.0.0.2", ""},
};

static void test_health(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LENGTH(health_rows); i++) {
        struct document *document = handmade_new("a.yaml");
        struct connection *connection = handmade_connection(document, "plc-1");
        struct taken taken = {.facts = {.own_zone = ""}};
        char text[2048], note[NOTE_MAX];
        connection->health = (struct connection_health){
            true, 9092, 1000, 500, 1, 1, (uint8_t)health_rows[i].percent};
        struct health *health = sick(&connection->health, health_rows[i].sick);
        taken.facts.health = health;
        handmade_endpoint(document, connection, "", health_rows[i].addresses);
        handmade_custom(document, connection, "a.example");
        domain_rules(connection, take, &taken);
        write_addresses(&taken.verdict, text, sizeof text);
        note_write(&taken.verdict, note);
        if (strcmp(text, health_rows[i].left) != 0 || strcmp(note, health_rows[i].note) != 0)
            fail_msg("%s: %s; %s", health_rows[i].what, text, note);
        health_free(health);
        handmade_free(document);
    }
}

/* Another way of trying is another health; the own zone's addresses stay in front. */
static void test_health_of_others(void **state)
{
    struct document *document = handmade_new("a.yaml");
    struct connection *connection = handmade_connection(document, "plc-1");
    struct connection_health others = {true, 9093, 1000, 500, 1, 1, 50};
    struct taken taken = {.facts = {.own_zone = "use1-az2"}};
    char text[2048];

    (void)state;
    connection->health = (struct connection_health){true, 9092, 1000, 500, 1, 1, 50};
    handmade_endpoint(document, connection, "use1-az1", "10.0.0.1 10.0.0.2");
    handmade_endpoint(document, connection, "use1-az2", "10.0.0.3 10.0.0.4");
    handmade_custom(document, connection, "a.example");
    struct health *health = sick(&others, "10.0.0.1");
    taken.facts.health = health;
    domain_rules(connection, take, &taken);
    assert_string_equal(write_addresses(&taken.verdict, text, sizeof text),
                        "10.0.0.3 10.0.0.4 10.0.0.1 10.0.0.2");
    health_free(health);
    others.port = 9092;
    health = sick(&others, "10.0.0.3 10.0.0.1");
    taken.facts.health = health;
    domain_rules(connection, take, &taken);
    assert_string_equal(write_addresses(&taken.verdict, text, sizeof text), "10.0.0.4 10.0.0.2");
    assert_int_equal(taken.verdict.preferred, 1);
    connection->health.on = false;
    domain_rules(connection, take, &taken);
    assert_int_equal(taken.verdict.length, 4);
    health_free(health);
    handmade_free(document);
}

/* ---- names of endpoints ---- */

/* A book of one name. */
static struct targets *book_of(const char *name, const char *addresses, const char *trouble)
{
    struct connection_address all[ANSWER_RECORDS_MAX];
    struct dname wire = handmade_dname(name);
    struct targets_entry entry = {.name = wire.wire, .addresses = all, .trouble = trouble};

    entry.length = addresses_of(addresses, all);
    entry.trouble_since = trouble[0] == '\0' ? 0 : SINCE;
    return targets_make(&entry, 1);
}

static const struct {
    const char *what, *book, *addresses, *trouble, *left, *note;
    enum verdict_kind kind;
} target_rows[] = {
    {"resolved", "b.example", "10.0.0.8 10.0.0.9 fd00::9", "", "10.0.0.1 10.0.0.8 10.0.0.9 fd00::9",
     "", VERDICT_ANSWER},
    {"twice the same", "b.example", "10.0.0.1", "", "10.0.0.1", "", VERDICT_ANSWER},
    {"stale", "b.example", "10.0.0.8", "NXDOMAIN", "10.0.0.1 10.0.0.8",
     "stale=b.example@2025-11-21T15:00:00Z(NXDOMAIN)", VERDICT_ANSWER},
    {"failing", "b.example", "", "timeout", "10.0.0.1",
     "unresolved=b.example@2025-11-21T15:00:00Z(timeout)", VERDICT_ANSWER},
    {"not known", "c.example", "10.0.0.8", "", "10.0.0.1", "unresolved=b.example(pending)",
     VERDICT_ANSWER},
};

static void test_targets(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LENGTH(target_rows); i++) {
        struct document *document = handmade_new("a.yaml");
        struct connection *connection = handmade_connection(document, "plc-1");
        struct dname target = handmade_dname("b.example");
        struct targets *book =
            book_of(target_rows[i].book, target_rows[i].addresses, target_rows[i].trouble);
        struct taken taken = {.facts = {.own_zone = "", .targets = book}};
        char text[2048], note[NOTE_MAX];
        handmade_endpoint(document, connection, "", "10.0.0.1");
        handmade_endpoint(document, connection, "", "")->target = target.wire;
        handmade_endpoint(document, connection, "", "")->target = target.wire;
        handmade_custom(document, connection, "a.example");
        domain_rules(connection, take, &taken);
        write_addresses(&taken.verdict, text, sizeof text);
        note_write(&taken.verdict, note);
        if (strcmp(text, target_rows[i].left) != 0 || strcmp(note, target_rows[i].note) != 0 ||
            taken.verdict.kind != target_rows[i].kind)
            fail_msg("%s: %s; %s", target_rows[i].what, text, note);
        targets_free(book);
        handmade_free(document);
    }
}

/* Until its name is resolved a rule is not ready, and says why. */
static void test_unresolved(void **state)
{
    struct document *document = handmade_new("a.yaml");
    struct connection *connection = handmade_connection(document, "plc-1");
    struct dname target = handmade_dname("b.example"), owner = handmade_dname("a.example");
    struct table_options options = {.zone = "", .generation = 1};
    struct table_match match;
    struct table_why why;

    (void)state;
    handmade_endpoint(document, connection, "", "")->target = target.wire;
    handmade_custom(document, connection, "a.example");
    struct table *table = table_build(&options, &document, 1);
    table_find(table, owner.wire, &match);
    assert_int_equal(match.outcome, TABLE_NOT_READY);
    table_describe(table, match.rule, &why);
    assert_string_equal(why.message, "the name of its endpoint is not resolved yet");
    assert_string_equal(why.note, "unresolved=b.example(pending)");
    table_free(table);

    struct targets *book = book_of("b.example", "10.0.0.8", "");
    options.targets = book;
    table = table_build(&options, &document, 1);
    targets_free(book); /* the table has copies */
    table_find(table, owner.wire, &match);
    assert_int_equal(match.outcome, TABLE_ANSWER);
    assert_int_equal(match.answer->a_count, 1);
    table_describe(table, match.rule, &why);
    assert_string_equal(why.note, "");
    table_free(table);
    handmade_free(document);
}

/* A question for A is no empty answer as long as a name may still turn out to have IPv4. */
static void test_one_family(void **state)
{
    static const struct {
        const char *own, *resolved;
        bool v4_told;
        enum table_outcome a, aaaa;
    } rows[] = {
        {"", "fd00::1", false, TABLE_NOT_READY, TABLE_ANSWER},
        {"", "fd00::1", true, TABLE_ANSWER, TABLE_ANSWER},
        {"", "10.0.0.8", true, TABLE_ANSWER, TABLE_ANSWER},
        {"fd00::2", "", false, TABLE_NOT_READY, TABLE_ANSWER},
        {"fd00::2", "", true, TABLE_ANSWER, TABLE_ANSWER},
        {"10.0.0.1", "", false, TABLE_ANSWER, TABLE_ANSWER},
        {"", "", false, TABLE_NOT_READY, TABLE_NOT_READY},
    };
    struct dname target = handmade_dname("b.example"), owner = handmade_dname("a.example");

    (void)state;
    for (size_t i = 0; i < ARRAY_LENGTH(rows); i++) {
        struct document *document = handmade_new("a.yaml");
        struct connection *connection = handmade_connection(document, "plc-1");
        struct connection_address all[ANSWER_RECORDS_MAX];
        struct targets_entry entry = {
            .name = target.wire, .addresses = all, .trouble = "", .v4_told = rows[i].v4_told};
        entry.length = addresses_of(rows[i].resolved, all);
        struct targets *book = targets_make(&entry, 1);
        struct table_options options = {.zone = "", .generation = 1, .targets = book};
        handmade_endpoint(document, connection, "", "")->target = target.wire;
        if (rows[i].own[0] != '\0')
            handmade_endpoint(document, connection, "", rows[i].own);
        handmade_custom(document, connection, "a.example");
        struct table *table = table_build(&options, &document, 1);
        for (unsigned v6 = 0; v6 < 2; v6++) {
            struct table_match match;
            table_find(table, owner.wire, &match);
            table_narrow(&match, v6 ? ANSWER_AAAA : ANSWER_A);
            if (match.outcome != (v6 ? rows[i].aaaa : rows[i].a))
                fail_msg("row %zu: %d", i, match.outcome);
        }
        table_free(table);
        targets_free(book);
        handmade_free(document);
    }
}

/* However many addresses names have, a rule has no more than its limit; and a note is cut. */
static void test_limits(void **state)
{
    struct document *document = handmade_new("a.yaml");
    struct connection *connection = handmade_connection(document, "plc-1");
    struct connection_address all[CONNECTION_ENDPOINTS_MAX][2 * CONNECTION_ADDRESSES_MAX];
    struct targets_entry entries[CONNECTION_ENDPOINTS_MAX];
    struct dname names[CONNECTION_ENDPOINTS_MAX];
    struct taken taken = {.facts = {.own_zone = ""}};
    char note[NOTE_MAX], text[64];

    (void)state;
    for (unsigned i = 0; i < CONNECTION_ENDPOINTS_MAX; i++) {
        snprintf(text, sizeof text, "a-rather-long-name-%u.example", i);
        names[i] = handmade_dname(text);
        for (unsigned a = 0; a < 2 * CONNECTION_ADDRESSES_MAX; a++)
            all[i][a] = (struct connection_address){false, {10, 0, (uint8_t)i, (uint8_t)a}};
        entries[i] = (struct targets_entry){names[i].wire, all[i], 32, true, SINCE, "timeout"};
        handmade_endpoint(document, connection, "", "")->target = names[i].wire;
    }
    handmade_custom(document, connection, "a.example");
    struct targets *book = targets_make(entries, CONNECTION_ENDPOINTS_MAX);
    taken.facts.targets = book;
    domain_rules(connection, take, &taken);
    assert_int_equal(taken.verdict.length, ANSWER_RECORDS_MAX);
    note_write(&taken.verdict, note);
    assert_in_range(strlen(note), NOTE_MAX - 100, NOTE_MAX - 1);
    assert_int_equal(note[strlen(note) - 1], ')');
    targets_free(book);
    handmade_free(document);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_health),     cmocka_unit_test(test_health_of_others),
        cmocka_unit_test(test_targets),    cmocka_unit_test(test_unresolved),
        cmocka_unit_test(test_one_family), cmocka_unit_test(test_limits),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
