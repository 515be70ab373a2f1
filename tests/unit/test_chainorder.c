#include "chainorder.h"
#include "record.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "alloc.h"
#include "fake_message.h"

#define ID      0x1234
#define RECORDS 6

static struct fake_message m;
static uint8_t mended[REPLY_SIZE_MAX];

/* Type covered, algorithm, labels, TTL, two times, key tag, signer, and a signature of two octets.
 */
static void signature(const char *owner, uint8_t covered)
{
    uint8_t rdata[18 + 255] = {0, covered, 13, 2, 0, 0, 1, 44, 0x70, 0, 0, 0, 0x60, 0, 0, 0, 0, 1};
    size_t size = 18 + fake_message_name(rdata + 18, "example");

    rdata[size++] = covered;
    rdata[size++] = 0xaa;
    fake_message_record(&m, FAKE_ANSWER, owner, RECORD_RRSIG, 300, rdata, size);
}

static void dname(void)
{
    uint8_t target[255];

    fake_message_record(&m, FAKE_ANSWER, "alias.example", FAKE_TYPE_DNAME, 90, target,
                        fake_message_name(target, "Target.test"));
}

static void dname_signature(void)
{
    signature("alias.example", RECORD_DNAME);
}

static void made(void)
{
    fake_message_cname(&m, "a.ALIAS.example", 80, "a.target.test");
}

static void cname(void)
{
    fake_message_cname(&m, "a.target.test", 70, "end.test");
}

static void address(void)
{
    fake_message_a(&m, "end.test", 60, "192.0.2.1");
}

static void address_signature(void)
{
    signature("End.test", RECORD_A);
}

typedef void put_fn(void);
static put_fn *const right[RECORDS] = {dname, dname_signature, made,
                                       cname, address,         address_signature};

/* What the question is in every test. */
static enum reply_verdict check(const uint8_t *message, size_t size, struct reply *out)
{
    uint8_t wire[255];
    struct reply_question q = {.name = wire,
                               .name_size = (uint8_t)fake_message_name(wire, "a.alias.example"),
                               .type = FAKE_TYPE_A,
                               .class = 1,
                               .dnssec_ok = true};

    return reply_check(message, size, ID, wire, &q, out);
}

static void make(put_fn *const *records, size_t length)
{
    static struct fake_message query;

    fake_message_query(&query, ID, FAKE_RD, "a.alias.example", FAKE_TYPE_A);
    fake_message_reply(&m, query.bytes, query.size, 0);
    for (size_t i = 0; i < length; i++)
        records[i]();
    fake_message_flag(&m, FAKE_AD);
    fake_message_record(&m, FAKE_AUTHORITY, "test", FAKE_TYPE_NS, 300, "\2ns\4test", 9);
    fake_message_opt(&m, 1232, 0x8000);
}

/* In a block of exactly that size, so that a sanitizer sees one octet too many. */
static size_t mend(void)
{
    uint8_t *copy = alloc_copy(m.bytes, m.size);
    size_t size = chainorder_mend(copy, m.size, mended);

    free(copy);
    return size;
}

static void test_any_order_is_put_right(void **state)
{
    static uint8_t expected[512];
    size_t expected_size = 0;
    unsigned mends = 0;

    (void)state;
    for (unsigned n = 0; n < 720; n++) { /* RECORDS! */
        put_fn *order[RECORDS];
        struct reply reply;
        unsigned left = n, sizes = RECORDS;

        memcpy(order, right, sizeof order);
        for (unsigned i = 0; i < RECORDS; i++, left /= sizes--) {
            put_fn *chosen = order[i + left % sizes];
            order[i + left % sizes] = order[i];
            order[i] = chosen;
        }
        make(order, RECORDS);
        size_t size = mend();
        if (size == 0) { /* the right order, which is read as it is */
            assert_memory_equal(order, right, sizeof order);
            assert_int_equal(check(m.bytes, m.size, &reply), REPLY_GOOD);
            continue;
        }
        mends++;
        assert_int_equal(check(mended, size, &reply), REPLY_GOOD);
        assert_true(reply.hops_length == 2 && reply.hops[0].dname && !reply.negative);
        assert_true(reply.answer_count == RECORDS && reply.authority_count == 1 &&
                    reply.ttl == 60 && reply.longest == 300 && reply.authentic_data);
        if (expected_size == 0)
            memcpy(expected, mended, expected_size = size);
        assert_int_equal(size, expected_size);
        assert_memory_equal(mended, expected, size);
        memcpy(m.bytes, mended, m.size = size);
        assert_int_equal(mend(), 0);
    }
    assert_int_equal(mends, 719);
}

static void beside(void)
{
    fake_message_a(&m, "victim.example", 60, "192.0.2.66");
}

static void beside_signature(void)
{
    signature("victim.example", RECORD_DNAME);
}

static void beside_dname(void)
{
    uint8_t target[255];

    fake_message_record(&m, FAKE_ANSWER, "victim.example", FAKE_TYPE_DNAME, 90, target,
                        fake_message_name(target, "bad.test"));
}

static void test_nothing_is_left_out(void **state)
{
    put_fn *const strangers[] = {beside, beside_signature, beside_dname};

    (void)state;
    for (size_t i = 0; i < ARRAY_LENGTH(strangers); i++) {
        put_fn *order[] = {address, made, strangers[i], dname, cname};
        make(order, ARRAY_LENGTH(order));
        assert_int_equal(mend(), 0);
    }
}

static void back(void)
{
    fake_message_cname(&m, "end.test", 60, "a.target.test");
}

/* It is for reply_check() to say so. */
static void test_a_circle_stays_one(void **state)
{
    put_fn *order[] = {back, cname, made, dname};
    struct reply reply;

    (void)state;
    make(order, ARRAY_LENGTH(order));
    size_t size = mend();
    assert_int_not_equal(size, 0);
    assert_int_equal(check(mended, size, &reply), REPLY_LOOP);
}

static void test_any_octet(void **state)
{
    static const uint8_t values[] = {0, 1, 63, 64, 0xc0, 0xc0 + 12, 0xff};
    put_fn *order[] = {address_signature, address, cname, made, dname_signature, dname};

    (void)state;
    make(order, ARRAY_LENGTH(order));
    for (size_t at = 0; at < m.size; at++) {
        uint8_t was = m.bytes[at];

        for (size_t v = 0; v < ARRAY_LENGTH(values); v++) {
            struct reply reply;

            m.bytes[at] = values[v];
            if (check(m.bytes, m.size, &reply) == REPLY_MALFORMED && reply.sound) {
                size_t size = mend();
                if (size > 0)
                    (void)check(mended, size, &reply);
            }
        }
        m.bytes[at] = was;
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_any_order_is_put_right),
        cmocka_unit_test(test_nothing_is_left_out),
        cmocka_unit_test(test_a_circle_stays_one),
        cmocka_unit_test(test_any_octet),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
