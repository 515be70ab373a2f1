/* Documents at rest say what they said; bytes that are none do no harm. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "alloc.h"
#include "dname.h"
#include "document.h"
#include "documentpack.h"

#define DOCUMENT_MAX (1u << 20)

/* ---- comparing ---- */

static void same_wire(const uint8_t *a, const uint8_t *b)
{
    assert_int_equal(a == NULL, b == NULL);
    if (a != NULL) {
        assert_int_equal(dname_size(a), dname_size(b));
        assert_memory_equal(a, b, dname_size(a));
    }
}

static void same_endpoint(const struct connection_endpoint *a, const struct connection_endpoint *b)
{
    assert_string_equal(a->zone, b->zone);
    assert_string_equal(a->dns_name, b->dns_name);
    same_wire(a->target, b->target);
    assert_string_equal(a->state_word, b->state_word);
    assert_int_equal(a->state, b->state);
    assert_string_equal(a->message, b->message);
    assert_int_equal(a->line, b->line);
    assert_int_equal(a->length, b->length);
    for (unsigned i = 0; i < a->length; i++) {
        assert_int_equal(a->addresses[i].v6, b->addresses[i].v6);
        assert_memory_equal(a->addresses[i].bytes, b->addresses[i].bytes,
                            a->addresses[i].v6 ? 16 : 4);
    }
}

static void same_domain(const struct connection_domain *a, const struct connection_domain *b)
{
    assert_string_equal(a->id, b->id);
    assert_int_equal(a->type, b->type);
    assert_string_equal(a->unique_name, b->unique_name);
    assert_string_equal(a->state_word, b->state_word);
    assert_int_equal(a->state, b->state);
    assert_string_equal(a->message, b->message);
    same_wire(a->root, b->root);
    assert_int_equal(a->line, b->line);
    assert_int_equal(a->length, b->length);
    for (unsigned i = 0; i < a->length; i++) {
        same_wire(a->names[i].wire, b->names[i].wire);
        assert_string_equal(a->names[i].state_word, b->names[i].state_word);
        assert_int_equal(a->names[i].state, b->names[i].state);
        assert_string_equal(a->names[i].message, b->names[i].message);
        assert_int_equal(a->names[i].line, b->names[i].line);
    }
}

static void same_health(const struct connection_health *a, const struct connection_health *b)
{
    assert_int_equal(a->on, b->on);
    if (a->on) {
        assert_int_equal(a->port, b->port);
        assert_int_equal(a->interval_ms, b->interval_ms);
        assert_int_equal(a->timeout_ms, b->timeout_ms);
        assert_int_equal(a->rise, b->rise);
        assert_int_equal(a->fall, b->fall);
        assert_int_equal(a->min_healthy_percent, b->min_healthy_percent);
    }
}

static void same_connection(const struct connection *a, const struct connection *b)
{
    assert_string_equal(a->id, b->id);
    assert_string_equal(a->cluster_id, b->cluster_id);
    assert_string_equal(a->display_name, b->display_name);
    assert_int_equal(a->type, b->type);
    assert_int_equal(a->cloud, b->cloud);
    assert_string_equal(a->state_word, b->state_word);
    assert_int_equal(a->state, b->state);
    assert_string_equal(a->message, b->message);
    assert_int_equal(a->domains_absent, b->domains_absent);
    assert_int_equal(a->ttl, b->ttl);
    assert_int_equal(a->fallback, b->fallback);
    assert_int_equal(a->line, b->line);
    same_health(&a->health, &b->health);
    assert_int_equal(a->endpoints_length, b->endpoints_length);
    for (unsigned i = 0; i < a->endpoints_length; i++) {
        same_endpoint(&a->endpoints[i], &b->endpoints[i]);
    }
    assert_int_equal(a->domains_length, b->domains_length);
    for (unsigned i = 0; i < a->domains_length; i++) {
        same_domain(&a->domains[i], &b->domains[i]);
    }
}

/* ---- documents ---- */

static size_t read_file(const char *folder, const char *name, char *text)
{
    char path[1024];

    snprintf(path, sizeof(path), "%s/%s", folder, name);
    FILE *file = fopen(path, "rb");
    assert_non_null(file);
    size_t size = fread(text, 1, DOCUMENT_MAX, file);
    fclose(file);
    return size;
}

static void rest_and_compare(const char *name, const char *text, size_t size)
{
    struct error_list errors = {0};
    struct document *awake = document_parse(name, text, size, &errors);
    struct document *asleep = document_parse(name, text, size, &errors);
    struct document_reading reading;

    assert_non_null(awake);
    document_rest(asleep);
    assert_null(asleep->connections);
    document_open(&reading, asleep);
    assert_int_equal(reading.length, awake->length);
    for (size_t i = 0; i < awake->length; i++) {
        same_connection(&awake->connections[i], &reading.connections[i]);
    }
    document_close(&reading);
    document_release(awake);
    document_release(asleep);
    error_clear(&errors);
}

static size_t each_of(const char *folder, char *text)
{
    DIR *list = opendir(folder);
    size_t count = 0;

    assert_non_null(list);
    for (const struct dirent *entry; (entry = readdir(list)) != NULL;) {
        struct error_list errors = {0};
        if (entry->d_name[0] == '.' || entry->d_type == DT_DIR) {
            continue;
        }
        size_t size = read_file(folder, entry->d_name, text);
        struct document *document = document_parse(entry->d_name, text, size, &errors);
        if (document != NULL) {
            rest_and_compare(entry->d_name, text, size);
            count++;
        }
        document_release(document);
        error_clear(&errors);
    }
    closedir(list);
    return count;
}

static void test_all_documents(void **state)
{
    char *text = alloc_array(DOCUMENT_MAX, 1);

    (void)state;
    assert_true(each_of(DOCUMENTS "/good", text) > 10);
    assert_true(each_of(SAMPLES, text) > 0);
    rest_and_compare("none", "privateLinkConnections: []", 26);
    free(text);
}

/* ---- bytes that are none ---- */

static const char sample[] =
    "privateLinkConnections:\n"
    "- {privateLinkConnectionId: plc-1, type: VPC_RESOURCE, state: ACTIVE, clusterId: '1',\n"
    "   endpoints: [{zone: use1-az1, addresses: [10.0.0.1, 'fd00::1'], state: ACTIVE}],\n"
    "   healthCheck: {port: 9092},\n"
    "   attachedDomains: [{type: CUSTOM, domains: [{name: '*.a.example'}, {name: b.example}]}]}\n"
    "- {privateLinkConnectionId: plc-2, type: VPC_RESOURCE,\n"
    "   endpoints: [{dnsName: vpce-1.example.com}],\n"
    "   attachedDomains: [{type: TIDBCLOUD_MANAGED, uniqueName: aaaaaaaaaaaaaaaaaaaaaaaaaa}]}\n";

static void read_packed(const struct packing *packing, size_t size, size_t length, bool good)
{
    uint8_t *exact = alloc_copy(packing->bytes, size); /* nothing is read behind it */
    struct arena arena = {0};
    struct connection *connections = documentpack_read(exact, size, length, &arena);

    assert_true(!good || connections != NULL);
    for (size_t i = 0; connections != NULL && i < length; i++) {
        assert_true(strlen(connections[i].id) < size);
    }
    arena_clear(&arena);
    free(exact);
}

static void test_other_bytes(void **state)
{
    struct error_list errors = {0};
    struct document *document = document_parse("d", sample, sizeof(sample) - 1, &errors);
    struct packing packing = {0};
    uint32_t seed = 1;

    (void)state;
    assert_non_null(document);
    documentpack_write(&packing, document->connections, document->length);
    read_packed(&packing, packing.size, document->length, true);
    for (size_t size = 0; size < packing.size; size++) {
        struct arena arena = {0};
        assert_null(documentpack_read(packing.bytes, size, document->length, &arena));
        arena_clear(&arena);
        read_packed(&packing, size, document->length, false);
    }
    for (unsigned n = 0; n < 100000; n++) {
        seed = seed * 1664525 + 1013904223;
        uint8_t *at = &packing.bytes[(seed >> 12) % packing.size], was = *at;
        *at = (uint8_t)(seed >> 4);
        read_packed(&packing, packing.size, document->length, false);
        if (n % 3 != 0) { /* some stay */
            *at = was;
        }
        if (n % 64 == 0) {
            packing.size = 0;
            memset(packing.recent, 0, sizeof(packing.recent));
            documentpack_write(&packing, document->connections, document->length);
        }
    }
    free(packing.bytes);
    error_clear(&errors);
    document_release(document);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_all_documents),
        cmocka_unit_test(test_other_bytes),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
