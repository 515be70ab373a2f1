/* Who is concerned by what became known otherwise of endpoints. */
#include "learned.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "dname.h"
#include "handmade.h"

/* What is known: of one name, and which address is sick. */
struct known {
    const char *name; /* NULL: nothing is known of any */
    uint8_t last;     /* of its address 10.0.0.x; 0: it has none */
    bool v4_told;
    const char *trouble;
    uint64_t trouble_since;
    uint8_t sick; /* 10.0.0.x; 0: none */
    uint64_t sick_since;
};

static const struct connection_health check = {true, 9092, 5000, 2000, 2, 3, 50};

static struct targets *make_targets(const struct known *known)
{
    if (known->name == NULL) {
        return NULL;
    }
    struct dname name = handmade_dname(known->name);
    struct connection_address address = {.bytes = {10, 0, 0, known->last}};
    const struct targets_entry entry = {.name = name.wire,
                                        .addresses = &address,
                                        .length = known->last != 0,
                                        .v4_told = known->v4_told,
                                        .trouble = known->trouble,
                                        .trouble_since = known->trouble_since};
    return targets_make(&entry, 1);
}

static struct health *make_health(const struct known *known)
{
    const struct health_entry entry = {{{.bytes = {10, 0, 0, known->sick}}, check},
                                       known->sick_since};

    return known->sick == 0 ? NULL : health_make(&entry, 1);
}

/* The document looks to the name "e.example", and tries 10.0.0.1. */
static struct document *make_document(void)
{
    struct document *document = handmade_new("a.yaml");
    struct connection *connection = handmade_connection(document, "plc-1");

    handmade_endpoint(document, connection, "", "10.0.0.1");
    handmade_endpoint(document, connection, "", "")->target = (const uint8_t *)"\1e\7example";
    connection->health = check;
    document->wants = true;
    return document;
}

#define E "e.example"
static const struct {
    const char *what;
    struct known before, after;
    bool concerned;
} rows[] = {
    {"nothing", {0}, {0}, false},
    {"the same", {E, 5, true, "", 0, 0, 0}, {E, 5, true, "", 0, 0, 0}, false},
    {"known now", {0}, {E, 5, true, "", 0, 0, 0}, true},
    {"not any more", {E, 5, true, "", 0, 0, 0}, {0}, true},
    {"of another name", {0}, {"f.example", 5, true, "", 0, 0, 0}, false},
    {"another address", {E, 5, true, "", 0, 0, 0}, {E, 6, true, "", 0, 0, 0}, true},
    {"none", {E, 5, true, "", 0, 0, 0}, {E, 0, true, "", 0, 0, 0}, true},
    {"no IPv4 at all", {E, 0, false, "", 0, 0, 0}, {E, 0, true, "", 0, 0, 0}, true},
    {"in trouble", {E, 5, true, "", 0, 0, 0}, {E, 5, true, "timeout", 9, 0, 0}, true},
    {"in other trouble", {E, 5, true, "nxdomain", 9, 0, 0}, {E, 5, true, "timeout", 9, 0, 0}, true},
    {"reckoned anew", {E, 5, true, "timeout", 9, 0, 0}, {E, 5, true, "timeout", 10, 0, 0}, false},
    {"since later", {E, 5, true, "timeout", 9, 0, 0}, {E, 5, true, "timeout", 11, 0, 0}, true},
    {"sick", {0}, {.sick = 1, .sick_since = 9}, true},
    {"well again", {.sick = 1, .sick_since = 9}, {0}, true},
    {"sick anew", {.sick = 1, .sick_since = 9}, {.sick = 1, .sick_since = 19}, true},
    {"sick as before", {.sick = 1, .sick_since = 9}, {.sick = 1, .sick_since = 8}, false},
    {"another is sick", {0}, {.sick = 2, .sick_since = 9}, false},
    {"sick behind the name", {E, 5, true, "", 0, 0, 0}, {E, 5, true, "", 0, 5, 9}, true},
    {"behind another name",
     {"f.example", 5, true, "", 0, 0, 0},
     {"f.example", 5, true, "", 0, 5, 9},
     false},
};

static void learn(struct learned *learned, const struct known *before, const struct known *after)
{
    struct targets *targets[] = {make_targets(before), make_targets(after)};
    struct health *health[] = {make_health(before), make_health(after)};

    learned_add(learned, &(struct learned_facts){targets[0], health[0]},
                &(struct learned_facts){targets[1], health[1]});
    for (unsigned i = 0; i < 2; i++) {
        targets_free(targets[i]);
        health_free(health[i]);
    }
}

static void test_concerned(void **state)
{
    struct document *document = make_document();

    (void)state;
    for (size_t i = 0; i < ARRAY_LENGTH(rows); i++) {
        struct learned learned = {0};
        learn(&learned, &rows[i].before, &rows[i].after);
        if (learned_concerns(&learned, &document->connections[0]) != rows[i].concerned ||
            learned_concerns_any(&learned, document) != rows[i].concerned) {
            fail_msg("%s", rows[i].what);
        }
        learned_clear(&learned);
    }
    handmade_free(document);
}

/* What was learned before stays learned. */
static void test_one_after_the_other(void **state)
{
    struct document *document = make_document();
    struct learned learned = {0};

    (void)state;
    learn(&learned, &(struct known){0}, &(struct known){.sick = 1, .sick_since = 9});
    size_t length = learned.length;
    learn(&learned, &(struct known){.sick = 1, .sick_since = 9}, &(struct known){0});
    assert_int_equal(learned.length, length);
    learn(&learned, &(struct known){0}, &(struct known){"f.example", 7, true, "", 0, 0, 0});
    assert_true(learned.length > length);
    assert_true(learned_concerns_any(&learned, document));
    learned_clear(&learned);
    assert_false(learned_concerns_any(&learned, document));
    handmade_free(document);
}

/* A document that wants nothing found out is not looked into. */
static void test_without_wants(void **state)
{
    struct document *document = make_document();
    struct learned learned = {0};

    (void)state;
    document->wants = false;
    learn(&learned, &(struct known){0}, &(struct known){.sick = 1, .sick_since = 9});
    assert_false(learned_concerns_any(&learned, document));
    assert_null(document->looks_to);
    learned_clear(&learned);
    handmade_free(document);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_concerned),
        cmocka_unit_test(test_one_after_the_other),
        cmocka_unit_test(test_without_wants),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
