/* Octets taken as words, and names and short messages compared and copied in place.
 *
 * Sixteen octets at a time; the last step overlaps others.  So nothing is read or written but what
 * is meant. */
#ifndef PLDNS_OCTETS_H
#define PLDNS_OCTETS_H

#include <endian.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#define OCTETS_STEP 16

/* So many of one value, for tables. */
#define OCTETS_SIXTEEN(x) x, x, x, x, x, x, x, x, x, x, x, x, x, x, x, x

/* A word of eight octets that has this one in that place, or these two as a message has them. */
#define OCTETS_ONE(place, value) ((uint64_t)(value) << (place)*8)
#define OCTETS_TWO(place, value)                                                                   \
    (OCTETS_ONE(place, (value) >> 8 & 0xff) | OCTETS_ONE((place) + 1, (value)&0xff))

static inline uint64_t octets_word(const uint8_t *at)
{
    uint64_t word;

    memcpy(&word, at, sizeof(word));
    return le64toh(word);
}

static inline void octets_put_word(uint8_t *at, uint64_t word)
{
    word = htole64(word);
    memcpy(at, &word, sizeof(word));
}

/* The first four octets of a word. */
static inline void octets_put_half(uint8_t *at, uint64_t word)
{
    uint32_t half = htole32((uint32_t)word);

    memcpy(at, &half, sizeof(half));
}

/* A few instructions, but in so many places that the compiler would rather call them. */
#define OCTETS_INLINE static inline __attribute__((always_inline))

/* private: 'size' is a step at least */
OCTETS_INLINE void octets_copy_steps(uint8_t *to, const uint8_t *from, size_t size)
{
    size_t last = size - OCTETS_STEP;

    for (size_t at = 0; at < last; at += OCTETS_STEP) {
        memcpy(to + at, from + at, OCTETS_STEP);
    }
    memcpy(to + last, from + last, OCTETS_STEP);
}

/* private: it is less */
static inline void octets_copy_few(uint8_t *to, const uint8_t *from, size_t size)
{
    if (size >= 8) {
        memcpy(to, from, 8);
        memcpy(to + size - 8, from + size - 8, 8);
    } else if (size >= 4) {
        memcpy(to, from, 4);
        memcpy(to + size - 4, from + size - 4, 4);
    } else {
        for (size_t at = 0; at < size; at++) {
            to[at] = from[at];
        }
    }
}

/* The same by two steps: 'size' is two at least. */
static inline void octets_copy_pairs(uint8_t *to, const uint8_t *from, size_t size)
{
    enum { PAIR = 2 * OCTETS_STEP };
    size_t last = size - PAIR;

    for (size_t at = 0; at < last; at += PAIR) {
        memcpy(to + at, from + at, PAIR);
    }
    memcpy(to + last, from + last, PAIR);
}

OCTETS_INLINE void octets_copy(uint8_t *to, const uint8_t *from, size_t size)
{
    if (size >= OCTETS_STEP) {
        octets_copy_steps(to, from, size);
    } else {
        octets_copy_few(to, from, size);
    }
}

/* private */
static inline bool octets_differ16(const uint8_t *a, const uint8_t *b)
{
    uint64_t x[2], y[2];

    memcpy(x, a, sizeof(x));
    memcpy(y, b, sizeof(y));
    return ((x[0] ^ y[0]) | (x[1] ^ y[1])) != 0;
}

/* The last step overlaps others; where two differ, it is mostly in the first or the last. */
static inline bool octets_same(const uint8_t *a, const uint8_t *b, size_t size)
{
    if (size < OCTETS_STEP) {
        return memcmp(a, b, size) == 0;
    }
    size_t last = size - OCTETS_STEP;
    if (octets_differ16(a, b) || octets_differ16(a + last, b + last)) {
        return false;
    }
    for (size_t at = OCTETS_STEP; at < last; at += OCTETS_STEP) {
        if (octets_differ16(a + at, b + at)) {
            return false;
        }
    }
    return true;
}

#endif
