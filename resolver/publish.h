/* One pointer, many readers: how a new table (and later: other read-mostly state) reaches the
 * workers.
 *
 * Read-copy-update over liburcu, which is at home here.  Readers mark a section around each batch;
 * the writer swaps the pointer, waits until no reader can still see the old object, and returns it.
 * A query that waits for an upstream keeps no pointer across the section. */
#ifndef PLDNS_PUBLISH_H
#define PLDNS_PUBLISH_H

#include "error.h"

struct publish; /* one published pointer */

struct publish *publish_new(void *first);
void publish_free(struct publish *);

/* Each reading thread, once at its start and end. */
void publish_thread_enter(void);
void publish_thread_leave(void);

/* A read-side section; may nest.  What publish_get() returns is good until the outermost end. */
void publish_read_begin(void);
void publish_read_end(void);
void *publish_get(const struct publish *);

/* Puts 'next' in place, waits for all readers, returns the old one: the caller may free it.  Never
 * from inside a read-side section. */
MUST_USE void *publish_swap(struct publish *, void *next);

#endif
