/* Octets kept for a connection between events.  Nothing is allocated while there is nothing to
 * keep; what all buffers of one budget hold together is bounded. */
#ifndef PLDNS_BUFFER_H
#define PLDNS_BUFFER_H

#include "error.h"
#include <stdint.h>

struct buffer { /* all zero bytes is an empty one; octets stand from 'from' up to 'to' */
    uint8_t *bytes;
    size_t from, to, room;
};

struct buffer_budget {
    size_t held, most; /* octets allocated */
};

static inline size_t buffer_size(const struct buffer *b)
{
    return b->to - b->from;
}

/* Makes room for 'size' more octets behind 'to', for at most 'most' in all, and moves what there is
 * to the front.  False: over a limit. */
MUST_USE bool buffer_grow(struct buffer *, struct buffer_budget *, size_t size, size_t most);
/* Appends a copy. */
MUST_USE bool buffer_add(struct buffer *, struct buffer_budget *, const void *bytes, size_t size,
                         size_t most);
void buffer_drop(struct buffer *, struct buffer_budget *);

#endif
