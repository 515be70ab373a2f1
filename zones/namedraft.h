/* A nametree in the making.
 *
 * Order of calls: all roots; namedraft_join(); rules, marks; namedraft_finish().  Names are folded
 * wire names and copied.  A root owns all below it; every name between an owner and the topmost
 * root above it exists (RFC 4592: empty non-terminals), and so does every root. */
#ifndef PLDNS_NAMEDRAFT_H
#define PLDNS_NAMEDRAFT_H

#include "nametree.h"

struct namedraft;

struct namedraft *namedraft_new(const struct hash_key *);
void namedraft_free(struct namedraft *);

void namedraft_root(struct namedraft *, const uint8_t *name);
/* Puts the roots into the tree of the topmost root above them. */
void namedraft_join(struct namedraft *);

/* Gives 'owner' (maybe "*.…") rule number 'rule'.  False: it has one already, which stays. */
MUST_USE bool namedraft_rule(struct namedraft *, const uint8_t *owner, uint32_t rule);

/* Adds flags to the node of this name, which is made if need be; returns the node.  '*before' (may
 * be NULL) is what flags it had. */
uint32_t namedraft_mark(struct namedraft *, const uint8_t *name, unsigned flags, unsigned *before);

/* What is to become of the rules: the i-th entry says which rule the tree calls i, and whose it is.
 */
struct namedraft_place {
    uint32_t rule, node;
    bool star; /* of the node's child "*" */
    bool copy; /* the same rule has another number too */
};

/* Fills 'out'; node numbers are those namedraft_mark() gave.  '*places' (free it) has an entry per
 * rule that was taken, and copies. */
void namedraft_finish(struct namedraft *, struct nametree *out, struct namedraft_place **places,
                      size_t *length);

#endif
