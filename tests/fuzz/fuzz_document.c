/* Bytes of a document → checked connections → rules → table → look-ups.
 *
 * Beside the sanitizers' findings, what must hold is asserted: a refusal has a reason, and names
 * that the document attaches are owned. */
#include "replay.h"

#include <assert.h>
#include <string.h>

#include "document.h"
#include "domain.h"
#include "table.h"

/* Look-ups of one document; more would only make a run slower. */
#define NAMES_MAX 32

struct names {
    struct dname items[NAMES_MAX];
    size_t length;
};

static void take_rule(void *arg, const struct domain_rule *rule)
{
    struct names *names = arg;

    assert(dname_size(rule->owner.wire) == rule->owner.size);
    assert(strlen(rule->zone) <= ZONEID_MAX && rule->line > 0);
    if (names->length < NAMES_MAX)
        names->items[names->length++] = rule->owner;
}

static void take_root(void *arg, const struct domain_root *root)
{
    struct names *names = arg;

    assert(dname_size(root->name.wire) == root->name.size);
    if (names->length < NAMES_MAX)
        names->items[names->length++] = root->name;
}

static void look_up(const struct table *table, const struct names *names)
{
    struct table_match match;
    struct dname below;

    for (size_t i = 0; i < names->length; i++) {
        table_find(table, names->items[i].wire, &match);
        assert(match.outcome != TABLE_NOT_OWNED);
        if (!dname_prepend(&below, (const uint8_t *)"use1-az9", 8, &names->items[i]))
            continue;
        table_find(table, below.wire, &match);
        assert(!dname_is_wildcard(names->items[i].wire) || match.outcome != TABLE_NOT_OWNED);
    }
}

static void use(struct document *document)
{
    struct table_options options = {.key = {1, 2}, .generation = 1, .zone = "use1-az1"};
    struct names names = {.length = 0};

    for (size_t i = 0; i < document->length; i++) {
        domain_rules(&document->connections[i], take_rule, &names);
        domain_roots(&document->connections[i], take_root, &names);
    }
    struct table *table = table_build(&options, &document, 1);
    look_up(table, &names);
    table_free(table);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct error_list errors = {0};
    char line[256];
    struct document *document = document_parse("fuzz.yaml", data, size, &errors);

    assert((document == NULL) == (errors.errors > 0));
    assert(errors.length <= ERROR_LIST_MAX);
    for (size_t i = 0; i < errors.length; i++)
        error_format(&errors.items[i], line, sizeof line);
    if (document != NULL)
        use(document);
    document_release(document);
    error_clear(&errors);
    return 0;
}
