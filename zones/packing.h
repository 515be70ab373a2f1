/* Numbers and texts one behind the other, as few octets as they need: how documents rest, and what
 * an image on a disk says of itself.  Read by unpacking.h.
 *
 * A text is written out where it comes first; later it is a reference, if it was met lately.  So
 * texts that are read point into the packed bytes and live as long as these. */
#ifndef PLDNS_PACKING_H
#define PLDNS_PACKING_H

#include <stddef.h>
#include <stdint.h>

#define PACKING_RECENT 64 /* texts that are remembered; a power of two */

/* Empty when all its bytes are zero; 'bytes' are the caller's to free(). */
struct packing {
    uint8_t *bytes;
    size_t size, space;
    uint32_t recent[PACKING_RECENT]; /* where a text stands, or 0 */
};

static inline void packing_number(struct packing *, uint64_t);
void packing_bytes(struct packing *, const void *bytes, size_t size);
/* So much will be put: one piece of memory instead of ever larger ones. */
static inline uint8_t *packing_room(struct packing *, size_t size);
/* A terminated text; folded wire names are such texts, too. */
void packing_text(struct packing *, const char *text);

/* How it is written, for who reads it.  A number has seven bits in each octet, the lowest first;
 * all but its last octet have the highest bit set.  A text begins with a number: its length and a
 * bit 0, or the place where it stands and a bit 1. */
#define PACKING_MORE       0x80u
#define PACKING_NUMBER_MAX 10 /* octets */
#define PACKING_REFERENCE  1u

/* ---- private ---- */

void packing_make_room(struct packing *, size_t size);

static inline uint8_t *packing_room(struct packing *packing, size_t size)
{
    if (packing->space - packing->size <= size) { /* also for nothing: there is memory then */
        packing_make_room(packing, size);
    }
    return packing->bytes + packing->size;
}

static inline void packing_number(struct packing *packing, uint64_t number)
{
    uint8_t *first = packing_room(packing, PACKING_NUMBER_MAX), *at = first;

    for (; number >= PACKING_MORE; number >>= 7) {
        *at++ = (uint8_t)(number | PACKING_MORE);
    }
    *at++ = (uint8_t)number;
    packing->size += (size_t)(at - first);
}

#endif
