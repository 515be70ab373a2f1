/* The reply that most questions get is checked in a short way: it says of every message what the
 * long way says. */
#include "reply.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "alloc.h"
#include "fake_message.h"

#define ID 0x1234

static struct fake_message m;
static uint8_t wire[DNAME_MAX];

static const struct {
    const char *what;
    uint8_t type, rcode, count; /* of records of that type under a pointer to the question's name */
    uint8_t size;               /* of each one's RDATA */
    uint8_t other;              /* one of another type behind them; 0: none */
    unsigned opts;
    uint16_t flags;
    enum reply_verdict verdict;
    uint32_t ttl;
} rows[] = {
    {"A", 1, 0, 1, 4, 0, 0, 0, REPLY_GOOD, 60},
    {"A, EDNS", 1, 0, 1, 4, 0, 1, 0, REPLY_GOOD, 60},
    {"three A", 1, 0, 3, 4, 0, 0, FAKE_AA, REPLY_GOOD, 58},
    {"three AAAA, EDNS", 28, 0, 3, 16, 0, 1, FAKE_AD, REPLY_GOOD, 58},
    {"TXT", 16, 0, 1, 0, 0, 0, 0, REPLY_MALFORMED, 0},
    {"unknown type", 250, 0, 2, 7, 0, 0, 0, REPLY_GOOD, 59},
    {"five octets", 1, 0, 1, 5, 0, 0, 0, REPLY_MALFORMED, 0},
    {"another type", 1, 0, 1, 4, 28, 0, 0, REPLY_MALFORMED, 0},
    {"NXDOMAIN", 1, 3, 1, 4, 0, 0, 0, REPLY_MALFORMED, 0},
    {"nothing", 1, 0, 0, 4, 0, 1, 0, REPLY_GOOD, 0},
    {"EDNS twice", 1, 0, 1, 4, 0, 2, 0, REPLY_MALFORMED, 0},
    {"TC", 1, 0, 1, 4, 0, 0, FAKE_TC, REPLY_GOOD, 0},
};

static void add(uint8_t type, unsigned ttl, uint8_t size)
{
    uint8_t record[] = {0xc0, 12, 0, type, 0, 1, 0, 0, 0, (uint8_t)ttl, 0, size};

    memcpy(m.bytes + m.size, record, sizeof record);
    memset(m.bytes + m.size + sizeof record, 0x55, size);
    m.size += sizeof record + size;
    m.bytes[7]++;
}

static struct reply_question make(size_t row)
{
    static struct fake_message query;
    struct reply_question q = {.name = wire, .type = rows[row].type, .class = 1};

    q.name_size = (uint8_t)fake_message_name(wire, "a.example");
    fake_message_query(&query, ID, FAKE_RD, "a.example", rows[row].type);
    fake_message_reply(&m, query.bytes, query.size, rows[row].rcode);
    fake_message_flag(&m, rows[row].flags);
    for (unsigned i = 0; i < rows[row].count; i++)
        add(rows[row].type, 60 - i, rows[row].size);
    if (rows[row].other != 0)
        add(rows[row].other, 60, 16);
    for (unsigned i = 0; i < rows[row].opts; i++)
        fake_message_opt(&m, 1232, 0);
    return q;
}

/* Checks a copy in a block of exactly that size, so that a sanitizer sees one octet too many. */
static enum reply_verdict check(const struct reply_question *q, size_t size, struct reply *out)
{
    uint8_t *copy = alloc_copy(m.bytes, size);
    enum reply_verdict verdict = reply_check(copy, size, ID, wire, q, out);
    struct reply whole;

    assert_int_equal(reply_check_whole(copy, size, ID, wire, q, &whole), verdict);
    if (verdict != REPLY_NOT_OURS) {
        whole.stride = out->stride;
        assert_memory_equal(&whole, out,
                            offsetof(struct reply, hops) + out->hops_length * sizeof *out->hops);
    }
    free(copy);
    return verdict;
}

static void test_verdicts(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LENGTH(rows); i++) {
        struct reply reply;
        struct reply_question q = make(i);
        enum reply_verdict verdict = check(&q, m.size, &reply);

        if (verdict != rows[i].verdict)
            fail_msg("%s: verdict %d", rows[i].what, (int)verdict);
        if (verdict == REPLY_GOOD && reply.ttl != rows[i].ttl)
            fail_msg("%s: TTL %u", rows[i].what, reply.ttl);
    }
}

static void test_cut_anywhere(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LENGTH(rows); i++) {
        struct reply_question q = make(i);

        for (size_t size = 0; size < m.size; size++) {
            struct reply reply;

            if (check(&q, size, &reply) == REPLY_GOOD && !reply.truncated)
                fail_msg("%s: good without its last %zu octets", rows[i].what, m.size - size);
        }
    }
}

static void test_any_octet(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LENGTH(rows); i++) {
        struct reply_question q = make(i);

        for (size_t at = 0; at < m.size; at++) {
            uint8_t was = m.bytes[at];

            for (unsigned value = 0; value < 256; value++) {
                struct reply reply;

                m.bytes[at] = (uint8_t)value;
                (void)check(&q, m.size, &reply);
            }
            m.bytes[at] = was;
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_verdicts),
        cmocka_unit_test(test_cut_anywhere),
        cmocka_unit_test(test_any_octet),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
