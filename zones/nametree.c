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

uint32_t nametree_find(const struct nametree *tree, const uint8_t *name)
{
    struct nametree_scan scan;
    struct dname_cut cut;

    nametree_begin_uncut(&scan, &cut, name);
    nametree_hash(&scan, &tree->seed);
    return nametree_at(tree, &scan, cut.labels, nametree_key(&scan, cut.labels));
}

uint32_t nametree_next(const struct nametree *tree, uint32_t *cursor)
{
    while (*cursor < tree->slots_length) {
        uint32_t slot = tree->slots[(*cursor)++];
        if (slot != 0) {
            return slot & tree->index_mask;
        }
    }
    return NAMETREE_NONE;
}

size_t nametree_name(const struct nametree *tree, uint32_t node, uint8_t *out)
{
    const struct nametree_node *n = nametree_record(tree, node);
    const uint8_t *suffix = tree->memory + n->suffix;
    size_t own = (size_t)n->size - suffix[-1];

    memcpy(out, tree->memory + n->name, own);
    memcpy(out + own, suffix, suffix[-1]);
    return n->size;
}

uint8_t *nametree_memory(size_t size)
{
    return size < LARGE_SIZE ? alloc_resize(NULL, size, 1) : alloc_huge(size);
}

void nametree_settle(struct nametree *tree)
{
    tree->below[0] = 0;
    for (unsigned n = 0; n < DNAME_LABELS_MAX; n++) {
        bool some = tree->depths[n / 64] >> n % 64 & 1;
        tree->below[n + 1] = (uint8_t)(some ? n + 1 : tree->below[n]);
    }
    tree->slots = (const void *)tree->memory;
}

void nametree_clear(struct nametree *tree)
{
    free(tree->memory);
    *tree = (struct nametree){0};
}
