/* Answer sets: records as bytes, rotation, own zone first, what fits. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "answer.h"

#define V4(last)                                                                                   \
    {                                                                                              \
        .bytes = { 10, 0, 0, last }                                                                \
    }
#define V6(last)                                                                                   \
    {                                                                                              \
        .v6 = true, .bytes = { 0xfd, [15] = last }                                                 \
    }
#define SPACE_MANY 4096

static const struct connection_address mixed[] = {V4(1), V6(1), V4(2), V4(3), V6(2), V4(4)};

static struct answer *encode(const struct connection_address *addresses, unsigned length,
                             unsigned preferred)
{
    _Alignas(struct answer) uint8_t room[ANSWER_SIZE_MAX];
    struct answer *answer = (void *)room;

    answer_encode(answer, 0x0e10, addresses, length, preferred);
    size_t size = answer_size(answer); /* the sanitizer sees a read behind it */
    return memcpy(malloc(size), answer, size);
}

static const struct {
    unsigned preferred;
    uint16_t qtype;
    uint32_t turn;
    size_t space;
    unsigned total;
    const char *order; /* last octets of what is written */
} cases[] = {
    {0, 1, 0, SPACE_MANY, 4, "1234"},
    {0, 1, 1, SPACE_MANY, 4, "2341"},
    {0, 1, 3, SPACE_MANY, 4, "4123"},
    {0, 1, 4, SPACE_MANY, 4, "1234"},
    {0, 1, UINT32_MAX, SPACE_MANY, 4, "4123"},
    {0, 28, 0, SPACE_MANY, 2, "12"},
    {0, 28, 1, SPACE_MANY, 2, "21"},
    {0, 5, 0, SPACE_MANY, 0, ""},
    {0, 255, 0, SPACE_MANY, 0, ""},
    {0, 257, 0, SPACE_MANY, 0, ""},   /* the low octet alone is 1 */
    {3, 1, 0, SPACE_MANY, 4, "1234"}, /* 1 and 2 are the own zone's */
    {3, 1, 1, SPACE_MANY, 4, "2143"},
    {3, 1, 2, SPACE_MANY, 4, "1234"},
    {3, 28, 1, SPACE_MANY, 2, "12"},  /* one of two: always first */
    {6, 1, 1, SPACE_MANY, 4, "2341"}, /* all is as none */
    {0, 1, 1, 64, 4, "2341"},
    {0, 1, 1, 63, 4, "234"},
    {0, 1, 1, 16, 4, "2"},
    {0, 1, 1, 15, 4, ""},
    {0, 1, 1, 0, 4, ""},
    {3, 1, 1, 48, 4, "214"},
    {3, 1, 1, 16, 4, "2"},
    {0, 28, 0, 55, 2, "1"},
};

static void test_write(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LENGTH(cases); i++) {
        struct answer *answer = encode(mixed, 6, cases[i].preferred);
        size_t expected = strlen(cases[i].order), octets = cases[i].qtype == 28 ? 16 : 4;
        uint8_t *out = malloc(cases[i].space + 1); /* the sanitizer sees a write behind it */
        unsigned count = answer_write(answer, cases[i].qtype, cases[i].turn, out, cases[i].space);

        assert_int_equal(count, expected);
        assert_int_equal(answer_count(answer, cases[i].qtype), cases[i].total);
        assert_int_equal(answer_record_size(cases[i].qtype), 12 + (cases[i].qtype == 1 ? 4 : 16));
        for (size_t r = 0; r < count; r++) {
            const uint8_t *record = out + r * (12 + octets);
            const uint8_t head[] = {0xc0, 0x0c, 0, (uint8_t)cases[i].qtype, 0, 1, 0, 0,
                                    0x0e, 0x10, 0, (uint8_t)octets};
            assert_memory_equal(record, head, sizeof(head));
            assert_int_equal(record[12], octets == 4 ? 10 : 0xfd);
            assert_int_equal(record[12 + octets - 1], cases[i].order[r] - '0');
        }
        free(out);
        free(answer);
    }
}

/* Every address comes first equally often. */
static void test_fair(void **state)
{
    struct connection_address many[ANSWER_RECORDS_MAX] = {0};
    unsigned first[ANSWER_RECORDS_MAX] = {0};
    uint8_t out[ANSWER_RECORDS_MAX * ANSWER_A_SIZE];

    (void)state;
    for (unsigned i = 0; i < ANSWER_RECORDS_MAX; i++) {
        many[i].bytes[3] = (uint8_t)i;
    }
    struct answer *answer = encode(many, ANSWER_RECORDS_MAX, 0);
    for (uint32_t turn = 0; turn < 3 * ANSWER_RECORDS_MAX; turn++) {
        assert_int_equal(answer_write(answer, 1, turn, out, sizeof(out)), ANSWER_RECORDS_MAX);
        first[out[15]]++;
    }
    for (unsigned i = 0; i < ANSWER_RECORDS_MAX; i++) {
        assert_int_equal(first[i], 3);
    }
    free(answer);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_write),
        cmocka_unit_test(test_fair),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
