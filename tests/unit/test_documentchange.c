/* What changed from one version of a document to another. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "alloc.h"
#include "documentchange.h"

#define TEXT_SIZE 8192

/* "a1 b2": connections by their letters, each with a name and, by its number, an address. */
static const struct {
    const char *before, *after; /* versions; NULL: there is none */
    const char *gone, *come;    /* what is told; "*": the whole version */
} rows[] = {
    {"a1 b1 c1", "a1 b2 c1", "b1", "b2"},
    {"a1 b1 c1", "a2 b1 c3", "a1 c1", "a2 c3"},
    {"a1 b1 c1", "a1 b1 c1", "", ""},
    {"a1 b1 c1", "a1 b1 c1 d1", "", "d1"},
    {"a1 b1 c1 d1", "a1 b1 c1", "d1", ""},
    {"a1 b1 c1", "a1 c1", "b1 c1", "c1"}, /* its line is another now */
    {"a1 b1", "", "a1 b1", ""},
    {"", "a1 b1", "", "a1 b1"},
    {NULL, "a1 b1", NULL, "*"},
    {"a1 b1", NULL, "*", NULL},
    /* The name of "n" is below that of "a", that of "m" above; hosts are alone. */
    {"a1 b1 n1", "a1 b2 n1", "*", "*"},
    {"a1 b1", "a1 n1", "*", "*"},
    {"a1 m1", "a1 b1", "*", "*"},
    {"h1 i1 b1", "h1 i2 b1", "i1", "i2"},
};

static const char *name_of(char letter)
{
    static char name[64];

    switch (letter) {
    case 'n':
        return "*.x.a.example.com";
    case 'm':
        return "*.example.com";
    case 'h':
    case 'i':
        snprintf(name, sizeof(name), "%c.hosts.example.com", letter);
        return name;
    default:
        snprintf(name, sizeof(name), "*.%c.example.com", letter);
        return name;
    }
}

static struct document *read_document(const char *row, bool rest)
{
    static char text[TEXT_SIZE];
    struct error_list errors = {0};
    int at = snprintf(text, sizeof(text), "privateLinkConnections:%s\n", *row == '\0' ? " []" : "");

    for (; *row != '\0'; row += row[2] == ' ' ? 3 : 2) {
        at += snprintf(text + at, sizeof(text) - (size_t)at,
                       "- {privateLinkConnectionId: plc-%c, type: VPC_RESOURCE, endpoints: "
                       "[{addresses: [10.0.0.%c]}], attachedDomains: [{type: CUSTOM, domains: "
                       "[{name: '%s'}]}]}\n",
                       row[0], row[1], name_of(row[0]));
    }
    struct document *document = document_parse("d.yaml", text, (size_t)at, &errors);
    assert_non_null(document);
    error_clear(&errors);
    if (rest) {
        document_rest(document);
    }
    return document;
}

static void check_told(const struct document *told, const struct document *version,
                       const char *expected)
{
    struct document_walk walk;
    const struct connection *connection;
    char text[64] = "";
    size_t size = 0;

    if (expected == NULL || strcmp(expected, "*") == 0) {
        assert_ptr_equal(told, version);
        return;
    }
    assert_string_equal(told->name, version->name);
    assert_memory_equal(&told->digest, &version->digest, sizeof(told->digest));
    document_begin(&walk, told);
    while ((connection = document_next(&walk)) != NULL) {
        size += (size_t)snprintf(text + size, sizeof(text) - size, "%s%s%u", size > 0 ? " " : "",
                                 connection->id + strlen("plc-"),
                                 connection->endpoints[0].addresses[0].bytes[3]);
    }
    document_end(&walk);
    assert_string_equal(text, expected);
}

static void test_rows(void **state)
{
    (void)state;
    for (size_t i = 0; i < 2 * ARRAY_LENGTH(rows); i++) {
        struct documentchange_list list = {0};
        const char *texts[] = {rows[i / 2].before, rows[i / 2].after};
        struct document *versions[2];
        for (size_t v = 0; v < 2; v++) {
            versions[v] = texts[v] != NULL ? read_document(texts[v], i % 2 == 0) : NULL;
        }
        documentchange_add(&list, versions[0], versions[1], NULL);
        assert_int_equal(list.length, 1);
        check_told(list.items[0].before, versions[0], rows[i / 2].gone);
        check_told(list.items[0].after, versions[1], rows[i / 2].come);
        documentchange_clear(&list);
        document_release(versions[0]);
        document_release(versions[1]);
    }
}

/* A document of so many connections. */
static struct document *read_large(size_t connections, unsigned address)
{
    char *text = alloc_array(connections + 1, 128);
    struct error_list errors = {0};
    size_t size = (size_t)sprintf(text, "privateLinkConnections:\n");

    for (size_t i = 0; i < connections; i++) {
        size += (size_t)sprintf(text + size,
                                "- {privateLinkConnectionId: plc-%zu, type: VPC_RESOURCE, "
                                "endpoints: [{addresses: [10.0.0.%u]}]}\n",
                                i, address);
    }
    struct document *document = document_parse("large.yaml", text, size, &errors);
    assert_non_null(document);
    document_rest(document);
    error_clear(&errors);
    free(text);
    return document;
}

/* What is kept in memory of all changes has a bound. */
static void test_too_much(void **state)
{
    struct document *versions[] = {read_large(DOCUMENTCHANGE_MOST / 4, 1),
                                   read_large(DOCUMENTCHANGE_MOST / 4, 2)};
    struct documentchange_list list = {0};

    (void)state;
    for (unsigned i = 0; i < 3; i++) {
        documentchange_add(&list, versions[0], versions[1], NULL);
        assert_int_equal(list.items[i].before == versions[0], i == 2);
        assert_int_equal(list.items[i].after == versions[1], i == 2);
        assert_int_equal(list.items[i].after->length, DOCUMENTCHANGE_MOST / 4);
    }
    assert_int_equal(list.connections, DOCUMENTCHANGE_MOST);
    documentchange_clear(&list);
    assert_int_equal(list.length + list.connections, 0);
    document_release(versions[0]);
    document_release(versions[1]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rows),
        cmocka_unit_test(test_too_much),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
