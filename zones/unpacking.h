/* Reads what packing.h wrote.  What does not fit the bytes reads as 0, "" or NULL, and 'broken' is
 * set. */
#ifndef PLDNS_UNPACKING_H
#define PLDNS_UNPACKING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "packing.h"

struct unpacking {
    const uint8_t *bytes, *at, *end;
    const uint8_t *terminated; /* behind the last NUL: a text that begins before it ends there */
    bool broken;
};

struct unpacking unpacking_of(const void *bytes, size_t size);
static inline uint64_t unpacking_number(struct unpacking *);
static inline const uint8_t *unpacking_bytes(struct unpacking *, size_t size);
static inline const char *unpacking_text(struct unpacking *);
/* A number of things of which each takes at least an octet: no more than there are octets. */
static inline size_t unpacking_length(struct unpacking *);

/* ---- private: in line, for there are thousands of each ---- */

uint64_t unpacking_long_number(struct unpacking *);

static inline uint64_t unpacking_number(struct unpacking *unpacking)
{
    /* Nearly all are below 128.  Where there is nothing, nothing is left.
     * NOLINTNEXTLINE(clang-analyzer-core.NullDereference) */
    if (unpacking->at < unpacking->end && *unpacking->at < PACKING_MORE) {
        return *unpacking->at++;
    }
    return unpacking_long_number(unpacking);
}

static inline const uint8_t *unpacking_bytes(struct unpacking *unpacking, size_t size)
{
    const uint8_t *at = unpacking->at;

    if (size > (size_t)(unpacking->end - at)) {
        unpacking->broken = true;
        return NULL;
    }
    unpacking->at += size;
    return at;
}

static inline const char *unpacking_text(struct unpacking *unpacking)
{
    uint64_t head = unpacking_number(unpacking), length = head >> 1;
    const uint8_t *at = unpacking->at;

    if (head == 0) {
        return "";
    }
    if (head & PACKING_REFERENCE) { /* what stood further left */
        if (length < (size_t)(at - unpacking->bytes) &&
            unpacking->bytes + length < unpacking->terminated) {
            return (const char *)unpacking->bytes + length;
        }
    } else if (length < (size_t)(unpacking->end - at) && at[length] == '\0') {
        unpacking->at += length + 1;
        return (const char *)at;
    }
    unpacking->broken = true;
    return "";
}

static inline size_t unpacking_length(struct unpacking *unpacking)
{
    uint64_t length = unpacking_number(unpacking);

    if (length > (size_t)(unpacking->end - unpacking->at)) {
        unpacking->broken = true;
        return 0;
    }
    return length;
}

#endif
