/* The names of a table: a tree, held as one flat array and found by hash.
 *
 * A query name is scanned once: folded, cut into labels, and hashed label by label from the right,
 * so that the hashes of all its suffixes come from one pass.  A suffix is then found with one
 * probe. Immutable once built (namedraft.h).  What the nodes mean is the table's business. */
#ifndef PLDNS_NAMETREE_H
#define PLDNS_NAMETREE_H

#include "dname.h"
#include "hash.h"

#define NAMETREE_NONE      UINT32_MAX
#define NAMETREE_NODES_MAX (1u << 28) /* leaves four bits of each slot to tell names apart */

enum nametree_flag {
    NAMETREE_OWNED = 1 << 0,      /* exists in the tree below a root: it and all below is ours */
    NAMETREE_ROOT = 1 << 1,       /* owned as a whole; implies OWNED */
    NAMETREE_POINT = 1 << 2,      /* a host outside every root: ours, but nothing below it */
    NAMETREE_RULE = 1 << 3,       /* has a rule of its own */
    NAMETREE_STAR = 1 << 4,       /* has a child "*" … */
    NAMETREE_STAR_RULE = 1 << 5,  /* … and that child has a rule */
    NAMETREE_FENCE = 1 << 6,      /* names here and below are not forwarded */
    NAMETREE_GRAVE = 1 << 7,      /* tombstone: the name itself … */
    NAMETREE_GRAVE_TREE = 1 << 8, /* … or all below it too */
    NAMETREE_ZONED = 1 << 9,      /* the label left of it may be a zone id … */
    NAMETREE_CLOUD_SHIFT = 10,    /* … of this cloud: two bits */
};

struct nametree_node {
    uint32_t name;   /* place of the labels in front of 'suffix' */
    uint32_t suffix; /* place of the rest; the octet before it is the rest's size */
    uint32_t rule;   /* its rule, then its "*" child's, as the flags say */
    uint8_t size;    /* octets of the whole name */
    uint8_t root;    /* octets of the nearest ROOT at or above it */
    uint16_t flags;
};

struct nametree {
    struct hash_key key;
    struct nametree_node *nodes;
    uint32_t *slots; /* 0 = free; low bits: node + 1; high bits: part of its hash */
    uint8_t *names;
    size_t names_size;
    uint32_t nodes_length, slots_length;
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

/* Hashes suffixes of up to 'deepest' labels. */
void nametree_scan(struct nametree_scan *, const struct hash_key *, const uint8_t *name,
                   unsigned deepest);

/* Octets left of the suffix with so many labels. */
static inline unsigned nametree_offset(const struct nametree_scan *scan, unsigned depth)
{
    return scan->at[scan->labels - depth];
}

/* Asks the processor for what nametree_at() will read. */
void nametree_prefetch(const struct nametree *, const struct nametree_scan *);

/* The next depth below 'depth' at which there are nodes; false: none. */
bool nametree_next_depth(const struct nametree *, unsigned *depth);

/* The node of the scanned name's suffix with 'depth' labels, NAMETREE_NONE if there is none. */
uint32_t nametree_at(const struct nametree *, const struct nametree_scan *, unsigned depth);

/* Writes a node's name; returns its size. */
size_t nametree_name(const struct nametree *, uint32_t node, uint8_t *out);

size_t nametree_bytes(const struct nametree *);
void nametree_clear(struct nametree *);

/* private to nametree and namedraft: where a name's search begins, and what a slot says of it */
static inline uint32_t nametree_slot(uint64_t hash, uint32_t slots)
{
    return (uint32_t)((hash >> 32) * slots >> 32);
}

static inline uint32_t nametree_tag(uint64_t hash, unsigned index_bits)
{
    return (uint32_t)(hash << index_bits);
}

#endif
