#include "namedraft.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "alloc.h"
#include "arena.h"
#include "pool.h"

#define NONE        UINT32_MAX
#define FIRST_NODES 64
#define UNPLACED    UINT32_MAX

/* Where the tables of gigabytes end: places and octets have 32 bits. */
#define NODES_MAX (1u << 28)

/* While slots are filled, so many are on their way from memory. */
#define SLOTS_AHEAD 16

#define RULE_SIZE_MAX 64

/* What most names take besides: labels, and the answer that is written with the rule. */
#define REST_OCTETS 64

/* A draft's slots are at most half full, a finished tree's this much: probes stay short and a name
 * costs seven octets of slots.  A small one's may be emptier: most probes are the first. */
#define SLOTS_PER_NODE_NUMERATOR   5
#define SLOTS_PER_NODE_DENOMINATOR 3
#define SMALL_NODES                4096
#define SLOTS_PER_SMALL_NODE       4

struct draft_node {
    uint64_t key; /* nametree_key() */
    const uint8_t *name;
    uint32_t parent;      /* in the tree of roots; NONE: topmost, or not in it */
    uint32_t exact, star; /* rules, or NONE */
    uint32_t record;      /* octet of the tree at which it begins, or 0 */
    uint32_t labels;      /* the same of its own labels, or UNPLACED */
    uint16_t flags;
    uint8_t size, depth;
    bool is_parent;
};

struct namedraft {
    struct hash_key key;
    struct nametree_seed seed;
    struct draft_node *nodes;
    uint32_t nodes_length, nodes_space;
    uint32_t *slots; /* node + 1 or 0 */
    uint32_t slots_mask;
    uint64_t root_depths[2]; /* bit n: some root has n labels */
    uint32_t last;           /* node made or found last: the rule of a root follows it, mostly */
    struct arena copies;     /* of names */
    struct dname_cut cut;    /* of the name in hand */
    struct nametree_scan scan;
};

struct namedraft *namedraft_new(const struct hash_key *key)
{
    struct namedraft *draft = alloc_array(1, sizeof(*draft));

    draft->key = *key;
    draft->seed = nametree_seed(key);
    draft->nodes_space = FIRST_NODES;
    draft->nodes = alloc_array(FIRST_NODES, sizeof(*draft->nodes));
    draft->slots = alloc_array((size_t)2 * FIRST_NODES, sizeof(*draft->slots));
    draft->slots_mask = 2 * FIRST_NODES - 1;
    return draft;
}

void namedraft_free(struct namedraft *draft)
{
    if (draft == NULL) {
        return;
    }
    arena_clear(&draft->copies);
    free(draft->nodes);
    free(draft->slots);
    free(draft);
}

static void scan(struct namedraft *draft, const uint8_t *name)
{
    nametree_begin_uncut(&draft->scan, &draft->cut, name);
    nametree_hash(&draft->scan, &draft->seed);
}

/* True if the node is that of the scanned name's suffix. */
static bool is_scanned(const struct namedraft *draft, uint32_t index, unsigned depth, uint64_t key)
{
    const struct nametree_scan *s = &draft->scan;
    const struct draft_node *node = &draft->nodes[index];
    unsigned offset = nametree_offset(s, depth);

    return node->key == key && node->size == draft->cut.size - offset &&
           memcmp(node->name, s->folded + offset, node->size) == 0;
}

/* The slot of the scanned name's suffix, or the free one where it belongs. */
static uint32_t *find_slot(const struct namedraft *draft, unsigned depth, uint64_t key)
{
    uint32_t at = (uint32_t)key & draft->slots_mask;

    for (;; at = (at + 1) & draft->slots_mask) {
        uint32_t *slot = &draft->slots[at];
        if (*slot == 0 || is_scanned(draft, *slot - 1, depth, key)) {
            return slot;
        }
    }
}

static void grow(struct namedraft *draft)
{
    /* The catalog's limit on labels keeps documents far below this. */
    if (draft->nodes_space >= NODES_MAX) {
        alloc_resize(NULL, SIZE_MAX, 1);
    }
    draft->nodes_space *= 2;
    draft->nodes = alloc_resize(draft->nodes, draft->nodes_space, sizeof(*draft->nodes));
    free(draft->slots);
    draft->slots = alloc_array((size_t)2 * draft->nodes_space, sizeof(*draft->slots));
    draft->slots_mask = 2 * draft->nodes_space - 1;
    for (uint32_t i = 0; i < draft->nodes_length; i++) {
        const struct draft_node *node = &draft->nodes[i];
        if (i + SLOTS_AHEAD < draft->nodes_length) {
            uint32_t later = (uint32_t)node[SLOTS_AHEAD].key & draft->slots_mask;
            __builtin_prefetch(&draft->slots[later], 1);
        }
        uint32_t at = (uint32_t)node->key & draft->slots_mask;
        while (draft->slots[at] != 0) {
            at = (at + 1) & draft->slots_mask;
        }
        draft->slots[at] = i + 1;
    }
}

/* The node of the scanned name's suffix, made if need be.  '*kept' is the whole name's copy or
 * NULL: all suffixes of one name share it. */
static uint32_t make(struct namedraft *draft, unsigned depth, const uint8_t **kept)
{
    const struct nametree_scan *s = &draft->scan;
    uint64_t key = nametree_key(s, depth);

    if (draft->last < draft->nodes_length && is_scanned(draft, draft->last, depth, key)) {
        return draft->last;
    }
    uint32_t *slot = find_slot(draft, depth, key);
    if (*slot != 0) {
        return draft->last = *slot - 1;
    }
    if (draft->nodes_length == draft->nodes_space) {
        grow(draft);
        slot = find_slot(draft, depth, key);
    }
    if (*kept == NULL) {
        *kept = arena_copy(&draft->copies, s->folded, draft->cut.size);
    }
    unsigned offset = nametree_offset(s, depth);
    uint32_t index = draft->nodes_length++;
    draft->nodes[index] = (struct draft_node){
        .key = key,
        .name = *kept + offset,
        .parent = NONE,
        .exact = NONE,
        .star = NONE,
        .labels = UNPLACED,
        .size = (uint8_t)(draft->cut.size - offset),
        .depth = (uint8_t)depth,
    };
    *slot = index + 1;
    return draft->last = index;
}

/* The one of the whole scanned name, or of what is left of a wildcard without its "*". */
static uint32_t make_whole(struct namedraft *draft, bool star)
{
    const uint8_t *kept = NULL;

    return make(draft, draft->cut.labels - star, &kept);
}

void namedraft_root(struct namedraft *draft, const uint8_t *name)
{
    namedraft_mark(draft, name, NAMETREE_ROOT, NULL);
    draft->root_depths[draft->cut.labels / 64] |= UINT64_C(1) << draft->cut.labels % 64;
}

uint32_t namedraft_rule(struct namedraft *draft, const uint8_t *owner, uint32_t rule)
{
    bool star = dname_is_wildcard(owner);

    scan(draft, owner);
    uint32_t index = make_whole(draft, star); /* which may move the nodes */
    struct draft_node *node = &draft->nodes[index];
    uint32_t *place = star ? &node->star : &node->exact;
    if (*place != NONE) {
        return *place;
    }
    *place = rule;
    node->flags |= star ? NAMETREE_STAR | NAMETREE_STAR_RULE : NAMETREE_RULE;
    return rule;
}

uint32_t namedraft_mark(struct namedraft *draft, const uint8_t *name, unsigned flags,
                        unsigned *before)
{
    scan(draft, name);
    uint32_t index = make_whole(draft, false);
    if (before != NULL) {
        *before = draft->nodes[index].flags;
    }
    draft->nodes[index].flags |= (uint16_t)flags;
    return index;
}

/* ---- joining: who belongs to whom ---- */

/* The topmost root at or above the scanned name, and how many labels it has; NONE: there is none.
 * 'guess' is a node that may be it. */
static uint32_t topmost_root(const struct namedraft *draft, uint32_t guess, unsigned *depth)
{
    for (*depth = 0; *depth <= draft->cut.labels; ++*depth) {
        if ((draft->root_depths[*depth / 64] >> *depth % 64 & 1) == 0) {
            continue;
        }
        uint64_t key = nametree_key(&draft->scan, *depth);
        uint32_t node = is_scanned(draft, guess, *depth, key)
                            ? guess
                            : *find_slot(draft, *depth, key) - 1; /* NONE, if the slot is free */
        if (node != NONE && (draft->nodes[node].flags & NAMETREE_ROOT) != 0) {
            return node;
        }
    }
    return NONE;
}

/* Puts a node, and all that is missing between it and the topmost root above it, into the tree. */
static void put_owned(struct namedraft *draft, uint32_t index, uint32_t root, unsigned depth)
{
    const uint8_t *kept = draft->nodes[index].name;

    for (unsigned d = draft->cut.labels; (draft->nodes[index].flags & NAMETREE_OWNED) == 0; d--) {
        draft->nodes[index].flags |= NAMETREE_OWNED;
        if (d == depth) {
            break;
        }
        uint32_t parent = d - 1 == depth ? root : make(draft, d - 1, &kept);
        draft->nodes[index].parent = parent;
        draft->nodes[parent].is_parent = true;
        index = parent;
    }
}

/* A host outside every root stands alone; a "*" there owns its parent. */
static void stand_alone(struct draft_node *node)
{
    node->flags |= node->star != NONE ? NAMETREE_ROOT | NAMETREE_OWNED : NAMETREE_POINT;
}

static void join(struct namedraft *draft)
{
    uint32_t length = draft->nodes_length, root = 0;
    unsigned lowest = 0, depth;

    while (lowest < DNAME_LABELS_MAX && (draft->root_depths[lowest / 64] >> lowest % 64 & 1) == 0) {
        lowest++;
    }
    for (uint32_t i = 0; i < length; i++) {
        struct draft_node *node = &draft->nodes[i];
        unsigned flags = node->flags;
        if ((flags & (NAMETREE_ROOT | NAMETREE_RULE | NAMETREE_STAR_RULE)) == 0) {
            continue; /* a mark alone owns nothing */
        }
        if ((flags & NAMETREE_ROOT) != 0 && node->depth == lowest) { /* most roots: none is above */
            node->flags |= NAMETREE_OWNED;
            root = i;
            continue;
        }
        scan(draft, node->name);
        uint32_t top = topmost_root(draft, root, &depth);
        if (top == NONE) {
            stand_alone(node);
        } else {
            put_owned(draft, i, root = top, depth);
        }
    }
}

/* ---- finishing ---- */

struct finishing {
    struct namedraft *draft;
    struct pool records;
    uint32_t suffix; /* put last, or 0 */
    size_t rule_size;
    namedraft_write_fn *write;
    void *arg;
};

static struct nametree_node *record_of(struct finishing *f, uint32_t index)
{
    return (void *)(f->records.bytes + f->draft->nodes[index].record);
}

/* The parent whose "*" this node is, if that has a rule; else NONE. */
static uint32_t star_of(const struct namedraft *draft, const struct draft_node *node)
{
    return node->parent != NONE && dname_is_wildcard(node->name) &&
                   draft->nodes[node->parent].star != NONE
               ? node->parent
               : NONE;
}

/* The place of the names' common end: what stands behind the topmost root's first label.  Most
 * have the one of the node before. */
static uint32_t put_suffix(struct finishing *f, uint32_t index)
{
    const struct draft_node *nodes = f->draft->nodes;
    uint8_t rest[1 + DNAME_MAX];

    while (nodes[index].parent != NONE) {
        index = nodes[index].parent;
    }
    /* The root zone has no label. */
    size_t head = nodes[index].name[0] == 0 ? 0 : 1u + nodes[index].name[0];
    rest[0] = (uint8_t)(nodes[index].size - head);
    memcpy(rest + 1, nodes[index].name + head, rest[0]);
    const uint8_t *last = f->records.bytes + f->suffix;
    if (f->suffix == 0 || last[-1] != rest[0] || memcmp(last, rest + 1, rest[0]) != 0) {
        f->suffix = pool_put(&f->records, rest, 1u + rest[0], NAMETREE_UNIT) + 1;
    }
    return f->suffix;
}

/* Above the topmost root names repeat and are kept once; below, a name is the tail of every name
 * under it, so that only names without children are written. */
static void put_labels(struct finishing *f, uint32_t index, uint32_t suffix)
{
    struct draft_node *nodes = f->draft->nodes;

    if (nodes[index].is_parent) {
        return;
    }
    size_t size = (size_t)nodes[index].size - f->records.bytes[suffix - 1];
    uint32_t labels = pool_append(&f->records, nodes[index].name, size, 1);
    for (uint32_t i = index; i != NONE && nodes[i].labels == UNPLACED; i = nodes[i].parent) {
        nodes[i].labels = labels + nodes[index].size - nodes[i].size;
    }
}

static void put(struct finishing *f, uint32_t index)
{
    static const struct nametree_node empty;
    static const uint8_t zero[2 * RULE_SIZE_MAX];
    struct draft_node *node = &f->draft->nodes[index];
    uint32_t above = star_of(f->draft, node), suffix = put_suffix(f, index);
    uint32_t own = above != NONE ? f->draft->nodes[above].star : node->exact;
    size_t rules = (own != NONE) + (size_t)(node->star != NONE);

    node->record = pool_append(&f->records, &empty, sizeof(empty), NAMETREE_UNIT);
    record_of(f, index)->suffix = suffix;
    uint32_t at = pool_append(&f->records, zero, rules * f->rule_size, NAMETREE_UNIT);
    put_labels(f, index, suffix);
    if (own != NONE) {
        f->write(
            f->arg, &f->records,
            &(struct namedraft_rule){own, at, above != NONE ? NAMETREE_OWN_COPY : NAMETREE_OWN});
        at += (uint32_t)f->rule_size;
    }
    if (node->star != NONE) {
        f->write(f->arg, &f->records,
                 &(struct namedraft_rule){
                     node->star, at, own != NONE ? NAMETREE_STAR_SECOND : NAMETREE_STAR_ALONE});
    }
}

/* What is known once all nodes have their places. */
static void fill_node(struct finishing *f, uint32_t index)
{
    const struct draft_node *nodes = f->draft->nodes, *node = &nodes[index];
    struct nametree_node *out = record_of(f, index);
    uint32_t root = index;

    while (nodes[root].parent != NONE && !(nodes[root].flags & NAMETREE_ROOT)) {
        root = nodes[root].parent;
    }
    out->name = node->labels;
    out->size = node->size;
    out->root = nodes[root].size;
    out->flags |= node->flags | (star_of(f->draft, node) != NONE ? NAMETREE_RULE : 0);
    if (node->parent != NONE && dname_is_wildcard(node->name)) {
        record_of(f, node->parent)->flags |= NAMETREE_STAR;
    }
}

static void fill_slots(const struct namedraft *draft, struct nametree *tree)
{
    uint32_t *slots = (void *)tree->memory;

    for (uint32_t i = 0; i < draft->nodes_length; i++) {
        const struct draft_node *node = &draft->nodes[i];
        if (i + SLOTS_AHEAD < draft->nodes_length) {
            uint32_t later = nametree_slot(node[SLOTS_AHEAD].key, tree->slots_length);
            __builtin_prefetch(&slots[later], 1);
        }
        uint32_t at = nametree_slot(node->key, tree->slots_length);
        while (slots[at] != 0) {
            at = at + 1 == tree->slots_length ? 0 : at + 1;
        }
        slots[at] = nametree_tag(node->key, tree->index_mask) | namedraft_place(draft, i);
        tree->depths[node->depth / 64] |= UINT64_C(1) << node->depth % 64;
    }
}

static uint32_t slots_for(size_t nodes)
{
    return nodes <= SMALL_NODES
               ? (uint32_t)nodes * SLOTS_PER_SMALL_NODE + 1
               : (uint32_t)(nodes * SLOTS_PER_NODE_NUMERATOR / SLOTS_PER_NODE_DENOMINATOR) + 1;
}

/* Slots first, free as yet, then what is put.  No node is at place 0: there is a slot. */
static void begin(struct finishing *f, size_t slots)
{
    const struct namedraft *draft = f->draft;
    size_t each = sizeof(struct nametree_node) + f->rule_size + REST_OCTETS;
    size_t space = slots * sizeof(uint32_t) + draft->nodes_length * each;
    uint8_t *memory = nametree_memory(space);

    pool_init_in(&f->records, &draft->key, memory, space);
    f->records.size = slots * sizeof(uint32_t);
    memset(memory, 0, f->records.size);
}

static void settle(struct finishing *f, struct nametree *tree)
{
    tree->memory = pool_seal(&f->records, &tree->size);
    tree->index_mask = UINT32_MAX >> __builtin_clz((uint32_t)(tree->size / NAMETREE_UNIT));
    fill_slots(f->draft, tree);
    nametree_settle(tree);
}

void namedraft_finish(struct namedraft *draft, struct nametree *out, size_t rule_size,
                      namedraft_write_fn *write, void *arg)
{
    struct finishing f = {.draft = draft, .rule_size = rule_size, .write = write, .arg = arg};

    assert(rule_size <= RULE_SIZE_MAX);
    join(draft);
    *out = (struct nametree){.seed = draft->seed, .slots_length = slots_for(draft->nodes_length)};
    begin(&f, out->slots_length);
    /* Parents stand behind their first child, which has their labels. */
    for (uint32_t i = 0; i < draft->nodes_length; i++) {
        for (uint32_t n = draft->nodes[i].is_parent ? NONE : i;
             n != NONE && draft->nodes[n].record == 0; n = draft->nodes[n].parent) {
            put(&f, n);
        }
    }
    for (uint32_t i = 0; i < draft->nodes_length; i++) {
        fill_node(&f, i);
    }
    settle(&f, out);
}

uint32_t namedraft_place(const struct namedraft *draft, uint32_t node)
{
    return draft->nodes[node].record / NAMETREE_UNIT;
}
