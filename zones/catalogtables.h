/* private to catalog: its tables.  Built whole now and then; in between, what changed is laid over
 * what was built, so that a small change costs little however large the table is. */
#ifndef PLDNS_CATALOGTABLES_H
#define PLDNS_CATALOGTABLES_H

#include "learned.h"
#include "tableset.h"
#include "tombstone.h"

/* Connections that a patch is made of, those before and those after; beyond, and beyond this part
 * of all, a whole table is built. */
#define CATALOGTABLES_PATCH_MAX  65536
#define CATALOGTABLES_PATCH_PART 8
/* Tombstones that a patch repeats. */
#define CATALOGTABLES_TOMBSTONES_MAX 1024

struct catalogtables;

struct catalogtables *catalogtables_new(const struct view_list *views);
void catalogtables_free(struct catalogtables *);

/* Documents changed that do not lie apart from the others: the next tables are built whole. */
void catalogtables_spoil(struct catalogtables *);
/* Something became known of endpoints since the last tables. */
void catalogtables_learned(struct catalogtables *, const struct learned_facts *before,
                           const struct learned_facts *after);
/* The next tables are built whole, in one piece with the tombstones. */
void catalogtables_join(struct catalogtables *);
/* Tombstones came that no document of these tables has left. */
void catalogtables_restored(struct catalogtables *, const struct ledger *live,
                            const struct tombstone_list *);

/* True if whole tables were built that may yet be patched. */
bool catalogtables_wait(const struct catalogtables *);

/* True if what was built last was patched. */
bool catalogtables_patched(const struct catalogtables *);

/* Gives back what was read of the documents of the tables that may be patched: they may rest
 * elsewhere than those that are served. */
void catalogtables_rest(const struct catalogtables *);

/* Tables of these documents as table_build() makes them without tombstones, targets and health:
 * those that there are, or new ones that are not kept. */
struct tableset *catalogtables_plain(struct catalogtables *, struct document *const *documents,
                                     size_t length, struct table_options *options);
/* Takes such tables over, one for each view, from another process; the documents are held. */
void catalogtables_take(struct catalogtables *, struct table *const *tables,
                        struct document *const *documents, size_t length);

/* The tables of these documents, which stand in the order of their names and whose claims are
 * 'live' (NULL: there are none), which is settled and stays.  The tombstones of 'options' are
 * filled in here. */
struct tableset *catalogtables_build(struct catalogtables *, struct document *const *documents,
                                     size_t length, struct ledger *live,
                                     const struct tombstone_list *, struct table_options *options);

#endif
