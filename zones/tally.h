/* How often each of many hashes was counted.  Empty when all its bytes are zero. */
#ifndef PLDNS_TALLY_H
#define PLDNS_TALLY_H

#include "section.h"

struct tally_slot {
    uint32_t hash[2]; /* its octets, aligned to four: a slot has twelve */
    uint32_t count;   /* 0 = free */
};

struct tally {
    struct tally_slot *all; /* at most three quarters are taken */
    size_t slots, taken;    /* slots: a power of two, or 0 */
    bool shelved;           /* they are mapped from a shelf … */
    bool changed;           /* … and some of their pages differ from it */
};

uint32_t tally_count(const struct tally *, uint64_t hash);
/* By how much more or less it was counted; never less than nothing.  How often it was before. */
uint32_t tally_change(struct tally *, uint64_t hash, int64_t by);
/* So many more hashes will be counted: makes room for all at once. */
void tally_expect(struct tally *, size_t more);
/* It will be asked for soon: a large tally does not lie in the processor's caches. */
void tally_fetch(const struct tally *, uint64_t hash);
void tally_clear(struct tally *);

/* Visits all that was counted, in no order: the first call with '*cursor' 0; false at the end. */
bool tally_next(const struct tally *, size_t *cursor, uint64_t *hash, uint32_t *count);

/* Moves it onto the shelf, where it takes no memory but for what changes later, and tells of it
 * there.  False: the shelf does not take it (errno). */
MUST_USE bool tally_shelve(struct tally *, struct packing *, struct shelf *);
/* What was told of.  False: it is not there. */
MUST_USE bool tally_told(struct tally *, struct unpacking *, const struct shelf *);
/* Back into memory. */
void tally_unshelve(struct tally *);
/* Gives back the memory of what was only read. */
void tally_rest(struct tally *);

#endif
