/* How many of the documents in service claim each thing.  Tells in the time that one document takes
 * whether it contradicts the others; who contradicts whom, and where, is for claims.h to say.
 *
 * Changes are tried first: what came and went counts in all questions, and is settled or undone
 * then.  What is claimed as before is not written to. */
#ifndef PLDNS_LEDGER_H
#define PLDNS_LEDGER_H

#include "claim.h"
#include "section.h"

struct ledger;

/* 'views' is lent until ledger_free(). */
struct ledger *ledger_new(const struct hash_key *, const struct view_list *views);
void ledger_free(struct ledger *);

/* So many connections will be added: makes room for what most of them claim. */
void ledger_expect(struct ledger *, size_t connections);

/* Adds the document in any case.  False: it contradicts what is there, or itself (what one
 * cluster's connections claim against another's). */
bool ledger_add(struct ledger *, const struct document *);
void ledger_remove(struct ledger *, const struct document *);

/* Asks without adding: true if it contradicts what is there. */
bool ledger_contradicts(const struct ledger *, const struct document *);

/* What was added and removed lasts; true if anything is claimed otherwise than before.  Or it never
 * was. */
bool ledger_settle(struct ledger *);
void ledger_undo(struct ledger *);

/* True if what came since claims just what went. */
bool ledger_stays(const struct ledger *);

/* True if none of the documents there has a root or a host at, above or below one of this
 * document's, which is not there itself: what they answer has nothing to do with each other. */
bool ledger_is_apart(const struct ledger *, const struct document *);
/* The same of a name alone, and how one gets there. */
bool ledger_is_apart_from(const struct ledger *, unsigned view, const uint8_t *wire);
void ledger_add_root(struct ledger *, unsigned view, const uint8_t *wire, bool subtree);

/* How many owner names are claimed or implied by what is settled; in each view. */
size_t ledger_names(const struct ledger *);

/* Octets that all of it may take in a table: claim_octets(). */
uint64_t ledger_octets(const struct ledger *);

/* True if some document owns exactly this root in this view. */
bool ledger_has_root(const struct ledger *, unsigned view, const uint8_t *wire, bool subtree);

/* Moves the ledger, which is settled, onto the shelf, where it takes no memory but for what changes
 * later; and tells of it there.  False: the shelf does not take it (errno). */
MUST_USE bool ledger_shelve(struct ledger *, struct packing *, struct shelf *);
bool ledger_is_shelved(const struct ledger *);
/* The ledger that was told of; NULL: it is not there. */
struct ledger *ledger_on_shelf(const struct hash_key *, const struct view_list *views,
                               struct unpacking *, const struct shelf *);
/* Back into memory. */
void ledger_unshelve(struct ledger *);
/* Gives back the memory of what was only read. */
void ledger_rest(struct ledger *);

#endif
