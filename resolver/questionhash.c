#include "questionhash.h"

#include <endian.h>

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

static uint64_t load(const uint8_t *at)
{
    uint64_t word;

    memcpy(&word, at, sizeof word);
    return le64toh(word);
}

static void store(uint8_t *at, uint64_t word)
{
    word = htole64(word);
    memcpy(at, &word, sizeof word);
}

static wide product(const uint64_t *words, uint64_t first, uint64_t second)
{
    return (wide)(first + words[0]) * (second + words[1]);
}

/* The pair at that place of the name. */
static wide pair(const struct questionhash *h, size_t place, const uint8_t *folded)
{
    return product(&h->words[place / WORD], load(folded), load(folded + WORD));
}

typedef uint64_t two_words __attribute__((vector_size(DNAME_STEP)));

/* Two words that overlap, or one that ends with zeros: with the size, either tells the name. Folded
 * where they are: memory would be read otherwise than it has just been written, and waited for. */
APART static wide sum_short(const struct questionhash *h, uint8_t *folded, const uint8_t *name,
                            size_t size)
{
    size_t second = size >= WORD ? size - WORD : WORD;
    two_words words = {0, 0};

    if (size >= WORD) {
        words = (two_words){load(name), load(name + second)};
    } else {
        for (size_t i = 0; i < size; i++)
            words[0] |= (uint64_t)name[i] << 8 * i;
    }
    words = (two_words)dname_folded((dname_octets)words);
    store(folded, words[0]);
    store(folded + second, words[1]);
    return product(h->words, words[0], words[1]);
}

/* The last pair overlaps the one before. */
static wide sum_name(const struct questionhash *h, uint8_t *folded, const uint8_t *name,
                     size_t size)
{
    size_t at, last = size - DNAME_STEP;
    wide sum = 0;

    for (at = 0; at < last; at += DNAME_STEP) {
        dname_fold16(folded + at, name + at);
        sum += pair(h, at, folded + at);
    }
    dname_fold16(folded + last, name + last);
    return sum + pair(h, at, folded + last);
}

uint64_t questionhash_fold(const struct questionhash *h, uint64_t rest, uint8_t *folded,
                           const uint8_t *name, uint8_t size)
{
    wide of_name =
        size < DNAME_STEP ? sum_short(h, folded, name, size) : sum_name(h, folded, name, size);
    wide sum = h->start + h->of_rest * rest + h->of_low * (uint64_t)of_name +
               h->of_high * (uint64_t)(of_name >> 64);
    uint64_t hash = (uint64_t)(sum >> 64);

    /* Hashes of questions that differ little may lie on a line and evenly spaced: the last step
     * scatters them, and makes no two of them one. */
    hash = (hash ^ hash >> 32) * STIRRER;
    return hash ^ hash >> 32;
}
