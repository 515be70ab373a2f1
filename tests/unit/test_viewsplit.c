/* Documents divided among views: counted as they are divided, and looked into once. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "catalog.h"
#include "viewsplit.h"

#define DOCUMENTS 40
#define CLUSTERS  4 /* of no view, of one, of the other, and of both */

static unsigned looks; /* into documents */

void __wrap_document_begin(struct document_walk *, const struct document *);
void __real_document_begin(struct document_walk *, const struct document *);
void __wrap_document_open(struct document_reading *, const struct document *);
void __real_document_open(struct document_reading *, const struct document *);

void __wrap_document_begin(struct document_walk *walk, const struct document *document)
{
    looks++;
    __real_document_begin(walk, document);
}

void __wrap_document_open(struct document_reading *reading, const struct document *document)
{
    looks++;
    __real_document_open(reading, document);
}

static void make_views(struct view_list *views)
{
    static const char *const clusters[] = {"1", "2"};
    char why[VIEW_WHY];

    for (unsigned i = 0; i < ARRAY_LENGTH(clusters); i++) {
        unsigned view = view_add(views, clusters[i], why);
        assert_true(view_add_cluster(views, view, clusters[i], why));
        assert_true(view_add_cluster(views, view, "3", why));
    }
}

static const char *name_of(unsigned i)
{
    static char name[16];

    snprintf(name, sizeof(name), "%02u.yaml", i);
    return name;
}

/* So many connections of clusters, one after the other. */
static const char *text_of(unsigned i, unsigned length, unsigned cluster, unsigned step)
{
    static char text[4096];
    size_t size = (size_t)sprintf(text, "privateLinkConnections:%s\n", length == 0 ? " []" : "");

    for (unsigned n = 0; n < length; n++) {
        size += (size_t)sprintf(text + size,
                                "- {privateLinkConnectionId: plc-%u-%u, clusterId: '%u', "
                                "type: VPC_RESOURCE, endpoints: [{addresses: [10.0.0.1]}], "
                                "attachedDomains: [{type: CUSTOM, domains: "
                                "[{name: '*.n%u-%u.example'}]}]}\n",
                                i, n, (cluster + n * step) % CLUSTERS, i, n);
    }
    return text;
}

static struct document *document_of(unsigned i, unsigned length, unsigned cluster, unsigned step)
{
    const char *text = text_of(i, length, cluster, step);
    struct error_list errors = {0};
    struct document *document = document_parse(name_of(i), text, strlen(text), &errors);

    assert_non_null(document);
    error_clear(&errors);
    return document;
}

static void is_counted_as_divided(void **state)
{
    struct view_list views = {0};
    struct document *documents[DOCUMENTS];

    (void)state;
    make_views(&views);
    for (unsigned i = 0; i < DOCUMENTS; i++) {
        documents[i] = document_of(i, i % 7, i / 7 % CLUSTERS, i % 3);
    }
    struct viewsplit *open = viewsplit_new(&views, documents, DOCUMENTS);
    struct viewsplit *closed = viewsplit_closed(&views, documents, DOCUMENTS);
    for (unsigned view = 0; view < view_count(&views); view++) {
        size_t length, counted;
        struct document *const *all = viewsplit_documents(open, view, &length);
        struct document *const *told = viewsplit_documents(closed, view, &counted);
        assert_int_equal(length, counted);
        assert_in_range(length, 1, DOCUMENTS - 1);
        for (size_t i = 0; i < length; i++) {
            assert_string_equal(all[i]->name, told[i]->name);
            assert_memory_equal(&all[i]->digest, &told[i]->digest, sizeof(struct digest));
            assert_int_equal(all[i]->length, told[i]->length);
        }
    }
    viewsplit_free(open);
    viewsplit_free(closed);
    for (unsigned i = 0; i < DOCUMENTS; i++) {
        document_release(documents[i]);
    }
    view_clear(&views);
}

/* Tells all documents, one of them with so many connections, and returns how often one was looked
 * into to build tables. */
static unsigned count_looks(struct catalog *catalog, unsigned changed, unsigned length)
{
    struct table_options options = {.zone = ""};
    struct catalog_change change;

    catalog_begin(catalog);
    for (unsigned i = 0; i < DOCUMENTS; i++) {
        const char *text = text_of(i, i == changed ? length : 4, i, i % 2);
        (void)catalog_offer(catalog, name_of(i), text, strlen(text));
    }
    catalog_finish(catalog, 0, &change);
    assert_int_equal(change.refused, 0);
    looks = 0;
    tableset_free(catalog_build_set(catalog, &options));
    return looks;
}

/* Where one document changed, the others are not looked into, however many there are. */
static void is_looked_into_once(void **state)
{
    struct view_list views = {0};
    struct catalog *catalog = catalog_new(0);

    (void)state;
    make_views(&views);
    catalog_set_views(catalog, &views);
    assert_true(count_looks(catalog, 0, 4) >= DOCUMENTS);
    for (unsigned round = 0; round < 4; round++) {
        assert_in_range(count_looks(catalog, 7, 3 + round % 2), 0, DOCUMENTS / 4);
        assert_true(catalog_patched(catalog));
    }
    catalog_free(catalog);
    view_clear(&views);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(is_counted_as_divided),
        cmocka_unit_test(is_looked_into_once),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
