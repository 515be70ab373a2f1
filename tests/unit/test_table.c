/* The table: whose a name is, what decides, what is told about it.  Wildcards in general are the
 * model test's (tests/model/); here stand the rows one wants to read. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "handmade.h"
#include "table.h"

#define U  "dvs6nl5jgveztmla3pxkxgh76i"
#define US U ".aws.plc.tidbcloud.com"

static const char *const words[] = {
    [TABLE_NOT_OWNED] = "not owned", [TABLE_ANSWER] = "answer",       [TABLE_EMPTY] = "empty",
    [TABLE_NXDOMAIN] = "nxdomain",   [TABLE_NOT_READY] = "not ready", [TABLE_GONE] = "gone",
    [TABLE_NO_ZONE] = "no zone",     [TABLE_DETACHED] = "detached",   [TABLE_FENCED] = "fenced",
    [TABLE_SEARCH] = "search",
};

/* "answer rule=*.x at=2 a=10.0.0.1,10.0.0.2 regional": all that a look-up says, in one line. */
static const char *say(const struct table *table, const char *qname)
{
    static char line[4096];
    struct dname name = handmade_dname(qname);
    struct table_match match;
    int size;

    table_find(table, name.wire, &match);
    size = snprintf(line, sizeof(line), "%s", words[match.outcome]);
    if (match.rule != NULL) {
        struct table_why why;
        table_describe(table, match.rule, &why);
        size += snprintf(line + size, sizeof(line) - (size_t)size, " rule=%s", why.owner);
    }
    if (match.outcome != TABLE_NOT_OWNED) {
        size += snprintf(line + size, sizeof(line) - (size_t)size, " at=%u", match.root_offset);
    }
    assert_int_equal(match.outcome == TABLE_ANSWER, match.answer != NULL);
    for (unsigned i = 0; match.answer != NULL && i < match.answer->a_count; i++) {
        size += snprintf(line + size, sizeof(line) - (size_t)size, "%s%u", i == 0 ? " a=" : ",",
                         match.answer->addresses[4 * i + 3]);
    }
    if (match.answer != NULL && answer_preferred(match.answer).a > 0) {
        size += snprintf(line + size, sizeof(line) - (size_t)size, " own=%u",
                         answer_preferred(match.answer).a);
    }
    snprintf(line + size, sizeof(line) - (size_t)size, "%s%s",
             match.regional_fallback ? " regional" : "", match.placeholder ? " placeholder" : "");
    return line;
}

struct row {
    const char *qname, *says;
};

static void check(const struct table *table, const struct row *rows, size_t length)
{
    for (size_t i = 0; i < length; i++) {
        const char *said = say(table, rows[i].qname);
        if (strcmp(said, rows[i].says) != 0) {
            fail_msg("%s: says '%s', wanted '%s'", rows[i].qname, said, rows[i].says);
        }
    }
}

static const struct table_options plain = {.key = {7, 9}, .generation = 3, .zone = ""};

/* One connection with two zones, typed; one CUSTOM. */
static struct document *typical(void)
{
    struct document *document = handmade_new("kafka.yaml");
    struct connection *kafka = handmade_connection(document, "plc-1");
    struct connection *custom = handmade_connection(document, "plc-2");

    handmade_endpoint(document, kafka, "use1-az1", "10.0.0.1 10.0.0.2");
    handmade_endpoint(document, kafka, "use1-az2", "10.0.0.3");
    handmade_typed(document, kafka, US);
    handmade_endpoint(document, custom, "", "10.0.0.9");
    handmade_custom(document, custom,
                    "db-1.rds.amazonaws.com *.c3.kafka.amazonaws.com "
                    "x.y.c3.kafka.amazonaws.com");
    return document;
}

static const struct row typical_rows[] = {
    {"b1." US, "answer rule=*." US " at=3 a=1,2,3"},
    {"b1.use1-az1." US, "answer rule=*.use1-az1." US " at=12 a=1,2"},
    {"a.b.USE1-AZ2." US, "answer rule=*.use1-az2." US " at=13 a=3"},
    {"use1-az1." US, "empty at=9"},
    {US, "empty at=0"},
    {"*." US, "answer rule=*." US " at=2 a=1,2,3"},
    {"a.*." US, "nxdomain at=4"},
    {"*.use1-az1." US, "answer rule=*.use1-az1." US " at=11 a=1,2"},
    {"b1.use1-az9." US, "no zone rule=*." US " at=12"},
    {"use1-az9." US, "no zone rule=*." US " at=9"},
    {"us-east-1a." US, "answer rule=*." US " at=11 a=1,2,3"}, /* a zone's name is no zone id */
    {"aws.plc.tidbcloud.com", "not owned"},
    {"x" US, "not owned"},
    {US ".evil.example", "not owned"},
    {"b1." U "x.aws.plc.tidbcloud.com", "not owned"},
    {".", "not owned"},
    {"com", "not owned"},
    {"db-1.rds.amazonaws.com", "answer rule=db-1.rds.amazonaws.com at=0 a=9"},
    {"DB-1.rds.amazonaws.com.", "answer rule=db-1.rds.amazonaws.com at=0 a=9"},
    {"x.db-1.rds.amazonaws.com", "not owned"},
    {"rds.amazonaws.com", "not owned"},
    {"c3.kafka.amazonaws.com", "empty at=0"},
    {"b.c3.kafka.amazonaws.com", "answer rule=*.c3.kafka.amazonaws.com at=2 a=9"},
    {"use1-az9.c3.kafka.amazonaws.com", "answer rule=*.c3.kafka.amazonaws.com at=9 a=9"},
    {"y.c3.kafka.amazonaws.com", "empty at=2"},
    {"z.y.c3.kafka.amazonaws.com", "nxdomain at=4"},
    {"x.y.c3.kafka.amazonaws.com", "answer rule=x.y.c3.kafka.amazonaws.com at=4 a=9"},
    {"z.x.y.c3.kafka.amazonaws.com", "nxdomain at=6"},
    {"b1.unique_name.aws.plc.tidbcloud.com", "not owned placeholder"},
    {"b1.UNIQUE_name.aws.plc.tidbcloud.com", "not owned placeholder"},
    {"b1.unique-name.aws.plc.tidbcloud.com", "not owned"},
    {"unique_name." US, "answer rule=*." US " at=12 a=1,2,3 placeholder"},
};

static void test_typical(void **state)
{
    struct document *document = typical();
    struct table *table = table_build(&plain, &document, 1);

    (void)state;
    handmade_free(document); /* the table has copies */
    check(table, typical_rows, ARRAY_LENGTH(typical_rows));
    assert_int_equal(table_names(table), 6);
    assert_int_equal(table_connections(table), 2);
    assert_int_equal(table_documents(table), 1);
    assert_int_equal(table_generation(table), 3);
    assert_true(table_bytes(table) > 500 && table_bytes(table) < 5000);
    table_free(table);
}

static void test_own_zone(void **state)
{
    struct document *document = typical();
    struct table_options options = plain;
    static const struct row rows[] = {
        {"b1." US, "answer rule=*." US " at=3 a=3,1,2 own=1"},
        {"b1.use1-az1." US, "answer rule=*.use1-az1." US " at=12 a=1,2"},
        {"b1.use1-az2." US, "answer rule=*.use1-az2." US " at=12 a=3"},
    };

    (void)state;
    options.zone = "use1-az2";
    struct table *table = table_build(&options, &document, 1);
    check(table, rows, ARRAY_LENGTH(rows));
    table_free(table);
    handmade_free(document);
}

#define MISSED " b1.use1-az7." US " *.x.use1-az6." US " use1-az5." US /* without endpoint */

static void test_zones(void **state)
{
    static const struct row regional[] = {
        {"b1.use1-az9." US, "answer rule=*." US " at=12 a=1,3 regional"},
        {"use1-az9." US, "answer rule=*." US " at=9 a=1,3 regional"},
        {"b1.use1-az1." US, "answer rule=*.use1-az1." US " at=12 a=1"},
        {"b1." US, "answer rule=*." US " at=3 a=1,3"},
    };
    static const struct row agnostic[] = {
        {"b1.use1-az9." US, "answer rule=*." US " at=12 a=1"},
        {"use1-az9." US, "answer rule=*." US " at=9 a=1"},
    };
    /* Names written out: one zone without "*.U", zones without endpoint behind "*." and others. */
    static const struct row strict_names[] = {
        {"b1.use1-az1." US, "answer rule=*.use1-az1." US " at=12 a=1"},
        {"b1.use1-az2." US, "nxdomain at=12"},
        {"b1.use1-az9." US, "no zone at=12"},
        {"b1.use1-az7." US, "no zone at=12"},
        {"a.x.use1-az6." US, "no zone at=13"},
        {"use1-az5." US, "no zone at=9"},
        {"b1." US, "nxdomain at=3"},
    };
    static const struct row regional_names[] = {
        {"b1.use1-az1." US, "answer rule=*.use1-az1." US " at=12 a=1"},
        {"b1.use1-az2." US, "nxdomain at=12"},
        {"b1.use1-az9." US, "answer rule=*.use1-az9." US " at=12 a=1,3 regional"},
        {"b1.use1-az8." US, "nxdomain at=12"},
        {"b1.use1-az7." US, "answer rule=b1.use1-az7." US " at=12 a=1,3 regional"},
        {"a.x.use1-az6." US, "answer rule=*.x.use1-az6." US " at=13 a=1,3 regional"},
        {"use1-az5." US, "answer rule=use1-az5." US " at=9 a=1,3 regional"},
    };
    /* "*.U" has the zones behind it, whatever else is written. */
    static const struct row listed[] = {
        {"b1." US, "answer rule=*." US " at=3 a=1,3"},
        {"b1.use1-az1." US, "answer rule=*.use1-az1." US " at=12 a=1"},
        {"a.b.USE1-az2." US, "answer rule=*.use1-az2." US " at=13 a=3"},
        {"b1.use1-az9." US, "no zone rule=*." US " at=12"},
        {"use1-az2." US, "empty at=9"},
        {"*.use1-az2." US, "answer rule=*.use1-az2." US " at=11 a=3"},
        {US, "empty at=0"},
    };
    static const struct row listed_beside[] = {
        {"b1." US, "answer rule=*." US " at=3 a=1,3"},
        {"b1.use1-az1." US, "answer rule=b1.use1-az1." US " at=12 a=1"},
        {"b2.use1-az1." US, "answer rule=*.use1-az1." US " at=12 a=1"},
        {"a.x.use1-az2." US, "answer rule=*.x.use1-az2." US " at=13 a=3"},
        {"x.use1-az2." US, "empty at=11"},
        {"b1.use1-az2." US, "answer rule=*.use1-az2." US " at=12 a=3"},
        {"use1-az1." US, "answer rule=use1-az1." US " at=9 a=1"},
        {"b1.use1-az9." US, "no zone rule=*." US " at=12"},
        {"a.use1-az1.b2." US, "answer rule=*.use1-az1.b2." US " at=14 a=1,3"},
    };
    static const struct row hosts[] = {
        {"b1.use1-az1." US, "answer rule=b1.use1-az1." US " at=12 a=1"},
        {"b1." US, "answer rule=b1." US " at=3 a=1,3"},
        {"b2.use1-az1." US, "nxdomain at=12"},
        {"b2." US, "nxdomain at=3"},
    };
    static const struct {
        enum connection_fallback fallback;
        const char *first, *second, *names; /* zones; names written out, if any */
        const struct row *rows;
        size_t length;
    } cases[] = {
        {CONNECTION_REGIONAL, "use1-az1", "use1-az2", NULL, regional, ARRAY_LENGTH(regional)},
        {CONNECTION_STRICT, "", NULL, NULL, agnostic, ARRAY_LENGTH(agnostic)},
        {CONNECTION_STRICT, "use1-az1", "use1-az2", "*.use1-az1." US " *.use1-az9." US MISSED,
         strict_names, ARRAY_LENGTH(strict_names)},
        {CONNECTION_REGIONAL, "use1-az1", "use1-az2", "*.use1-az1." US " *.use1-az9." US MISSED,
         regional_names, ARRAY_LENGTH(regional_names)},
        {CONNECTION_STRICT, "use1-az1", "use1-az2", "*." US, listed, ARRAY_LENGTH(listed)},
        {CONNECTION_STRICT, "use1-az1", "use1-az2", "*." US " *.use1-az2." US, listed,
         ARRAY_LENGTH(listed)},
        {CONNECTION_STRICT, "use1-az1", "use1-az2",
         "b1.use1-az1." US " *." US " *.x.use1-az2." US " use1-az1." US " b1.use1-az9." US
         " *.use1-az1.b2." US,
         listed_beside, ARRAY_LENGTH(listed_beside)},
        {CONNECTION_REGIONAL, "use1-az1", "use1-az2", "b1.use1-az1." US " b1." US, hosts,
         ARRAY_LENGTH(hosts)},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LENGTH(cases); i++) {
        struct document *document = handmade_new("d");
        struct connection *connection = handmade_connection(document, "plc");
        connection->fallback = cases[i].fallback;
        handmade_endpoint(document, connection, cases[i].first, "10.0.0.1");
        if (cases[i].second != NULL) {
            handmade_endpoint(document, connection, cases[i].second, "10.0.0.3");
        }
        struct connection_domain *domain = handmade_typed(document, connection, US);
        if (cases[i].names != NULL) {
            handmade_names(document, domain, cases[i].names);
        }
        struct table *table = table_build(&plain, &document, 1);
        check(table, cases[i].rows, cases[i].length);
        table_free(table);
        handmade_free(document);
    }
}

/* What a written "*.U" says of zones gives way to whoever writes their names, first or last, and
 * has the state of that "*.U". */
static void test_implied(void **state)
{
    static const struct row rows[] = {
        {"b1." US, "answer rule=*." US " at=3 a=1,2"},
        {"b1.use1-az1." US, "answer rule=*.use1-az1." US " at=12 a=1"},
        {"b1.use1-az2." US, "answer rule=*.use1-az2." US " at=12 a=9"},
        {"b1.use1-az3." US, "answer rule=*.use1-az3." US " at=12 a=9"},
    };
    static const struct row not_ready[] = {
        {"b1.use1-az1." US, "not ready rule=*.use1-az1." US " at=12"},
        {"b1.use1-az2." US, "answer rule=*.use1-az2." US " at=12 a=9"},
    };

    (void)state;
    for (int first = 0; first < 2; first++) {
        struct document *document = handmade_new("d");
        struct connection *two[] = {handmade_connection(document, "plc-1"),
                                    handmade_connection(document, "plc-2")};
        struct connection *connection = two[first], *other = two[1 - first];
        handmade_endpoint(document, connection, "use1-az1", "10.0.0.1");
        handmade_endpoint(document, connection, "use1-az2", "10.0.0.2");
        handmade_endpoint(document, other, "", "10.0.0.9");
        struct connection_domain *domain = handmade_typed(document, connection, US);
        handmade_names(document, domain, "*." US);
        handmade_names(document, handmade_typed(document, other, US),
                       "*.use1-az2." US " *.use1-az3." US);
        struct table *table = table_build(&plain, &document, 1);
        check(table, rows, ARRAY_LENGTH(rows));
        assert_int_equal(table_names(table), 4);
        table_free(table);

        handmade_name(domain, 0)->state = STATE_NOT_READY;
        table = table_build(&plain, &document, 1);
        check(table, not_ready, ARRAY_LENGTH(not_ready));
        struct table_match match;
        struct table_why why;
        table_find(table, handmade_dname("b1.use1-az1." US).wire, &match);
        table_describe(table, match.rule, &why);
        assert_string_equal(why.zone, "use1-az1");
        assert_int_equal(why.line, handmade_name(domain, 0)->line);
        table_free(table);
        handmade_free(document);
    }
}

/* Who decides: U usable, N not ready, G gone; of connection, domain, written name, both endpoints.
 */
static const struct {
    char connection, domain, name, first, second;
    const char *says, *state;
} states[] = {
    {'U', 'U', 'U', 'U', 'U', "answer rule=*.b.c at=2 a=1,2", "connection"},
    {'U', 'U', 'U', 'N', 'U', "answer rule=*.b.c at=2 a=2", "connection"},
    {'U', 'U', 'U', 'G', 'U', "answer rule=*.b.c at=2 a=2", "connection"},
    {'U', 'U', 'U', 'N', 'N', "not ready rule=*.b.c at=2", "first"},
    {'U', 'U', 'U', 'G', 'N', "not ready rule=*.b.c at=2", "second"},
    {'U', 'U', 'U', 'G', 'G', "gone rule=*.b.c at=2", "second"},
    {'N', 'U', 'U', 'U', 'U', "not ready rule=*.b.c at=2", "connection"},
    {'N', 'U', 'U', 'G', 'G', "not ready rule=*.b.c at=2", "connection"},
    {'G', 'U', 'U', 'U', 'U', "gone rule=*.b.c at=2", "connection"},
    {'U', 'N', 'U', 'U', 'U', "not ready rule=*.b.c at=2", "domain"},
    {'U', 'G', 'U', 'U', 'U', "gone rule=*.b.c at=2", "domain"},
    {'U', 'U', 'N', 'U', 'U', "not ready rule=*.b.c at=2", "name"},
    {'U', 'U', 'G', 'U', 'U', "gone rule=*.b.c at=2", "name"},
    {'N', 'G', 'U', 'U', 'U', "gone rule=*.b.c at=2", "domain"},
    {'N', 'N', 'G', 'U', 'U', "gone rule=*.b.c at=2", "name"},
    {'G', 'N', 'N', 'U', 'U', "gone rule=*.b.c at=2", "connection"},
    {'N', 'N', 'N', 'N', 'N', "not ready rule=*.b.c at=2", "connection"},
    {'U', 'U', 'U', '-', '-', "not ready rule=*.b.c at=2", "connection"}, /* no endpoint */
    {'U', 'U', 'U', 'E', 'E', "not ready rule=*.b.c at=2", "connection"}, /* no address */
    {'U', 'U', 'U', 'G', 'E', "not ready rule=*.b.c at=2", "connection"},
};

static enum state state_for(char c)
{
    return c == 'N' ? STATE_NOT_READY : c == 'G' ? STATE_GONE : STATE_USABLE;
}

static void test_states(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LENGTH(states); i++) {
        struct document *document = handmade_new("d.yaml");
        struct connection *connection = handmade_connection(document, "plc");
        const char each[] = {states[i].first, states[i].second};
        connection->state = state_for(states[i].connection);
        connection->state_word = "connection";
        for (size_t e = 0; e < 2; e++) {
            if (each[e] == '-') {
                continue;
            }
            const char *addresses = each[e] == 'E' ? "" : e == 0 ? "10.0.0.1" : "10.0.0.2";
            struct connection_endpoint *endpoint =
                handmade_endpoint(document, connection, "", addresses);
            endpoint->state = state_for(each[e]);
            endpoint->state_word = e == 0 ? "first" : "second";
            endpoint->message = "from the endpoint";
        }
        struct connection_domain *domain = handmade_custom(document, connection, "*.b.c other.b.c");
        domain->state = state_for(states[i].domain);
        domain->state_word = "domain";
        handmade_name(domain, 0)->state = state_for(states[i].name);
        handmade_name(domain, 0)->state_word = "name";

        struct table *table = table_build(&plain, &document, 1);
        check(table, &(struct row){"a.b.c", states[i].says}, 1);
        check(table, &(struct row){"b.c", "empty at=0"}, 1);
        struct table_match match;
        struct table_why why;
        table_find(table, (const uint8_t *)"\1a\1b\1c", &match);
        table_describe(table, match.rule, &why);
        assert_string_equal(why.state, states[i].state);
        assert_string_equal(why.connection, "plc");
        assert_string_equal(why.cluster, "cluster");
        assert_string_equal(why.document, "d.yaml");
        assert_int_equal(why.line, handmade_name(domain, 0)->line);
        /* Siblings of a written name that is not usable are not touched. */
        if (states[i].connection == 'U' && states[i].domain == 'U' && states[i].first == 'U') {
            check(table, &(struct row){"other.b.c", "answer rule=other.b.c at=6 a=1,2"}, 1);
        }
        table_free(table);
        handmade_free(document);
    }
}

/* A zonal rule looks at its own zone's endpoints only. */
static void test_zonal_states(void **state)
{
    static const struct row rows[] = {
        {"b1.use1-az1." US, "not ready rule=*.use1-az1." US " at=12"},
        {"b1.use1-az2." US, "gone rule=*.use1-az2." US " at=12"},
        {"b1.use1-az3." US, "answer rule=*.use1-az3." US " at=12 a=3"},
        {"b1." US, "answer rule=*." US " at=3 a=3"},
    };
    struct document *document = handmade_new("d");
    struct connection *connection = handmade_connection(document, "plc");

    (void)state;
    handmade_endpoint(document, connection, "use1-az1", "10.0.0.1")->state = STATE_NOT_READY;
    handmade_endpoint(document, connection, "use1-az2", "10.0.0.2")->state = STATE_GONE;
    handmade_endpoint(document, connection, "use1-az3", "10.0.0.3 10.0.0.3");
    handmade_typed(document, connection, US);
    struct table *table = table_build(&plain, &document, 1);
    check(table, rows, ARRAY_LENGTH(rows));
    table_free(table);

    /* A zone id without endpoint: what is wrong with the connection comes first. */
    connection->state = STATE_GONE;
    table = table_build(&plain, &document, 1);
    check(table, &(struct row){"b1.use1-az9." US, "gone rule=*." US " at=12"}, 1);
    table_free(table);
    handmade_free(document);
}

static void test_around(void **state)
{
    static const struct row rows[] = {
        {"a.b.c.d", "answer rule=*.b.c.d at=2 a=1"},
        {"c.d", "fenced at=0"},
        {"x.c.d", "fenced at=2"},
        {"y.x.c.d", "fenced at=4"},
        {"d", "not owned"},
        {"deep.b.c.d", "answer rule=*.b.c.d at=5 a=1"}, /* a fence inside owns nothing */
        {"host.c.d", "answer rule=host.c.d at=0 a=1"},
        {"x.host.c.d", "fenced at=7"},
        {"old.c.d", "detached at=0"},
        {"x.old.c.d", "detached at=2"},
        {"oldhost.c.d", "detached at=0"},
        {"x.oldhost.c.d", "fenced at=10"},
        {"x.e.f", "detached at=2"},
        {"y.x.e.f", "answer rule=y.x.e.f at=0 a=1"}, /* live inside a tombstone */
        {"x.y.x.e.f", "detached at=6"},
        {"f", "not owned"},
        {"a.b.c.d.corp.example", "search at=8"},
        {"b.c.d.CORP.example", "search at=6"},
        {"host.c.d.corp.example", "search at=9"},
        {"x.host.c.d.corp.example", "not owned"},
        {"c.d.corp.example", "not owned"},       /* a fence is not owned */
        {"old.c.d.corp.example", "search at=8"}, /* a tombstone is: it stays ours for a while */
        {"corp.example", "not owned"},
        {"a.b.c.d.lan", "search at=8"},
        {"a.b.c.d.corp.lan", "search at=8"}, /* the longer suffix, though "lan" is one too */
        {"a.b.c.d.fenced.lan", "search at=8"},
        {"x.fenced.lan", "fenced at=2"},
        {"a.b.c.d.gone.lan", "detached at=8"},
        {"gone", "not owned"},
    };
    struct document *document = handmade_new("d");
    struct connection *connection = handmade_connection(document, "plc");
    struct dname fences[] = {handmade_dname("c.d"), handmade_dname("deep.b.c.d"),
                             handmade_dname("fenced.lan")};
    struct dname suffixes[] = {handmade_dname("corp.lan"), handmade_dname("lan"),
                               handmade_dname("corp.example"), handmade_dname("fenced.lan"),
                               handmade_dname("gone.lan")};
    struct dname graves[] = {handmade_dname("old.c.d"), handmade_dname("oldhost.c.d"),
                             handmade_dname("e.f"), handmade_dname("b.c.d"),
                             handmade_dname("gone.lan")};
    struct table_tombstone tombstones[] = {
        {graves[0].wire, true, false}, {graves[1].wire, false, false},
        {graves[2].wire, true, false}, {graves[3].wire, true, false},
        {graves[4].wire, true, false},
    };
    struct table_options options = plain;

    (void)state;
    handmade_endpoint(document, connection, "", "10.0.0.1");
    handmade_custom(document, connection, "*.b.c.d host.c.d y.x.e.f");
    options.fences = fences;
    options.fences_length = ARRAY_LENGTH(fences);
    options.search_suffixes = suffixes;
    options.search_suffixes_length = ARRAY_LENGTH(suffixes);
    options.tombstones = tombstones;
    options.tombstones_length = ARRAY_LENGTH(tombstones);
    struct table *table = table_build(&options, &document, 1);
    check(table, rows, ARRAY_LENGTH(rows));
    table_free(table);
    handmade_free(document);
}

/* Names at the limits of the format are looked up like any. */
static void test_odd_names(void **state)
{
    struct document *document = handmade_new("d");
    struct connection *connection = handmade_connection(document, "plc");
    struct dname root_fence = handmade_dname(".");
    struct table_options options = plain;
    struct table_match match;
    uint8_t name[DNAME_MAX];

    (void)state;
    handmade_endpoint(document, connection, "", "10.0.0.1");
    handmade_custom(document, connection, "*.b a\\.b a\\000b.c \\*.d *.\\255");
    struct table *table = table_build(&plain, &document, 1);
    static const struct row rows[] = {
        {"a\\.b", "answer rule=a\\.b at=0 a=1"},
        {"a.b", "answer rule=*.b at=2 a=1"},
        {"a\\000b.c", "answer rule=a\\000b.c at=0 a=1"},
        {"a\\000c.c", "not owned"},
        {"x.d", "answer rule=*.d at=2 a=1"}, /* an escaped star is a star */
        {"x.\\255", "answer rule=*.\\255 at=2 a=1"},
        {"x.\\223", "not owned"}, /* folding is ASCII's */
    };
    check(table, rows, ARRAY_LENGTH(rows));

    memset(name, 1, sizeof(name)); /* 127 labels of one octet 1, the last of them "b" */
    name[DNAME_MAX - 2] = 'b';
    name[DNAME_MAX - 1] = 0;
    table_find(table, name, &match);
    assert_int_equal(match.outcome, TABLE_ANSWER);
    assert_int_equal(match.root_offset, DNAME_MAX - 3);
    name[DNAME_MAX - 2] = 'x';
    table_find(table, name, &match);
    assert_int_equal(match.outcome, TABLE_NOT_OWNED);
    table_free(table);

    options.fences = &root_fence;
    options.fences_length = 1;
    table = table_build(&options, &document, 1);
    table_find(table, name, &match);
    assert_int_equal(match.outcome, TABLE_FENCED);
    assert_int_equal(match.root_offset, DNAME_MAX - 1);
    table_find(table, (const uint8_t *)"", &match);
    assert_int_equal(match.outcome, TABLE_FENCED);
    table_free(table);

    /* The deepest owner there can be: all 126 names above it exist. */
    struct connection *deep = handmade_connection(document, "deep");
    char text[2 * 126 + 2 + 1];
    for (size_t i = 0; i < 126; i++) {
        memcpy(text + 2 * i, "y.", 2);
    }
    memcpy(text + 252, "b", 2);
    handmade_custom(document, deep, text);
    table = table_build(&plain, &document, 1);
    struct dname owner = handmade_dname(text);
    for (unsigned i = 0; i < 126; i++) {
        table_find(table, owner.wire + 2 * i, &match);
        assert_int_equal(match.outcome, i == 0 ? TABLE_NOT_READY : TABLE_EMPTY);
    }
    table_free(table);
    handmade_free(document);
}

/* A typed domain's names need not lie below its root for the table's sake. */
static void test_names_elsewhere(void **state)
{
    static const struct row rows[] = {
        {"a.b.other.example", "answer rule=*.b.other.example at=2 a=1"},
        {"b.other.example", "empty at=0"},
        {"h.example", "answer rule=h.example at=0 a=1"},
        {"b1." US, "nxdomain at=3"},
    };
    struct document *document = handmade_new("d");
    struct connection *connection = handmade_connection(document, "plc");

    (void)state;
    handmade_endpoint(document, connection, "", "10.0.0.1");
    handmade_names(document, handmade_typed(document, connection, US),
                   "*.b.other.example h.example");
    struct table *table = table_build(&plain, &document, 1);
    check(table, rows, ARRAY_LENGTH(rows));
    table_free(table);
    handmade_free(document);
}

static void test_empty(void **state)
{
    struct table *table = table_build(&plain, NULL, 0);
    struct dname owner = handmade_dname("a.b.c.d");

    (void)state;
    check(table, &(struct row){"a.b", "not owned"}, 1);
    check(table, &(struct row){".", "not owned"}, 1);
    assert_int_equal(table_names(table), 0);
    assert_false(table_near(table, owner.wire, &owner));
    table_free(table);
    table_free(NULL);
}

static void count_rule(void *arg, const struct table_rule *rule)
{
    (void)rule;
    ++*(size_t *)arg;
}

/* Many names: every one is found by its own name and tells it. */
static void test_many(void **state)
{
    enum { NAMES = 60000 }; /* enough for large pages */
    struct document *document = handmade_new("d");
    struct connection *connection = handmade_connection(document, "plc");
    char *list = calloc(NAMES, 32), *at = list;
    size_t rules = 0;

    (void)state;
    handmade_endpoint(document, connection, "", "10.0.0.1");
    for (unsigned i = 0; i < NAMES; i++) {
        at += sprintf(at, i % 3 == 0 ? "n%u.x.y " : "*.n%u.x%u.y ", i, i % 100);
    }
    handmade_custom(document, connection, list);
    struct table *table = table_build(&plain, &document, 1);
    for (unsigned i = 0; i < NAMES; i += 7) {
        char text[64], says[128];
        if (i % 3 == 0) {
            snprintf(text, sizeof(text), "n%u.x.y", i);
            snprintf(says, sizeof(says), "answer rule=%s at=0 a=1", text);
        } else {
            snprintf(text, sizeof(text), "Q.n%u.x%u.y", i, i % 100);
            snprintf(says, sizeof(says), "answer rule=*.%s at=2 a=1", text + 2);
        }
        check(table, &(struct row){text, says}, 1);
        text[strlen(text) - 1] = 'z';
        check(table, &(struct row){text, "not owned"}, 1);
    }
    table_each(table, count_rule, &rules);
    assert_int_equal(rules, NAMES);
    table_free(table);
    handmade_free(document);
    free(list);
}

static void test_near(void **state)
{
    static const struct {
        const char *qname, *owner; /* NULL: nothing near */
    } rows[] = {
        {"b1." US ".corp.example", "*." US},
        {"b1.use1-az1." US ".corp.example", "*.use1-az1." US},
        {US ".corp", "*." US},
        {"aws.plc.tidbcloud.com", "*." US},
        {"plc.tidbcloud.com", "*." US},
        {"b1.dvs6nl5jgveztmla3pxkxgh76x.aws.plc.tidbcloud.com", "*." US},
        {"b1." U ".xaws.plc.tidbcloud.com", "*." US},
        {"b1." U ".alicloud.plc.tidbcloud.com", "*." US},
        {"db-2.rds.amazonaws.com", "db-1.rds.amazonaws.com"},
        {"x.db-1.rds.amazonaws.com", "db-1.rds.amazonaws.com"}, /* attached alone */
        {"x.y.db-1.rds.amazonaws.com", "db-1.rds.amazonaws.com"},
        {"b.c4.kafka.amazonaws.com", "*.c3.kafka.amazonaws.com"},
        {"tidbcloud.com", NULL},
        {"com", NULL},
        {"www.example.com", NULL},
        {"mail.amazonaws.com", NULL},
        {".", NULL},
    };
    struct document *document = typical();
    struct table *table = table_build(&plain, &document, 1);

    (void)state;
    for (size_t i = 0; i < ARRAY_LENGTH(rows); i++) {
        struct dname qname = handmade_dname(rows[i].qname), owner;
        char text[DNAME_TEXT_MAX] = "";
        bool near = table_near(table, qname.wire, &owner);
        if (near) {
            dname_to_text(owner.wire, text);
        }
        if (near != (rows[i].owner != NULL) || (near && strcmp(text, rows[i].owner) != 0)) {
            fail_msg("%s: near '%s', wanted '%s'", rows[i].qname, text, rows[i].owner);
        }
    }
    table_free(table);
    handmade_free(document);
}

/* What repeats is kept once; what a document says stands in the digest. */
static void test_sharing(void **state)
{
    struct document *two[] = {handmade_new("a"), handmade_new("b")};
    struct table_match first, second;

    (void)state;
    for (size_t i = 0; i < 2; i++) {
        struct connection *connection = handmade_connection(two[i], i == 0 ? "p" : "q");
        handmade_endpoint(two[i], connection, "", "10.0.0.1 fd00::1");
        handmade_custom(two[i], connection, i == 0 ? "*.a.x" : "*.b.x");
    }
    struct table *table = table_build(&plain, two, 2);
    struct table *one = table_build(&plain, two, 1);
    table_find(table, (const uint8_t *)"\1n\1a\1x", &first);
    table_find(table, (const uint8_t *)"\1n\1b\1x", &second);
    assert_ptr_equal(first.answer, second.answer);
    assert_ptr_not_equal(first.rule, second.rule);
    assert_int_equal(first.answer->aaaa_count, 1);
    assert_memory_not_equal(table_digest(table), table_digest(one), sizeof(struct digest));
    table_free(table);
    table_free(one);

    /* If two rules have one owner all the same, the first given wins. */
    handmade_custom(two[1], (struct connection *)(uintptr_t)two[1]->connections, "*.a.x a.x");
    table = table_build(&plain, two, 2);
    struct table_why why;
    table_find(table, (const uint8_t *)"\1n\1a\1x", &first);
    table_describe(table, first.rule, &why);
    assert_string_equal(why.document, "a");
    assert_int_equal(table_names(table), 3);
    table_free(table);
    handmade_free(two[0]);
    handmade_free(two[1]);
}

struct seen {
    const struct table *table;
    char owners[256];
};

static void see_owner(void *arg, const struct table_rule *rule)
{
    struct seen *seen = arg;
    struct table_why why;

    table_describe(seen->table, rule, &why);
    size_t used = strlen(seen->owners);
    snprintf(seen->owners + used, sizeof(seen->owners) - used, " %s", why.owner);
    assert_string_equal(why.note, "unresolved=t.example(pending)");
    assert_int_not_equal(why.line, 0);
}

/* Names below a "*" make it a node, which has its parent's rule once more: the same is told of
 * both, and a listing has it once. */
static void test_copies(void **state)
{
    static const struct {
        const char *names;
        struct row rows[4];
    } cases[] = {
        {"*.x.y a.*.x.y",
         {{"b.x.y", "answer rule=*.x.y at=2 a=1"},
          {"*.x.y", "answer rule=*.x.y at=2 a=1"},
          {"a.*.x.y", "answer rule=a.*.x.y at=4 a=1"},
          {"b.*.x.y", "nxdomain at=4"}}},
        {"x.y *.x.y *.*.x.y",
         {{"x.y", "answer rule=x.y at=0 a=1"},
          {"b.x.y", "answer rule=*.x.y at=2 a=1"},
          {"*.x.y", "answer rule=*.x.y at=0 a=1"},
          {"b.*.x.y", "answer rule=*.*.x.y at=2 a=1"}}},
        {"*.*.x.y *.x.y a.*.*.x.y",
         {{"b.x.y", "answer rule=*.x.y at=2 a=1"},
          {"*.x.y", "answer rule=*.x.y at=0 a=1"},
          {"*.*.x.y", "answer rule=*.*.x.y at=2 a=1"},
          {"a.*.*.x.y", "answer rule=a.*.*.x.y at=4 a=1"}}},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LENGTH(cases); i++) {
        struct document *document = handmade_new("d");
        struct connection *connection = handmade_connection(document, "plc");
        handmade_endpoint(document, connection, "", "10.0.0.1");
        handmade_endpoint(document, connection, "", "")->target = (const uint8_t *)"\1t\7example";
        struct connection_domain *domain = handmade_custom(document, connection, cases[i].names);
        struct table *table = table_build(&plain, &document, 1);
        struct seen seen = {.table = table};

        check(table, cases[i].rows, ARRAY_LENGTH(cases[i].rows));
        for (size_t r = 0; r < ARRAY_LENGTH(cases[i].rows); r++) {
            struct dname name = handmade_dname(cases[i].rows[r].qname);
            struct table_match match;
            table_find(table, name.wire, &match);
            if (match.rule != NULL) {
                see_owner(&seen, match.rule);
            }
        }
        seen.owners[0] = '\0';
        table_each(table, see_owner, &seen);
        size_t length = 0;
        for (const char *at = seen.owners; *at != '\0'; at++) {
            length += *at == ' ';
        }
        assert_int_equal(length, domain->length);
        for (unsigned n = 0; n < domain->length; n++) {
            char text[DNAME_TEXT_MAX];
            assert_non_null(strstr(seen.owners, dname_to_text(domain->names[n].wire, text)));
        }
        table_free(table);
        handmade_free(document);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_typical),
        cmocka_unit_test(test_own_zone),
        cmocka_unit_test(test_zones),
        cmocka_unit_test(test_implied),
        cmocka_unit_test(test_states),
        cmocka_unit_test(test_zonal_states),
        cmocka_unit_test(test_around),
        cmocka_unit_test(test_odd_names),
        cmocka_unit_test(test_empty),
        cmocka_unit_test(test_many),
        cmocka_unit_test(test_near),
        cmocka_unit_test(test_sharing),
        cmocka_unit_test(test_names_elsewhere),
        cmocka_unit_test(test_copies),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
