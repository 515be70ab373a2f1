/* private to catalog: which versions are served when not all that would change fit together. */
#ifndef PLDNS_CATALOGCONTEST_H
#define PLDNS_CATALOGCONTEST_H

#include "catalogentry.h"
#include "ledger.h"

/* The documents of a catalog, all lent. */
struct catalogcontest {
    struct catalog_document *const *entries; /* by name, the best version of each chosen */
    size_t length;
    struct ledger *ledger; /* the claims of what is served, settled */
    const struct hash_key *key;
    const struct view_list *views;
};

/* For catalogjudge_run(), which has found that some of what was chosen contradict each other:
 * leaves in 'standing' what is to be served, and in 'conflicts' why a newest version is not.  Only
 * what would change is held against each other, and what is in its way: who stays and has nothing
 * to do with it costs next to nothing. */
void catalogcontest_run(const struct catalogcontest *);

#endif
