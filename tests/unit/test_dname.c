/* Names in wire form: text both ways, limits, folding, suffixes on label boundaries. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "dname.h"

#define L7  "\7abcdefg"
#define S63 "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"

static const struct {
    const char *text, *wire, *back; /* back: NULL = as 'text' */
} good[] = {
    {".", "", NULL},
    {"a", "\1a", NULL},
    {"B1.Example.", "\2b1\7example", "b1.example"},
    {"*.x", "\1*\1x", NULL},
    {"a\\.b.c", "\3a.b\1c", NULL},
    {"\\065\\090", "\2az", "az"},
    {"_x.y-z", "\2_x\3y-z", NULL},
    {"a\\\\b", "\3a\\b", NULL},
    {"\\042\\255\\032", "\3*\377 ", "*\\255\\032"},
    {"a\\bc", "\3abc", "abc"},
    {S63 ".b", "\77" S63 "\1b", NULL},
};

static void test_text(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LENGTH(good); i++) {
        struct dname name;
        const char *why = NULL;
        char text[DNAME_TEXT_MAX];

        assert_true(dname_from_text(&name, good[i].text, strlen(good[i].text), &why));
        assert_int_equal(name.size, strlen(good[i].wire) + 1);
        assert_memory_equal(name.wire, good[i].wire, name.size);
        assert_int_equal(dname_size(name.wire), name.size);
        dname_to_text(name.wire, text);
        assert_string_equal(text, good[i].back == NULL ? good[i].text : good[i].back);
    }
}

static const struct {
    const char *text, *why;
} bad[] = {
    {"", "empty name"},
    {"..", "empty label"},
    {".a", "empty label"},
    {"a..b", "empty label"},
    {"a..", "empty label"},
    {S63 "a", "label longer"},
    {"a\\", "backslash"},
    {"\\1", "backslash"},
    {"\\12x", "backslash"},
    {"\\256", "backslash"},
    {S63 "." S63 "." S63 "." S63, "name longer"},
    {S63 "." S63 "." S63 "." S63 ".", "name longer"},
    {S63 "." S63 "." S63 "." S63 ".a", "name longer"},
};

static void test_bad_text(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LENGTH(bad); i++) {
        struct dname name;
        const char *why = NULL;

        assert_false(dname_from_text(&name, bad[i].text, strlen(bad[i].text), &why));
        assert_non_null(strstr(why, bad[i].why));
    }
}

/* A text of 'octets' single-octet labels "a.a.a…" has 2 * octets + 1 octets in wire form. */
static void test_longest(void **state)
{
    (void)state;
    for (unsigned labels = 125; labels <= 130; labels++) {
        char text[400];
        struct dname name;
        const char *why;

        for (unsigned i = 0; i < labels; i++) {
            text[2 * i] = 'a';
            text[2 * i + 1] = '.';
        }
        for (size_t dot = 0; dot < 2; dot++) { /* with and without the final dot */
            bool fits = labels <= 127;
            assert_int_equal(dname_from_text(&name, text, 2 * labels - dot, &why), fits);
            if (fits) {
                assert_int_equal(name.size, 2 * labels + 1);
                assert_int_equal(dname_labels(name.wire), labels);
            }
        }
    }
    /* 63 + 63 + 63 + 61 + 5 = 255 octets fit, one more does not. */
    const char *most = S63 "." S63 "." S63 "." S63;
    struct dname name;
    const char *why;
    assert_true(dname_from_text(&name, most, strlen(most) - 2, &why));
    assert_int_equal(name.size, 255);
    assert_false(dname_from_text(&name, most, strlen(most) - 1, &why));
}

static const struct {
    const char *wire;
    size_t size;
    bool good;
} wires[] = {
    {"\0", 1, true},       {"\1a\0", 3, true},    {"\1a\0junk", 7, true},
    {"\1\0\0", 3, true}, /* a NUL is an octet like others */
    {"", 0, false},        {"\1a", 2, false},     {"\2a\0", 3, false},
    {"\300\14", 2, false}, {"\100a\0", 3, false}, {"\1a\300\0", 4, false},
};

static void test_wire(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LENGTH(wires); i++) {
        /* A copy of exactly this size lets the sanitizer see a read behind it. */
        uint8_t *copy = malloc(wires[i].size + 1);
        struct dname name;
        memcpy(copy, wires[i].wire, wires[i].size);
        copy = realloc(copy, wires[i].size == 0 ? 1 : wires[i].size);
        assert_int_equal(dname_from_wire(&name, copy, wires[i].size), wires[i].good);
        free(copy);
    }
    uint8_t longest[260];
    struct dname name;
    memset(longest, 1, sizeof(longest));
    longest[254] = 0;
    assert_true(dname_from_wire(&name, longest, sizeof(longest)));
    assert_int_equal(name.size, 255);
    longest[254] = 1;
    longest[256] = 0;
    assert_false(dname_from_wire(&name, longest, sizeof(longest)));
}

static void test_cut(void **state)
{
    static const uint8_t name[] = "\3www\13unique_name\7EXAMPLE\3com";
    static const uint8_t places[] = {0, 4, 16, 24, 28};
    struct dname_cut cut;

    (void)state;
    assert_true(dname_cut(&cut, name, sizeof(name)));
    assert_int_equal(cut.size, sizeof(name));
    assert_int_equal(cut.labels, 4);
    assert_memory_equal(cut.at, places, sizeof(places));
    assert_true(cut.marked);
    for (size_t size = 0; size < sizeof(name); size++) {
        assert_false(dname_cut(&cut, name, size));
    }
    assert_true(dname_cut(&cut, (const uint8_t *)"", 1));
    assert_int_equal(cut.size, 1);
    assert_int_equal(cut.labels, 0);
}

/* Whatever stands in front of a label. */
static void test_label_lengths(void **state)
{
    (void)state;
    for (unsigned length = 0; length <= UINT8_MAX; length++) {
        uint8_t name[DNAME_MAX] = {(uint8_t)length};
        struct dname_cut cut;

        if (length > DNAME_LABEL_MAX) {
            assert_false(dname_cut(&cut, name, sizeof(name)));
            continue;
        }
        assert_true(dname_cut(&cut, name, sizeof(name)));
        assert_int_equal(cut.labels, length > 0);
        assert_int_equal(cut.size, length > 0 ? length + 2 : 1);
        assert_int_equal(cut.marked, length == DNAME_MARKED);
    }
}

static const struct {
    const char *name, *suffix;
    int offset; /* -1: not under */
} unders[] = {
    {"\1a\1b\1c", "\1b\1c", 2},
    {"\1a\1B\1c", "\1b\1C", 2},
    {"\1b\1c", "\1b\1c", 0},
    {"\1b\1c", "", 4},
    {"", "", 0},
    {"\1c", "\1b\1c", -1},
    {"\2xb\1c", "\1b\1c", -1}, /* labels, not text */
    {"\3\1b\1", "\1b", -1},    /* octets of a label that look like labels */
    {"\3a\1b", "\1b", -1},
    {"\1a\1d\1c", "\1b\1c", -1},
};

static void test_under(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LENGTH(unders); i++) {
        const uint8_t *name = (const uint8_t *)unders[i].name;
        const uint8_t *suffix = (const uint8_t *)unders[i].suffix;
        size_t offset = 99;

        assert_int_equal(dname_under(name, suffix, &offset), unders[i].offset >= 0);
        if (unders[i].offset >= 0) {
            assert_int_equal(offset, unders[i].offset);
        }
        assert_int_equal(dname_equal(name, suffix), unders[i].offset == 0);
    }
}

/* Only A-Z change, at every place of long names (octets are folded sixteen at a time). */
static void test_fold(void **state)
{
    (void)state;
    for (unsigned octet = 0; octet < 256; octet++) {
        for (size_t size = 1; size <= 63; size++) {
            uint8_t wire[65] = {(uint8_t)size}, out[65];
            memset(wire + 1, (int)octet, size);
            assert_int_equal(dname_fold(out, wire), size + 2);
            assert_int_equal(out[0], size);
            assert_int_equal(out[size + 1], 0);
            for (size_t i = 1; i <= size; i++) {
                assert_int_equal(out[i], octet >= 'A' && octet <= 'Z' ? octet + 32 : octet);
            }
        }
    }
}

static void test_prepend(void **state)
{
    struct dname parent, out;
    const char *why;

    (void)state;
    assert_true(dname_from_text(&parent, "b.c", 3, &why));
    assert_true(dname_prepend(&out, (const uint8_t *)"*", 1, &parent));
    assert_memory_equal(out.wire, "\1*\1b\1c", 7);
    assert_int_equal(out.size, 7);
    assert_true(dname_is_wildcard(out.wire));
    assert_false(dname_is_wildcard(parent.wire));
    assert_false(dname_is_wildcard((const uint8_t *)"\2*a"));
    assert_true(dname_prepend(&parent, (const uint8_t *)"xy", 2, &parent));
    assert_memory_equal(parent.wire, "\2xy\1b\1c", 8);
    for (unsigned i = 0; i < 7; i++) { /* 8 octets, then 31 more each: 225 */
        assert_true(dname_prepend(&parent, (const uint8_t *)S63, 30, &parent));
    }
    assert_int_equal(parent.size, 225);
    assert_false(dname_prepend(&out, (const uint8_t *)S63, 30, &parent));
    assert_true(dname_prepend(&out, (const uint8_t *)S63, 29, &parent));
    assert_int_equal(out.size, 255);
}

/* Every octet, escaped and read again, is itself (folded). */
static void test_round_trip(void **state)
{
    (void)state;
    for (unsigned octet = 0; octet < 256; octet++) {
        uint8_t wire[] = {1, (uint8_t)octet, 1, 'x', 0}, folded[5];
        char text[DNAME_TEXT_MAX];
        struct dname name;
        const char *why;

        dname_to_text(wire, text);
        assert_true(dname_from_text(&name, text, strlen(text), &why));
        dname_fold(folded, wire);
        assert_memory_equal(name.wire, folded, 5);
    }
    uint8_t worst[255];
    char text[DNAME_TEXT_MAX];
    memset(worst, 0xff, sizeof(worst));
    worst[0] = worst[64] = worst[128] = 63;
    worst[192] = 61;
    worst[254] = 0;
    assert_int_equal(strlen(dname_to_text(worst, text)), 250 * 4 + 3);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_text),    cmocka_unit_test(test_bad_text),
        cmocka_unit_test(test_longest), cmocka_unit_test(test_wire),
        cmocka_unit_test(test_cut),     cmocka_unit_test(test_label_lengths),
        cmocka_unit_test(test_under),   cmocka_unit_test(test_fold),
        cmocka_unit_test(test_prepend), cmocka_unit_test(test_round_trip),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
