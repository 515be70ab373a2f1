/* private to document: its connections as bytes without pointers, a fifth of their size. */
#ifndef PLDNS_DOCUMENTPACK_H
#define PLDNS_DOCUMENTPACK_H

#include "arena.h"
#include "connection.h"
#include "packing.h"
#include "unpacking.h"

void documentpack_write(struct packing *, const struct connection *connections, size_t length);

/* The connections again, one after the other, in the arena, their texts in the bytes.  False: there
 * are no more.  Whether the bytes were packed connections, no more and no less, shows at the end:
 * then nothing is broken, and nothing left. */
struct documentpack_reading {
    struct unpacking unpacking;
    struct arena *arena;
    unsigned line;
};
struct documentpack_reading documentpack_begin(const void *bytes, size_t size, struct arena *);
void documentpack_next(struct documentpack_reading *, struct connection *);

/* All of them.  NULL: the bytes are no packed connections. */
MUST_USE struct connection *documentpack_read(const void *bytes, size_t size, size_t length,
                                              struct arena *);

#endif
