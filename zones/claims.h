/* What the documents of one generation lay claim to: connection ids, owner names, roots, and the
 * names that endpoints are found under.  Tells when two documents contradict each other: by an id
 * anywhere, by a name in one view.
 *
 * Documents are lent until claims_free() and added whole or not at all; the last ones added can be
 * taken back. */
#ifndef PLDNS_CLAIMS_H
#define PLDNS_CLAIMS_H

#include "document.h"
#include "hash.h"
#include "view.h"

struct claims;

/* 'views' is lent until claims_free(). */
struct claims *claims_new(const struct hash_key *, const struct view_list *views);
void claims_free(struct claims *);

/* Adds the document.  False: it contradicts one that is there; 'errors' names both places of each
 * contradiction, and nothing was added. */
MUST_USE bool claims_add(struct claims *, const struct document *, struct error_list *errors);

/* Asks without adding: true if the document contradicts none but 'instead_of' (NULL: none at all).
 * A rough yes: claims_add() has the last word. */
MUST_USE bool claims_would_fit(struct claims *, const struct document *,
                               const struct document *instead_of, struct error_list *errors);

/* How many documents were added; and back to so many. */
size_t claims_length(const struct claims *);
void claims_take_back(struct claims *, size_t length);

#endif
