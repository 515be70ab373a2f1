#include "tablebuild.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "alloc.h"
#include "domain.h"
#include "namedraft.h"
#include "note.h"
#include "pool.h"
#include "tablelayout.h"
#include "verdict.h"

/* What a rule says, until it finds its place. */
struct draft_rule {
    struct table_rule rule; /* 'answer' is the place in 'answers' */
    uint32_t note;          /* place in 'texts'; 0: none, for "" is the first text */
};

/* An answer, until the first rule that has it finds its place. */
struct draft_answer {
    uint32_t place; /* its own in the records, 0: none yet */
    uint32_t answer[];
};

/* Most rules have the background of the one before, or the most part of it. */
#define BACKGROUND_TEXTS (sizeof(struct table_background) / sizeof(uint32_t))

struct recent {
    const char *texts[BACKGROUND_TEXTS]; /* NULL: none yet */
    uint32_t places[BACKGROUND_TEXTS];
    uint32_t background;
    const char *id;    /* of a connection … */
    uint32_t id_place; /* … and where it is */
};

struct build {
    const struct table_options *options;
    const char *document; /* in hand: its name */
    struct namedraft *names;
    struct pool answers, texts, zones, backgrounds;
    struct draft_rule *rules; /* in the order in which they came */
    uint32_t rules_length, rules_space;
    struct table_check *checks;
    size_t checks_length, checks_space;
    struct table_note *notes;
    size_t notes_length, notes_space;
    struct recent recent;
    const struct table *base; /* of a patch */
    size_t masked;            /* its rules that are not asked for */
    struct verdict_facts facts;
    struct verdict verdict; /* of the rule in hand: large */
};

/* ---- roots ---- */

static uint32_t put_zones(struct build *build, const struct connection *connection)
{
    struct table_zones *zones =
        alloc_array(1, sizeof(*zones) + connection->endpoints_length * sizeof(zones->texts[0]));

    zones->strict = connection->fallback == CONNECTION_STRICT;
    for (unsigned i = 0; i < connection->endpoints_length; i++) {
        if (connection->endpoints[i].zone[0] != '\0') {
            zones->texts[zones->length++] =
                pool_put_text(&build->texts, connection->endpoints[i].zone);
        }
    }
    uint32_t place =
        pool_put(&build->zones, zones, sizeof(*zones) + zones->length * sizeof(zones->texts[0]),
                 sizeof(uint32_t));
    free(zones);
    return place;
}

static void add_root(void *arg, const struct domain_root *root)
{
    struct build *build = arg;

    if (!root->subtree) {
        return; /* a host owns itself by its rule */
    }
    namedraft_root(build->names, root->name.wire);
    if (!root->zone_checked || !verdict_is_zoned(root->connection)) {
        return;
    }
    unsigned cloud = (unsigned)root->connection->cloud << NAMETREE_CLOUD_SHIFT, before;
    uint32_t node = namedraft_mark(build->names, root->name.wire, NAMETREE_ZONED, &before);
    if (before & NAMETREE_ZONED) {
        return; /* the first connection at a root says what its zones are */
    }
    namedraft_mark(build->names, root->name.wire, cloud, NULL);
    if (build->checks_length == build->checks_space) {
        build->checks_space = 2 * build->checks_space + 16;
        build->checks = alloc_resize(build->checks, build->checks_space, sizeof(*build->checks));
    }
    build->checks[build->checks_length++] =
        (struct table_check){node, put_zones(build, root->connection)};
}

static int compare_checks(const void *a, const void *b)
{
    const struct table_check *x = a, *y = b;

    return (x->node > y->node) - (x->node < y->node);
}

/* ---- rules ---- */

static uint32_t put_answer(struct build *build, uint32_t ttl)
{
    _Alignas(struct answer) uint8_t bytes[sizeof(struct draft_answer) + ANSWER_SIZE_MAX];
    struct draft_answer *draft = (void *)bytes;
    struct answer *answer = (void *)draft->answer;
    const struct verdict *verdict = &build->verdict;

    draft->place = 0;
    answer_encode(answer, ttl, verdict->addresses, verdict->length, verdict->preferred);
    answer->a_waits = verdict->a_waits;
    return pool_put(&build->answers, draft, sizeof(*draft) + answer_size(answer), sizeof(uint32_t));
}

static uint32_t put_background(struct build *build, const struct domain_rule *rule)
{
    const char *const texts[BACKGROUND_TEXTS] = {
        rule->connection->cluster_id, rule->zone, build->document, build->verdict.state,
        build->verdict.message,
    };
    struct recent *recent = &build->recent;
    bool changed = false;

    for (size_t i = 0; i < BACKGROUND_TEXTS; i++) {
        if (recent->texts[i] == NULL ||
            (recent->texts[i] != texts[i] && strcmp(recent->texts[i], texts[i]) != 0)) {
            recent->texts[i] = texts[i];
            recent->places[i] = pool_put_text(&build->texts, texts[i]);
            changed = true;
        }
    }
    if (changed) {
        const struct table_background background = {
            .cluster = recent->places[0],
            .zone = recent->places[1],
            .document = recent->places[2],
            .state = recent->places[3],
            .message = recent->places[4],
        };
        recent->background =
            pool_put(&build->backgrounds, &background, sizeof(background), sizeof(uint32_t)) /
            (uint32_t)sizeof(background);
    }
    return recent->background;
}

/* No two connections have one id: there is no use in looking for it. */
static uint32_t put_id(struct build *build, const struct connection *connection)
{
    struct recent *recent = &build->recent;

    if (recent->id != connection->id) {
        recent->id = connection->id;
        recent->id_place = pool_append(&build->texts, recent->id, strlen(recent->id) + 1, 1);
    }
    return recent->id_place;
}

/* Where the rule's draft belongs; NULL: its owner has a rule already, to which it gives way. */
static struct draft_rule *place_rule(struct build *build, const struct domain_rule *rule)
{
    uint32_t place = namedraft_rule(build->names, rule->owner.wire, build->rules_length);

    if (place < build->rules_length) {
        return build->rules[place].rule.implied && !rule->implied ? &build->rules[place] : NULL;
    }
    if (build->rules_length == build->rules_space) {
        build->rules_space = 2 * build->rules_space + 64;
        build->rules = alloc_resize(build->rules, build->rules_space, sizeof(*build->rules));
    }
    return &build->rules[build->rules_length++];
}

static void add_rule(void *arg, const struct domain_rule *rule)
{
    struct build *build = arg;
    struct draft_rule *out = place_rule(build, rule);

    if (out == NULL) {
        return;
    }
    verdict_of(&build->verdict, rule, &build->facts);
    *out = (struct draft_rule){.rule = {
                                   .background = put_background(build, rule),
                                   .connection = put_id(build, rule->connection),
                                   .verdict = build->verdict.kind & 3,
                                   .line = rule->line & TABLE_LINE_MASK,
                                   .regional_fallback = build->verdict.regional_fallback,
                                   .implied = rule->implied,
                               }};
    if (build->verdict.kind == VERDICT_ANSWER) {
        out->rule.answer = put_answer(build, rule->connection->ttl);
    }
    if (build->verdict.sick_length > 0 || build->verdict.targets_length > 0) {
        char text[NOTE_MAX];
        out->note = pool_put_text(&build->texts, note_write(&build->verdict, text));
    }
}

static void add_others(struct build *build)
{
    const struct table_options *options = build->options;

    for (size_t i = 0; i < options->fences_length; i++) {
        namedraft_mark(build->names, options->fences[i].wire, NAMETREE_FENCE, NULL);
    }
    for (size_t i = 0; i < options->tombstones_length; i++) {
        const struct table_tombstone *tombstone = &options->tombstones[i];
        namedraft_mark(build->names, tombstone->name,
                       tombstone->subtree ? NAMETREE_GRAVE_TREE : NAMETREE_GRAVE, NULL);
    }
}

/* ---- the whole ---- */

static void start(struct build *build, const struct table_options *options)
{
    *build = (struct build){.options = options, .names = namedraft_new(&options->key)};
    pool_init(&build->answers, &options->key);
    pool_init(&build->texts, &options->key);
    pool_init(&build->zones, &options->key);
    pool_init(&build->backgrounds, &options->key);
    build->facts = (struct verdict_facts){options->zone, options->targets, options->health};
    const uint32_t nothing = pool_put_text(&build->texts, "");
    assert(nothing == 0); /* see draft_rule.note */
}

static void add_note(struct build *build, uint32_t rule, uint32_t text)
{
    if (build->notes_length == build->notes_space) {
        build->notes_space = 2 * build->notes_space + 16;
        build->notes = alloc_resize(build->notes, build->notes_space, sizeof(*build->notes));
    }
    build->notes[build->notes_length++] = (struct table_note){rule, text};
}

/* Answers are put where they are first needed: next to their rule, most of them. */
static void write_rule(void *arg, struct pool *records, const struct namedraft_rule *place)
{
    struct build *build = arg;
    struct draft_rule draft = build->rules[place->rule];

    draft.rule.role = place->role & 3;
    if (draft.rule.verdict == VERDICT_ANSWER) {
        struct draft_answer *own = (void *)(build->answers.bytes + draft.rule.answer);
        const struct answer *answer = (void *)own->answer;
        if (own->place == 0) {
            own->place =
                pool_append(records, answer, answer_size(answer), NAMETREE_UNIT) / NAMETREE_UNIT;
        }
        draft.rule.answer = own->place;
    }
    memcpy(records->bytes + place->at, &draft.rule, sizeof(draft.rule));
    if (draft.note != 0) {
        add_note(build, place->at / NAMETREE_UNIT, draft.note);
    }
}

/* Checks were made for nodes by number. */
static void place_checks(struct build *build, struct table *table)
{
    for (size_t i = 0; i < build->checks_length; i++) {
        build->checks[i].node = namedraft_place(build->names, build->checks[i].node);
    }
    table->checks_length = build->checks_length;
    table->checks = alloc_resize(build->checks, build->checks_length, sizeof(*table->checks));
    qsort(table->checks, table->checks_length, sizeof(*table->checks), compare_checks);
}

static int compare_notes(const void *a, const void *b)
{
    const struct table_note *x = a, *y = b;

    return (x->rule > y->rule) - (x->rule < y->rule);
}

static void place_notes(struct build *build, struct table *table)
{
    table->notes_length = build->notes_length;
    table->notes = alloc_resize(build->notes, build->notes_length, sizeof(*table->notes));
    qsort(table->notes, table->notes_length, sizeof(*table->notes), compare_notes);
}

static struct table *finish(struct build *build)
{
    const struct table_options *options = build->options;
    struct table *table = alloc_array(1, sizeof(*table));

    namedraft_finish(build->names, &table->names, sizeof(struct table_rule), write_rule, build);
    place_checks(build, table);
    place_notes(build, table);
    namedraft_free(build->names);
    free(build->rules);
    pool_clear(&build->answers);
    table->texts = pool_seal(&build->texts, &table->texts_size);
    table->zones = pool_seal(&build->zones, &table->zones_size);
    table->backgrounds = (void *)pool_seal(&build->backgrounds, &table->backgrounds_size);
    table->search_suffixes_length = options->search_suffixes_length;
    table->search_suffixes =
        alloc_array(options->search_suffixes_length, sizeof(*table->search_suffixes));
    for (size_t i = 0; i < options->search_suffixes_length; i++) {
        table->search_suffixes[i] = options->search_suffixes[i];
    }
    table->generation = options->generation;
    table->holders = 1;
    table->owners = build->rules_length;
    table->bytes = sizeof(*table) + table->names.size + table->texts_size + table->zones_size +
                   table->backgrounds_size + table->checks_length * sizeof(*table->checks) +
                   table->notes_length * sizeof(*table->notes) +
                   table->search_suffixes_length * sizeof(*table->search_suffixes);
    return table;
}

static void walk_documents(struct document *const *documents, size_t length,
                           domain_root_fn *each_root, domain_rule_fn *each_rule,
                           struct build *build)
{
    struct document_walk walk;
    const struct connection *connection;

    for (size_t i = 0; i < length; i++) {
        document_begin(&walk, documents[i]);
        build->document = documents[i]->name;
        build->recent = (struct recent){0}; /* of what is closed again */
        while ((connection = document_next(&walk)) != NULL) {
            domain_roots(connection, each_root, build);
            domain_rules(connection, each_rule, build);
        }
        document_end(&walk);
    }
}

/* The digest is that of a sum, in any order: the documents that did not change need not be read. */
static void count_documents(struct table *table, struct document *const *documents, size_t length)
{
    uint64_t sums[3] = {length};

    for (size_t i = 0; i < length; i++) {
        const uint64_t *sum = document_sum(documents[i]);
        sums[1] += sum[0];
        sums[2] += sum[1];
        table->connections += documents[i]->length;
    }
    table->documents = length;
    digest_of(&table->digest, sums, sizeof(sums));
}

struct table *tablebuild_run(const struct table_options *options, struct document *const *documents,
                             size_t length)
{
    struct build *build = alloc_array(1, sizeof(*build));

    start(build, options);
    walk_documents(documents, length, add_root, add_rule, build);
    add_others(build);
    struct table *table = finish(build);
    count_documents(table, documents, length);
    free(build);
    return table;
}

/* ---- patches ---- */

static void mask(struct build *build, const uint8_t *name, bool subtree)
{
    namedraft_mark(build->names, name, subtree ? NAMETREE_MASK_TREE : NAMETREE_MASK, NULL);
}

static void mask_root(void *arg, const struct domain_root *root)
{
    mask(arg, root->name.wire, root->subtree);
}

static void mask_tombstones(struct build *build)
{
    const struct table_options *options = build->options;

    for (size_t i = 0; i < options->tombstones_length; i++) {
        if (options->tombstones[i].fresh) {
            mask(build, options->tombstones[i].name, options->tombstones[i].subtree);
        }
    }
}

/* An implied rule may have given way to one that is counted itself. */
static void count_rule(void *arg, const struct domain_rule *rule)
{
    struct build *build = arg;
    struct table_match match = {.rule = NULL};

    if (rule->implied) {
        table_find(build->base, rule->owner.wire, &match);
    }
    build->masked += !rule->implied || (match.rule != NULL && match.rule->implied);
}

struct table *tablebuild_patch(const struct table_options *options,
                               struct document *const *documents, size_t length,
                               const struct table_patch *patch)
{
    struct build *build = alloc_array(1, sizeof(*build));

    assert(patch->base->base == NULL);
    start(build, options);
    build->base = patch->base;
    walk_documents(patch->after, patch->after_length, add_root, add_rule, build);
    /* What is there now is found before the base is asked, and needs no mask. */
    walk_documents(patch->before, patch->before_length, mask_root, count_rule, build);
    add_others(build);
    mask_tombstones(build);
    struct table *table = finish(build);
    table->base = table_hold(patch->base);
    table->owners += table->base->owners - build->masked;
    count_documents(table, documents, length);
    free(build);
    return table;
}
