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
#include "catalog.h"
#include "documentchange.h"

#define TEXT_SIZE 8192

static unsigned connections_read;

const struct connection *__wrap_document_next(struct document_walk *);
const struct connection *__real_document_next(struct document_walk *);

const struct connection *__wrap_document_next(struct document_walk *walk)
{
    connections_read++;
    return __real_document_next(walk);
}

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

static void rename_document(struct document *document, const char *name)
{
    free((char *)(uintptr_t)document->name);
    document->name = alloc_string(name);
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

/* What was found is found again for the very versions of which it was, and told the same at rest.
 */
static void test_moved(void **state)
{
    enum { LENGTH = 4, CHANGED = 1, GONE = 2, COME = 3 };
    static const char *const texts[LENGTH][2] = {
        {"a1 b1", "a2 b1"}, {"c1 d1", "c2 d1"}, {"e1", NULL}, {NULL, "i1"}};
    static const char *const names[LENGTH] = {"1.yaml", "2.yaml", "3.yaml", "4.yaml"};
    struct documentchange_list first = {0}, second = {0};
    struct document *versions[LENGTH][2], *newer = read_document("c3 d1", true);

    (void)state;
    for (size_t i = 0; i < LENGTH; i++) {
        for (size_t v = 0; v < 2; v++) {
            versions[i][v] = texts[i][v] != NULL ? read_document(texts[i][v], true) : NULL;
            if (versions[i][v] != NULL) {
                rename_document(versions[i][v], names[i]);
            }
        }
        documentchange_add(&first, versions[i][0], versions[i][1], NULL);
    }
    rename_document(newer, names[CHANGED]);
    documentchange_rest(&first);
    assert_true(documentchange_move(&second, &first, versions[0][0], versions[0][1]));
    assert_false(documentchange_move(&second, &first, versions[CHANGED][0], newer));
    assert_true(documentchange_move(&second, &first, versions[GONE][0], NULL));
    assert_true(documentchange_move(&second, &first, NULL, versions[COME][1]));
    assert_false(documentchange_move(&second, &first, NULL, versions[COME][1]));
    documentchange_clear(&first);
    assert_int_equal(second.length, LENGTH - 1);
    assert_int_equal(second.connections, 0);
    check_told(second.items[0].before, versions[0][0], "a1");
    check_told(second.items[0].after, versions[0][1], "a2");
    assert_ptr_equal(second.items[1].before, versions[GONE][0]);
    assert_null(second.items[1].after);
    assert_null(second.items[2].before);
    assert_ptr_equal(second.items[2].after, versions[COME][1]);
    documentchange_clear(&second);
    document_release(newer);
    for (size_t i = 0; i < LENGTH; i++) {
        document_release(versions[i][0]);
        document_release(versions[i][1]);
    }
}

/* ---- one after the other ---- */

#define DOCUMENTS 40
#define EACH      20 /* connections */

/* The same document, of which one connection is of another version. */
static void offer_version(struct catalog *catalog, unsigned i, unsigned version)
{
    static char text[EACH * 256];
    char name[16];
    size_t size = (size_t)sprintf(text, "privateLinkConnections:\n");

    for (unsigned n = 0; n < EACH; n++) {
        size += (size_t)sprintf(text + size,
                                "- {privateLinkConnectionId: plc-%u-%u, type: VPC_RESOURCE, "
                                "endpoints: [{addresses: [10.0.0.%u]}], attachedDomains: "
                                "[{type: CUSTOM, domains: [{name: '*.n%u-%u.example'}]}]}\n",
                                i, n, n == 0 ? version : 0, i, n);
    }
    snprintf(name, sizeof(name), "%02u.yaml", i);
    (void)catalog_offer(catalog, name, text, size);
}

/* Returns how many connections were read to build the tables. */
static unsigned count_read(struct catalog *catalog, unsigned changed)
{
    struct table_options options = {.zone = ""};
    struct catalog_change change;

    catalog_begin(catalog);
    for (unsigned i = 0; i < DOCUMENTS; i++) {
        offer_version(catalog, i, i < changed);
    }
    catalog_finish(catalog, 0, &change);
    assert_int_equal(change.refused, 0);
    connections_read = 0;
    tableset_free(catalog_build_set(catalog, &options));
    return connections_read;
}

/* A change does not read again what changed before it. */
static void test_one_after_the_other(void **state)
{
    struct catalog *catalog = catalog_new(0);
    unsigned first, read = 0;

    (void)state;
    assert_true(count_read(catalog, 0) >= DOCUMENTS * EACH);
    first = count_read(catalog, 1);
    for (unsigned changed = 2; changed < DOCUMENTS; changed++) {
        read = count_read(catalog, changed);
        assert_true(catalog_patched(catalog));
    }
    /* Of each that changed before, the connection that differs, and that there are no more. */
    assert_in_range(read, 1, first + DOCUMENTS * 2 * 2);
    catalog_free(catalog);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rows),
        cmocka_unit_test(test_too_much),
        cmocka_unit_test(test_moved),
        cmocka_unit_test(test_one_after_the_other),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
