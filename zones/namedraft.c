#include "namedraft.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "alloc.h"
#include "arena.h"
#include "pool.h"

#define NONE        NAMETREE_NONE
#define FIRST_NODES 64
#define UNPLACED    UINT32_MAX

/* A draft's slots are at most half full, a finished tree's this much: probes stay short and a name
 * costs seven octets of slots. */
#define SLOTS_PER_NODE_NUMERATOR   5
#define SLOTS_PER_NODE_DENOMINATOR 3

struct draft_node {
    uint64_t hash;
    const uint8_t *name;
    uint32_t parent;      /* in the tree of roots; NONE: topmost, or not in it */
    uint32_t exact, star; /* rules, or NONE */
    uint32_t place;       /* of its own labels in the finished names, or UNPLACED */
    uint16_t flags;
    uint8_t size, depth;
    bool is_parent;
};

struct namedraft {
    struct hash_key key;
    struct draft_node *nodes;
    uint32_t nodes_length, nodes_space;
    uint32_t *slots; /* node + 1 or 0 */
    uint32_t slots_mask;
    uint64_t root_depths[2]; /* bit n: some root has n labels */
    uint32_t rules;
    struct arena copies;       /* of names */
    struct nametree_scan scan; /* of the name in hand */
};

struct namedraft *namedraft_new(const struct hash_key *key)
{
    struct namedraft *draft = alloc_array(1, sizeof(*draft));

    draft->key = *key;
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
    nametree_scan(&draft->scan, &draft->key, name, DNAME_LABELS_MAX);
}

/* The slot of the scanned name's suffix, or the free one where it belongs. */
static uint32_t *find_slot(const struct namedraft *draft, unsigned depth)
{
    const struct nametree_scan *s = &draft->scan;
    unsigned offset = nametree_offset(s, depth);
    uint32_t at = (uint32_t)s->hash[depth] & draft->slots_mask;

    for (;; at = (at + 1) & draft->slots_mask) {
        uint32_t *slot = &draft->slots[at];
        if (*slot == 0) {
            return slot;
        }
        const struct draft_node *node = &draft->nodes[*slot - 1];
        if (node->hash == s->hash[depth] && node->size == s->size - offset &&
            memcmp(node->name, s->folded + offset, node->size) == 0) {
            return slot;
        }
    }
}

static uint32_t find(const struct namedraft *draft, unsigned depth)
{
    uint32_t slot = *find_slot(draft, depth);

    return slot == 0 ? NONE : slot - 1;
}

static void grow(struct namedraft *draft)
{
    /* The catalog's limit on labels keeps documents far below this. */
    if (draft->nodes_space >= NAMETREE_NODES_MAX) {
        alloc_resize(NULL, SIZE_MAX, 1);
    }
    draft->nodes_space *= 2;
    draft->nodes = alloc_resize(draft->nodes, draft->nodes_space, sizeof(*draft->nodes));
    free(draft->slots);
    draft->slots = alloc_array((size_t)2 * draft->nodes_space, sizeof(*draft->slots));
    draft->slots_mask = 2 * draft->nodes_space - 1;
    for (uint32_t i = 0; i < draft->nodes_length; i++) {
        uint32_t at = (uint32_t)draft->nodes[i].hash & draft->slots_mask;
        while (draft->slots[at] != 0) {
            at = (at + 1) & draft->slots_mask;
        }
        draft->slots[at] = i + 1;
    }
}

/* The node of the scanned name's suffix, made if need be.  '*kept' is the whole name's copy or
 * NULL: all suffixes of one name share it. */
static uint32_t put(struct namedraft *draft, unsigned depth, const uint8_t **kept)
{
    const struct nametree_scan *s = &draft->scan;
    uint32_t *slot = find_slot(draft, depth);

    if (*slot != 0) {
        return *slot - 1;
    }
    if (draft->nodes_length == draft->nodes_space) {
        grow(draft);
        slot = find_slot(draft, depth);
    }
    if (*kept == NULL) {
        *kept = arena_copy(&draft->copies, s->folded, s->size);
    }
    unsigned offset = nametree_offset(s, depth);
    uint32_t index = draft->nodes_length++;
    draft->nodes[index] = (struct draft_node){
        .hash = s->hash[depth],
        .name = *kept + offset,
        .parent = NONE,
        .exact = NONE,
        .star = NONE,
        .place = UNPLACED,
        .size = (uint8_t)(s->size - offset),
        .depth = (uint8_t)depth,
    };
    *slot = index + 1;
    return index;
}

/* Labels of the topmost root at or above the scanned name's suffix with 'depth' labels; false:
 * none. */
static bool topmost_root(const struct namedraft *draft, unsigned depth, unsigned *out)
{
    for (unsigned d = 0; d <= depth; d++) {
        if ((draft->root_depths[d / 64] >> d % 64 & 1) == 0) {
            continue;
        }
        uint32_t node = find(draft, d);
        if (node != NONE && (draft->nodes[node].flags & NAMETREE_ROOT) != 0) {
            *out = d;
            return true;
        }
    }
    return false;
}

/* Puts the scanned name's suffix with 'depth' labels, and all between it and the topmost root, into
 * the tree.  NONE: no root is above it. */
static uint32_t put_owned(struct namedraft *draft, unsigned depth)
{
    const uint8_t *kept = NULL;
    uint32_t first = NONE, child = NONE;
    unsigned top;

    if (!topmost_root(draft, depth, &top)) {
        return NONE;
    }
    for (unsigned d = depth + 1; d-- > top;) {
        uint32_t index = put(draft, d, &kept);
        if (child == NONE) {
            first = index;
        } else {
            draft->nodes[child].parent = index;
            draft->nodes[index].is_parent = true;
        }
        if (draft->nodes[index].flags & NAMETREE_OWNED) {
            break; /* then all above it are there as well */
        }
        draft->nodes[index].flags |= NAMETREE_OWNED;
        child = index;
    }
    return first;
}

void namedraft_root(struct namedraft *draft, const uint8_t *name)
{
    unsigned depth = dname_labels(name);

    namedraft_mark(draft, name, NAMETREE_ROOT, NULL);
    draft->root_depths[depth / 64] |= UINT64_C(1) << depth % 64;
}

void namedraft_join(struct namedraft *draft)
{
    uint32_t roots = draft->nodes_length;

    for (uint32_t i = 0; i < roots; i++) {
        scan(draft, draft->nodes[i].name);
        put_owned(draft, draft->scan.labels);
    }
}

bool namedraft_rule(struct namedraft *draft, const uint8_t *owner, uint32_t rule)
{
    bool star = dname_is_wildcard(owner);
    const uint8_t *kept = NULL;

    scan(draft, owner);
    unsigned depth = draft->scan.labels - star;
    uint32_t index = put_owned(draft, depth);
    if (index == NONE) { /* outside every root: a host stands alone, a wildcard owns its parent */
        index = put(draft, depth, &kept);
        draft->nodes[index].flags |= star ? NAMETREE_ROOT | NAMETREE_OWNED : NAMETREE_POINT;
        if (star) {
            draft->root_depths[depth / 64] |= UINT64_C(1) << depth % 64;
        }
    }
    struct draft_node *node = &draft->nodes[index];
    uint32_t *place = star ? &node->star : &node->exact;
    if (*place != NONE) {
        return false;
    }
    *place = rule;
    node->flags |= star ? NAMETREE_STAR | NAMETREE_STAR_RULE : NAMETREE_RULE;
    draft->rules++;
    return true;
}

uint32_t namedraft_mark(struct namedraft *draft, const uint8_t *name, unsigned flags,
                        unsigned *before)
{
    const uint8_t *kept = NULL;

    scan(draft, name);
    uint32_t index = put(draft, draft->scan.labels, &kept);
    if (before != NULL) {
        *before = draft->nodes[index].flags;
    }
    draft->nodes[index].flags |= (uint16_t)flags;
    return index;
}

/* ---- finishing ---- */

/* The parent whose "*" this node is, if that has a rule; else NONE. */
static uint32_t star_of(const struct namedraft *draft, const struct draft_node *node)
{
    return node->parent != NONE && dname_is_wildcard(node->name) &&
                   draft->nodes[node->parent].star != NONE
               ? node->parent
               : NONE;
}

/* Numbers the rules in the order of their nodes, a node's own before its star's: one number per
 * node then finds both.  A "*" that is a node itself (because names exist below it) shares its
 * parent's number; if it has a star in turn, it needs a copy in front of that. */
static size_t place_rules(const struct namedraft *draft, struct nametree *tree,
                          struct namedraft_place **out)
{
    size_t space = 2 * (size_t)draft->rules;
    struct namedraft_place *places = alloc_array(space, sizeof(*places));
    uint32_t length = 0;

    for (uint32_t i = 0; i < draft->nodes_length; i++) {
        const struct draft_node *node = &draft->nodes[i];
        uint32_t parent = star_of(draft, node);
        tree->nodes[i].flags = node->flags | (parent != NONE ? NAMETREE_RULE : 0);
        tree->nodes[i].rule = length;
        if (node->exact != NONE) {
            places[length++] = (struct namedraft_place){.rule = node->exact, .node = i};
        } else if (parent != NONE && node->star != NONE) {
            places[length++] = (struct namedraft_place){
                .rule = draft->nodes[parent].star, .node = parent, .star = true, .copy = true};
        }
        if (node->star != NONE) {
            places[length++] =
                (struct namedraft_place){.rule = node->star, .node = i, .star = true};
        }
    }
    assert(length <= space);
    for (uint32_t i = 0; i < draft->nodes_length; i++) {
        const struct draft_node *node = &draft->nodes[i];
        uint32_t parent = star_of(draft, node);
        if (parent != NONE && node->star == NONE) {
            const struct nametree_node *above = &tree->nodes[parent];
            tree->nodes[i].rule = above->rule + ((above->flags & NAMETREE_RULE) != 0);
        }
        if (node->parent != NONE && dname_is_wildcard(node->name)) {
            tree->nodes[node->parent].flags |= NAMETREE_STAR;
        }
    }
    *out = places;
    return length;
}

/* Gives a node its name.  Above the topmost root names repeat and are kept once; below, a name is
 * the tail of every name under it, so only names without children are written. */
static void place_name(struct namedraft *draft, uint32_t index, struct pool *names,
                       struct nametree *tree)
{
    struct draft_node *nodes = draft->nodes;
    uint32_t top = index;

    while (nodes[top].parent != NONE) {
        top = nodes[top].parent;
    }
    /* Behind the topmost root's first label; the root zone has none. */
    size_t head = nodes[top].name[0] == 0 ? 0 : 1u + nodes[top].name[0];
    uint8_t rest[1 + DNAME_MAX];
    rest[0] = (uint8_t)(nodes[top].size - head);
    memcpy(rest + 1, nodes[top].name + head, rest[0]);
    uint32_t suffix = pool_put(names, rest, 1u + rest[0], 1) + 1;
    uint32_t place = pool_append(names, nodes[index].name, (size_t)nodes[index].size - rest[0], 1);

    for (uint32_t i = index; i != NONE && nodes[i].place == UNPLACED; i = nodes[i].parent) {
        nodes[i].place = place + nodes[index].size - nodes[i].size;
        tree->nodes[i].name = nodes[i].place;
        tree->nodes[i].suffix = suffix;
        tree->nodes[i].size = nodes[i].size;
        uint32_t root = i;
        while (nodes[root].parent != NONE && !(nodes[root].flags & NAMETREE_ROOT)) {
            root = nodes[root].parent;
        }
        tree->nodes[i].root = nodes[root].size;
    }
}

static void fill_slots(const struct namedraft *draft, struct nametree *tree)
{
    uint32_t length = draft->nodes_length;

    tree->slots_length =
        (uint32_t)((uint64_t)length * SLOTS_PER_NODE_NUMERATOR / SLOTS_PER_NODE_DENOMINATOR) + 1;
    tree->slots = alloc_array(tree->slots_length, sizeof(*tree->slots));
    tree->index_bits = (uint8_t)(32 - __builtin_clz(length | 1));
    for (uint32_t i = 0; i < length; i++) {
        const struct draft_node *node = &draft->nodes[i];
        uint32_t at = nametree_slot(node->hash, tree->slots_length);
        while (tree->slots[at] != 0) {
            at = at + 1 == tree->slots_length ? 0 : at + 1;
        }
        tree->slots[at] = nametree_tag(node->hash, tree->index_bits) | (i + 1);
        tree->depths[node->depth / 64] |= UINT64_C(1) << node->depth % 64;
        if (node->depth > tree->deepest) {
            tree->deepest = node->depth;
        }
    }
}

void namedraft_finish(struct namedraft *draft, struct nametree *out,
                      struct namedraft_place **places, size_t *length)
{
    struct pool names;

    *out = (struct nametree){.key = draft->key, .nodes_length = draft->nodes_length};
    out->nodes = alloc_array(draft->nodes_length, sizeof(*out->nodes));
    *length = place_rules(draft, out, places);
    pool_init(&names, &draft->key);
    for (uint32_t i = 0; i < draft->nodes_length; i++) {
        if (!draft->nodes[i].is_parent) {
            place_name(draft, i, &names, out);
        }
    }
    out->names = pool_seal(&names, &out->names_size);
    fill_slots(draft, out);
}
