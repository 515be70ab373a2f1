/* Reads what packing.h wrote.  What does not fit the bytes reads as 0, "" or NULL, and 'broken' is
 * set. */
#ifndef PLDNS_UNPACKING_H
#define PLDNS_UNPACKING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct unpacking {
    const uint8_t *bytes, *at, *end;
    bool broken;
};

struct unpacking unpacking_of(const void *bytes, size_t size);
static inline uint64_t unpacking_number(struct unpacking *);
const uint8_t *unpacking_bytes(struct unpacking *, size_t size);
const char *unpacking_text(struct unpacking *);
/* A number of things of which each takes at least an octet: no more than there are octets. */
size_t unpacking_length(struct unpacking *);

/* ---- private ---- */

uint64_t unpacking_long_number(struct unpacking *);

static inline uint64_t unpacking_number(struct unpacking *unpacking)
{
    /* Nearly all are below 128, and there are thousands. */
    if (unpacking->at < unpacking->end && *unpacking->at < 0x80) {
        return *unpacking->at++;
    }
    return unpacking_long_number(unpacking);
}

#endif
