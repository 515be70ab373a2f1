/* The hash of questions: against its definition, worked out bit by bit; that nothing a question has
 * is lost on the way into its words; and that its values look like random numbers. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "questionhash.h"

static const struct hash_key keys[] = {{0, 0}, {1, 2}, {UINT64_MAX, 0x0123456789abcdef}};

static uint64_t hash(const struct questionhash *h, uint64_t rest, const uint8_t *name, size_t size)
{
    uint8_t folded[DNAME_MAX];

    return questionhash_fold(h, rest, folded, name, (uint8_t)size);
}

/* ---- the definition ---- */

#define PARTS 4

struct number { /* of 128 bits */
    uint32_t parts[PARTS];
};

static void shift_one(struct number *n)
{
    for (size_t i = PARTS; i-- > 0;)
        n->parts[i] = n->parts[i] << 1 | (i > 0 ? n->parts[i - 1] >> 31 : 0);
}

static void add(struct number *sum, struct number n)
{
    uint64_t carry = 0;

    for (size_t i = 0; i < PARTS; i++) {
        carry += (uint64_t)sum->parts[i] + n.parts[i];
        sum->parts[i] = (uint32_t)carry;
        carry >>= 32;
    }
}

static struct number number_of(uint64_t low, uint64_t high)
{
    return (struct number){
        {(uint32_t)low, (uint32_t)(low >> 32), (uint32_t)high, (uint32_t)(high >> 32)}};
}

static void add_product(struct number *sum, struct number factor, uint64_t word)
{
    for (; word != 0; word >>= 1, shift_one(&factor)) {
        if (word & 1)
            add(sum, factor);
    }
}

static void add_word(struct number *sum, questionhash_wide factor, uint64_t word)
{
    add_product(sum, number_of((uint64_t)factor, (uint64_t)(factor >> 64)), word);
}

/* Octets from 'at' on as a number, the first one the lowest; what is not there is 0. */
static uint64_t word_at(const uint8_t *name, size_t size, size_t at)
{
    uint64_t word = 0;

    for (size_t i = 0; i < 8 && at + i < size; i++)
        word |= (uint64_t)name[at + i] << 8 * i;
    return word;
}

static void add_pair(struct number *sum, const uint64_t *added, uint64_t first, uint64_t second)
{
    add_product(sum, number_of(first + added[0], 0), second + added[1]);
}

static uint64_t reference(const struct questionhash *h, uint64_t rest, const uint8_t *name,
                          size_t size)
{
    struct number sum = {{0}}, first = {{0}};
    size_t steps = size == 16 ? 2 : (size + 15) / 16;
    uint64_t upper;

    add_product(&first, number_of(h->of_rest, 0), rest);
    for (size_t step = 0; step < steps; step++) {
        size_t at = size >= 16 && step * 16 + 16 > size ? size - 16 : step * 16;
        size_t second = size >= 8 && size < 16 ? size - 8 : at + 8;

        add_pair(&first, &h->words[step * 2], word_at(name, size, at), word_at(name, size, second));
    }
    add_word(&sum, h->start, 1);
    add_word(&sum, h->of_low, (uint64_t)first.parts[1] << 32 | first.parts[0]);
    add_word(&sum, h->of_high, (uint64_t)first.parts[3] << 32 | first.parts[2]);
    upper = (uint64_t)sum.parts[3] << 32 | sum.parts[2];
    upper = (upper ^ upper >> 32) * UINT64_C(0x9e3779b97f4a7c15);
    return upper ^ upper >> 32;
}

static void test_definition(void **state)
{
    struct questionhash h;
    uint8_t name[DNAME_MAX];

    (void)state;
    for (size_t i = 0; i < sizeof name; i++)
        name[i] = (uint8_t)(i * 7 % 64); /* nothing to fold */
    for (size_t k = 0; k < ARRAY_LENGTH(keys); k++) {
        questionhash_init(&h, &keys[k]);
        for (size_t size = 1; size <= sizeof name; size++) {
            uint64_t rest = UINT64_MAX - 3 * size;

            assert_true(hash(&h, rest, name, size) == reference(&h, rest, name, size));
        }
    }
}

/* No two words of the key are the same, nor are they those of another key. */
static void test_key(void **state)
{
    struct questionhash h[2];
    uint64_t words[2 * sizeof h[0] / 8];

    (void)state;
    questionhash_init(&h[0], &keys[0]);
    questionhash_init(&h[1], &keys[1]);
    memcpy(words, h, sizeof words);
    for (size_t i = 0; i < ARRAY_LENGTH(words); i++) {
        for (size_t j = 0; j < i; j++)
            assert_true(words[i] != words[j]);
    }
}

static void test_folding(void **state)
{
    struct questionhash h;
    uint8_t name[DNAME_MAX], folded[DNAME_MAX + 1], want[DNAME_MAX];

    (void)state;
    questionhash_init(&h, &keys[1]);
    for (size_t i = 0; i < sizeof name; i++) {
        name[i] = (uint8_t)(i * 37);
        want[i] = name[i] >= 'A' && name[i] <= 'Z' ? (uint8_t)(name[i] + 32) : name[i];
    }
    for (size_t size = 1; size <= sizeof name; size++) {
        memset(folded, 0xee, sizeof folded);
        assert_true(questionhash_fold(&h, 5, folded, name, (uint8_t)size) ==
                    hash(&h, 5, want, size));
        assert_memory_equal(folded, want, size);
        assert_int_equal(folded[size < DNAME_STEP ? DNAME_STEP : size], 0xee);
    }
}

/* ---- nothing is lost ---- */

static int by_value(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

    return (x > y) - (x < y);
}

static void assert_distinct(uint64_t *values, size_t length)
{
    qsort(values, length, sizeof *values, by_value);
    for (size_t i = 1; i < length; i++)
        assert_true(values[i] != values[i - 1]);
}

/* What else belongs to a question has its name's size, as here. */
static uint64_t hash_sized(const struct questionhash *h, const uint8_t *name, size_t size)
{
    return hash(h, size, name, size);
}

/* Names of zeros, of each size; and at each size one bit of each octet. */
static void test_sizes_and_octets(void **state)
{
    enum { BITS = 3 };
    static const uint8_t bits[BITS] = {0x01, 0x10, 0x80};
    size_t length = 0, most = DNAME_MAX + (size_t)BITS * DNAME_MAX * (DNAME_MAX + 1) / 2;
    uint64_t *values = calloc(most, sizeof *values);
    uint8_t name[DNAME_MAX] = {0};
    struct questionhash h;

    (void)state;
    questionhash_init(&h, &keys[1]);
    for (size_t size = 1; size <= sizeof name; size++) {
        values[length++] = hash_sized(&h, name, size);
        for (size_t at = 0; at < size; at++) {
            for (size_t i = 0; i < BITS; i++) {
                name[at] = bits[i];
                values[length++] = hash_sized(&h, name, size);
            }
            name[at] = 0;
        }
    }
    assert_int_equal(length, most);
    assert_distinct(values, length);
    free(values);
}

/* What else belongs to a question, bit by bit, with the name that has no bit set. */
static void test_rest(void **state)
{
    uint64_t values[65];
    size_t length = 0;
    struct questionhash h;

    (void)state;
    questionhash_init(&h, &keys[1]);
    values[length++] = hash(&h, 0, (const uint8_t *)"", 1);
    for (unsigned bit = 0; bit < 64; bit++)
        values[length++] = hash(&h, UINT64_C(1) << bit, (const uint8_t *)"", 1);
    assert_distinct(values, length);
}

/* The same octets in words of other places, as names repeat them. */
static void test_places(void **state)
{
    uint64_t values[256];
    size_t length = 0;
    struct questionhash h;

    (void)state;
    questionhash_init(&h, &keys[1]);
    for (size_t size = 16; size <= 240; size += 16) {
        for (size_t at = 0; at + 8 <= size; at += 8) {
            uint8_t name[DNAME_MAX] = {0};

            memset(name + at, 'x', 8);
            values[length++] = hash_sized(&h, name, size);
        }
    }
    assert_distinct(values, length);
}

/* ---- as if at random ---- */

/* Names as people number them, over as many buckets as there are names: by the low bits as
 * forward.c, by the lower half as a fraction and by the highest octet as cacheindex.c sees them.
 * Chi-square of n buckets has n as mean and 2n as variance. */
static void test_spread(void **state)
{
    static const struct {
        const char *text;
        size_t size, digits;
    } names[] = {
        {"\5h0000\7example\3net", 19, 2},
        {"\4"
         "0000\1a",
         8, 1},
        {"\12abcdefghij\32abcdefghijklmnopqrstuv0000\3aws\3com", 47, 34},
    };
    enum { NAMES = 4096, WAYS = 3, DEVIATIONS = 8 };
    static unsigned counts[WAYS][NAMES];

    (void)state;
    for (size_t k = 0; k < ARRAY_LENGTH(keys) * ARRAY_LENGTH(names); k++) {
        size_t which = k / ARRAY_LENGTH(keys);
        struct questionhash h;

        questionhash_init(&h, &keys[k % ARRAY_LENGTH(keys)]);
        memset(counts, 0, sizeof counts);
        for (unsigned n = 0; n < NAMES; n++) {
            uint8_t name[DNAME_MAX];
            uint64_t value;

            memcpy(name, names[which].text, names[which].size);
            for (size_t i = 0; i < 4; i++)
                name[names[which].digits + i] = (uint8_t) "0123456789abcdef"[n >> 4 * i & 15];
            value = hash(&h, 1, name, names[which].size);
            counts[0][value % NAMES]++;
            counts[1][(value & UINT32_MAX) * NAMES >> 32]++;
            counts[2][value >> 56]++;
        }
        for (size_t way = 0; way < WAYS; way++) {
            double buckets = way == 2 ? 256 : NAMES, mean = NAMES / buckets, chi = 0;

            for (size_t i = 0; i < (size_t)buckets; i++)
                chi += (counts[way][i] - mean) * (counts[way][i] - mean) / mean;
            assert_true((chi - buckets) * (chi - buckets) < DEVIATIONS * DEVIATIONS * 2 * buckets);
        }
    }
}

/* A bit of the name changes each bit of the hash for about half of the keys. */
static void test_avalanche(void **state)
{
    enum { KEYS = 400, SIZE = 21 };
    static unsigned changed[64];

    (void)state;
    for (size_t bit = 0; bit < SIZE * 8; bit += 5) {
        memset(changed, 0, sizeof changed);
        for (uint64_t k = 0; k < KEYS; k++) {
            uint8_t name[SIZE] = "\3www\5h0000\7example\3ne";
            struct questionhash h;
            uint64_t before;

            questionhash_init(&h, &(struct hash_key){k, bit});
            before = hash(&h, 1, name, SIZE);
            name[bit / 8] = (uint8_t)(name[bit / 8] ^ 1u << bit % 8);
            if (name[bit / 8] >= 'A' && name[bit / 8] <= 'Z')
                continue; /* folded back */
            for (unsigned i = 0; i < 64; i++)
                changed[i] += (unsigned)((before ^ hash(&h, 1, name, SIZE)) >> i & 1);
        }
        for (unsigned i = 0; i < 64 && changed[0] != 0; i++) /* six deviations */
            assert_in_range(changed[i], KEYS / 2 - 60, KEYS / 2 + 60);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_definition), cmocka_unit_test(test_key),
        cmocka_unit_test(test_folding),    cmocka_unit_test(test_sizes_and_octets),
        cmocka_unit_test(test_rest),       cmocka_unit_test(test_places),
        cmocka_unit_test(test_spread),     cmocka_unit_test(test_avalanche),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
