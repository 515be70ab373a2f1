/* A nametree in the making.
 *
 * Roots, rules and marks come in any order; a rule is found fastest right behind its root.  Names
 * are folded wire names and copied.  A root owns all below it; every name between an owner and the
 * topmost root above it exists (RFC 4592: empty non-terminals), and so does every root. */
#ifndef PLDNS_NAMEDRAFT_H
#define PLDNS_NAMEDRAFT_H

#include "nametree.h"
#include "pool.h"

struct namedraft;

struct namedraft *namedraft_new(const struct hash_key *);
void namedraft_free(struct namedraft *);

void namedraft_root(struct namedraft *, const uint8_t *name);

/* Gives 'owner' (maybe "*.…") rule number 'rule'; returns the number of the one it has: another
 * that it had before stays. */
MUST_USE uint32_t namedraft_rule(struct namedraft *, const uint8_t *owner, uint32_t rule);

/* Adds flags to the node of this name, which is made if need be; returns the node's number.
 * '*before' (may be NULL) is what flags it had. */
uint32_t namedraft_mark(struct namedraft *, const uint8_t *name, unsigned flags, unsigned *before);

struct namedraft_rule {
    uint32_t rule; /* its number */
    uint32_t at;   /* octet of the records at which it begins */
    enum nametree_role role;
};

/* Fills in what the tree keeps of a rule; zero so far.  More may be added to the records (a
 * multiple of NAMETREE_UNIT in alignment). */
typedef void namedraft_write_fn(void *arg, struct pool *records, const struct namedraft_rule *);

/* Makes the tree.  'rule_size' is what a rule takes, a multiple of NAMETREE_UNIT; most rules are
 * written once, those of a "*" that is a node itself (names exist below it) a second time behind
 * that node. */
void namedraft_finish(struct namedraft *, struct nametree *out, size_t rule_size,
                      namedraft_write_fn *, void *arg);

/* The place of a node by its number, once the tree is made. */
uint32_t namedraft_place(const struct namedraft *, uint32_t node);

#endif
