/* The ledger beside the slow way: claims.h for contradictions, names held against each other one by
 * one for what lies apart. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "claims.h"
#include "dname.h"
#include "domain.h"
#include "ledger.h"

#define ROUNDS    3000
#define DOCUMENTS 12

static const struct hash_key key = {7, 11};
static uint32_t seed = 1;

static unsigned draw(unsigned below)
{
    seed = seed * 1664525 + 1013904223;
    return (seed >> 8) % below;
}

static struct document *parse(const char *name, const char *text)
{
    struct error_list errors = {0};
    struct document *document = document_parse(name, text, strlen(text), &errors);

    error_clear(&errors);
    return document;
}

/* Few names, close to each other, so that they meet often. */
static const char *const names[] = {
    "a.example.com", "*.a.example.com", "b.a.example.com",     "*.b.a.example.com", "example.com",
    "*.example.com", "c.example.com",   "*.x.b.a.example.com", "other.org",         "*.d.other.org",
    "*.other.org",   "y.c.example.com", "t.a.example.com",
};
#define NAMES (sizeof(names) / sizeof(names[0]))

/* NULL: it contradicts itself. */
static struct document *random_document(unsigned number)
{
    static const char *const clusters[] = {"one", "two"};
    char text[8192], name[16], own[32];
    int at = snprintf(text, sizeof(text), "privateLinkConnections:\n");
    unsigned last = draw(4) == 0 ? 1 + draw(20) : 1 + draw(2);

    for (unsigned c = last; c > 0; c--) {
        /* What meets stands at both ends: most claims of a document lie between. */
        snprintf(own, sizeof(own), "c%u.d%u.example.net", c, number);
        at +=
            snprintf(text + at, sizeof(text) - (size_t)at,
                     "- privateLinkConnectionId: plc-%u\n  type: AWS_ENDPOINT_SERVICE\n"
                     "  clusterId: %s\n  endpoints: [{%s}]\n"
                     "  attachedDomains: [{type: CUSTOM, domains: [{name: '%s'}]}]\n",
                     draw(3 * last) == 0 ? draw(4) : 100 * number + 10 + c, clusters[draw(2)],
                     draw(2 + 2 * last) == 0 ? "dnsName: t.a.example.com" : "addresses: [10.0.0.1]",
                     c == 1 || c == last ? names[draw(NAMES)] : own);
    }
    snprintf(name, sizeof(name), "%u.yaml", number);
    return parse(name, text);
}

/* ---- the slow way ---- */

static bool fits(struct document *const *there, const struct document *document)
{
    struct claims *claims = claims_new(&key, NULL, 0);
    struct error_list errors = {0};

    for (unsigned i = 0; i < DOCUMENTS; i++) {
        if (there[i] != NULL) {
            assert_true(claims_add(claims, there[i], CLAIMS_NONE, &errors));
        }
    }
    bool good = claims_add(claims, document, CLAIMS_NONE, &errors);
    error_clear(&errors);
    claims_free(claims);
    return good;
}

struct roots {
    struct domain_root items[64];
    unsigned length;
};

static void take_root(void *arg, const struct domain_root *root)
{
    struct roots *roots = arg;

    roots->items[roots->length++] = *root;
}

static void roots_of(const struct document *document, struct roots *out)
{
    out->length = 0;
    for (size_t i = 0; i < document->length; i++) {
        domain_roots(&document->connections[i], take_root, out);
    }
}

static bool meets(const struct domain_root *a, const struct domain_root *b)
{
    return dname_equal(a->name.wire, b->name.wire) ||
           (b->subtree && dname_under(a->name.wire, b->name.wire, NULL)) ||
           dname_under(b->name.wire, a->name.wire, NULL);
}

static bool is_apart(struct document *const *there, const struct document *document)
{
    static struct roots mine, theirs;

    roots_of(document, &mine);
    for (unsigned i = 0; i < DOCUMENTS; i++) {
        if (there[i] == NULL) {
            continue;
        }
        roots_of(there[i], &theirs);
        for (unsigned m = 0; m < mine.length; m++) {
            for (unsigned t = 0; t < theirs.length; t++) {
                if (meets(&mine.items[m], &theirs.items[t])) {
                    return false;
                }
            }
        }
    }
    return true;
}

static bool has_root(struct document *const *there, const struct dname *name, bool subtree)
{
    static struct roots theirs;

    for (unsigned i = 0; i < DOCUMENTS; i++) {
        if (there[i] == NULL) {
            continue;
        }
        roots_of(there[i], &theirs);
        for (unsigned t = 0; t < theirs.length; t++) {
            if (theirs.items[t].subtree == subtree &&
                dname_equal(theirs.items[t].name.wire, name->wire)) {
                return true;
            }
        }
    }
    return false;
}

static void check_roots(const struct ledger *ledger, struct document *const *there)
{
    for (unsigned i = 0; i < NAMES; i++) {
        const char *text = names[i], *why;
        bool subtree = text[0] == '*';
        struct dname name;
        text += subtree ? 2 : 0;
        assert_true(dname_from_text(&name, text, strlen(text), &why));
        assert_int_equal(ledger_has_root(ledger, VIEW_NONE, name.wire, subtree),
                         has_root(there, &name, subtree));
    }
}

static void test_beside_the_slow_way(void **state)
{
    struct document *nobody[DOCUMENTS] = {NULL}, *there[DOCUMENTS] = {NULL};
    struct ledger *ledger = ledger_new(&key, NULL);
    unsigned refused = 0, near = 0, added = 0, settled = 0;

    (void)state;
    for (unsigned round = 0; round < ROUNDS; round++) {
        unsigned i = draw(DOCUMENTS);
        if (there[i] != NULL) {
            ledger_remove(ledger, there[i]);
            document_release(there[i]);
            there[i] = NULL;
            continue;
        }
        struct document *document = random_document(i);
        if (document == NULL) {
            continue;
        }
        bool apart = is_apart(there, document), good = fits(there, document);
        assert_int_equal(ledger_is_apart(ledger, document), apart);
        if (fits(nobody, document)) { /* else it contradicts itself, which is not asked */
            assert_int_equal(ledger_contradicts(ledger, document), !good);
        }
        assert_int_equal(ledger_add(ledger, document), good);
        near += !apart;
        if (good) {
            there[i] = document;
            added++;
        } else {
            refused++;
            ledger_remove(ledger, document);
            document_release(document);
        }
        check_roots(ledger, there);
        if (draw(4) == 0) {
            bool changed = ledger_settle(ledger);
            settled += changed;
            assert_false(ledger_settle(ledger));
            check_roots(ledger, there);
        }
        if (draw(4) == 0) { /* settled before, so nothing is undone but what is tried here */
            ledger_settle(ledger);
            for (unsigned n = 0; n < DOCUMENTS; n++) {
                if (there[n] != NULL && draw(2) == 0) {
                    ledger_remove(ledger, there[n]);
                }
            }
            ledger_undo(ledger);
            check_roots(ledger, there);
        }
    }
    assert_true(settled > 100);
    assert_true(refused > 100 && near > 100 && added > 100);
    for (unsigned i = 0; i < DOCUMENTS; i++) {
        if (there[i] != NULL) {
            ledger_remove(ledger, there[i]);
            document_release(there[i]);
        }
    }
    ledger_free(ledger);
}

/* ---- documents that leave and return ---- */

struct table {
    struct document *of[ROUNDS]; /* by their numbers */
    bool is_there[ROUNDS];
    unsigned lefts;
};

static void left(void *arg, size_t number)
{
    struct table *table = arg;

    assert_true(table->is_there[number]);
    table->is_there[number] = false;
    table->lefts++;
}

static bool fits_with(const struct table *table, size_t length, const struct document *document)
{
    struct claims *claims = claims_new(&key, NULL, 0);
    struct error_list errors = {0};

    for (size_t i = 0; i < length; i++) {
        if (table->is_there[i]) {
            (void)claims_hold(claims, table->of[i]);
        }
    }
    bool good = claims_add(claims, document, CLAIMS_NONE, &errors);
    error_clear(&errors);
    claims_free(claims);
    return good;
}

static void test_leave_and_return(void **state)
{
    static struct table table;
    struct claims *claims = claims_new(&key, NULL, 0);
    struct error_list errors = {0};
    unsigned added = 0, refused = 0;

    (void)state;
    for (unsigned round = 0; round < ROUNDS; round++) {
        size_t length = claims_length(claims), i = length == 0 ? 0 : draw((unsigned)length);
        struct document *document = draw(3) > 0 ? random_document(round) : NULL;
        if (document != NULL) {
            bool good = claims_add(claims, document, CLAIMS_NONE, &errors);
            assert_int_equal(good, fits_with(&table, length, document));
            table.of[length] = document;
            table.is_there[length] = good;
            added += good;
            refused += !good;
            if (!good) {
                document_release(document);
            }
        } else if (i < length && table.is_there[i]) {
            claims_leave(claims, i);
            table.is_there[i] = false;
        } else if (i < length) {
            unsigned lefts = table.lefts;
            bool good = fits_with(&table, length, table.of[i]);
            claims_return(claims, i, left, &table);
            assert_int_equal(table.lefts > lefts, !good);
            assert_true(fits_with(&table, length, table.of[i]));
            table.is_there[i] = true;
        }
    }
    assert_true(added > 100 && refused > 100 && table.lefts > 100);
    for (size_t i = 0; i < claims_length(claims); i++) {
        document_release(table.of[i]);
    }
    error_clear(&errors);
    claims_free(claims);
}

/* Thousands come and go: slots are freed and found again. */
static void test_many(void **state)
{
    enum { MANY = 3000 };
    static struct document *there[MANY];
    struct ledger *ledger = ledger_new(&key, NULL);
    char text[512];

    (void)state;
    for (unsigned round = 0; round < 4 * MANY; round++) {
        unsigned i = draw(MANY);
        if (there[i] != NULL) {
            ledger_remove(ledger, there[i]);
            document_release(there[i]);
            there[i] = NULL;
        } else {
            snprintf(text, sizeof(text),
                     "privateLinkConnectionId: plc-%u\ntype: AWS_ENDPOINT_SERVICE\n"
                     "endpoints: [{addresses: [10.0.0.1]}]\n"
                     "attachedDomains: [{type: CUSTOM, domains: [{name: 'h%u.example.com'}]}]\n",
                     i, i);
            there[i] = parse("many.yaml", text);
            assert_non_null(there[i]);
            assert_true(ledger_add(ledger, there[i]));
        }
    }
    bool first = true; /* there were others before */
    for (unsigned i = 0; i < MANY; i++) {
        if (there[i] != NULL) {
            assert_false(ledger_add(ledger, there[i])); /* it is there already */
            ledger_remove(ledger, there[i]);
            ledger_remove(ledger, there[i]);
            assert_true(ledger_add(ledger, there[i]));
            assert_int_equal(ledger_settle(ledger), first); /* it is claimed as before */
            first = false;
            document_release(there[i]);
        }
    }
    ledger_free(ledger);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_beside_the_slow_way),
        cmocka_unit_test(test_leave_and_return),
        cmocka_unit_test(test_many),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
