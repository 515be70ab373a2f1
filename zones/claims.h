/* What documents lay claim to that may contradict each other: connection ids, owner names, roots,
 * and the names that endpoints are found under.  Tells when two do: by an id anywhere, by a name in
 * one view; and where both stand.
 *
 * Documents are known by their numbers, from 0 in the order in which they were added, and are lent
 * until claims_free().  One that has left stays known: its claims are nobody's until it returns. */
#ifndef PLDNS_CLAIMS_H
#define PLDNS_CLAIMS_H

#include "document.h"
#include "hash.h"
#include "view.h"

struct claims;

#define CLAIMS_NONE SIZE_MAX /* the number of no document */

/* 'octets' is what the documents in service may take in a table (ledger_octets()), be they added
 * here or not; 'views' is lent until claims_free(). */
struct claims *claims_new(const struct hash_key *, const struct view_list *views, uint64_t octets);
void claims_free(struct claims *);

/* Adds a document that is in service: it contradicts none of the others that are.  Its number. */
size_t claims_hold(struct claims *, const struct document *);

/* Adds a document whole, under the number claims_length(), or not at all.  False: it contradicts
 * one that is there, and 'errors' names both places of each contradiction; or the table would be
 * too large.  'instead_of' (CLAIMS_NONE: of none) has left; its room is the new one's. */
MUST_USE bool claims_add(struct claims *, const struct document *, size_t instead_of,
                         struct error_list *errors);

/* The number of the first that contradicts the document that claims_add() refused last;
 * CLAIMS_NONE: there is none but itself, or the table would be too large.  While that one stays, it
 * would be refused again. */
size_t claims_in_the_way(const struct claims *);

/* How many documents were added, gone ones too. */
size_t claims_length(const struct claims *);

void claims_leave(struct claims *, size_t number);
bool claims_has_left(const struct claims *, size_t number);
/* It is there again; all that contradict it leave, and each is told of. */
typedef void claims_left_fn(void *arg, size_t number);
void claims_return(struct claims *, size_t number, claims_left_fn *left, void *arg);

#endif
