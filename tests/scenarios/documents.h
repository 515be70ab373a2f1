/* The attachment documents of a scenario, by name, and the table of what they say. */
#ifndef DOCUMENTS_H
#define DOCUMENTS_H

#include "config.h"
#include "tableset.h"

#define DOCUMENTS_MAX 64

struct documents;

struct documents *documents_new(void);
void documents_free(struct documents *);

/* Adds one, or its next version. */
void documents_put(struct documents *, const char *name, const char *text, size_t size);
/* False: there is none of that name. */
MUST_USE bool documents_remove(struct documents *, const char *name);
/* True if documents_read() was not called since something changed. */
bool documents_changed(const struct documents *);

/* From here on it can be read and built; 'config' is lent. */
void documents_open(struct documents *, const struct config *);
/* Decides what is served.  Complaints about documents that are not go to 'errors'. */
void documents_read(struct documents *, uint64_t now, struct error_list *errors);
struct tableset *documents_build(struct documents *);

/* Detached names whose time is over: as in catalog.h. */
uint64_t documents_next_expiry(const struct documents *);
MUST_USE bool documents_expire(struct documents *, uint64_t now);

#endif
