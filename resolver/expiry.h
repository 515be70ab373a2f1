/* Things that end at a time, the next one first: a heap.
 *
 * The items live in their owners' structs; the heap knows each one's place and each one knows its
 * own, so that any can be taken out. */
#ifndef PLDNS_EXPIRY_H
#define PLDNS_EXPIRY_H

#include "error.h"
#include <stddef.h>
#include <stdint.h>

struct expiry_item {
    uint32_t place; /* private */
};

struct expiry_slot {
    uint64_t when;
    struct expiry_item *item;
};

struct expiry { /* all zero bytes: empty */
    struct expiry_slot *slots;
    size_t length, room;
};

void expiry_add(struct expiry *, struct expiry_item *, uint64_t when);
/* Before there can be one more it takes more memory. */
bool expiry_is_full(const struct expiry *);
void expiry_remove(struct expiry *, struct expiry_item *);
/* The one that ends first and when, or NULL. */
struct expiry_item *expiry_first(const struct expiry *, uint64_t *when);

/* It will be taken out in a moment: fetches from memory what is moved then. */
void expiry_expect(const struct expiry *, const struct expiry_item *);

/* Octets of memory the heap holds, and will hold with one item more. */
size_t expiry_bytes(const struct expiry *);
size_t expiry_bytes_with_one_more(const struct expiry *);

void expiry_clear(struct expiry *);

#endif
