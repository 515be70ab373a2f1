#include "questionhash.h"

#include "octets.h"

#define WORD    sizeof(uint64_t)
#define STIRRER UINT64_C(0x9e3779b97f4a7c15)

typedef questionhash_wide wide;

/* What was said of random bits holds for these as far as SipHash cannot be told from them, which is
 * what it is made for. */
void questionhash_init(struct questionhash *h, const struct hash_key *key)
{
    uint64_t words[sizeof *h / sizeof(uint64_t)];

    for (uint64_t i = 0; i < ARRAY_LENGTH(words); i++)
        words[i] = hash_bytes(key, &i, sizeof i);
    memcpy(h, words, sizeof *h);
}

typedef uint64_t two_words __attribute__((vector_size(DNAME_STEP)));
_Static_assert(offsetof(struct questionhash, words) % sizeof(two_words) == 0, "read as vectors");

/* The pair of that number; folded in registers: memory would be read otherwise than it has just
 * been written, and waited for. */
static inline wide product(const struct questionhash *h, size_t number, two_words folded)
{
    two_words added = *(const two_words *)(const void *)&h->words[number * 2];

    folded += added;
    return (wide)folded[0] * folded[1];
}

/* Two words that overlap, or one that ends with zeros: with the size, either tells the name. */
APART static wide sum_short(const struct questionhash *h, uint8_t *folded, const uint8_t *name,
                            size_t size)
{
    size_t second = size >= WORD ? size - WORD : WORD;
    two_words words = {0, 0};

    if (size >= WORD) {
        words = (two_words){octets_word(name), octets_word(name + second)};
    } else {
        for (size_t i = 0; i < size; i++)
            words[0] |= (uint64_t)name[i] << 8 * i;
    }
    words = (two_words)dname_folded((dname_octets)words);
    octets_put_word(folded, words[0]);
    octets_put_word(folded + second, words[1]);
    return product(h, 0, words);
}

/* The pair of that number, from these octets of a name. */
static inline wide pair(const struct questionhash *h, size_t number, uint8_t *folded,
                        const uint8_t *name)
{
    dname_octets octets;

    memcpy(&octets, name, sizeof octets);
    octets = dname_folded(octets);
    memcpy(folded, &octets, sizeof octets);
    return product(h, number, (two_words)octets);
}

/* The last pair overlaps the one before, which it is when there are sixteen octets. */
static inline wide sum_long(const struct questionhash *h, uint8_t *folded, const uint8_t *name,
                            size_t size)
{
    size_t last = size - DNAME_STEP, number = 1;
    wide sum = pair(h, 0, folded, name);

    for (size_t at = DNAME_STEP; at < last; at += DNAME_STEP)
        sum += pair(h, number++, folded + at, name + at);
    return sum + pair(h, number, folded + last, name + last);
}

uint64_t questionhash_fold(const struct questionhash *h, uint64_t rest, uint8_t *folded,
                           const uint8_t *name, uint8_t size)
{
    wide first = (wide)h->of_rest * rest;

    if (size >= DNAME_STEP)
        first += sum_long(h, folded, name, size);
    else
        first += sum_short(h, folded, name, size);
    wide sum = h->start + h->of_low * (uint64_t)first + h->of_high * (uint64_t)(first >> 64);
    uint64_t hash = (uint64_t)(sum >> 64);

    /* Hashes of questions that differ little may lie on a line and evenly spaced: the last step
     * scatters them, and makes no two of them one. */
    hash = (hash ^ hash >> 32) * STIRRER;
    return hash ^ hash >> 32;
}
