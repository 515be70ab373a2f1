/* The names of a table: a tree, held flat and found by hash.
 *
 * A query name is scanned once: cut into labels, and, if it has as many as some node, folded and
 * hashed from its end, sixteen octets at a time.  From that chain the hash of every suffix is one
 * step away, and a suffix is found with one probe.
 *
 * All lies in one piece of memory, and what is read together lies together: a node, directly behind
 * it the rules that its flags tell of (its own, then its "*" child's), then its name.  Large tables
 * miss the processor's caches on every look-up, so what counts is how often.  Places are counted in
 * four octets.  Immutable once built (namedraft.h).  What the nodes and rules mean is the table's
 * business. */
#ifndef PLDNS_NAMETREE_H
#define PLDNS_NAMETREE_H

#include <string.h>

#include "dname.h"
#include "hash.h"
#include "octets.h"

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
    uint8_t *memory;       /* owned: the slots, then nodes and what belongs to them */
    const uint32_t *slots; /* 0 = free; low bits: place of a node; high bits: part of its hash */
    size_t size;           /* octets of memory */
    uint32_t slots_length;
    uint32_t index_mask; /* the low bits */
    uint64_t depths[2];  /* bit n: some node has n labels */
    /* One more than the deepest such n below a number of labels; 0: there is none. */
    uint8_t below[DNAME_LABELS_MAX + 1];
};

#define NAMETREE_STEP 16 /* octets of a name that are hashed at once */

struct nametree_scan {
    const uint8_t *name; /* both lent */
    const struct dname_cut *cut;
    bool hashed; /* the rest is filled in */
    uint64_t multiplier;
    uint64_t chain[DNAME_MAX / NAMETREE_STEP + 1]; /* hash of the last i steps */
    uint8_t pad[NAMETREE_STEP];                    /* a step may begin in front of the name */
    uint8_t folded[DNAME_MAX];
};

struct nametree_seed nametree_seed(const struct hash_key *);

/* No more than that: most names need nothing else. */
static inline void nametree_begin(struct nametree_scan *scan, const uint8_t *name,
                                  const struct dname_cut *cut)
{
    scan->name = name;
    scan->cut = cut;
    scan->hashed = false;
}

/* The same for a name that nobody has cut yet; 'room' lives as long as the scan. */
void nametree_begin_uncut(struct nametree_scan *, struct dname_cut *room, const uint8_t *name);

/* Folds the name and hashes it. */
static inline void nametree_hash(struct nametree_scan *, const struct nametree_seed *);

/* Octets left of the suffix with so many labels. */
static inline unsigned nametree_offset(const struct nametree_scan *scan, unsigned depth)
{
    return scan->cut->at[scan->cut->labels - depth];
}

/* What stands at a place. */
static inline const void *nametree_record(const struct nametree *tree, uint32_t place)
{
    return tree->memory + (size_t)place * NAMETREE_UNIT;
}

/* The deepest depth below '*depth' at which there are nodes; false: there is none.  Begins with one
 * more than the name has labels. */
static inline bool nametree_depth_below(const struct nametree *tree, unsigned *depth)
{
    unsigned above = tree->below[*depth];

    *depth = above - 1;
    return above != 0;
}

/* The hash of the scanned name's suffix with 'depth' labels: what the functions below want. */
static inline uint64_t nametree_key(const struct nametree_scan *, unsigned depth);

/* The same of one suffix of so many octets, without a scan.  Folds it into 'folded', in front of
 * which NAMETREE_STEP octets can be read. */
static inline uint64_t nametree_key_alone(const struct nametree_seed *, const uint8_t *suffix,
                                          unsigned size, uint8_t *folded);

/* The place of the node that the suffix has, or NAMETREE_NONE. */
static inline uint32_t nametree_at(const struct nametree *, const struct nametree_scan *,
                                   unsigned depth, uint64_t key);

/* Has what nametree_at() reads first brought from memory, for it will be asked soon. */
static inline void nametree_expect(const struct nametree *, uint64_t key);

/* The same of the node, once what nametree_expect() fetched is there.  Returns what very likely is
 * its place, or NAMETREE_NONE: no node has that name. */
static inline uint32_t nametree_expect_node(const struct nametree *, uint64_t key);

/* The place of the node of that name, without a scan. */
uint32_t nametree_find(const struct nametree *, const uint8_t *name);

/* Visits all nodes in no order: the first call with '*cursor' 0; NAMETREE_NONE at the end. */
uint32_t nametree_next(const struct nametree *, uint32_t *cursor);

/* Writes a node's name; returns its size. */
size_t nametree_name(const struct nametree *, uint32_t node, uint8_t *out);

void nametree_clear(struct nametree *);

/* ---- private to nametree and namedraft ---- */

/* Memory as it comes for a whole tree, in huge pages if that is worth while; and what lies where in
 * it, once it is filled and the slots' number is known. */
uint8_t *nametree_memory(size_t size);
void nametree_settle(struct nametree *);

__extension__ typedef unsigned __int128 nametree_wide;

/* Sixteen octets; behind or before what is meant others may stand, which the caller cuts off. */
static inline nametree_wide nametree_load(const uint8_t *at)
{
    return (nametree_wide)octets_word(at + 8) << 64 | octets_word(at);
}

/* Multiplying by the key and folding the halves makes every bit depend on every other.  SipHash
 * would cost more than all the rest of a look-up; clients cannot put names into the table, so all
 * the key has to do here is to keep a document's author from choosing colliding names.  Images hold
 * what comes of it: whoever changes it changes their format, too (catalogimage.c). */
static inline uint64_t nametree_mix(uint64_t hash, nametree_wide octets, uint64_t multiplier)
{
    nametree_wide product =
        (nametree_wide)(hash ^ (uint64_t)octets) * (multiplier ^ (uint64_t)(octets >> 64));

    return (uint64_t)product ^ (uint64_t)(product >> 64);
}

/* What a step folds and adds: from the end, as names are read, for a word that stands across two
 * stores would have to wait for both. */
static inline uint64_t nametree_step(uint64_t hash, const uint8_t *name, uint8_t *folded,
                                     uint64_t multiplier)
{
    dname_fold16(folded, name);
    return nametree_mix(hash, nametree_load(folded), multiplier);
}

static inline void nametree_hash(struct nametree_scan *scan, const struct nametree_seed *seed)
{
    uint64_t hash = seed->start, *chain = scan->chain;
    size_t left = scan->cut->size;

    scan->hashed = true;
    scan->multiplier = seed->multiplier;
    *chain = hash;
    if (left < NAMETREE_STEP) {
        dname_fold_sized(scan->folded, scan->name, left);
        return;
    }
    dname_fold16(scan->folded, scan->name);
    while (left > NAMETREE_STEP) {
        left -= NAMETREE_STEP;
        *++chain = hash =
            nametree_step(hash, scan->name + left, scan->folded + left, seed->multiplier);
    }
}

/* The octets of a suffix that is shorter than a step, which may begin in the pad. */
static inline nametree_wide nametree_load_short(const uint8_t *suffix, unsigned size)
{
    static const uint8_t last[2 * NAMETREE_STEP] = {OCTETS_SIXTEEN(0), OCTETS_SIXTEEN(0xff)};

    return nametree_load(suffix + size - NAMETREE_STEP) & nametree_load(last + size);
}

/* The last step of a suffix of so many octets: its first ones, some of which the chain may have;
 * the size tells it from others.  Hashes of names that differ little lie on a line; another
 * multiplication scatters them. */
static inline uint64_t nametree_end(uint64_t hash, unsigned size, nametree_wide first,
                                    uint64_t multiplier)
{
    return nametree_mix(nametree_mix(hash ^ size, first, multiplier), 0,
                        UINT64_C(0x9e3779b97f4a7c15));
}

static inline uint64_t nametree_key(const struct nametree_scan *scan, unsigned depth)
{
    unsigned offset = nametree_offset(scan, depth), size = scan->cut->size - offset;
    const uint8_t *suffix = scan->folded + offset;

    return nametree_end(scan->chain[(size - 1) / NAMETREE_STEP], size,
                        size < NAMETREE_STEP ? nametree_load_short(suffix, size)
                                             : nametree_load(suffix),
                        scan->multiplier);
}

static inline uint64_t nametree_key_alone(const struct nametree_seed *seed, const uint8_t *suffix,
                                          unsigned size, uint8_t *folded)
{
    uint64_t hash = seed->start;
    size_t left = size;

    if (size < NAMETREE_STEP) {
        dname_fold_sized(folded, suffix, size);
        return nametree_end(hash, size, nametree_load_short(folded, size), seed->multiplier);
    }
    while (left > NAMETREE_STEP) {
        left -= NAMETREE_STEP;
        hash = nametree_step(hash, suffix + left, folded + left, seed->multiplier);
    }
    dname_fold16(folded, suffix);
    return nametree_end(hash, size, nametree_load(folded), seed->multiplier);
}

/* Where the search for a name begins, and what its slot says of it. */
static inline uint32_t nametree_slot(uint64_t key, uint32_t slots)
{
    return (uint32_t)((key >> 32) * slots >> 32);
}

static inline uint32_t nametree_tag(uint64_t key, uint32_t index_mask)
{
    return (uint32_t)key & ~index_mask;
}

static inline void nametree_expect(const struct nametree *tree, uint64_t key)
{
    __builtin_prefetch(&tree->slots[nametree_slot(key, tree->slots_length)]);
}

/* The first node from slot '*at' on whose hash may be this; NAMETREE_NONE: there is none. */
static inline uint32_t nametree_probe(const struct nametree *tree, uint64_t key, uint32_t *at)
{
    uint32_t index_mask = tree->index_mask, tag = nametree_tag(key, index_mask), slot;

    while ((slot = tree->slots[*at]) != 0) {
        if ((slot & ~index_mask) == tag) {
            return slot & index_mask;
        }
        *at = *at + 1 == tree->slots_length ? 0 : *at + 1;
    }
    return NAMETREE_NONE;
}

static inline bool nametree_is_named(const struct nametree *tree, const struct nametree_node *node,
                                     const uint8_t *name, unsigned size)
{
    if (node->size != size) {
        return false;
    }
    const uint8_t *suffix = tree->memory + node->suffix;
    unsigned rest = suffix[-1], own = size - rest;
    return octets_same(name, tree->memory + node->name, own) &&
           octets_same(name + own, suffix, rest);
}

/* The place of the node of that folded name. */
static inline uint32_t nametree_place(const struct nametree *tree, const uint8_t *name,
                                      unsigned size, uint64_t key)
{
    uint32_t at = nametree_slot(key, tree->slots_length), node;

    while ((node = nametree_probe(tree, key, &at)) != NAMETREE_NONE) {
        if (nametree_is_named(tree, nametree_record(tree, node), name, size)) {
            break;
        }
        at = at + 1 == tree->slots_length ? 0 : at + 1;
    }
    return node;
}

static inline uint32_t nametree_at(const struct nametree *tree, const struct nametree_scan *scan,
                                   unsigned depth, uint64_t key)
{
    unsigned offset = nametree_offset(scan, depth);

    return nametree_place(tree, scan->folded + offset, scan->cut->size - offset, key);
}

static inline uint32_t nametree_expect_node(const struct nametree *tree, uint64_t key)
{
    uint32_t at = nametree_slot(key, tree->slots_length);
    uint32_t node = nametree_probe(tree, key, &at);

    if (node != NAMETREE_NONE) {
        __builtin_prefetch(nametree_record(tree, node));
        __builtin_prefetch(nametree_record(tree, node + NAMETREE_LINE));
    }
    return node;
}

#endif
