/* What became known otherwise of endpoints since some moment: names that lead elsewhere or are in
 * trouble, and addresses that answer or do not any more.
 *
 * Kept as hashes: whoever is concerned is found without fail, and now and then somebody who is
 * not. */
#ifndef PLDNS_LEARNED_H
#define PLDNS_LEARNED_H

#include "document.h"
#include "health.h"
#include "targets.h"

/* What is known at one moment; NULL: nothing. */
struct learned_facts {
    const struct targets *targets;
    const struct health *health;
};

/* Empty when all its bytes are zero. */
struct learned {
    uint32_t *hashes; /* in order, no two equal */
    size_t length, space;
};

/* Adds what differs from one moment to another. */
void learned_add(struct learned *, const struct learned_facts *before,
                 const struct learned_facts *after);
/* Adds all that 'other' has. */
void learned_join(struct learned *, const struct learned *other);
void learned_clear(struct learned *);

/* True if an answer of the connection may be another now. */
bool learned_concerns(const struct learned *, const struct connection *);
/* The same of any of the document's connections, without reading them: what they look to is noted
 * in the document when this is asked for the first time. */
bool learned_concerns_any(const struct learned *, struct document *);

#endif
