/* What a document lays claim to: connection ids, owner names, roots, and the names that its
 * endpoints are found under.
 *
 * Two documents contradict each other if they claim one id anywhere, or, in one view, one owner
 * name, or if one owns the name under which another's endpoint is to be found. */
#ifndef PLDNS_CLAIM_H
#define PLDNS_CLAIM_H

#include "document.h"
#include "hash.h"
#include "view.h"

enum claim_kind {
    CLAIM_ID,
    CLAIM_OWNER,
    CLAIM_IMPLIED, /* an owner name that gives way to any that is claimed: it only takes room */
    CLAIM_TREE,    /* a root and all below it */
    CLAIM_POINT,   /* a host alone */
    CLAIM_TARGET,  /* an endpoint's dnsName */
    /* Never told, but derived by who keeps claims: */
    CLAIM_ABOVE_TARGET, /* a target's name, and every name above it */
    CLAIM_ABOVE_ROOT,   /* every name above a root or host */
};

struct claim {
    enum claim_kind kind;
    unsigned view;                       /* who sees it; ids are everybody's: VIEW_NONE */
    const struct connection *connection; /* whose it is … */
    uint32_t number;                     /* … in its document */
    unsigned line;                       /* of all but roots and hosts: see claim_line() */
    size_t size;
    const uint8_t *bytes;                   /* a folded wire name, or the text of an id */
    const char *text;                       /* of a target: as it was written */
    const struct connection_domain *domain; /* of a root or host: whose it is */
};

/* Between the hashes of one name claimed as this and as that: odd, and no bits alike. */
#define CLAIM_KIND_STEP UINT64_C(0x9e3779b97f4a7c15)

typedef void claim_fn(void *arg, const struct claim *);

/* Calls for every claim of the document; a root may come more than once.  Lent for the call. */
void claim_each(const struct document *, const struct view_list *, claim_fn *each, void *arg);

/* Where it stands in the document.  For a root or host this looks through the names of its domain:
 * for complaints only. */
unsigned claim_line(const struct claim *);

/* A claim is known by this hash: with 64 bits of a key that no author of a document knows, two that
 * differ are taken for the same less than once in a lifetime.  Claims of one view are none of
 * another's business: the same name has another hash there. */
uint64_t claim_hash(const struct hash_key *, unsigned view, enum claim_kind, const void *bytes,
                    size_t size);
/* The same in two steps: what is claimed, and as what. */
uint64_t claim_hash_what(const struct hash_key *, unsigned view, const void *bytes, size_t size);
static inline uint64_t claim_hash_as(enum claim_kind kind, uint64_t what)
{
    return what + (uint64_t)kind * CLAIM_KIND_STEP;
}

/* Octets that the claim may take in a table, by a generous estimate: places in a table have 32
 * bits. */
uint64_t claim_octets(const struct claim *);

/* How many of them all documents may have together.  Enough for ten million attached domains. */
#define CLAIM_OCTETS_MAX (UINT64_C(7) << 29)

#endif
