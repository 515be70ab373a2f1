#include "table.h"

#include <assert.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "tablebuild.h"
#include "tablelayout.h"

#define NOWHERE UINT_MAX /* in a table_left */
/* What is smaller stays near the processor, which has half a megabyte or more for each core. */
#define LARGE (512 << 10)

static const enum table_outcome outcomes[] = {
    [VERDICT_ANSWER] = TABLE_ANSWER,
    [VERDICT_NOT_READY] = TABLE_NOT_READY,
    [VERDICT_GONE] = TABLE_GONE,
};

/* Of a rule that stands in this table itself. */
static enum table_outcome outcome_of(const struct table *table, const struct table_rule *rule,
                                     const struct answer **answer)
{
    *answer = rule->verdict == VERDICT_ANSWER ? nametree_record(&table->names, rule->answer) : NULL;
    return outcomes[rule->verdict];
}

static void apply(const struct table *table, const struct table_rule *rule,
                  struct table_match *match)
{
    match->outcome = outcome_of(table, rule, &match->answer);
    match->rule = rule;
    match->regional_fallback = rule->regional_fallback;
}

static int compare_check(const void *key, const void *item)
{
    uint32_t node = *(const uint32_t *)key;
    const struct table_check *check = item;

    return (node > check->node) - (node < check->node);
}

/* The zones known at a node if the label in front of it is a zone id that none of them has. */
APART static const struct table_zones *unknown_zone(const struct table *table, uint32_t index,
                                                    const uint8_t *label)
{
    unsigned cloud = table_node(table, index)->flags >> NAMETREE_CLOUD_SHIFT & 3;

    if (!zoneid_valid((enum cloud)cloud, (const char *)label + 1, *label)) {
        return NULL;
    }
    const struct table_check *check =
        bsearch(&index, table->checks, table->checks_length, sizeof(*table->checks), compare_check);
    assert(check != NULL);
    const struct table_zones *zones = (const void *)(table->zones + check->zones);
    for (uint32_t i = 0; i < zones->length; i++) {
        const char *zone = (const char *)table->texts + zones->texts[i];
        if (strlen(zone) == *label && memcmp(zone, label + 1, *label) == 0) {
            return NULL;
        }
    }
    return zones;
}

/* A name that does not exist, though its closest encloser 'index' does.  'label' is the one in
 * front of it, 'offset' the octets. */
static void find_below(const struct table *table, uint32_t index, const uint8_t *label,
                       unsigned offset, struct table_match *match)
{
    const struct nametree_node *node = table_node(table, index);
    const struct table_zones *zones = NULL;

    match->outcome = TABLE_NXDOMAIN;
    if (node->flags & NAMETREE_ZONED && (zones = unknown_zone(table, index, label)) != NULL) {
        match->outcome = zones->strict ? TABLE_NO_ZONE : TABLE_NXDOMAIN;
    }
    if ((node->flags & NAMETREE_STAR) == 0) {
        return;
    }
    /* Asked for literally, "*" exists; nothing below it does, or that would be a node. */
    if (dname_is_wildcard(label) && offset != 2) {
        return;
    }
    if ((node->flags & NAMETREE_STAR_RULE) == 0) {
        match->outcome = match->outcome == TABLE_NO_ZONE ? TABLE_NO_ZONE : TABLE_EMPTY;
        return;
    }
    apply(table, table_star_rule(node), match);
    if (zones != NULL && match->outcome == TABLE_ANSWER) {
        match->regional_fallback = !zones->strict;
        if (zones->strict) {
            match->outcome = TABLE_NO_ZONE;
            match->answer = NULL;
        }
    }
}

/* The node at or above the name is ours: what it and its rules say. */
static void find_at(const struct table *table, uint32_t index, const struct nametree_scan *scan,
                    unsigned depth, struct table_match *match)
{
    const struct nametree_node *node = table_node(table, index);

    match->root_offset = (uint8_t)(scan->cut->size - node->root);
    if (depth < scan->cut->labels) {
        find_below(table, index, scan->folded + nametree_offset(scan, depth + 1),
                   nametree_offset(scan, depth), match);
    } else if (node->flags & NAMETREE_RULE) {
        apply(table, table_own_rule(node), match);
    } else {
        match->outcome = TABLE_EMPTY;
    }
}

/* There is a node at or above the name, with these flags, but it is not ours. */
static inline void note_left(unsigned flags, unsigned offset, struct table_left *left)
{
    bool buried = flags & NAMETREE_GRAVE_TREE || (flags & NAMETREE_GRAVE && !offset);

    if (buried && left->grave == NOWHERE) {
        left->grave = offset;
    }
    if (flags & NAMETREE_FENCE && left->fence == NOWHERE) {
        left->fence = offset;
    }
    left->masked |= flags & NAMETREE_MASK_TREE || (flags & NAMETREE_MASK && !offset);
}

/* In a part of the table alone.  A name with fewer labels than any node is not even hashed. */
static inline bool find_here(const struct table *table, const struct table *part,
                             struct nametree_scan *scan, struct table_match *match,
                             struct table_left *left)
{
    const struct nametree *names = &part->names;
    unsigned depth = scan->cut->labels + 1;

    *left = (struct table_left){NOWHERE, NOWHERE, false};
    if (!nametree_depth_below(names, &depth)) {
        return false;
    }
    if (!scan->hashed) {
        nametree_hash(scan, &table->names.seed);
    }
    do {
        uint32_t index = nametree_at(names, scan, depth, nametree_key(scan, depth));
        if (index == NAMETREE_NONE) {
            continue;
        }
        unsigned flags = table_node(part, index)->flags, offset = nametree_offset(scan, depth);
        if (flags & NAMETREE_OWNED || (flags & NAMETREE_POINT && offset == 0)) {
            find_at(part, index, scan, depth, match);
            return true;
        }
        note_left(flags, offset, left);
    } while (nametree_depth_below(names, &depth));
    return false;
}

APART static bool find_in_base(const struct table *table, struct nametree_scan *scan,
                               struct table_match *match, struct table_left *left)
{
    return find_here(table, table->base, scan, match, left);
}

/* What a patch owns is masked, so its own names need not be asked for in the base. */
static inline bool find_owned(const struct table *table, struct nametree_scan *scan,
                              struct table_match *match, struct table_left *left)
{
    if (find_here(table, table, scan, match, left)) {
        return true;
    }
    return table->base != NULL && !left->masked && find_in_base(table, scan, match, left);
}

/* True if an owned name, or one that was until lately, with a search suffix behind it; '*offset' is
 * then where the suffix begins. */
APART static bool find_search(const struct table *table, const struct nametree_scan *scan,
                              size_t *offset)
{
    for (size_t i = 0; i < table->search_suffixes_length; i++) {
        struct nametree_scan short_scan;
        struct dname_cut cut;
        struct table_match match;
        struct table_left left;
        uint8_t name[DNAME_MAX];
        if (!dname_under(scan->name, table->search_suffixes[i].wire, offset) || *offset == 0) {
            continue;
        }
        memcpy(name, scan->name, *offset);
        name[*offset] = 0;
        nametree_begin_uncut(&short_scan, &cut, name);
        if (find_owned(table, &short_scan, &match, &left) || left.grave != NOWHERE) {
            return true;
        }
    }
    return false;
}

static const uint8_t placeholder[] = "\13unique_name";
_Static_assert(sizeof(placeholder) == 2 + DNAME_MARKED, "names that may have it are marked");

RARE static bool has_placeholder(const struct nametree_scan *scan)
{
    uint8_t label[sizeof(placeholder) - 1];

    for (unsigned i = 0; i < scan->cut->labels; i++) {
        const uint8_t *at = scan->name + scan->cut->at[i];
        if (*at == *placeholder) {
            dname_fold_sized(label, at, sizeof(label));
            if (memcmp(label, placeholder, sizeof(label)) == 0) {
                return true;
            }
        }
    }
    return false;
}

/* A patch is small; what it stands on is what memory is waited for. */
static const struct nametree *largest(const struct table *table)
{
    while (table->base != NULL) {
        table = table->base;
    }
    return &table->names;
}

bool table_is_large(const struct table *table)
{
    return largest(table)->size > LARGE;
}

void table_expect(const struct table *table, struct table_look *look)
{
    const struct nametree *names = largest(table);
    unsigned depth = look->scan.cut->labels + 1, n = 0;

    for (; n < TABLE_DEPTHS_EXPECTED && nametree_depth_below(names, &depth); n++) {
        if (!look->scan.hashed) {
            nametree_hash(&look->scan, &table->names.seed);
        }
        look->keys[n] = nametree_key(&look->scan, depth);
        nametree_expect(names, look->keys[n]);
    }
    look->depths = n;
}

void table_expect_node(const struct table *table, struct table_look *look)
{
    const struct nametree *names = largest(table);

    look->place = NAMETREE_NONE;
    for (unsigned n = 0; n < look->depths && look->place == NAMETREE_NONE; n++) {
        look->place = nametree_expect_node(names, look->keys[n]);
    }
}

void table_expect_answer(const struct table *table, const struct table_look *look)
{
    if (look->place == NAMETREE_NONE) {
        return;
    }
    const struct nametree *names = largest(table);
    const struct nametree_node *node = nametree_record(names, look->place);
    __builtin_prefetch(names->memory + node->name); /* maybe a child's */
    if (node->flags & NAMETREE_STAR_RULE) {
        const struct table_rule *rule = table_star_rule(node);
        if (rule->verdict == VERDICT_ANSWER) {
            __builtin_prefetch(nametree_record(names, rule->answer));
        }
    }
}

/* What is said of a name that is not owned. */
APART static void find_left(const struct table *table, const struct nametree_scan *scan,
                            const struct table_left *left, struct table_match *match)
{
    size_t offset;

    if (left->grave != NOWHERE) {
        match->outcome = TABLE_DETACHED;
        match->root_offset = (uint8_t)left->grave;
    } else if (table->search_suffixes_length > 0 && find_search(table, scan, &offset)) {
        match->outcome = TABLE_SEARCH;
        match->root_offset = (uint8_t)offset;
    } else if (left->fence != NOWHERE) {
        match->outcome = TABLE_FENCED;
        match->root_offset = (uint8_t)left->fence;
    }
}

/* Every query comes here: in one piece but for what is rare. */
IN_ONE_PIECE void table_look_find(const struct table *table, struct table_look *look,
                                  struct table_match *match)
{
    struct nametree_scan *scan = &look->scan;
    struct table_left *left = &look->left;

    *match = (struct table_match){.outcome = TABLE_NOT_OWNED};
    if (!find_owned(table, scan, match, left) &&
        (left->grave != NOWHERE || left->fence != NOWHERE || table->search_suffixes_length > 0)) {
        find_left(table, scan, left, match);
    }
    match->placeholder = scan->cut->marked && has_placeholder(scan);
}

void table_narrow(struct table_match *match, uint16_t type)
{
    if (match->outcome == TABLE_ANSWER && type == ANSWER_A && match->answer->a_waits) {
        match->outcome = TABLE_NOT_READY;
        match->answer = NULL;
    }
}

void table_find(const struct table *table, const uint8_t *qname, struct table_match *match)
{
    struct table_look look;
    struct dname_cut cut;

    nametree_begin_uncut(&look.scan, &cut, qname);
    table_look_find(table, &look, match);
}

/* ---- what a table holds ---- */

void table_owner(const struct table *table, const struct table_rule *rule, struct dname *out)
{
    uint8_t *at = out->wire;

    if (table_rule_is_star(rule)) {
        *at++ = 1;
        *at++ = '*';
    }
    at += nametree_name(&table->names, table_rule_node(table, rule), at);
    out->size = (uint8_t)(at - out->wire);
}

bool table_masks(const struct table *table, const uint8_t *name)
{
    struct nametree_scan scan;
    struct dname_cut cut;
    struct table_match match;
    struct table_left left;
    struct table alone = *table;

    alone.base = NULL;
    nametree_begin_uncut(&scan, &cut, name);
    return find_owned(&alone, &scan, &match, &left) || left.masked;
}

static int compare_note(const void *key, const void *item)
{
    uint32_t rule = *(const uint32_t *)key;
    const struct table_note *note = item;

    return (rule > note->rule) - (rule < note->rule);
}

static const char *note_of(const struct table *table, const struct table_rule *rule)
{
    uint32_t key = table_rule_place(table, rule);
    const struct table_note *note =
        bsearch(&key, table->notes, table->notes_length, sizeof(*table->notes), compare_note);

    return note == NULL ? "" : (const char *)table->texts + note->text;
}

void table_describe(const struct table *whole, const struct table_rule *rule, struct table_why *out)
{
    const struct table *table = table_part(whole, rule);
    const struct table_background *b = &table->backgrounds[rule->background];
    const char *texts = (const char *)table->texts;
    struct dname owner;

    table_owner(table, rule, &owner);
    dname_to_text(owner.wire, out->owner);
    out->connection = texts + rule->connection;
    out->cluster = texts + b->cluster;
    out->zone = texts + b->zone;
    out->document = texts + b->document;
    out->state = texts + b->state;
    out->message = texts + b->message;
    out->note = note_of(table, rule);
    out->line = rule->line;
}

/* Of this table alone, without its base. */
static void each_here(const struct table *table, table_rule_fn *each, void *arg)
{
    uint32_t cursor = 0, place;

    while ((place = nametree_next(&table->names, &cursor)) != NAMETREE_NONE) {
        const struct nametree_node *node = table_node(table, place);
        /* What is a copy is visited where it comes from. */
        if (node->flags & NAMETREE_RULE && table_own_rule(node)->role == NAMETREE_OWN) {
            each(arg, table_own_rule(node));
        }
        if (node->flags & NAMETREE_STAR_RULE) {
            each(arg, table_star_rule(node));
        }
    }
}

struct sifting {
    const struct table *table;
    table_rule_fn *each;
    void *arg;
};

static void sift(void *arg, const struct table_rule *rule)
{
    const struct sifting *sifting = arg;
    struct dname owner;

    table_owner(sifting->table->base, rule, &owner);
    if (!table_masks(sifting->table, owner.wire)) {
        sifting->each(sifting->arg, rule);
    }
}

void table_each(const struct table *table, table_rule_fn *each, void *arg)
{
    each_here(table, each, arg);
    if (table->base != NULL) {
        each_here(table->base, sift, &(struct sifting){table, each, arg});
    }
}

enum table_outcome table_rule_outcome(const struct table *table, const struct table_rule *rule,
                                      const struct answer **answer)
{
    return outcome_of(table_part(table, rule), rule, answer);
}

uint64_t table_generation(const struct table *table)
{
    return table->generation;
}

const struct digest *table_digest(const struct table *table)
{
    return &table->digest;
}

size_t table_names(const struct table *table)
{
    return table->owners;
}

size_t table_connections(const struct table *table)
{
    return table->connections;
}

size_t table_documents(const struct table *table)
{
    return table->documents;
}

size_t table_bytes(const struct table *table)
{
    return table->bytes + (table->base != NULL ? table->base->bytes : 0);
}

struct table *table_build(const struct table_options *options, struct document *const *documents,
                          size_t length)
{
    return tablebuild_run(options, documents, length);
}

struct table *table_build_patched(const struct table_options *options,
                                  struct document *const *documents, size_t length,
                                  const struct table_patch *patch)
{
    return tablebuild_patch(options, documents, length, patch);
}

struct table *table_hold(struct table *table)
{
    table->holders++;
    return table;
}

size_t table_free(struct table *table)
{
    if (table == NULL || --table->holders > 0) {
        return 0;
    }
    size_t bytes = table->bytes + table_free(table->base);
    nametree_clear(&table->names);
    free(table->texts);
    free(table->zones);
    free(table->backgrounds);
    free(table->checks);
    free(table->notes);
    free(table->search_suffixes);
    free(table);
    return bytes;
}
