/* Documents: every bad one is refused with the right words, every good one makes the right rules,
 * and the samples are accepted without a warning.
 *
 * Beside tests/data/documents/bad/NAME.yaml stands NAME.expected: its complaints.  Beside
 * good/NAME.yaml it holds the warnings, then the rules ("rule OWNER zone LINE") and roots that the
 * document makes. */
#include <dirent.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "document.h"
#include "domain.h"

#define TEXT_MAX 65536

/* ---- files ---- */

static char *read_file(const char *path, size_t *size)
{
    FILE *file = fopen(path, "rb");
    char *bytes = malloc(TEXT_MAX);

    if (file == NULL)
        fail_msg("%s cannot be read", path);
    *size = fread(bytes, 1, TEXT_MAX - 1, file);
    bytes[*size] = '\0';
    fclose(file);
    return bytes;
}

static int is_document(const struct dirent *entry)
{
    return entry->d_name[0] != '.' && entry->d_type != DT_DIR &&
           strstr(entry->d_name, ".expected") == NULL;
}

typedef void file_fn(const char *folder, const char *name, const char *bytes, size_t size);

static void each_file(const char *folder, size_t least, file_fn *check)
{
    struct dirent **entries;
    int length = scandir(folder, &entries, is_document, alphasort);

    assert_true(length >= (int)least); /* the folder is there and was not emptied by mistake */
    for (int i = 0; i < length; i++) {
        char path[1024];
        size_t size;
        snprintf(path, sizeof path, "%s/%s", folder, entries[i]->d_name);
        char *bytes = read_file(path, &size);
        check(folder, entries[i]->d_name, bytes, size);
        free(bytes);
        free(entries[i]);
    }
    free(entries);
}

/* ---- what came out, as text ---- */

struct writer {
    char text[TEXT_MAX];
    size_t length;
};

PRINTF_LIKE(2, 3) static void put(struct writer *writer, const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    int size =
        vsnprintf(writer->text + writer->length, TEXT_MAX - writer->length, format, arguments);
    va_end(arguments);
    assert_true(size >= 0 && writer->length + (size_t)size < TEXT_MAX);
    writer->length += (size_t)size;
}

static void put_complaints(struct writer *writer, const struct error_list *errors)
{
    char line[2048];

    for (size_t i = 0; i < errors->length; i++)
        put(writer, "%s\n", error_format(&errors->items[i], line, sizeof line));
}

static void put_rule(void *arg, const struct domain_rule *rule)
{
    char owner[DNAME_TEXT_MAX];

    put(arg, "rule %s %s line %u\n", dname_to_text(rule->owner.wire, owner),
        rule->zone[0] != '\0' ? rule->zone : "-", rule->line);
}

static void put_root(void *arg, const struct domain_root *root)
{
    char name[DNAME_TEXT_MAX];

    put(arg, "root %s %s%s\n", dname_to_text(root->name.wire, name),
        root->subtree ? "and below" : "alone", root->zone_checked ? ", zones checked" : "");
}

static void compare(const char *folder, const char *name, const struct writer *writer)
{
    char path[1024];
    size_t size;

    snprintf(path, sizeof path, "%s/%.*s.expected", folder, (int)strcspn(name, "."), name);
    char *expected = read_file(path, &size);
    if (strcmp(expected, writer->text) != 0) {
        /* fail_msg() cuts what is long. */
        fprintf(stderr, "%s\n--- expected\n%s--- has\n%s---\n", path, expected, writer->text);
        fail_msg("%s", path);
    }
    free(expected);
}

/* ---- the three folders ---- */

static void check_bad(const char *folder, const char *name, const char *bytes, size_t size)
{
    struct writer *writer = calloc(1, sizeof *writer);
    struct error_list errors = {0};

    assert_null(document_parse(name, bytes, size, &errors));
    assert_true(errors.errors > 0);
    put_complaints(writer, &errors);
    compare(folder, name, writer);
    error_clear(&errors);
    free(writer);
}

static void check_good(const char *folder, const char *name, const char *bytes, size_t size)
{
    struct writer *writer = calloc(1, sizeof *writer);
    struct error_list errors = {0};
    struct document *document = document_parse(name, bytes, size, &errors);

    put_complaints(writer, &errors);
    if (document == NULL)
        fail_msg("%s is refused:\n%s", name, writer->text);
    assert_int_equal(document->warnings, errors.warnings);
    assert_string_equal(document->name, name);
    for (size_t i = 0; i < document->length; i++) {
        size_t rules_before = writer->length;
        domain_rules(&document->connections[i], put_rule, writer);
        assert_true(writer->length == rules_before ||
                    domain_rules_most(&document->connections[i]) > 0);
        domain_roots(&document->connections[i], put_root, writer);
    }
    compare(folder, name, writer);
    document_release(document);
    error_clear(&errors);
    free(writer);
}

static void check_sample(const char *folder, const char *name, const char *bytes, size_t size)
{
    struct error_list errors = {0};
    struct document *document = document_parse(name, bytes, size, &errors);
    char line[2048];

    (void)folder;
    if (errors.length > 0)
        fail_msg("%s", error_format(&errors.items[0], line, sizeof line));
    assert_non_null(document);
    assert_true(document->length > 0);
    document_release(document);
}

static void test_bad_documents(void **state)
{
    (void)state;
    each_file(DOCUMENTS "/bad", 100, check_bad);
}

static void test_good_documents(void **state)
{
    (void)state;
    each_file(DOCUMENTS "/good", 20, check_good);
    each_file(DOCUMENTS "/good/shapes", 15, check_good); /* looked up in test_shapes */
}

static void test_samples(void **state)
{
    (void)state;
    each_file(SAMPLES, 5, check_sample);
}

/* ---- what files cannot show ---- */

static const char whole[] =
    "privateLinkConnectionId: plc-1\n"
    "clusterId: 108\n"
    "displayName: kafka\n"
    "type: AWS_ENDPOINT_SERVICE\n"
    "state: FAILED\n"
    "message: quota\n"
    "endpoints:\n"
    "  - {zone: use1-az1, addresses: [10.0.0.1, \"fd00::1\"], state: Connected}\n"
    "  - {dnsName: b1.example.com, state: REJECTED, message: no}\n"
    "attachedDomains:\n"
    "  - attachDomainId: ad-1\n"
    "    type: CUSTOM\n"
    "    state: Deleting\n"
    "    message: bye\n"
    "    domains: [{name: \"*.Kafka.example.com\", state: CREATING, message: soon}]\n"
    "ttl: 20\n"
    "zoneFallback: regional\n"
    "healthCheck: {port: 9092, interval: 10s, timeout: 500ms, rise: 1, fall: 5, minHealthy: 34%}\n";

static void check_connection(const struct connection *c)
{
    assert_string_equal(c->id, "plc-1");
    assert_string_equal(c->cluster_id, "108");
    assert_string_equal(c->display_name, "kafka");
    assert_int_equal(c->type, CONNECTION_AWS_ENDPOINT_SERVICE);
    assert_int_equal(c->cloud, CLOUD_AWS);
    assert_string_equal(c->state_word, "FAILED");
    assert_int_equal(c->state, STATE_NOT_READY);
    assert_string_equal(c->message, "quota");
    assert_int_equal(c->ttl, 20);
    assert_int_equal(c->fallback, CONNECTION_REGIONAL);
    assert_false(c->domains_absent);
    assert_int_equal(c->line, 1);
    assert_true(c->health.on);
    assert_int_equal(c->health.port, 9092);
    assert_int_equal(c->health.interval_ms, 10000);
    assert_int_equal(c->health.timeout_ms, 500);
    assert_int_equal(c->health.rise, 1);
    assert_int_equal(c->health.fall, 5);
    assert_int_equal(c->health.min_healthy_percent, 34);
}

static void check_endpoints(const struct connection *c)
{
    const struct connection_endpoint *e = c->endpoints;

    assert_int_equal(c->endpoints_length, 2);
    assert_string_equal(e[0].zone, "use1-az1");
    assert_int_equal(e[0].length, 2);
    assert_false(e[0].addresses[0].v6);
    assert_memory_equal(e[0].addresses[0].bytes, "\x0a\0\0\1", 4);
    assert_true(e[0].addresses[1].v6);
    assert_memory_equal(e[0].addresses[1].bytes, "\xfd\0\0\0\0\0\0\0\0\0\0\0\0\0\0\1", 16);
    assert_int_equal(e[0].state, STATE_USABLE);
    assert_string_equal(e[0].dns_name, "");
    assert_int_equal(e[0].line, 8);
    assert_string_equal(e[1].zone, "");
    assert_string_equal(e[1].dns_name, "b1.example.com");
    assert_int_equal(e[1].length, 0);
    assert_int_equal(e[1].state, STATE_GONE);
    assert_string_equal(e[1].state_word, "REJECTED");
    assert_string_equal(e[1].message, "no");
}

static void check_domains(const struct connection *c)
{
    const struct connection_domain *d = c->domains;

    assert_int_equal(c->domains_length, 1);
    assert_string_equal(d->id, "ad-1");
    assert_int_equal(d->type, CONNECTION_CUSTOM);
    assert_string_equal(d->unique_name, "");
    assert_int_equal(d->state, STATE_GONE);
    assert_string_equal(d->message, "bye");
    assert_null(d->root);
    assert_int_equal(d->length, 1);
    assert_memory_equal(d->names[0].wire, "\1*\5kafka\7example\3com", 21);
    assert_int_equal(d->names[0].state, STATE_NOT_READY);
    assert_string_equal(d->names[0].message, "soon");
    assert_int_equal(d->names[0].line, 15);
}

static void test_every_field(void **state)
{
    struct error_list errors = {0};
    struct digest digest;

    (void)state;
    struct document *document = document_parse("f", whole, strlen(whole), &errors);
    assert_non_null(document);
    assert_int_equal(document->length, 1);
    digest_of(&digest, whole, strlen(whole));
    assert_memory_equal(&document->digest, &digest, sizeof digest);
    check_connection(&document->connections[0]);
    check_endpoints(&document->connections[0]);
    check_domains(&document->connections[0]);
    assert_ptr_equal(document_hold(document), document);
    document_release(document);
    assert_int_equal(document->length, 1); /* the other holder's */
    document_release(document);
    document_release(NULL);
    error_clear(&errors);
}

static void test_defaults_of_health_checks(void **state)
{
    static const char text[] =
        "privateLinkConnectionId: p\ntype: VPC_RESOURCE\nclusterId: \"1\"\n"
        "healthCheck: {port: 1, interval: 2s}\n"; /* as long as the timeout */
    struct error_list errors = {0};

    (void)state;
    struct document *document = document_parse("f", text, strlen(text), &errors);
    assert_non_null(document);
    const struct connection_health *health = &document->connections[0].health;
    assert_int_equal(health->interval_ms, 2000);
    assert_int_equal(health->timeout_ms, 2000);
    assert_int_equal(health->rise, 2);
    assert_int_equal(health->fall, 3);
    assert_int_equal(health->min_healthy_percent, 50);
    document_release(document);
    error_clear(&errors);
}

static void test_defaults(void **state)
{
    static const struct {
        const char *type;
        enum cloud cloud;
        enum connection_fallback fallback;
    } types[] = {
        {"AWS_ENDPOINT_SERVICE", CLOUD_AWS, CONNECTION_STRICT},
        {"ALICLOUD_ENDPOINT_SERVICE", CLOUD_ALICLOUD, CONNECTION_REGIONAL},
        {"AZURE_PRIVATE_LINK_SERVICE", CLOUD_AZURE, CONNECTION_REGIONAL},
        {"GCP_SERVICE_ATTACHMENT", CLOUD_GCP, CONNECTION_REGIONAL},
        {"VPC_RESOURCE", CLOUD_AWS, CONNECTION_STRICT},
        {"MSK_MULTI_VPC", CLOUD_AWS, CONNECTION_STRICT},
        {"VPC_ENDPOINT_SERVICE", CLOUD_AWS, CONNECTION_STRICT},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LENGTH(types); i++) {
        struct error_list errors = {0};
        char text[256];
        snprintf(text, sizeof text, "privateLinkConnectionId: p\ntype: %s\n", types[i].type);
        struct document *document = document_parse("f", text, strlen(text), &errors);
        assert_non_null(document);
        const struct connection *c = &document->connections[0];
        assert_int_equal(c->cloud, types[i].cloud);
        assert_int_equal(c->fallback, types[i].fallback);
        assert_string_equal(connection_type_name(c->type), types[i].type);
        assert_int_equal(c->ttl, 30);
        assert_true(c->domains_absent);
        assert_false(c->health.on);
        assert_string_equal(c->cluster_id, "");
        assert_int_equal(c->state, STATE_USABLE);
        document_release(document);
        error_clear(&errors);
    }
}

static struct document *parse(const char *text)
{
    struct error_list errors = {0};
    struct document *document = document_parse("f", text, strlen(text), &errors);

    assert_non_null(document);
    error_clear(&errors);
    return document;
}

/* Absent is "not told", not "none". */
static void test_what_is_left_untold(void **state)
{
#define ONE(id, domains) "{privateLinkConnectionId: " id ", type: VPC_RESOURCE" domains "}"
#define HOST(name)       "{type: CUSTOM, domains: [{name: " name "}]}"
#define SOME             ", attachedDomains: [" HOST("a.x.example") "," HOST("b.x.example") "]"
#define NONE             ", attachedDomains: []"
    static const struct {
        const char *older, *newer, *complaint; /* NULL: all is told */
    } rows[] = {
        {ONE("p", SOME), ONE("p", ""),
         "f:1: attachedDomains of 'p' is absent, while 2 attached domains are in service; the "
         "API's List leaves it out, its Get tells; write [] if there are none any more"},
        {ONE("p", SOME), ONE("p", NONE), NULL},
        {ONE("p", SOME), ONE("q", ""), NULL},
        {ONE("p", NONE), ONE("p", ""), NULL},
        {ONE("p", ""), ONE("p", ""), NULL},
        {"privateLinkConnections: []", ONE("p", ""), NULL},
        {ONE("p", SOME), "privateLinkConnections: []", NULL},
        {"privateLinkConnections: [" ONE("z", "") "," ONE("p", NONE) "," ONE("a", SOME) "]",
         "privateLinkConnections:\n- " ONE("p", "") "\n- " ONE("a", "") "\nnextPageToken: ''",
         "f:3: attachedDomains of 'a' is absent, while 2 attached domains are in service; the "
         "API's List leaves it out, its Get tells; write [] if there are none any more"},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LENGTH(rows); i++) {
        struct document *older = parse(rows[i].older), *newer = parse(rows[i].newer);
        struct error_list errors = {0};
        char text[512];
        assert_int_equal(document_tells(newer, older, &errors), rows[i].complaint == NULL);
        assert_int_equal(errors.length, rows[i].complaint != NULL);
        if (rows[i].complaint != NULL)
            assert_string_equal(error_format(&errors.items[0], text, sizeof text),
                                rows[i].complaint);
        document_release(older);
        document_release(newer);
        error_clear(&errors);
    }
}

/* Names and ids that come again and again must not cost more than their number. */
static void test_many_names(void **state)
{
    static const char head[] = "privateLinkConnectionId: p\ntype: VPC_ENDPOINT_SERVICE\n"
                               "endpoints: [{addresses: [10.0.0.1]}]\n"
                               "attachedDomains:\n  - type: CUSTOM\n    domains:\n";
    const unsigned names = 20000;
    char *text = malloc(sizeof head + names * 64);

    (void)state;
    for (unsigned same = 0; same < 2; same++) {
        struct error_list errors = {0};
        size_t length = (size_t)sprintf(text, "%s", head);
        for (unsigned i = 0; i < names; i++)
            length += (size_t)sprintf(text + length, "    - name: \"*.n%u.kafka.example\"\n",
                                      same ? 0 : i);
        struct document *document = document_parse("f", text, length, &errors);
        assert_int_equal(document != NULL, !same);
        assert_int_equal(errors.errors > 0, same);
        assert_true(errors.length <= ERROR_LIST_MAX);
        document_release(document);
        error_clear(&errors);
    }
    free(text);
}

/* A document of three megabytes whose rules would take gigabytes. */
static void test_more_names_than_there_may_be(void **state)
{
    const unsigned domains = (4u << 20) / (1 + CONNECTION_ENDPOINTS_MAX) + 1;
    char *text = malloc(8192 + (size_t)domains * 48);
    size_t length = (size_t)sprintf(text, "privateLinkConnectionId: p\ntype: VPC_RESOURCE\n"
                                          "state: FAILED\nendpoints:\n");
    struct error_list errors = {0};

    (void)state;
    for (unsigned i = 0; i < CONNECTION_ENDPOINTS_MAX; i++)
        length += (size_t)sprintf(text + length, "- {zone: use1-lax%u-az%u, state: Wait}\n",
                                  1 + i / 9, 1 + i % 9);
    length += (size_t)sprintf(text + length, "attachedDomains:\n");
    for (unsigned i = 0; i < domains; i++)
        length += (size_t)sprintf(text + length, "- {type: CONFLUENT, uniqueName: n%u.r}\n", i);
    assert_null(document_parse("f", text, length, &errors));
    assert_int_equal(errors.length, 1);
    assert_string_equal(errors.items[0].text, "more than 4194304 names in one document; split it");
    error_clear(&errors);
    free(text);
}

/* Another name, and other octets, are another document; the same are the same. */
static void test_sum(void **state)
{
    static const struct {
        const char *name, *text;
        bool same;
    } others[] = {
        {"f", "privateLinkConnections: []", true},
        {"g", "privateLinkConnections: []", false},
        {"f", "privateLinkConnections: [ ]", false},
    };
    struct error_list errors = {0};
    struct document *document =
        document_parse("f", others[0].text, strlen(others[0].text), &errors);

    (void)state;
    for (size_t i = 0; i < ARRAY_LENGTH(others); i++) {
        struct document *other =
            document_parse(others[i].name, others[i].text, strlen(others[i].text), &errors);
        for (unsigned word = 0; word < 2; word++)
            assert_int_equal(document_sum(other)[word] == document_sum(document)[word],
                             others[i].same);
        document_release(other);
    }
    document_release(document);
    assert_int_equal(errors.errors, 0);
    error_clear(&errors);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_bad_documents),
        cmocka_unit_test(test_good_documents),
        cmocka_unit_test(test_samples),
        cmocka_unit_test(test_every_field),
        cmocka_unit_test(test_sum),
        cmocka_unit_test(test_defaults),
        cmocka_unit_test(test_what_is_left_untold),
        cmocka_unit_test(test_many_names),
        cmocka_unit_test(test_more_names_than_there_may_be),
        cmocka_unit_test(test_defaults_of_health_checks),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
