#include "question.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

/* A name of so many octets, without the last one. */
static void make_name(uint8_t *out, size_t size)
{
    size_t at = 0;

    while (at < size) {
        size_t label = size - at - 1 < 63 ? size - at - 1 : 63;

        if (size - at - 1 - label == 1)
            label--; /* one octet is no label */
        out[at++] = (uint8_t)label;
        memset(out + at, 'a', label);
        at += label;
    }
    out[size] = 0;
}

static const struct {
    size_t name;
    bool edns;
    size_t size, padded;
} rows[] = {
    {0, true, 28, 128},    {2, true, 30, 128},     {16, false, 33, 33},   {96, true, 124, 128},
    {97, true, 125, 256},  {100, true, 128, 256},  {224, true, 252, 256}, {225, true, 253, 384},
    {254, true, 282, 384}, {254, false, 271, 271},
};

static void test_pad(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LENGTH(rows); i++) {
        uint8_t name[DNAME_MAX], message[QUESTION_MAX];
        const struct reply_question q = {
            .name = name, .name_size = (uint8_t)(rows[i].name + 1), .type = 1, .class = 1};

        make_name(name, rows[i].name);
        memset(message, 0xff, sizeof message);
        size_t size = question_write(message, &q, name, rows[i].edns);
        assert_int_equal(size, rows[i].size);
        size_t padded = question_pad(message, size);
        assert_int_equal(padded, rows[i].padded);
        if (!rows[i].edns)
            continue;
        size_t data = padded - size;
        assert_int_equal(message[size - 2] << 8 | message[size - 1], data);
        assert_int_equal(message[size] << 8 | message[size + 1], 12);
        assert_int_equal(message[size + 2] << 8 | message[size + 3], data - 4);
        for (size_t at = size + 4; at < padded; at++)
            assert_int_equal(message[at], 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_pad)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
