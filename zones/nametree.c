#include "nametree.h"

#include <assert.h>
#include <endian.h>
#include <stdlib.h>
#include <string.h>

#define PLACEHOLDER_LENGTH 11 /* "unique_name" */

__extension__ typedef unsigned __int128 product;

/* Multiplying by the key and folding the halves makes every bit depend on every other.  SipHash per
 * label would cost more than all the rest of a look-up; clients cannot put names into the table, so
 * all the key has to do here is to keep a document's author from choosing colliding names. */
static uint64_t mix(uint64_t hash, uint64_t word, uint64_t key)
{
    product wide = (product)(hash ^ word) * key;

    return (uint64_t)wide ^ (uint64_t)(wide >> 64);
}

/* Eight octets; behind the label others may follow, so the caller needs to cut them off. */
static uint64_t load(const uint8_t *at)
{
    uint64_t word;

    memcpy(&word, at, sizeof(word));
    return le64toh(word);
}

/* 'at' points to a length octet.  The words of a long label are mixed apart from what came before,
 * so that the processor works on several labels at once. */
static uint64_t mix_label(uint64_t hash, const uint8_t *at, uint64_t key)
{
    unsigned left = 1u + *at;
    uint64_t label = 0;

    for (; left > 8; left -= 8, at += 8) {
        label = mix(label, load(at), key);
    }
    return mix(hash, label ^ (load(at) & UINT64_MAX >> (64 - 8 * left)), key);
}

struct nametree_seed nametree_seed(const struct hash_key *key)
{
    return (struct nametree_seed){
        .start = hash_bytes(key, "start", 5),
        .multiplier = hash_bytes(key, "multiplier", 10) | 1,
    };
}

void nametree_scan(struct nametree_scan *scan, const struct nametree_seed *seed,
                   const uint8_t *name, unsigned deepest)
{
    unsigned labels = 0, at = 0;
    bool may_be = false;

    for (uint8_t length; (length = name[at]) != 0; at += 1u + length) {
        may_be |= length == PLACEHOLDER_LENGTH;
        scan->at[labels++] = (uint8_t)at;
    }
    assert(at < DNAME_MAX);
    scan->at[labels] = (uint8_t)at;
    scan->labels = (uint8_t)labels;
    scan->size = (uint8_t)(at + 1);
    scan->may_be_placeholder = may_be;
    dname_fold_sized(scan->folded, name, at + 1);

    uint64_t hash = seed->start, multiplier = seed->multiplier;
    scan->hash[0] = hash = mix(hash, 0, multiplier);
    const uint8_t *label = scan->at + labels;
    uint64_t *out = scan->hash + 1;
    for (unsigned left = labels < deepest ? labels : deepest; left > 0; left--) {
        *out++ = hash = mix_label(hash, scan->folded + *--label, multiplier);
    }
}

static bool is_named(const struct nametree *tree, const struct nametree_node *node,
                     const uint8_t *name, unsigned size)
{
    if (node->size != size) {
        return false;
    }
    const uint8_t *suffix = tree->records + node->suffix;
    unsigned rest = suffix[-1], own = size - rest;
    return memcmp(name, tree->records + node->name, own) == 0 &&
           memcmp(name + own, suffix, rest) == 0;
}

uint32_t nametree_at(const struct nametree *tree, const struct nametree_scan *scan, unsigned depth)
{
    unsigned offset = nametree_offset(scan, depth), size = scan->size - offset;
    uint64_t spread = nametree_spread(scan->hash[depth]);
    uint32_t tag = nametree_tag(spread, tree->index_bits);
    uint32_t index_mask = (1u << tree->index_bits) - 1;
    uint32_t at = nametree_slot(spread, tree->slots_length);

    for (;;) {
        uint32_t slot = tree->slots[at];
        if (slot == 0) {
            return NAMETREE_NONE;
        }
        uint32_t node = slot & index_mask;
        if ((slot ^ node) == tag &&
            is_named(tree, nametree_record(tree, node), scan->folded + offset, size)) {
            return node;
        }
        at = at + 1 == tree->slots_length ? 0 : at + 1;
    }
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

void nametree_clear(struct nametree *tree)
{
    free(tree->memory);
    *tree = (struct nametree){0};
}
