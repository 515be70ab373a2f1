#include "nametree.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "alloc.h"

/* From here on large pages are worth asking for: looking up the address of a page costs as much as
 * reading it. */
#define LARGE_SIZE (4u << 20)

struct nametree_seed nametree_seed(const struct hash_key *key)
{
    return (struct nametree_seed){
        .start = hash_bytes(key, "start", 5),
        .multiplier = hash_bytes(key, "multiplier", 10) | 1,
    };
}

void nametree_begin_uncut(struct nametree_scan *scan, struct dname_cut *room, const uint8_t *name)
{
    bool good = dname_cut(room, name, DNAME_MAX);

    assert(good);
    nametree_begin(scan, name, room);
}

void nametree_hash(struct nametree_scan *scan, const struct nametree_seed *seed, unsigned deepest)
{
    unsigned size = scan->cut->size, labels = scan->cut->labels;
    unsigned offset = nametree_offset(scan, labels < deepest ? labels : deepest);
    unsigned steps = (size - offset) / NAMETREE_STEP;
    uint64_t hash = seed->start, multiplier = seed->multiplier;
    const uint8_t *at = scan->folded + size;

    dname_fold_sized(scan->folded, scan->name, size);
    scan->multiplier = multiplier;
    scan->chain[0] = hash;
    for (unsigned i = 1; i <= steps; i++) {
        at -= NAMETREE_STEP;
        scan->chain[i] = hash = nametree_mix(hash, nametree_load(at), multiplier);
    }
    scan->hashed = true;
}

static uint64_t load(const uint8_t *at)
{
    uint64_t word;

    memcpy(&word, at, sizeof(word));
    return word;
}

/* Names are short: a call would cost more than the comparison. */
static bool is_same(const uint8_t *a, const uint8_t *b, size_t size)
{
    if (size < sizeof(uint64_t)) {
        return memcmp(a, b, size) == 0;
    }
    size_t last = size - sizeof(uint64_t);
    for (size_t at = 0; at < last; at += sizeof(uint64_t)) {
        if (load(a + at) != load(b + at)) {
            return false;
        }
    }
    return load(a + last) == load(b + last); /* overlaps those before */
}

static bool is_named(const struct nametree *tree, const struct nametree_node *node,
                     const uint8_t *name, unsigned size)
{
    if (node->size != size) {
        return false;
    }
    const uint8_t *suffix = tree->records + node->suffix;
    unsigned rest = suffix[-1], own = size - rest;
    return is_same(name, tree->records + node->name, own) && is_same(name + own, suffix, rest);
}

uint32_t nametree_at(const struct nametree *tree, const struct nametree_scan *scan, unsigned depth,
                     uint64_t key)
{
    unsigned offset = nametree_offset(scan, depth), size = scan->cut->size - offset;
    uint32_t at = nametree_slot(key, tree->slots_length), node;

    while ((node = nametree_probe(tree, key, &at)) != NAMETREE_NONE) {
        if (is_named(tree, nametree_record(tree, node), scan->folded + offset, size)) {
            break;
        }
        at = at + 1 == tree->slots_length ? 0 : at + 1;
    }
    return node;
}

uint32_t nametree_find(const struct nametree *tree, const uint8_t *name)
{
    struct nametree_scan scan;
    struct dname_cut cut;

    nametree_begin_uncut(&scan, &cut, name);
    nametree_hash(&scan, &tree->seed, cut.labels);
    return nametree_at(tree, &scan, cut.labels, nametree_key(&scan, cut.labels));
}

uint32_t nametree_next(const struct nametree *tree, uint32_t *cursor)
{
    while (*cursor < tree->slots_length) {
        uint32_t slot = tree->slots[(*cursor)++];
        if (slot != 0) {
            return slot & ((1u << tree->index_bits) - 1);
        }
    }
    return NAMETREE_NONE;
}

size_t nametree_name(const struct nametree *tree, uint32_t node, uint8_t *out)
{
    const struct nametree_node *n = nametree_record(tree, node);
    const uint8_t *suffix = tree->records + n->suffix;
    size_t own = (size_t)n->size - suffix[-1];

    memcpy(out, tree->records + n->name, own);
    memcpy(out + own, suffix, suffix[-1]);
    return n->size;
}

void *nametree_memory(size_t size)
{
    return size < LARGE_SIZE ? alloc_array(size, 1) : memset(alloc_huge(size), 0, size);
}

void nametree_settle(struct nametree *tree)
{
    tree->slots = tree->memory;
    tree->records = (const uint8_t *)tree->memory + tree->slots_length * sizeof(uint32_t);
}

void nametree_clear(struct nametree *tree)
{
    free(tree->memory);
    *tree = (struct nametree){0};
}
