/* private to document: its connections as bytes without pointers, a fifth of their size. */
#ifndef PLDNS_DOCUMENTPACK_H
#define PLDNS_DOCUMENTPACK_H

#include "arena.h"
#include "connection.h"
#include "packing.h"

void documentpack_write(struct packing *, const struct connection *connections, size_t length);

/* The connections again, in the arena, their texts in the bytes.  NULL: the bytes are no packed
 * connections. */
MUST_USE struct connection *documentpack_read(const void *bytes, size_t size, size_t length,
                                              struct arena *);

#endif
