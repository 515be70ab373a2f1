/* The words of all vendors for a state, wherever a document may have one: what becomes of the names
 * of that connection, attached domain, endpoint or written name, and what stays of its neighbours.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "table.h"

#define OK      TABLE_ANSWER
#define WAITS   TABLE_NOT_READY
#define GONE    TABLE_GONE
#define UNKNOWN true

static const struct {
    const char *whose, *word;
    enum table_outcome outcome;
    bool unknown; /* accepted with a warning */
} words[] = {
    {"TiDB Cloud", "CREATING", WAITS, false},
    {"TiDB Cloud", "PENDING_ACCEPTANCE", WAITS, false},
    {"TiDB Cloud", "ACTIVE", OK, false},
    {"TiDB Cloud", "FAILED", WAITS, false},
    {"TiDB Cloud", "DELETING", GONE, false},
    {"TiDB Cloud, earlier", "CONNECTING", WAITS, false},
    {"TiDB Cloud changefeeds", "PENDING", WAITS, false},
    {"TiDB Cloud changefeeds", "AVAILABLE", OK, false},
    {"TiDB Cloud changefeeds", "REJECTED", GONE, false},
    {"TiDB Cloud changefeeds", "EXPIRED", GONE, false},
    {"TiDB Cloud Dedicated", "DISCOVERED", WAITS, UNKNOWN},
    {"AWS endpoint", "PendingAcceptance", WAITS, false},
    {"AWS endpoint", "pendingAcceptance", WAITS, false},
    {"AWS endpoint", "Pending", WAITS, false},
    {"AWS endpoint", "Available", OK, false},
    {"AWS endpoint", "available", OK, false},
    {"AWS endpoint", "Deleting", GONE, false},
    {"AWS endpoint", "Deleted", GONE, false},
    {"AWS endpoint", "Rejected", GONE, false},
    {"AWS endpoint", "Failed", WAITS, false},
    {"AWS endpoint", "Expired", GONE, false},
    {"AWS endpoint", "Partial", OK, false},
    {"AWS MSK", "INACTIVE", WAITS, false},
    {"AWS MSK", "DEACTIVATING", WAITS, UNKNOWN},
    {"AWS MSK", "REJECTING", WAITS, UNKNOWN},
    {"Alibaba", "Connecting", WAITS, false},
    {"Alibaba", "Connected", OK, false},
    {"Alibaba", "Disconnecting", WAITS, UNKNOWN},
    {"Alibaba", "Disconnected", WAITS, false},
    {"Alibaba", "ServiceDeleted", GONE, false},
    {"Alibaba", "Active", OK, false},
    {"Alibaba", "Creating", WAITS, false},
    {"Alibaba zone", "Wait", WAITS, false},
    {"Alibaba zone", "Migrated", WAITS, UNKNOWN},
    {"Azure", "Approved", OK, false},
    {"Azure", "Timeout", WAITS, UNKNOWN},
    {"Azure", "Removed", WAITS, UNKNOWN},
    {"GCP", "STATUS_UNSPECIFIED", WAITS, UNKNOWN},
    {"GCP", "ACCEPTED", OK, false},
    {"GCP", "CLOSED", GONE, false},
    {"GCP", "NEEDS_ATTENTION", WAITS, false},
    {"Confluent", "PROVISIONING", WAITS, false},
    {"Confluent", "WAITING_FOR_CONNECTIONS", WAITS, UNKNOWN},
    {"Confluent", "CREATED", WAITS, UNKNOWN},
    {"Confluent", "PENDING_ACCEPT", WAITS, false},
    {"Confluent", "READY", OK, false},
    {"Confluent", "DEPROVISIONING", WAITS, UNKNOWN},
    {"ClickPipes", "Provisioning", WAITS, false},
    {"ClickPipes", "Ready", OK, false},
    {"ClickPipes", "Unknown", WAITS, UNKNOWN},
    {"MongoDB", "INITIATING", WAITS, false},
    {"MongoDB", "WAITING_FOR_USER", WAITS, UNKNOWN},
    {"Snowflake", "PENDING_CREATION", WAITS, false},
    {"Snowflake", "PENDING_DELETION", WAITS, false},
    {"nobody", "active!", WAITS, UNKNOWN},
    {"nobody", "ÄCTIVE", WAITS, UNKNOWN},
    {"nobody", "true", WAITS, UNKNOWN},
    {"absent", "", OK, false},
};

enum level { CONNECTION, DOMAIN, ENDPOINT, NAME, LEVELS };

static const struct {
    const char *qname;
    unsigned touched_by; /* bits of levels whose state decides alone */
    unsigned rest;       /* addresses that remain when the first endpoint is out; 0 = none */
} names[] = {
    {"b.u.aws.plc.tidbcloud.com", 1u << CONNECTION | 1u << DOMAIN, 1},
    {"b.use1-az1.u.aws.plc.tidbcloud.com", 1u << CONNECTION | 1u << DOMAIN | 1u << ENDPOINT, 0},
    {"b.use1-az2.u.aws.plc.tidbcloud.com", 1u << CONNECTION | 1u << DOMAIN, 1},
    {"b.n.us-east-1.aws.confluent.cloud", 1u << CONNECTION | 1u << NAME, 1},
    {"b.use1-az2.n.us-east-1.aws.confluent.cloud", 1u << CONNECTION, 1},
    {"other.example", 0, 0},
};

static struct table *load(const char *const state[LEVELS], const char *zone,
                          struct error_list *errors)
{
    static const char form[] =
        "privateLinkConnections:\n"
        "- privateLinkConnectionId: plc-1\n"
        "  type: AWS_ENDPOINT_SERVICE\n"
        "  state: \"%s\"\n"
        "  endpoints:\n"
        "  - {zone: use1-az1, addresses: [10.0.0.1], state: \"%s\"}\n"
        "  - {zone: use1-az2, addresses: [10.0.0.2]}\n"
        "  attachedDomains:\n"
        "  - {type: TIDBCLOUD_MANAGED, uniqueName: u, state: \"%s\"}\n"
        "  - type: CONFLUENT\n"
        "    uniqueName: n.us-east-1\n"
        "    domains:\n"
        "    - {name: '*.n.us-east-1.aws.confluent.cloud', state: \"%s\", message: m}\n"
        "    - {name: '*.use1-az2.n.us-east-1.aws.confluent.cloud'}\n"
        "- privateLinkConnectionId: plc-2\n"
        "  type: VPC_RESOURCE\n"
        "  endpoints: [{addresses: [10.0.0.9]}]\n"
        "  attachedDomains: [{type: CUSTOM, domains: [{name: other.example}]}]\n";
    const struct table_options options = {.key = {1, 2}, .zone = zone};
    char text[2048];

    snprintf(text, sizeof text, form, state[CONNECTION], state[ENDPOINT], state[DOMAIN],
             state[NAME]);
    struct document *document = document_parse("f", text, strlen(text), errors);
    assert_non_null(document);
    struct table *table = table_build(&options, &document, 1);
    document_release(document);
    return table;
}

static void find(const struct table *table, const char *qname, struct table_match *match)
{
    struct dname name;
    const char *why;

    assert_true(dname_from_text(&name, qname, strlen(qname), &why));
    table_find(table, name.wire, match);
}

static unsigned count_unknown(const struct error_list *errors)
{
    unsigned count = 0;

    for (size_t i = 0; i < errors->length; i++)
        count += strstr(errors->items[i].text, "unknown state") != NULL;
    return count;
}

static void check(size_t word, enum level level)
{
    const char *state[LEVELS] = {"ACTIVE", "ACTIVE", "ACTIVE", "ACTIVE"};
    struct error_list errors = {0};
    enum table_outcome wanted = words[word].outcome;

    /* The words of domains[].state are not published: an unknown one is no reason to refuse. */
    if (level == NAME && words[word].unknown)
        wanted = TABLE_ANSWER;
    state[level] = words[word].word;
    struct table *table = load(state, "", &errors);
    if (count_unknown(&errors) != words[word].unknown)
        fail_msg("%s: %s: the warning", words[word].whose, words[word].word);
    for (size_t i = 0; i < ARRAY_LENGTH(names); i++) {
        bool touched = (names[i].touched_by & 1u << level) != 0;
        struct table_match match;
        struct table_why why;
        find(table, names[i].qname, &match);
        if (match.outcome != (touched ? wanted : TABLE_ANSWER))
            fail_msg("%s: %s at level %d: %s has outcome %d", words[word].whose, words[word].word,
                     level, names[i].qname, match.outcome);
        if (match.outcome == TABLE_ANSWER) {
            bool out = level == ENDPOINT && wanted != TABLE_ANSWER && names[i].rest > 0;
            bool regional = i == 0 || i == 3;
            assert_int_equal(match.answer->a_count, regional && !out ? 2 : 1);
        } else { /* it is told which word it was */
            table_describe(table, match.rule, &why);
            assert_string_equal(why.state, words[word].word);
        }
    }
    table_free(table);
    error_clear(&errors);
}

static void test_every_word_at_every_level(void **unused)
{
    (void)unused;
    for (size_t i = 0; i < ARRAY_LENGTH(words); i++) {
        for (enum level level = 0; level < LEVELS; level++)
            check(i, level);
    }
}

/* Gone beats not ready, whoever says it; both beat usable. */
static void test_the_worst_decides(void **unused)
{
    static const struct {
        const char *connection, *domain, *endpoint;
        enum table_outcome outcome; /* of a name in the endpoint's zone */
        const char *told;
    } rows[] = {
        {"CREATING", "REJECTED", "ACTIVE", GONE, "REJECTED"},
        {"REJECTED", "CREATING", "ACTIVE", GONE, "REJECTED"},
        {"CREATING", "PENDING", "REJECTED", WAITS, "CREATING"},
        {"ACTIVE", "PENDING", "REJECTED", WAITS, "PENDING"},
        {"ACTIVE", "ACTIVE", "REJECTED", GONE, "REJECTED"},
        {"EXPIRED", "ACTIVE", "ACTIVE", GONE, "EXPIRED"},
        {"ACTIVE", "ACTIVE", "ACTIVE", OK, "ACTIVE"},
    };

    (void)unused;
    for (size_t i = 0; i < ARRAY_LENGTH(rows); i++) {
        const char *state[LEVELS] = {rows[i].connection, rows[i].domain, rows[i].endpoint, ""};
        struct error_list errors = {0};
        struct table *table = load(state, "", &errors);
        struct table_match match;
        struct table_why why;
        find(table, "b.use1-az1.u.aws.plc.tidbcloud.com", &match);
        assert_int_equal(match.outcome, rows[i].outcome);
        table_describe(table, match.rule, &why);
        assert_string_equal(why.state, rows[i].told);
        table_free(table);
        error_clear(&errors);
    }
}

/* The resolver's own zone comes first where no zone is asked for, and nowhere else. */
static void test_own_zone(void **unused)
{
    static const struct {
        const char *zone, *qname;
        unsigned first, preferred; /* last octet of the first address */
    } rows[] = {
        {"use1-az2", "b.u.aws.plc.tidbcloud.com", 2, 1},
        {"USE1-AZ2", "b.u.aws.plc.tidbcloud.com", 2, 1},
        {"use1-az1", "b.u.aws.plc.tidbcloud.com", 1, 1},
        {"use1-az9", "b.u.aws.plc.tidbcloud.com", 1, 0},
        {"use1-az1", "b.use1-az2.u.aws.plc.tidbcloud.com", 2, 0},
        {"use1-az2", "b.n.us-east-1.aws.confluent.cloud", 2, 1},
        {"use1-az1", "other.example", 9, 0},
    };

    (void)unused;
    for (size_t i = 0; i < ARRAY_LENGTH(rows); i++) {
        const char *const state[LEVELS] = {"", "", "", ""};
        struct error_list errors = {0};
        struct table *table = load(state, rows[i].zone, &errors);
        struct table_match match;
        find(table, rows[i].qname, &match);
        assert_int_equal(match.outcome, TABLE_ANSWER);
        assert_int_equal(match.answer->addresses[3], rows[i].first);
        assert_int_equal(answer_preferred(match.answer).a, rows[i].preferred);
        table_free(table);
        error_clear(&errors);
    }
}

/* zoneFallback: what a zone without endpoint gets, of every type, as written and as by default. */
static void test_fallback(void **unused)
{
    static const struct {
        const char *type, *zone, *other, *suffix; /* other: a zone of the same cloud */
        enum table_outcome by_default;
    } types[] = {
        {"AWS_ENDPOINT_SERVICE", "use1-az1", "use1-az9", "aws", TABLE_NO_ZONE},
        {"VPC_RESOURCE", "use1-az1", "usw2-lax1-az1", "aws", TABLE_NO_ZONE},
        {"MSK_MULTI_VPC", "use1-az1", "USE1-AZ4", "aws", TABLE_NO_ZONE},
        {"VPC_ENDPOINT_SERVICE", "use1-az1", "euw1-az1", "aws", TABLE_NO_ZONE},
        {"ALICLOUD_ENDPOINT_SERVICE", "ap-southeast-1a", "cn-hangzhou-b", "alicloud", OK},
        {"AZURE_PRIVATE_LINK_SERVICE", "az1", "az3", "azure", OK},
        {"GCP_SERVICE_ATTACHMENT", "us-central1-a", "us-central1-f", "gcp", OK},
    };
    static const char *const fallbacks[] = {"", "zoneFallback: strict\n",
                                            "zoneFallback: regional\n"};
    const struct table_options options = {.key = {1, 2}, .zone = ""};

    (void)unused;
    for (size_t i = 0; i < ARRAY_LENGTH(types) * ARRAY_LENGTH(fallbacks); i++) {
        size_t type = i / ARRAY_LENGTH(fallbacks), fallback = i % ARRAY_LENGTH(fallbacks);
        enum table_outcome wanted = fallback == 0   ? types[type].by_default
                                    : fallback == 1 ? TABLE_NO_ZONE
                                                    : OK;
        struct error_list errors = {0};
        struct table_match match;
        char text[1024];
        snprintf(text, sizeof text,
                 "privateLinkConnectionId: p\ntype: %s\n%s"
                 "endpoints: [{zone: %s, addresses: [10.0.0.1]}]\n"
                 "attachedDomains: [{type: CONFLUENT, uniqueName: n.r}]\n",
                 types[type].type, fallbacks[fallback], types[type].zone);
        struct document *document = document_parse("f", text, strlen(text), &errors);
        assert_non_null(document);
        assert_int_equal(errors.length, 0);
        struct table *table = table_build(&options, &document, 1);
        const char *zones[] = {types[type].zone, types[type].other, "no-zone"};
        for (size_t z = 0; z < ARRAY_LENGTH(zones); z++) {
            snprintf(text, sizeof text, "b.%s.n.r.%s.confluent.cloud", zones[z],
                     types[type].suffix);
            find(table, text, &match);
            if (match.outcome != (z == 1 ? wanted : OK))
                fail_msg("%s %s: outcome %d", types[type].type, text, match.outcome);
            assert_int_equal(match.regional_fallback, z == 1 && wanted == OK);
        }
        table_free(table);
        document_release(document);
        error_clear(&errors);
    }
}

/* A connection that is not ready is not ready in any zone: a listed zone without endpoint is
 * refused under a strict fallback when the others answer. */
static void test_listed_zone_without_endpoint(void **unused)
{
    static const struct {
        const char *connection, *domain, *endpoint; /* the endpoint with its addresses */
        enum table_outcome outcome;
    } rows[] = {
        {"", "", "addresses: [10.0.0.1]", TABLE_NO_ZONE},
        {"CREATING", "", "addresses: [10.0.0.1]", WAITS},
        {"", "PENDING", "addresses: [10.0.0.1]", WAITS},
        {"REJECTED", "", "addresses: [10.0.0.1]", GONE},
        {"", "", "addresses: []", WAITS},
        {"", "", "addresses: [10.0.0.1], state: CREATING", WAITS},
        {"", "", "addresses: [10.0.0.1], state: DELETED", GONE},
    };
    const struct table_options options = {.key = {1, 2}, .zone = ""};

    (void)unused;
    for (size_t i = 0; i < ARRAY_LENGTH(rows); i++) {
        struct error_list errors = {0};
        struct table_match match;
        char text[1024];
        snprintf(text, sizeof text,
                 "privateLinkConnectionId: p\ntype: AWS_ENDPOINT_SERVICE\nstate: '%s'\n"
                 "endpoints: [{zone: use1-az1, %s}]\n"
                 "attachedDomains: [{type: CONFLUENT, uniqueName: n.r, state: '%s',\n"
                 "  domains: [{name: '*.use1-az1.n.r.aws.confluent.cloud'},\n"
                 "            {name: '*.use1-az9.n.r.aws.confluent.cloud'}]}]\n",
                 rows[i].connection, rows[i].endpoint, rows[i].domain);
        struct document *document = document_parse("f", text, strlen(text), &errors);
        assert_non_null(document);
        struct table *table = table_build(&options, &document, 1);
        find(table, "b.use1-az9.n.r.aws.confluent.cloud", &match);
        if (match.outcome != rows[i].outcome)
            fail_msg("%zu: outcome %d", i, match.outcome);
        table_free(table);
        document_release(document);
        error_clear(&errors);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_word_at_every_level),
        cmocka_unit_test(test_the_worst_decides),
        cmocka_unit_test(test_own_zone),
        cmocka_unit_test(test_fallback),
        cmocka_unit_test(test_listed_zone_without_endpoint),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
