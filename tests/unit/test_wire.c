/* Bytes of queries and replies.  Whole packets and what is said to them: test_query.c. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "wire.h"

/* ---- names in records ---- */

static void names_end_or_are_broken(void **state)
{
    static const struct {
        const char *bytes;
        size_t size, at, end; /* end 0: broken */
    } rows[] = {
        {"\1a\0x", 4, 0, 3},
        {"\0", 1, 0, 1},
        {"\1a\0\1b\xc0\0x", 8, 3, 7},
        {"\1a\0\xc0\0\xc0\3", 7, 5, 7}, /* a pointer to a pointer */
        {"\1a\0\1b\xc0\0", 6, 3, 0},    /* half a pointer */
        {"\xc0\0", 2, 0, 0},            /* to itself */
        {"\1a\xc0\0", 4, 0, 0},         /* to its own beginning */
        {"\xc0\2\1a\0", 5, 0, 0},       /* forwards */
        {"\1a\0\xc0\3", 5, 3, 0},       /* to itself, further on */
        {"\x40\0", 2, 0, 0},
        {"\x80\0", 2, 0, 0},
        {"\5ab", 3, 0, 0},
        {"", 0, 0, 0},
        {"\1a", 2, 0, 0},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LENGTH(rows); i++) {
        uint8_t *copy = malloc(rows[i].size + 1);
        memcpy(copy, rows[i].bytes, rows[i].size);
        assert_int_equal(wire_skip_name(copy, rows[i].size, rows[i].at), rows[i].end);
        free(copy);
    }
}

/* 'labels' labels of one octet, then the root: 2 * labels + 1 octets. */
static size_t long_name(uint8_t *out, unsigned labels)
{
    for (unsigned i = 0; i < labels; i++)
        memcpy(out + 2 * i, "\1a", 2);
    out[2 * labels] = 0;
    return 2 * (size_t)labels + 1;
}

static void names_have_255_octets(void **state)
{
    uint8_t bytes[600];

    (void)state;
    assert_int_equal(wire_skip_name(bytes, long_name(bytes, 127), 0), 255);
    assert_int_equal(wire_skip_name(bytes, long_name(bytes, 128), 0), 0);
    /* Through a pointer, too. */
    size_t at = long_name(bytes, 126);
    memcpy(bytes + at, "\1b\xc0\0", 4);
    assert_int_equal(wire_skip_name(bytes, at + 4, at), at + 4);
    memcpy(bytes + at, "\1b\1b\xc0\0", 6);
    assert_int_equal(wire_skip_name(bytes, at + 6, at), 0);
}

static void pointers_are_counted(void **state)
{
    uint8_t bytes[2 * WIRE_POINTERS_MAX + 10] = {0};
    size_t at = 1;

    (void)state;
    for (unsigned i = 0; i <= WIRE_POINTERS_MAX; i++, at += 2) {
        size_t to = i == 0 ? 0 : at - 2;
        bytes[at] = (uint8_t)(0xc0 | to >> 8);
        bytes[at + 1] = (uint8_t)to;
    }
    assert_int_equal(wire_skip_name(bytes, at, at - 4), at - 2);
    assert_int_equal(wire_skip_name(bytes, at, at - 2), 0);
}

/* ---- replies ---- */

static const uint8_t plain[] = "\x12\x34\1\0\0\1\0\0\0\0\0\0\1a\1b\0\0\1\0";
static const uint8_t with_opt[] =
    "\x12\x34\1\0\0\1\0\0\0\0\0\1\1a\1b\0\0\1\0\1\0\0\x29\x04\xd0\0\0\0\0\0";

static void limits(void **state)
{
    static const struct {
        bool tcp, edns;
        uint16_t theirs, ours;
        size_t limit;
    } rows[] = {
        {false, false, 0, 1232, 512},    {false, true, 0, 1232, 512},
        {false, true, 511, 1232, 512},   {false, true, 513, 1232, 513},
        {false, true, 4096, 1232, 1232}, {false, true, 4096, 4096, 4096},
        {false, true, 600, 512, 512},    {true, false, 0, 1232, 65535},
        {true, true, 600, 1232, 65535},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LENGTH(rows); i++) {
        struct wire_query query = {.edns = rows[i].edns, .udp_size = rows[i].theirs};
        assert_int_equal(wire_limit(&query, rows[i].tcp, rows[i].ours), rows[i].limit);
    }
}

static void begin(struct wire_reply *r, struct wire_query *query, const uint8_t *packet,
                  size_t size, uint8_t *out, size_t limit)
{
    struct dname_cut cut;

    assert_int_equal(wire_decode(query, &cut, packet, size), WIRE_GOOD);
    wire_reply_begin(r, query, out, limit, 1232);
}

static void no_option_without_opt(void **state)
{
    struct wire_query query;
    struct wire_reply r;
    uint8_t out[512];

    (void)state;
    begin(&r, &query, plain, sizeof plain, out, sizeof out);
    wire_reply_option(&r, WIRE_OPTION_NSID, "x", 1);
    wire_reply_explain(&r, WIRE_EDE_BLOCKED, "why");
    assert_int_equal(wire_reply_finish(&r), sizeof plain);
    assert_int_equal(wire_get16(out + 10), 0);
}

static void long_texts_are_cut_between_characters(void **state)
{
    struct wire_query query;
    struct wire_reply r;
    uint8_t out[512];
    char text[1000];

    (void)state;
    for (size_t i = 0; i + 2 < sizeof text; i += 2)
        memcpy(text + i, "\xc3\xa4", 3);
    begin(&r, &query, with_opt, sizeof with_opt, out, sizeof out);
    wire_reply_explain(&r, WIRE_EDE_BLOCKED, text);
    assert_int_equal(r.opt_size, 11 + 4 + 2 + WIRE_EDE_TEXT_MAX);
    begin(&r, &query, with_opt, sizeof with_opt, out, sizeof out);
    wire_reply_explain(&r, WIRE_EDE_BLOCKED, text + 1); /* the cut would fall into a character */
    assert_int_equal(r.opt_size, 11 + 4 + 2 + WIRE_EDE_TEXT_MAX - 1);
}

/* However many options there are, question and OPT fit 512 octets. */
static void options_never_overflow(void **state)
{
    uint8_t packet[12 + 255 + 4 + 11] = "\x12\x34\1\0\0\1\0\0\0\0\0\1";
    struct wire_query query;
    struct wire_reply r;
    uint8_t out[512], data[WIRE_NSID_MAX] = {0};
    char text[400];

    (void)state;
    memset(text, 'x', sizeof text);
    text[sizeof text - 1] = 0;
    size_t size = 12 + long_name(packet + 12, 127);
    memcpy(packet + size, with_opt + 17, sizeof with_opt - 17);
    size += sizeof with_opt - 17;
    begin(&r, &query, packet, size, out, sizeof out);
    wire_reply_option(&r, WIRE_OPTION_COOKIE, data, 24);
    wire_reply_option(&r, WIRE_OPTION_NSID, data, WIRE_NSID_MAX);
    wire_reply_explain(&r, WIRE_EDE_BLOCKED, text);
    wire_reply_explain(&r, WIRE_EDE_BLOCKED, text);
    assert_true(r.size + r.opt_size <= 512);
    assert_false(wire_reply_put(&r, WIRE_ANSWER, data, 100, 1));
    assert_true(r.flags & WIRE_FLAG_TC);
    assert_true(wire_reply_finish(&r) <= 512);
}

static void owners_are_pointers_within_reach(void **state)
{
    static uint8_t out[WIRE_MESSAGE_MAX];
    static const uint8_t name[] = "\3sub\1a\1b", address[4] = {10, 0, 0, 1};
    struct wire_owner owner = {.name = name, .at = WIRE_POINTER_REACH - 4};
    struct wire_query query;
    struct wire_reply r;

    (void)state;
    begin(&r, &query, plain, sizeof plain, out, sizeof out);
    size_t at = r.size;
    assert_true(wire_reply_record(&r, WIRE_ANSWER, &owner, 4, 1, 1, 5, address, 4));
    assert_int_equal(wire_get16(out + at), 0xffff);
    assert_int_equal(r.size, at + 16);
    owner.at++; /* one too far */
    at = r.size;
    assert_true(wire_reply_record(&r, WIRE_ANSWER, &owner, 4, 1, 1, 5, address, 4));
    assert_memory_equal(out + at, name + 4, 5);
    assert_int_equal(r.size, at + 5 + 14);
    owner.at = 30; /* compressed: only its beginning stands where it is said to */
    owner.compressed = true;
    at = r.size;
    assert_true(wire_reply_record(&r, WIRE_ANSWER, &owner, 0, 1, 1, 5, address, 4));
    assert_int_equal(wire_get16(out + at), 0xc01e);
    at = r.size;
    assert_true(wire_reply_soa(&r, WIRE_AUTHORITY, &owner, 4, 42, 5));
    assert_memory_equal(out + at, name + 4, 5);
    assert_int_equal(r.counts[WIRE_ANSWER], 3);
    assert_int_equal(r.counts[WIRE_AUTHORITY], 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_end_or_are_broken),
        cmocka_unit_test(names_have_255_octets),
        cmocka_unit_test(pointers_are_counted),
        cmocka_unit_test(limits),
        cmocka_unit_test(no_option_without_opt),
        cmocka_unit_test(long_texts_are_cut_between_characters),
        cmocka_unit_test(options_never_overflow),
        cmocka_unit_test(owners_are_pointers_within_reach),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
