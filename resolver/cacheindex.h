/* Where entries are, by their hashes: a table of lines as long as the processor's own.
 *
 * A line has, for each of its entries, an octet of the hash and the place in memory.  So what is
 * not there is seen without a look at any entry, and so is where one stands that is to go.  A full
 * line passes entries on to the next, and counts how many.
 *
 * Bounded: so many entries as it was made for. */
#ifndef PLDNS_CACHEINDEX_H
#define PLDNS_CACHEINDEX_H

#include "error.h"
#include <stdint.h>

struct cacheindex;

/* One look-up; private. */
struct cacheindex_look {
    const struct cacheindex *index;
    size_t line, left;
    unsigned matches; /* slots of the line, a bit each */
    uint8_t tag;
};

/* For 'most' entries at least. */
struct cacheindex *cacheindex_new(size_t most);
void cacheindex_free(struct cacheindex *); /* NULL is fine */
size_t cacheindex_bytes(const struct cacheindex *);
bool cacheindex_is_full(const struct cacheindex *);
size_t cacheindex_entries(const struct cacheindex *);

/* A hash will be looked up, added or removed in a moment: fetches its line from memory. */
void cacheindex_expect(const struct cacheindex *, uint64_t hash);

/* The places that may have that hash, one after the other; 0: there are no more.  Nothing may be
 * added or removed meanwhile. */
uint32_t cacheindex_first(const struct cacheindex *, uint64_t hash, struct cacheindex_look *);
uint32_t cacheindex_next(struct cacheindex_look *);

/* 'place' is not 0; it is not in yet, and the index is not full. */
void cacheindex_add(struct cacheindex *, uint64_t hash, uint32_t place);
/* Where something would be added; private. */
struct cacheindex_spot {
    void *line;
    unsigned free_slots; /* a bit each */
};
/* True if nothing of that hash is there, and what is added would stand where it belongs; false: it
 * is not that simple.  Then, whatever is removed meanwhile, cacheindex_add_there() is the same as
 * cacheindex_add(). */
MUST_USE bool cacheindex_is_simple(const struct cacheindex *, uint64_t hash,
                                   struct cacheindex_spot *);
void cacheindex_add_there(struct cacheindex *, uint64_t hash, uint32_t place,
                          const struct cacheindex_spot *);
/* It must be in, with that hash. */
void cacheindex_remove(struct cacheindex *, uint64_t hash, uint32_t place);

#endif
