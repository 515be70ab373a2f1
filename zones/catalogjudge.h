/* private to catalog: what a catalog is made of, and which versions of its documents can be served
 * together. */
#ifndef PLDNS_CATALOGJUDGE_H
#define PLDNS_CATALOGJUDGE_H

#include <stdatomic.h>

#include "catalog.h"
#include "catalogentry.h"
#include "catalogtables.h"
#include "documentchange.h"
#include "ledger.h"
#include "tombstone.h"

struct catalog {
    uint64_t hold_ms;
    const struct view_list *views;     /* NULL = there are none */
    struct catalog_document **entries; /* by name */
    size_t length, space;
    size_t next; /* behind the one that was looked up last: sources tell theirs in order */
    struct halfwritten_source accepted;
    struct hash_key sum_key; /* of digest_sum_of() */
    struct hash_key key;     /* set with … */
    struct ledger *ledger;   /* … the claims of all that is served; NULL before the first load */
    struct packing ledger_told; /* of it as it lies on 'shelf'; empty: it is not there like that */
    struct documentchange_list changes; /* of a reload that is being finished */
    struct tombstone_list tombstones;
    struct catalogtables *tables;
    struct shelf *shelf; /* where documents are put to rest; NULL: in memory */
    atomic_size_t bytes; /* octets of new documents, some of which are yet to be handed out */
    bool has_image;      /* on 'shelf' … */
    size_t since_image;  /* … and so many connections came and went since it was made */
    bool failing;        /* in this reload the source could not be read as a whole */
    char *degraded;      /* why, since the last reload; NULL: it is not */
    bool well;           /* behind it all that is served is what the source had last, and is all */
    struct catalog_document *early; /* of catalogearly_take(), while it is judged; else NULL */
};

/* The entry of this name, a new one if there is none. */
struct catalog_document *catalog_find(struct catalog *, const char *name);
/* The same, NULL if there is none. */
struct catalog_document *catalog_known(const struct catalog *, const char *name);
/* The documents that are served, by name, in an array to be freed. */
struct document **catalog_served(const struct catalog *, size_t *length);
/* All but its configuration away again. */
void catalog_forget(struct catalog *);

/* Chooses for every document the version to be served and leaves it in 'standing' (NULL: none), so
 * that no two contradict each other: what is served comes first, then what changed, by name.  The
 * ledger then holds the claims of all that is to be served, and 'changes' what differs from what is
 * served.  False: all stays as it is. */
MUST_USE bool catalogjudge_run(struct catalog *);

#endif
