/* What is known besides the documents, on its way from who finds it out to who builds tables.
 *
 * One thread puts, another takes and uses; whatever was put and never taken is freed. */
#ifndef PLDNS_LORE_H
#define PLDNS_LORE_H

#include "health.h"
#include "targets.h"

struct lore;

struct lore *lore_new(void);
void lore_free(struct lore *); /* NULL is fine */

/* From any thread: for the next lore_take().  Taken over; NULL = nothing is known. */
void lore_put(struct lore *, struct targets *, struct health *);
bool lore_waits(struct lore *); /* something was put since the last lore_take() */

/* From one thread: what was put last is in use now, and what was in use before is the caller's to
 * free.  False: nothing was put since the last time. */
MUST_USE bool lore_take(struct lore *, struct targets **before_targets,
                        struct health **before_health);
/* What is in use; lent until the next lore_take(). */
const struct targets *lore_targets(const struct lore *);
const struct health *lore_health(const struct lore *);

#endif
