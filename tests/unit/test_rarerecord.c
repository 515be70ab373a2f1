/* Records that ldns makes: the same octets as if they were written by hand. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "rarerecord.h"

static const uint8_t packet[] = "\x12\x34\1\0\0\1\0\0\0\0\0\0\1a\1b\0\0\20\0\3";

struct bench {
    struct wire_query query;
    struct wire_reply reply;
    uint8_t out[WIRE_MESSAGE_MAX];
};

static struct bench *open_bench(size_t limit)
{
    struct bench *b = calloc(1, sizeof *b);
    struct dname_cut cut;

    assert_int_equal(wire_decode(&b->query, &cut, packet, sizeof packet - 1), WIRE_GOOD);
    wire_reply_begin(&b->reply, &b->query, b->out, limit, 1232);
    return b;
}

static void texts_are_cut_into_strings(void **state)
{
    static const struct {
        size_t length;
        size_t strings;
    } rows[] = {{0, 1}, {1, 1}, {254, 1}, {255, 1}, {256, 2}, {510, 2}, {511, 3}, {8191, 33}};
    static const uint8_t head[] = "\xc0\14\0\20\0\3\0\0\0\0";
    enum { HEAD = 10 };

    (void)state;
    for (size_t i = 0; i < ARRAY_LENGTH(rows); i++) {
        struct bench *b = open_bench(WIRE_MESSAGE_MAX);
        char *text = calloc(1, rows[i].length + 1);
        const uint8_t *at = b->out + sizeof packet - 1;

        for (size_t n = 0; n < rows[i].length; n++)
            text[n] = (char)('!' + n % 94); /* backslashes and quotes are octets like others */
        struct ldns_struct_rr *rr = rarerecord_new(&b->query, WIRE_TXT, 0);
        rarerecord_add(rr, text);
        rarerecord_put(&b->reply, rr);
        size_t size = wire_reply_finish(&b->reply);
        assert_int_equal(size, sizeof packet - 1 + HEAD + 2 + rows[i].length + rows[i].strings);
        assert_memory_equal(at, head, HEAD);
        assert_int_equal(wire_get16(at + HEAD), rows[i].length + rows[i].strings);
        at += HEAD + 2;
        for (size_t left = rows[i].length, n = 0; n < rows[i].strings; n++) {
            size_t part = left < 255 ? left : 255;
            assert_int_equal(*at, part);
            assert_memory_equal(at + 1, text + rows[i].length - left, part);
            at += 1 + part;
            left -= part;
        }
        assert_int_equal(wire_get16(b->out + 6), 1);
        free(text);
        free(b);
    }
}

static void strings_stay_apart(void **state)
{
    static const uint8_t wanted[] = "\xc0\14\0\15\0\3\0\0\16\20\0\4\2\1\xff\0";
    struct bench *b = open_bench(WIRE_UDP_MIN);
    struct ldns_struct_rr *rr = rarerecord_new(&b->query, WIRE_HINFO, 3600);

    (void)state;
    rarerecord_add(rr, "\1\xff");
    rarerecord_add(rr, "");
    rarerecord_put(&b->reply, rr);
    assert_int_equal(wire_reply_finish(&b->reply), sizeof packet - 1 + sizeof wanted - 1);
    assert_memory_equal(b->out + sizeof packet - 1, wanted, sizeof wanted - 1);
    free(b);
}

static void what_does_not_fit_sets_tc(void **state)
{
    char text[WIRE_UDP_MIN + 1] = "";

    (void)state;
    for (unsigned over = 0; over < 2; over++) {
        struct bench *b = open_bench(WIRE_UDP_MIN);
        struct ldns_struct_rr *rr = rarerecord_new(&b->query, WIRE_TXT, 0);
        size_t room = WIRE_UDP_MIN - (sizeof packet - 1) - 12 - 2; /* two strings */
        memset(text, 'x', room + over);
        text[room + over] = '\0';
        rarerecord_add(rr, text);
        rarerecord_put(&b->reply, rr);
        assert_int_equal(b->reply.flags & WIRE_FLAG_TC, over ? WIRE_FLAG_TC : 0);
        assert_int_equal(wire_reply_finish(&b->reply), over ? sizeof packet - 1 : WIRE_UDP_MIN);
        free(b);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(texts_are_cut_into_strings),
        cmocka_unit_test(strings_stay_apart),
        cmocka_unit_test(what_does_not_fit_sets_tc),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
