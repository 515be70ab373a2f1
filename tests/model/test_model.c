/* The table against the model: every small set of attached names, and larger random ones, each
 * asked for every name that matters.  Outcome, deciding owner and root must agree every time. */
#include <ctype.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "dname.h"
#include "handmade.h"
#include "model.h"
#include "table.h"

static const enum model_says meaning[] = {
    [TABLE_NOT_OWNED] = MODEL_NOT_OWNED, [TABLE_ANSWER] = MODEL_ANSWER,
    [TABLE_EMPTY] = MODEL_EMPTY,         [TABLE_NXDOMAIN] = MODEL_NXDOMAIN,
    [TABLE_NOT_READY] = MODEL_NOT_READY, [TABLE_GONE] = MODEL_GONE,
    [TABLE_NO_ZONE] = MODEL_NO_ZONE,     [TABLE_DETACHED] = MODEL_DETACHED,
    [TABLE_FENCED] = MODEL_FENCED,       [TABLE_SEARCH] = MODEL_SEARCH,
};

static const char *const words[] = {"not owned", "answer",  "empty",    "nxdomain", "not ready",
                                    "gone",      "no zone", "detached", "fenced",   "search"};

static size_t tables, lookups, says[ARRAY_LENGTH(words)];

/* ---- one set of names, as the table and as the model have it ---- */

struct set {
    struct document *document;
    struct model model;
    struct dname fences[MODEL_MAX], suffixes[MODEL_MAX], graves[MODEL_MAX];
    struct table_tombstone tombstones[MODEL_MAX];
};

static void read_name(struct dname *out, const char *text)
{
    const char *why;

    if (!dname_from_text(out, *text == '\0' ? "." : text, *text == '\0' ? 1 : strlen(text), &why)) {
        abort();
    }
}

static enum model_says by_state(const struct connection *connection)
{
    return connection->state == STATE_USABLE      ? MODEL_ANSWER
           : connection->state == STATE_NOT_READY ? MODEL_NOT_READY
                                                  : MODEL_GONE;
}

static struct model_rule *add_rule(struct set *set, const struct connection *connection,
                                   const char *star, const char *zone, const char *name)
{
    struct model_rule *rule = &set->model.rules[set->model.rules_length++];

    snprintf(rule->owner, sizeof(rule->owner), "%s%s%s%s", star, zone, *zone == '\0' ? "" : ".",
             name);
    if (*name == '\0') {
        rule->owner[strlen(rule->owner) - 1] = '\0'; /* no dot in front of the root */
    }
    rule->says = by_state(connection);
    rule->regional_fallback = rule->implied = false;
    snprintf(rule->zone, sizeof(rule->zone), "%s", zone);
    return rule;
}

static struct model_root *add_root(struct set *set, const char *name)
{
    struct model_root *root = &set->model.roots[set->model.roots_length++];

    *root = (struct model_root){0};
    snprintf(root->name, sizeof(root->name), "%s", name);
    return root;
}

static void attach(struct set *set, struct connection *connection, const char *name)
{
    handmade_custom(set->document, connection, name);
    if (name[0] == '*' && (name[1] == '.' || name[1] == '\0')) {
        const char *parent = name[1] == '.' ? name + 2 : "";
        struct model_rule *rule = add_rule(set, connection, "*.", "", parent);
        add_root(set, parent);
        for (unsigned i = 0; i < connection->endpoints_length; i++) {
            const char *zone = connection->endpoints[i].zone;
            if (*zone != '\0' && strlen(zone) == strcspn(parent, ".") &&
                strncmp(zone, parent, strlen(zone)) == 0) {
                snprintf(rule->zone, sizeof(rule->zone), "%s", zone);
            }
        }
    } else {
        add_rule(set, connection, "", "", name);
    }
}

static bool has_zone(const struct model_root *root, const char *label)
{
    for (size_t i = 0; i < root->zones_length; i++) {
        if (strncmp(root->zones[i], label, 3) == 0) {
            return true;
        }
    }
    return false;
}

/* The label of a written name right left of the root. */
static const char *label_at_root(const struct model_root *root, const char *name)
{
    const char *dot;

    while ((dot = strchr(name, '.')) != NULL && strcmp(dot + 1, root->name) != 0) {
        name = dot + 1;
    }
    return name;
}

/* The zone of a name written below the root, or "". */
static void zone_of(const struct model_root *root, const char *name, char out[8])
{
    const char *label = label_at_root(root, name);

    out[0] = '\0';
    if (model_is_zone(label) && has_zone(root, label)) {
        snprintf(out, 8, "%.3s", label);
    }
}

/* 'name' is written out under the root, instead of the names that the type makes; "" = none is. */
static void attach_typed(struct set *set, struct connection *connection, const char *root,
                         const char *name)
{
    struct connection_domain *domain = handmade_typed(set->document, connection, root);
    struct model_root *r = add_root(set, root);

    for (unsigned i = 0; i < connection->endpoints_length; i++) {
        const char *zone = connection->endpoints[i].zone;
        if (*zone != '\0') {
            snprintf(r->zones[r->zones_length++], sizeof(r->zones[0]), "%s", zone);
        }
    }
    r->checked = r->zones_length > 0;
    r->strict = connection->fallback == CONNECTION_STRICT;
    if (*name == '\0') {
        add_rule(set, connection, "*.", "", root);
        for (size_t i = 0; i < r->zones_length; i++) {
            add_rule(set, connection, "*.", r->zones[i], root);
        }
        return;
    }
    const char *label = label_at_root(r, name);
    bool misses = r->checked && model_is_zone(label) && !has_zone(r, label);
    handmade_names(set->document, domain, name);
    if (!misses || !r->strict || connection->state != STATE_USABLE) {
        struct model_rule *rule = add_rule(set, connection, "", "", name);
        rule->regional_fallback = misses && !r->strict;
        zone_of(r, name, rule->zone);
    }
    if (strncmp(name, "*.", 2) == 0 && strcmp(name + 2, root) == 0) {
        for (size_t i = 0; i < r->zones_length; i++) {
            add_rule(set, connection, "*.", r->zones[i], root)->implied = true;
        }
    }
}

static struct table *build(struct set *set)
{
    const struct model *model = &set->model;
    struct table_options options = {
        .key = {tables, ~tables},
        .zone = "",
        .fences = set->fences,
        .fences_length = model->fences_length,
        .search_suffixes = set->suffixes,
        .search_suffixes_length = model->suffixes_length,
        .tombstones = set->tombstones,
        .tombstones_length = model->graves_length,
    };

    for (size_t i = 0; i < model->fences_length; i++) {
        read_name(&set->fences[i], model->fences[i].name);
    }
    for (size_t i = 0; i < model->suffixes_length; i++) {
        read_name(&set->suffixes[i], model->suffixes[i].name);
    }
    for (size_t i = 0; i < model->graves_length; i++) {
        read_name(&set->graves[i], model->graves[i].name);
        set->tombstones[i] =
            (struct table_tombstone){set->graves[i].wire, model->graves[i].subtree, false};
    }
    tables++;
    return table_build(&options, &set->document, 1);
}

/* ---- comparing ---- */

static void fail(const struct set *set, const char *name, const char *what)
{
    printf("model: '%s' differs in %s; the set:", name, what);
    for (size_t i = 0; i < set->model.rules_length; i++) {
        printf(" %s", set->model.rules[i].owner);
    }
    for (size_t i = 0; i < set->model.roots_length; i++) {
        printf(" root=%s%s", set->model.roots[i].name, set->model.roots[i].checked ? "!" : "");
    }
    for (size_t i = 0; i < set->model.graves_length; i++) {
        printf(" grave=%s%s", set->model.graves[i].subtree ? "*." : "", set->model.graves[i].name);
    }
    for (size_t i = 0; i < set->model.fences_length; i++) {
        printf(" fence=%s", set->model.fences[i].name);
    }
    for (size_t i = 0; i < set->model.suffixes_length; i++) {
        printf(" search=%s", set->model.suffixes[i].name);
    }
    printf("\n");
    exit(1);
}

struct query {
    char text[MODEL_TEXT];
    struct dname wire;
};

static void compare(const struct set *set, const struct table *table, const struct query *query)
{
    struct model_answer expected;
    struct table_match match;

    model_ask(&set->model, query->text, &expected);
    table_find(table, query->wire.wire, &match);
    lookups++;
    says[expected.says]++;
    if (meaning[match.outcome] != expected.says) {
        printf("model: table says %s, model %s\n", words[meaning[match.outcome]],
               words[expected.says]);
        fail(set, query->text, "outcome");
    }
    if (match.outcome != TABLE_NOT_OWNED && match.root_offset != expected.left) {
        fail(set, query->text, "place of the root");
    }
    if (match.regional_fallback != expected.regional_fallback) {
        fail(set, query->text, "regional fallback");
    }
    if ((match.answer != NULL) != (match.outcome == TABLE_ANSWER)) {
        fail(set, query->text, "having an answer");
    }
    if ((match.rule != NULL) != (expected.rule != NULL)) {
        fail(set, query->text, "whether a rule decided");
    }
    if (match.rule != NULL) {
        struct table_why why;
        table_describe(table, match.rule, &why);
        if (strcmp(why.owner, expected.rule->owner) != 0) {
            fail(set, query->text, "owner");
        }
        if (strcmp(why.zone, expected.rule->zone) != 0) {
            fail(set, query->text, "zone");
        }
    }
}

/* ---- every small set ---- */

#define SMALL_LABELS 3 /* the alphabet: a, b, * */
#define TRIPLE_DEPTH 3 /* of owners, three at a time; one and two have up to QUERY_DEPTH */
#define QUERY_DEPTH  4

static struct query *queries; /* all names of up to QUERY_DEPTH labels, shortest first */
static size_t queries_length, triples_length;

static void list_names(void)
{
    static const char alphabet[] = "ab*";
    size_t from = 0, to = 1;

    queries = calloc(1 + 3 + 9 + 27 + 81, sizeof(*queries));
    queries_length = 1; /* the root */
    for (unsigned depth = 1; depth <= QUERY_DEPTH; depth++) {
        for (size_t i = from; i < to; i++) {
            for (unsigned l = 0; l < SMALL_LABELS; l++) {
                char parent[MODEL_TEXT];
                memcpy(parent, queries[i].text, sizeof(parent));
                snprintf(queries[queries_length++].text, MODEL_TEXT, "%c%s%.58s", alphabet[l],
                         *parent == '\0' ? "" : ".", parent);
            }
        }
        from = to;
        to = queries_length;
        if (depth == TRIPLE_DEPTH) {
            triples_length = queries_length;
        }
    }
    for (size_t i = 0; i < queries_length; i++) {
        read_name(&queries[i].wire, queries[i].text);
    }
}

static void compare_small(const size_t *owners, size_t length)
{
    static struct set set;

    memset(&set.model, 0, sizeof(set.model));
    set.document = handmade_new("small");
    struct connection *connection = handmade_connection(set.document, "c");
    handmade_endpoint(set.document, connection, "", "10.0.0.1");
    for (size_t i = 0; i < length; i++) {
        attach(&set, connection, queries[owners[i]].text);
    }
    struct table *table = build(&set);
    handmade_free(set.document);
    for (size_t i = 0; i < queries_length; i++) {
        compare(&set, table, &queries[i]);
    }
    table_free(table);
}

/* Exchanges a and b: nothing depends on which is which, so one of the two sets is enough. */
static size_t mirror(size_t name)
{
    char text[MODEL_TEXT];

    snprintf(text, sizeof(text), "%s", queries[name].text);
    for (char *c = text; *c != '\0'; c++) {
        *c = *c == 'a' ? 'b' : *c == 'b' ? 'a' : *c;
    }
    for (size_t i = 0; i < queries_length; i++) {
        if (strcmp(queries[i].text, text) == 0) {
            return i;
        }
    }
    abort();
}

static void every_small_set(void)
{
    static size_t mirrored[121];

    list_names();
    for (size_t i = 0; i < queries_length; i++) {
        mirrored[i] = mirror(i);
    }
    compare_small(NULL, 0);
    for (size_t a = 1; a < queries_length; a++) {
        compare_small((const size_t[]){a}, 1);
        for (size_t b = a + 1; b < queries_length; b++) {
            if (mirrored[a] + mirrored[b] >= a + b) {
                compare_small((const size_t[]){a, b}, 2);
            }
            for (size_t c = b + 1; c < triples_length; c++) {
                if (mirrored[a] + mirrored[b] + mirrored[c] >= a + b + c) {
                    compare_small((const size_t[]){a, b, c}, 3);
                }
            }
        }
    }
    free(queries);
}

/* ---- larger ones by chance ---- */

#define RANDOM_TABLES  8000
#define RANDOM_QUERIES 250

static uint64_t random_state = UINT64_C(0x9e3779b97f4a7c15); /* fixed: every run is the same */

static unsigned chance(unsigned limit)
{
    random_state ^= random_state << 13;
    random_state ^= random_state >> 7;
    random_state ^= random_state << 17;
    return (unsigned)(random_state >> 33) % limit;
}

static const char *random_label(void)
{
    static const char *const labels[] = {"a", "b", "*", "az1", "az2", "az3", "abcdefgh", "c"};

    return labels[chance(ARRAY_LENGTH(labels))];
}

/* Puts up to 'most' labels in front of what is there. */
static void lengthen(char text[MODEL_TEXT], unsigned most)
{
    for (unsigned n = chance(most + 1); n > 0; n--) {
        const char *label = random_label();
        size_t size = strlen(label);
        if (strlen(text) + size + 2 > MODEL_TEXT - 16) {
            return; /* leave room for "*.az1." */
        }
        memmove(text + size + 1, text, strlen(text) + 1);
        memcpy(text, label, size);
        text[size] = text[size + 1] == '\0' ? '\0' : '.';
    }
}

/* A name near others: half of them grow out of one that is there. */
static void random_name(const struct set *set, char out[MODEL_TEXT], unsigned most)
{
    out[0] = '\0';
    switch (chance(6)) {
    case 0:
    case 1:
    case 2:
        if (set->model.rules_length > 0) {
            const char *from = set->model.rules[chance((unsigned)set->model.rules_length)].owner;
            for (unsigned skip = chance(3); skip > 0 && strchr(from, '.') != NULL; skip--) {
                from = strchr(from, '.') + 1;
            }
            snprintf(out, MODEL_TEXT, "%s", from);
        }
        break;
    case 3:
        if (set->model.suffixes_length > 0 && set->model.rules_length > 0) {
            const char *suffix =
                set->model.suffixes[chance((unsigned)set->model.suffixes_length)].name;
            const char *owner = set->model.rules[0].owner;
            if (strlen(owner) + strlen(suffix) + 1 < MODEL_TEXT) {
                int size = snprintf(out, MODEL_TEXT, "%s%s", owner, *suffix == '\0' ? "" : ".");
                snprintf(out + size, MODEL_TEXT - (size_t)size, "%s", suffix);
            }
        }
        break;
    default:
        break;
    }
    lengthen(out, most);
}

static void random_connection(struct set *set)
{
    struct connection *connection = handmade_connection(set->document, "c");
    unsigned attachments = chance(4), zones = chance(3);
    char name[MODEL_TEXT];

    connection->cloud = CLOUD_AZURE;
    connection->fallback = chance(2) ? CONNECTION_STRICT : CONNECTION_REGIONAL;
    connection->state = chance(4) > 0 ? STATE_USABLE : chance(2) ? STATE_NOT_READY : STATE_GONE;
    handmade_endpoint(set->document, connection, "", "10.0.0.1");
    for (unsigned i = 0; i < zones; i++) {
        handmade_endpoint(set->document, connection, i == 0 ? "az1" : "az2", "10.0.0.2 fd00::2");
    }
    for (unsigned i = 0; i < attachments; i++) {
        random_name(set, name, 3);
        if (*name == '\0' || strlen(name) > MODEL_TEXT - 16) {
            continue;
        }
        if (chance(3) == 0) {
            char written[MODEL_TEXT] = "";
            if (chance(2) == 0) {
                snprintf(written, sizeof(written), "%s%s", chance(3) == 0 ? "*." : "", name);
                if (chance(3) > 0) {
                    lengthen(written, 3);
                }
            }
            attach_typed(set, connection, name, strcmp(written, name) == 0 ? "" : written);
        } else {
            attach(set, connection, name);
        }
    }
}

static size_t random_list(const struct set *set, struct model_name *list, unsigned most)
{
    size_t length = chance(most + 1);

    for (size_t i = 0; i < length; i++) {
        random_name(set, list[i].name, 2);
        list[i].subtree = chance(2);
    }
    return length;
}

static void compare_random(void)
{
    static struct set set;
    struct query query;

    memset(&set.model, 0, sizeof(set.model));
    set.document = handmade_new("random");
    for (unsigned n = 1 + chance(4); n > 0; n--) {
        random_connection(&set);
    }
    set.model.graves_length = random_list(&set, set.model.graves, 3);
    set.model.suffixes_length = random_list(&set, set.model.suffixes, 2);
    set.model.fences_length = random_list(&set, set.model.fences, 3);
    for (size_t i = 0; i < set.model.fences_length; i++) {
        set.model.fences[i].subtree = true;
    }
    struct table *table = build(&set);
    handmade_free(set.document);
    for (unsigned i = 0; i < RANDOM_QUERIES; i++) {
        random_name(&set, query.text, 3);
        read_name(&query.wire, query.text);
        for (unsigned o = 0; o < query.wire.size; o++) {
            if (chance(2)) { /* octets of a label and length octets below 'A' */
                query.wire.wire[o] = (uint8_t)toupper(query.wire.wire[o]);
            }
        }
        compare(&set, table, &query);
    }
    table_free(table);
}

int main(void)
{
    every_small_set();
    size_t small = tables, small_lookups = lookups;
    for (unsigned i = 0; i < RANDOM_TABLES; i++) {
        compare_random();
    }
    printf("model: %zu tables x %zu names = %zu look-ups compared\n", small,
           (size_t)(1 + 3 + 9 + 27 + 81), small_lookups);
    printf("model: %zu tables x %d names = %zu look-ups compared\n", tables - small, RANDOM_QUERIES,
           lookups - small_lookups);
    for (size_t i = 0; i < ARRAY_LENGTH(words); i++) {
        printf("model: %9zu %s\n", says[i], words[i]);
        if (says[i] < 1000) { /* then the sets do not test what they should */
            return 1;
        }
    }
    return 0;
}
