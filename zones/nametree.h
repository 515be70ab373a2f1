/* The names of a table: a tree, held flat and found by hash.
 *
 * A query name is scanned once: folded, cut into labels, and hashed label by label from the right,
 * so that the hashes of all its suffixes come from one pass.  A suffix is then found with one
 * probe.
 *
 * All lies in one piece of memory, and what is read together lies together: a node, directly behind
 * it the rules that its flags tell of (its own, then its "*" child's), then its name.  Large tables
 * miss the processor's caches on every look-up, so what counts is how often.  Places are counted in
 * four octets.  Immutable once built (namedraft.h).  What the nodes and rules mean is the table's
 * business. */
#ifndef PLDNS_NAMETREE_H
#define PLDNS_NAMETREE_H

#include "dname.h"
#include "hash.h"

#define NAMETREE_NONE 0 /* no place of a node */
#define NAMETREE_UNIT 4 /* octets */
#define NAMETREE_LINE                                                                              \
    16 /* units of a line of the processor's caches: a node, its name, its rules */

enum nametree_flag {
    NAMETREE_OWNED = 1 << 0,      /* exists in the tree below a root: it and all below is ours */
    NAMETREE_ROOT = 1 << 1,       /* owned as a whole; implies OWNED */
    NAMETREE_POINT = 1 << 2,      /* a host outside every root: ours, but nothing below it */
    NAMETREE_RULE = 1 << 3,       /* has a rule of its own, maybe a copy of its parent's star's */
    NAMETREE_STAR = 1 << 4,       /* has a child "*" … */
    NAMETREE_STAR_RULE = 1 << 5,  /* … and that child has a rule */
    NAMETREE_FENCE = 1 << 6,      /* names here and below are not forwarded */
    NAMETREE_GRAVE = 1 << 7,      /* tombstone: the name itself … */
    NAMETREE_GRAVE_TREE = 1 << 8, /* … or all below it too */
    NAMETREE_ZONED = 1 << 9,      /* the label left of it may be a zone id … */
    NAMETREE_CLOUD_SHIFT = 10,    /* … of this cloud: two bits */
    NAMETREE_MASK = 1 << 12,      /* in a patch: the name itself … */
    NAMETREE_MASK_TREE = 1 << 13, /* … or all below it too is not looked up in the base */
};

/* What names are hashed with: drawn from a key, for a bare key may be a weak multiplier. */
struct nametree_seed {
    uint64_t start, multiplier;
};

struct nametree_node {
    uint32_t name;   /* octet at which the labels in front of 'suffix' begin */
    uint32_t suffix; /* the same of the rest; the octet before it is the rest's size */
    uint8_t size;    /* octets of the whole name */
    uint8_t root;    /* octets of the nearest ROOT at or above it */
    uint16_t flags;
};

/* Which of its node's rules a rule is; with that, a rule finds its node. */
enum nametree_role {
    NAMETREE_OWN,
    NAMETREE_OWN_COPY,   /* the node is a "*": what its parent has as star's, once more */
    NAMETREE_STAR_ALONE, /* of the child "*"; the node has no rule of its own */
    NAMETREE_STAR_SECOND,
};

struct nametree {
    struct nametree_seed seed;
    void *memory;          /* owned: the slots, then the records */
    const uint32_t *slots; /* 0 = free; low bits: place of a node; high bits: part of its hash */
    const uint8_t *records;
    size_t size; /* octets of memory */
    uint32_t slots_length;
    uint8_t index_bits;
    uint8_t deepest;    /* most labels of any node */
    uint64_t depths[2]; /* bit n: some node has n labels */
};

/* Where folded names may be read in whole words. */
#define NAMETREE_PAD 8

struct nametree_scan {
    uint8_t size, labels;
    bool may_be_placeholder; /* some label is as long as "unique_name" */
    uint8_t
        at[DNAME_LABELS_MAX]; /* where the i-th label from the left begins; the last is the root */
    uint64_t hash[DNAME_LABELS_MAX]; /* of the suffix with so many labels */
    uint8_t folded[DNAME_MAX + NAMETREE_PAD];
};

struct nametree_seed nametree_seed(const struct hash_key *);

/* Hashes suffixes of up to 'deepest' labels. */
void nametree_scan(struct nametree_scan *, const struct nametree_seed *, const uint8_t *name,
                   unsigned deepest);

/* Octets left of the suffix with so many labels. */
static inline unsigned nametree_offset(const struct nametree_scan *scan, unsigned depth)
{
    return scan->at[scan->labels - depth];
}

/* What stands at a place. */
static inline const void *nametree_record(const struct nametree *tree, uint32_t place)
{
    return tree->records + (size_t)place * NAMETREE_UNIT;
}

/* Depths that are still to be looked at. */
struct nametree_depths {
    uint64_t flat, deep; /* bit n: n labels, 64 + n labels */
};

/* All depths of up to 'most' labels at which there are nodes. */
static inline struct nametree_depths nametree_depths(const struct nametree *tree, unsigned most)
{
    struct nametree_depths all = {tree->depths[0], 0};

    if (most < 64) {
        all.flat &= UINT64_MAX >> (63 - most);
    } else {
        all.deep = tree->depths[1] & UINT64_MAX >> (127 - most);
    }
    return all;
}

/* Takes the deepest out; false: there is none left. */
static inline bool nametree_next_depth(struct nametree_depths *left, unsigned *depth)
{
    if (left->deep != 0) {
        unsigned highest = 63 - (unsigned)__builtin_clzll(left->deep);
        left->deep ^= UINT64_C(1) << highest;
        *depth = 64 + highest;
        return true;
    }
    if (left->flat != 0) {
        *depth = 63 - (unsigned)__builtin_clzll(left->flat);
        left->flat ^= UINT64_C(1) << *depth;
        return true;
    }
    return false;
}

/* The place of the node that the scanned name's suffix with 'depth' labels has, or NAMETREE_NONE.
 */
uint32_t nametree_at(const struct nametree *, const struct nametree_scan *, unsigned depth);

/* Has what nametree_at() reads first brought from memory, for it will be asked soon. */
static inline void nametree_expect(const struct nametree *, const struct nametree_scan *,
                                   unsigned depth);

/* The same of the node, once what nametree_expect() fetched is there.  Returns its place, or
 * NAMETREE_NONE: no node has that name.  It may still have another. */
static inline uint32_t nametree_expect_node(const struct nametree *, const struct nametree_scan *,
                                            unsigned depth);

/* Visits all nodes in no order: the first call with '*cursor' 0; NAMETREE_NONE at the end. */
uint32_t nametree_next(const struct nametree *, uint32_t *cursor);

/* Writes a node's name; returns its size. */
size_t nametree_name(const struct nametree *, uint32_t node, uint8_t *out);

void nametree_clear(struct nametree *);

/* ---- private to nametree and namedraft ---- */

/* Hashes of names that differ little lie on a line; this scatters them. */
static inline uint64_t nametree_spread(uint64_t hash)
{
    hash = (hash ^ hash >> 32) * UINT64_C(0x9e3779b97f4a7c15);
    return hash ^ hash >> 32;
}

/* Where the search for a name begins, and what its slot says of it, both from the hash spread. */
static inline uint32_t nametree_slot(uint64_t spread, uint32_t slots)
{
    return (uint32_t)((spread >> 32) * slots >> 32);
}

static inline uint32_t nametree_tag(uint64_t spread, unsigned index_bits)
{
    return (uint32_t)(spread << index_bits);
}

static inline void nametree_expect(const struct nametree *tree, const struct nametree_scan *scan,
                                   unsigned depth)
{
    uint64_t spread = nametree_spread(scan->hash[depth]);

    __builtin_prefetch(&tree->slots[nametree_slot(spread, tree->slots_length)]);
}

static inline uint32_t nametree_expect_node(const struct nametree *tree,
                                            const struct nametree_scan *scan, unsigned depth)
{
    uint64_t spread = nametree_spread(scan->hash[depth]);
    uint32_t slot = tree->slots[nametree_slot(spread, tree->slots_length)];
    uint32_t node = slot & ((1u << tree->index_bits) - 1);

    if (slot == 0 || (slot ^ node) != nametree_tag(spread, tree->index_bits)) {
        return NAMETREE_NONE;
    }
    __builtin_prefetch(nametree_record(tree, node));
    __builtin_prefetch(nametree_record(tree, node + NAMETREE_LINE));
    return node;
}

#endif
