/* Upstream's answers that lead into a name of ours: the chain is cut at the first CNAME whose
 * target is owned.  What stands behind the cut never reaches a client, nor the cache. */
#ifndef PLDNS_CHAIN_H
#define PLDNS_CHAIN_H

#include "reply.h"
#include "table.h"

struct chain_cut {
    unsigned hops;       /* of the reply, the one whose target is owned included */
    uint16_t records;    /* of the answer section up to it */
    uint16_t target_at;  /* where the target stands, perhaps compressed */
    struct dname target; /* the same written out */
    struct table_match match;
};

/* 'message' was checked as 'reply'.  False: it leads to no name of ours.  'out->match' points into
 * the table. */
MUST_USE bool chain_find(const struct table *, const uint8_t *message, const struct reply *,
                         struct chain_cut *out);

#endif
