/* A keyed hash of questions: cheap, and such that nobody can choose questions that meet.
 *
 * The folded name is taken as pairs of 64-bit words, random bits are added to each word, and the
 * products of the pairs are summed modulo 2^128 (NH: Black and others, UMAC, 1999), with all else
 * by which questions differ, as one word, times a random one.  The two words of that sum have
 * factors of 128 random bits each; the hash is the upper half of the sum of those products
 * (multiply-shift of a vector: Dietzfelbinger, 1996), its bits stirred so that any of them can be
 * used alone.
 *
 * All else says how long the name is.  So two questions that differ in it have the same first sum
 * for one of 2^64 random words at most, whatever their names; two that do not have names of one
 * size, and the same first sum for one key of 2^64.  If that differs, the hash is the same for one
 * of 2^64.  So, whatever two questions a client chooses, they meet for two keys of 2^64 at most.
 * That holds for who does not see hashes, and nobody does: the key is drawn once per process, and
 * no answer depends on it.
 */
#ifndef PLDNS_QUESTIONHASH_H
#define PLDNS_QUESTIONHASH_H

#include "dname.h"
#include "hash.h"

__extension__ typedef unsigned __int128 questionhash_wide;

struct questionhash {
    questionhash_wide start;           /* is added to … */
    questionhash_wide of_low, of_high; /* … the first sum's words, each times its factor */
    uint64_t words[(DNAME_MAX + DNAME_STEP - 1) / DNAME_STEP * 2]; /* added to the name's */
    uint64_t of_rest; /* all else times that is the first sum's first part */
    uint64_t spare;
};

/* Expands a key that was drawn. */
void questionhash_init(struct questionhash *, const struct hash_key *);

/* Folds a name into 'folded', which has room for the longest, and hashes it with all else that
 * belongs to the question, its size included. */
uint64_t questionhash_fold(const struct questionhash *, uint64_t rest, uint8_t *folded,
                           const uint8_t *name, uint8_t size);

#endif
