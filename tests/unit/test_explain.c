/* What people are told about a name. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "explain.h"

#define U "dvs6nl5jgveztmla3pxkxgh76i.aws.plc.tidbcloud.com"

static const char documents[] =
    "privateLinkConnections:\n"
    "- privateLinkConnectionId: plc-a\n"
    "  clusterId: \"1\"\n"
    "  type: AWS_ENDPOINT_SERVICE\n"
    "  state: ACTIVE\n"
    "  awsEndpointService: {name: com.amazonaws.vpce.us-east-1.vpce-svc-0123456789abcdef0,\n"
    "    region: us-east-1}\n"
    "  endpoints: [{zone: use1-az1, addresses: [10.0.1.5, \"fd00::1\"]}]\n"
    "  attachedDomains:\n"
    "  - {attachDomainId: ad-1, type: TIDBCLOUD_MANAGED, uniqueName: dvs6nl5jgveztmla3pxkxgh76i}\n"
    "- privateLinkConnectionId: plc-b\n"
    "  clusterId: \"1\"\n"
    "  type: AWS_ENDPOINT_SERVICE\n"
    "  state: CREATING\n"
    "  message: soon\n"
    "  awsEndpointService: {name: com.amazonaws.vpce.us-east-1.vpce-svc-0123456789abcdef1,\n"
    "    region: us-east-1}\n"
    "  endpoints: [{addresses: [10.0.1.6]}]\n"
    "  attachedDomains:\n"
    "  - {attachDomainId: ad-2, type: CUSTOM, domains: [{name: db.corp.example},\n"
    "      {name: alone.example}, {name: mine.invalid}, {name: kept.fence.example}]}\n";

static const struct {
    const char *name, *text;
} rows[] = {
    {"b1.use1-az1." U, "owned rule=*.use1-az1." U " connection=plc-a zone=use1-az1 state=ACTIVE "
                       "addresses=10.0.1.5,fd00::1 document=doc.yaml:10 generation=42"},
    {"b1." U, "owned rule=*." U " connection=plc-a state=ACTIVE addresses=10.0.1.5,fd00::1 "
              "document=doc.yaml:10 generation=42"},
    {"use1-az1." U, "owned, empty root=" U " generation=42"},
    {"db.corp.example", "owned, not ready: SERVFAIL rule=db.corp.example connection=plc-b "
                        "state=CREATING message=\"soon\" document=doc.yaml:20 generation=42"},
    {"a.fence.example", "fenced and not attached: NXDOMAIN root=fence.example generation=42"},
    {"x.kept.fence.example", "fenced and not attached: NXDOMAIN; kept.fence.example is attached "
                             "root=fence.example generation=42"},
    {"www.example", "not owned"},
    {"x.alone.example", "not owned; alone.example is attached"},
    {"x.localhost", "built in, never forwarded addresses=127.0.0.1,::1"},
    {"1.0.0.127.in-addr.arpa", "built in, never forwarded pointer=localhost"},
    {"0.0.127.in-addr.arpa", "built in, never forwarded"},
    {"a.invalid", "built in, never forwarded: NXDOMAIN"},
    {"mine.invalid", "owned, not ready: SERVFAIL rule=mine.invalid connection=plc-b "
                     "state=CREATING message=\"soon\" document=doc.yaml:21 generation=42"},
    {"b.unique_name.example", "placeholder never replaced in advertised.listeners; not owned"},
};

static void texts(void **state)
{
    struct error_list errors = {0};
    struct document *document =
        document_parse("doc.yaml", documents, sizeof documents - 1, &errors);
    struct dname fence, name;
    const char *why = "";
    char text[EXPLAIN_TEXT_MAX];
    struct explain explain;

    (void)state;
    assert_non_null(document);
    assert_true(dname_from_text(&fence, "fence.example", 13, &why));
    struct table_options options = {
        .generation = 42, .zone = "", .fences = &fence, .fences_length = 1};
    struct table *table = table_build(&options, &document, 1);
    for (size_t i = 0; i < ARRAY_LENGTH(rows); i++) {
        assert_true(dname_from_text(&name, rows[i].name, strlen(rows[i].name), &why));
        explain_find(table, name.wire, "A", &explain);
        assert_false(explain.is_near); /* nobody asked */
        explain_find_near(table, name.wire, "A", &explain);
        assert_string_equal(explain_text(table, &explain, text, sizeof text), rows[i].text);
        /* Whatever the room, it ends. */
        for (size_t size = 1; size < 40; size++) {
            char *small = explain_text(table, &explain, text, size);
            assert_true(strlen(small) < size);
        }
    }
    table_free(table);
    document_release(document);
    error_clear(&errors);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(texts)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
