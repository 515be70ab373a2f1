#include "reply.h"
#include "record.h"

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

static struct reply_question question(const char *name, uint16_t type, uint8_t *wire)
{
    return (struct reply_question){.name = wire,
                                   .name_size = (uint8_t)fake_message_name(wire, name),
                                   .type = type,
                                   .class = 1};
}

/* Checks a copy in a block of exactly that size, so that a sanitizer sees one octet too many; and
 * holds the short way against the long one. */
static enum reply_verdict check(const struct fake_message *message, const char *name, uint16_t type,
                                struct reply *out)
{
    uint8_t wire[255];
    struct reply_question q = question(name, type, wire);
    uint8_t *copy = alloc_copy(message->bytes, message->size);
    enum reply_verdict verdict = reply_check(copy, message->size, ID, wire, &q, out);
    struct reply whole;

    assert_int_equal(reply_check_whole(copy, message->size, ID, wire, &q, &whole), verdict);
    if (verdict != REPLY_NOT_OURS) {
        whole.stride = out->stride;
        assert_memory_equal(&whole, out,
                            offsetof(struct reply, hops) + out->hops_length * sizeof *out->hops);
    }
    free(copy);
    return verdict;
}

static void begin(const char *name, uint16_t type, unsigned rcode)
{
    static struct fake_message query;

    fake_message_query(&query, ID, FAKE_RD, name, type);
    fake_message_reply(&m, query.bytes, query.size, rcode);
}

static void rr(const char *owner, uint16_t type, uint32_t ttl, const char *rdata, size_t size)
{
    fake_message_record(&m, FAKE_ANSWER, owner, type, ttl, rdata, size);
}

/* ---- whole messages: what is right, and each way to be wrong ---- */

static void one_address(void)
{
    begin("a.example", 1, 0);
    fake_message_a(&m, "a.example", 60, "192.0.2.1");
}

static void two_hops(void)
{
    begin("a.example", 1, 0);
    fake_message_cname(&m, "a.example", 60, "B.example");
    fake_message_cname(&m, "b.EXAMPLE", 20, "c.example");
    fake_message_a(&m, "C.example", 40, "192.0.2.1");
}

static void wrong_order(void)
{
    begin("a.example", 1, 0);
    fake_message_a(&m, "b.example", 40, "192.0.2.1");
    fake_message_cname(&m, "a.example", 60, "b.example");
}

static void unexplained(void)
{
    one_address();
    fake_message_a(&m, "victim.example", 40, "192.0.2.66");
}

static void other_type(void)
{
    one_address();
    rr("a.example", FAKE_TYPE_TXT, 60, "\x01x", 2);
}

static void other_class(void)
{
    one_address();
    m.bytes[m.size - 4 - 7] = 3;
}

static void loop_of_one(void)
{
    begin("a.example", 1, 0);
    fake_message_cname(&m, "a.example", 60, "A.example");
}

static void loop_of_three(void)
{
    begin("a.example", 1, 0);
    fake_message_cname(&m, "a.example", 60, "b.example");
    fake_message_cname(&m, "b.example", 60, "c.example");
    fake_message_cname(&m, "c.example", 60, "b.example");
}

static void chain(unsigned hops)
{
    char owner[] = "a0.example", target[] = "a0.example";

    begin("a0.example", 1, 0);
    for (unsigned i = 0; i < hops; i++) {
        owner[1] = (char)('0' + i);
        target[1] = (char)('1' + i);
        fake_message_cname(&m, owner, 60, target);
    }
    fake_message_a(&m, target, 60, "192.0.2.1");
}

static void sixteen_hops(void)
{
    chain(16);
}

static void seventeen_hops(void)
{
    chain(17);
}

static void answer_then_cname(void)
{
    one_address();
    fake_message_cname(&m, "a.example", 60, "b.example");
}

static void asked_for_cname(void)
{
    begin("a.example", FAKE_TYPE_CNAME, 0);
    fake_message_cname(&m, "a.example", 60, "b.example");
}

static void dname_asked(uint16_t type, const char *dname_target, const char *cname_target)
{
    uint8_t wire[255];

    begin("x.y.old.example", type, 0);
    fake_message_record(&m, FAKE_ANSWER, "old.example", FAKE_TYPE_DNAME, 60, wire,
                        fake_message_name(wire, dname_target));
    if (cname_target != NULL)
        fake_message_cname(&m, "x.y.old.example", 0, cname_target);
}

static void dname(const char *dname_target, const char *cname_target)
{
    dname_asked(1, dname_target, cname_target);
}

static void dname_cname_right(void)
{
    dname_asked(5, "new.example", "x.y.NEW.example");
}

static void dname_cname_lies(void)
{
    dname_asked(5, "new.example", "x.new.example");
}

static void dname_any(void)
{
    dname_asked(255, "new.example", "x.y.NEW.example");
}

static void dname_right(void)
{
    dname("new.example", "x.y.NEW.example");
    fake_message_a(&m, "x.y.new.example", 60, "192.0.2.1");
}

static void dname_lies(void)
{
    dname("new.example", "x.new.example");
}

static void dname_alone(void)
{
    dname("new.example", NULL);
}

static void dname_of_others(void)
{
    begin("x.example", 1, 0);
    rr("elsewhere.example", FAKE_TYPE_DNAME, 60, "", 1);
}

static void dname_of_itself(void)
{
    begin("x.example", 1, 0);
    rr("x.example", FAKE_TYPE_DNAME, 60, "", 1);
}

#define LABEL_60 "aaaaaaaaaabbbbbbbbbbccccccccccddddddddddeeeeeeeeeeffffffffff"

static void dname_overflow(unsigned rcode)
{
    uint8_t wire[255];

    begin(LABEL_60 "." LABEL_60 ".old.example", 1, rcode);
    fake_message_record(&m, FAKE_ANSWER, "old.example", FAKE_TYPE_DNAME, 60, wire,
                        fake_message_name(wire, LABEL_60 "." LABEL_60 "." LABEL_60));
}

static void dname_too_long(void)
{
    dname_overflow(REPLY_YXDOMAIN);
}

static void dname_too_long_unsaid(void)
{
    dname_overflow(REPLY_NOERROR);
}

static const char rrsig[] = "\0\x01\x05\x02\0\0\0\x3c\0\0\0\0\0\0\0\0\0\0\0sig";

static void signed_chain(void)
{
    begin("a.example", 1, 0);
    fake_message_cname(&m, "a.example", 60, "b.example");
    rr("a.example", RECORD_RRSIG, 60, rrsig, sizeof rrsig - 1);
    fake_message_a(&m, "b.example", 60, "192.0.2.1");
    rr("b.example", RECORD_RRSIG, 60, rrsig, sizeof rrsig - 1);
    rr("a.example", RECORD_RRSIG, 60, rrsig, sizeof rrsig - 1);
}

static void signature_of_others(void)
{
    one_address();
    rr("b.example", RECORD_RRSIG, 60, rrsig, sizeof rrsig - 1);
}

static void signature_compressed(void)
{
    one_address();
    rr("a.example", RECORD_RRSIG, 60, "\0\x01\x05\x02\0\0\0\x3c\0\0\0\0\0\0\0\0\0\0\xc0\x0csig",
       23);
}

static void no_such_name(void)
{
    begin("a.b.example", 1, REPLY_NXDOMAIN);
    fake_message_soa(&m, "example", 900, 300);
}

static void nothing_of_that_type(void)
{
    begin("a.b.example", 1, 0);
    fake_message_cname(&m, "a.b.example", 60, "c.example");
    fake_message_soa(&m, "example", 900, 300);
}

static void negative_without_soa(void)
{
    begin("a.b.example", 1, REPLY_NXDOMAIN);
}

static void negative_foreign_soa(void)
{
    begin("a.b.example", 1, REPLY_NXDOMAIN);
    fake_message_soa(&m, "other.example", 900, 300);
}

static void no_such_name_but_address(void)
{
    begin("a.example", 1, REPLY_NXDOMAIN);
    fake_message_a(&m, "a.example", 60, "192.0.2.1");
}

static void refer_elsewhere(void)
{
    begin("a.example", 1, 0);
    fake_message_record(&m, FAKE_AUTHORITY, "example", FAKE_TYPE_NS, 60, "\x01n\xc0\x0e", 4);
}

static void trailing_octet(void)
{
    one_address();
    m.bytes[m.size++] = 0;
}

static void count_too_high(void)
{
    one_address();
    m.bytes[7]++;
}

static void count_too_low(void)
{
    one_address();
    m.bytes[7]--;
}

static void counts_absurd(void)
{
    one_address();
    m.bytes[10] = 0xff;
}

static void edns(void)
{
    one_address();
    fake_message_opt(&m, 1232, 0);
}

static void edns_twice(void)
{
    edns();
    fake_message_opt(&m, 1232, 0);
}

static void edns_not_at_root(void)
{
    one_address();
    fake_message_record(&m, FAKE_ADDITIONAL, "a", FAKE_TYPE_OPT, 0, "", 0);
}

static void edns_among_answers(void)
{
    begin("a.example", 1, 0);
    rr(".", FAKE_TYPE_OPT, 0, "", 0);
}

static void edns_in_authority(void)
{
    one_address();
    fake_message_record(&m, FAKE_AUTHORITY, ".", FAKE_TYPE_OPT, 0, "", 0);
}

static void bad_version(void)
{
    begin("a.example", 1, 0);
    fake_message_opt(&m, 1232, 0x01000000);
}

static void short_address(void)
{
    begin("a.example", 1, 0);
    rr("a.example", 1, 60, "\1\2\3", 3);
}

static void cut_off(void)
{
    two_hops();
    m.size -= 9;
    fake_message_flag(&m, FAKE_TC);
}

static void ttl_top_bit(void)
{
    one_address();
    fake_message_a(&m, "a.example", 0x80000000, "192.0.2.2");
}

static void pointer(uint16_t to)
{
    begin("a.example", FAKE_TYPE_CNAME, 0);
    rr("a.example", FAKE_TYPE_CNAME, 60, (char[]){(char)(0xc0 | to >> 8), (char)to}, 2);
}

static void pointer_to_itself(void)
{
    pointer(12 + 15 + 11 + 10);
}

static void pointer_forward(void)
{
    pointer(12 + 15 + 11 + 12);
}

static void pointer_into_header(void)
{
    pointer(4);
}

static void pointer_back(void)
{
    pointer(12);
}

/* The owner of the second record reads its labels out of the first one's TTL. */
static void pointer_into_ttl(void)
{
    begin("a.example", 1, 0);
    fake_message_cname(&m, "a.example", 0x01620000, "b");
    rr("b", 1, 60, "\1\2\3\4", 4);
    m.size -= 17;
    memcpy(m.bytes + m.size,
           (uint8_t[]){0xc0, 12 + 15 + 11 + 4, 0, 1, 0, 1, 0, 0, 0, 60, 0, 4, 1, 2, 3, 4}, 16);
    m.size += 16;
}

static const struct {
    const char *what;
    void (*make)(void);
    const char *name;
    uint16_t type;
    enum reply_verdict verdict;
    uint16_t rcode;
    unsigned hops;
    uint32_t ttl;
    bool negative, soa;
} messages[] = {
    {"one address", one_address, "a.example", 1, REPLY_GOOD, 0, 0, 60, false, false},
    {"two hops", two_hops, "a.example", 1, REPLY_GOOD, 0, 2, 20, false, false},
    {"sixteen hops", sixteen_hops, "a0.example", 1, REPLY_GOOD, 0, 16, 60, false, false},
    {"seventeen", seventeen_hops, "a0.example", 1, REPLY_LOOP, 0, 0, 0, false, false},
    {"loop of one", loop_of_one, "a.example", 1, REPLY_LOOP, 0, 0, 0, false, false},
    {"loop of three", loop_of_three, "a.example", 1, REPLY_LOOP, 0, 0, 0, false, false},
    {"wrong order", wrong_order, "a.example", 1, REPLY_MALFORMED, 0, 0, 0, false, false},
    {"unexplained", unexplained, "a.example", 1, REPLY_MALFORMED, 0, 0, 0, false, false},
    {"other type", other_type, "a.example", 1, REPLY_MALFORMED, 0, 0, 0, false, false},
    {"other class", other_class, "a.example", 1, REPLY_MALFORMED, 0, 0, 0, false, false},
    {"CNAME after", answer_then_cname, "a.example", 1, REPLY_MALFORMED, 0, 0, 0, false, false},
    {"CNAME asked", asked_for_cname, "a.example", 5, REPLY_GOOD, 0, 0, 60, false, false},
    {"DNAME", dname_right, "x.y.old.example", 1, REPLY_GOOD, 0, 1, 0, false, false},
    {"DNAME, CNAME", dname_cname_right, "x.y.old.example", 5, REPLY_GOOD, 0, 0, 0, false, false},
    {"DNAME, ANY", dname_any, "x.y.old.example", 255, REPLY_GOOD, 0, 0, 0, false, false},
    {"DNAME lies, CNAME", dname_cname_lies, "x.y.old.example", 5, REPLY_MALFORMED, 0, 0, 0, false,
     false},
    {"DNAME lies", dname_lies, "x.y.old.example", 1, REPLY_MALFORMED, 0, 0, 0, false, false},
    {"DNAME alone", dname_alone, "x.y.old.example", 1, REPLY_MALFORMED, 0, 0, 0, false, false},
    {"DNAME foreign", dname_of_others, "x.example", 1, REPLY_MALFORMED, 0, 0, 0, false, false},
    {"DNAME itself", dname_of_itself, "x.example", 1, REPLY_MALFORMED, 0, 0, 0, false, false},
    {"DNAME long", dname_too_long, LABEL_60 "." LABEL_60 ".old.example", 1, REPLY_GOOD, 6, 0, 0,
     true, false},
    {"DNAME long, no rcode", dname_too_long_unsaid, LABEL_60 "." LABEL_60 ".old.example", 1,
     REPLY_MALFORMED, 0, 0, 0, false, false},
    {"signed", signed_chain, "a.example", 1, REPLY_GOOD, 0, 1, 60, false, false},
    {"signature alone", signature_of_others, "a.example", 1, REPLY_MALFORMED, 0, 0, 0, false,
     false},
    {"signer compressed", signature_compressed, "a.example", 1, REPLY_MALFORMED, 0, 0, 0, false,
     false},
    {"NXDOMAIN", no_such_name, "a.b.example", 1, REPLY_GOOD, 3, 0, 300, true, true},
    {"NODATA", nothing_of_that_type, "a.b.example", 1, REPLY_GOOD, 0, 1, 60, true, true},
    {"no SOA", negative_without_soa, "a.b.example", 1, REPLY_GOOD, 3, 0, 0, true, false},
    {"foreign SOA", negative_foreign_soa, "a.b.example", 1, REPLY_GOOD, 3, 0, 0, true, false},
    {"NXDOMAIN, address", no_such_name_but_address, "a.example", 1, REPLY_MALFORMED, 0, 0, 0, false,
     false},
    {"referral", refer_elsewhere, "a.example", 1, REPLY_GOOD, 0, 0, 0, true, false},
    {"trailing octet", trailing_octet, "a.example", 1, REPLY_MALFORMED, 0, 0, 0, false, false},
    {"count high", count_too_high, "a.example", 1, REPLY_MALFORMED, 0, 0, 0, false, false},
    {"count low", count_too_low, "a.example", 1, REPLY_MALFORMED, 0, 0, 0, false, false},
    {"counts absurd", counts_absurd, "a.example", 1, REPLY_MALFORMED, 0, 0, 0, false, false},
    {"EDNS", edns, "a.example", 1, REPLY_GOOD, 0, 0, 60, false, false},
    {"EDNS twice", edns_twice, "a.example", 1, REPLY_MALFORMED, 0, 0, 0, false, false},
    {"EDNS at a", edns_not_at_root, "a.example", 1, REPLY_MALFORMED, 0, 0, 0, false, false},
    {"EDNS as answer", edns_among_answers, "a.example", 1, REPLY_MALFORMED, 0, 0, 0, false, false},
    {"EDNS authority", edns_in_authority, "a.example", 1, REPLY_MALFORMED, 0, 0, 0, false, false},
    {"BADVERS", bad_version, "a.example", 1, REPLY_GOOD, REPLY_BADVERS, 0, 0, true, false},
    {"short A", short_address, "a.example", 1, REPLY_MALFORMED, 0, 0, 0, false, false},
    {"TC", cut_off, "a.example", 1, REPLY_GOOD, 0, 0, 0, false, false},
    {"TTL top bit", ttl_top_bit, "a.example", 1, REPLY_GOOD, 0, 0, 0, false, false},
    {"pointer back", pointer_back, "a.example", 5, REPLY_GOOD, 0, 0, 60, false, false},
    {"pointer itself", pointer_to_itself, "a.example", 5, REPLY_MALFORMED, 0, 0, 0, false, false},
    {"pointer forward", pointer_forward, "a.example", 5, REPLY_MALFORMED, 0, 0, 0, false, false},
    {"pointer TTL", pointer_into_ttl, "a.example", 1, REPLY_MALFORMED, 0, 0, 0, false, false},
    {"pointer header", pointer_into_header, "a.example", 5, REPLY_MALFORMED, 0, 0, 0, false, false},
};

static void test_messages(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LENGTH(messages); i++) {
        struct reply reply;
        enum reply_verdict verdict;

        messages[i].make();
        verdict = check(&m, messages[i].name, messages[i].type, &reply);
        if (verdict != messages[i].verdict)
            fail_msg("%s: verdict %d", messages[i].what, (int)verdict);
        if (verdict != REPLY_GOOD)
            continue;
        if (reply.rcode != messages[i].rcode || reply.hops_length != messages[i].hops ||
            reply.ttl != messages[i].ttl || reply.negative != messages[i].negative ||
            reply.has_soa != messages[i].soa)
            fail_msg("%s: rcode %u, %u hops, TTL %u, negative %d, SOA %d", messages[i].what,
                     reply.rcode, reply.hops_length, reply.ttl, reply.negative, reply.has_soa);
    }
}

/* Every way to break off is refused, and nothing is read behind the end. */
static void test_cut_anywhere(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LENGTH(messages); i++) {
        messages[i].make();
        if (messages[i].verdict != REPLY_GOOD || (m.bytes[2] & 2) != 0)
            continue;
        while (m.size > 0) {
            struct reply reply;

            m.size--;
            assert_int_not_equal(check(&m, messages[i].name, messages[i].type, &reply), REPLY_GOOD);
        }
    }
}

/* Any one octet may be anything: no crash, and what is let through can be walked. */
static void test_any_octet(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LENGTH(messages); i++) {
        messages[i].make();
        for (size_t at = 0; at < m.size; at++) {
            static const uint8_t values[] = {0, 1, 63, 64, 0xc0, 0xc0 + 12, 0xff};
            uint8_t was = m.bytes[at];

            for (size_t v = 0; v < ARRAY_LENGTH(values); v++) {
                struct reply reply;
                uint16_t offsets[8];

                m.bytes[at] = values[v];
                if (check(&m, messages[i].name, messages[i].type, &reply) == REPLY_GOOD)
                    reply_ttl_offsets(m.bytes, &reply, 8, offsets);
            }
            m.bytes[at] = was;
        }
    }
}

static void test_not_ours(void **state)
{
    static const struct {
        const char *what;
        size_t at;
        uint8_t flip;
    } rows[] = {
        {"id", 0, 1},
        {"id", 1, 0x80},
        {"a query", 2, 0x80},
        {"opcode", 2, 0x28},
        {"no question", 5, 1},
        {"two questions", 5, 3},
        {"letter case", 13, 32},
        {"name", 15, 1},
        {"type", 24, 1},
        {"class", 26, 2},
    };
    struct reply reply;

    (void)state;
    for (size_t i = 0; i < ARRAY_LENGTH(rows); i++) {
        one_address();
        m.bytes[rows[i].at] ^= rows[i].flip;
        if (check(&m, "a.example", 1, &reply) != REPLY_NOT_OURS)
            fail_msg("%s", rows[i].what);
    }
}

static void test_hops(void **state)
{
    static const char *const targets[] = {"\1B\7example", "\1c\7example"};
    struct reply reply;
    struct dname target;

    (void)state;
    two_hops();
    assert_int_equal(check(&m, "a.example", 1, &reply), REPLY_GOOD);
    assert_int_equal(reply.hops[0].owner, reply.records_at);
    assert_int_equal(reply.hops[1].owner, reply.hops[0].end);
    for (unsigned i = 0; i < 2; i++) {
        assert_true(reply_name(m.bytes, m.size, reply.hops[i].target, &target));
        assert_memory_equal(target.wire, targets[i], 11);
        assert_false(reply.hops[i].dname);
    }
    dname_right();
    assert_int_equal(check(&m, "x.y.old.example", 1, &reply), REPLY_GOOD);
    assert_true(reply.hops[0].dname);
    assert_true(reply.hops[0].owner > reply.records_at);
}

static void test_flags(void **state)
{
    struct reply reply;

    (void)state;
    refer_elsewhere();
    assert_int_equal(check(&m, "a.example", 1, &reply), REPLY_GOOD);
    assert_true(reply.referral && reply.authority_plain);
    fake_message_flag(&m, FAKE_AA | FAKE_AD);
    assert_int_equal(check(&m, "a.example", 1, &reply), REPLY_GOOD);
    assert_true(!reply.referral && reply.authoritative && reply.authentic_data);
    cut_off();
    assert_int_equal(check(&m, "a.example", 1, &reply), REPLY_GOOD);
    assert_true(reply.truncated);
    no_such_name();
    fake_message_record(&m, FAKE_AUTHORITY, "victim.example", 1, 60, "\1\2\3\4", 4);
    assert_int_equal(check(&m, "a.b.example", 1, &reply), REPLY_GOOD);
    assert_false(reply.authority_plain);
}

static void test_normalise(void **state)
{
    uint8_t wire[255];
    struct reply_question q = question("a.example", 1, wire);
    struct reply reply;
    uint16_t offsets[4];

    (void)state;
    begin("A.eXample", 1, 0);
    fake_message_a(&m, "A.eXample", 0x80000001, "192.0.2.1");
    fake_message_a(&m, "a.example", 7, "192.0.2.2");
    fake_message_opt(&m, 1232, 0x80000000);
    assert_int_equal(check(&m, "a.example", 1, &reply), REPLY_NOT_OURS);
    assert_int_equal(reply_check(m.bytes, m.size, ID, m.bytes + 12, &q, &reply), REPLY_GOOD);
    assert_int_equal(reply_ttl_offsets(m.bytes, &reply, 3, offsets), 2);
    reply_normalise(m.bytes, &q, &reply);
    assert_memory_equal(m.bytes + 12, wire, q.name_size);
    assert_memory_equal(m.bytes, "\0\0", 2);
    assert_memory_equal(m.bytes + offsets[0], "\0\0\0\0", 4);
    assert_memory_equal(m.bytes + offsets[1], "\0\0\0\7", 4);
}

/* ---- RDATA ---- */

static const struct {
    uint16_t type;
    bool good;
    size_t size;
    const char *rdata;
} rdatas[] = {
    {1, true, 4, "\1\2\3\4"},
    {1, false, 5, "\1\2\3\4\5"},
    {28, true, 16, "0123456789abcdef"},
    {28, false, 15, "0123456789abcde"},
    {2, true, 2, "\xc0\x0c"},
    {2, false, 3, "\xc0\x0c\0"},
    {2, false, 1, "\xc0"},
    {12, true, 3, "\1a"},
    {12, false, 2, "\1a"},
    {6, true, 24,
     "\xc0\x0c\xc0\x0c"
     "01234567890123456789"},
    {6, false, 23,
     "\xc0\x0c\xc0\x0c"
     "0123456789012345678"},
    {15, true, 4, "\0\1\xc0\x0c"},
    {15, false, 2, "\0\1"},
    {16, true, 4, "\1a\1b"},
    {16, true, 1, ""},
    {16, false, 0, ""},
    {16, false, 4, "\1a\2b"},
    {33, true, 8, "\0\1\0\1\0\1\xc0\x0c"},
    {33, false, 7, "\0\1\0\1\0\1\xc0"},
    {35, true, 8, "\0\1\0\1\0\0\0"},
    {35, false, 7, "\0\1\0\1\0\0\0"},
    {39, true, 1, ""},
    {39, false, 2, "\0"},
    {43, true, 5, "\0\1\1\1x"},
    {43, false, 4, "\0\1\1\1"},
    {47, true, 4, "\0\0\1\x40"},
    {47, false, 3, "\0\0\1"},
    {47, false, 3, "\0\0\0"},
    {47, false, 7, "\0\1\1\x40\0\1\x40"},
    {47, false, 5, "\xc0\x0c\0\1\x40"},
    {50, true, 11, "\1\0\0\1\1s\1h\0\1\x40"},
    {50, false, 7, "\1\0\0\1\1s\0"},
    {50, false, 6, "\1\0\0\1\2s"},
    {64, true, 3, "\0\1\0"},
    {65, true, 14, "\0\1\0\0\1\0\3\2h2\0\3\0\0"},
    {65, false, 11, "\0\1\0\0\3\0\0\0\1\0\0"},
    {65, false, 10, "\0\1\0\0\1\0\4\2h2"},
    {65, false, 4, "\0\1\xc0\x0c"},
    {257, true, 8, "\0\5issue;"},
    {257, false, 4, "\0\0;;"},
    {65280, true, 3, "any"},
    {65280, true, 0, ""},
};

static void test_rdata(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LENGTH(rdatas); i++) {
        struct reply reply;
        enum reply_verdict verdict;

        begin("a.example", rdatas[i].type, 0);
        rr("a.example", rdatas[i].type, 60, rdatas[i].rdata, rdatas[i].size);
        verdict = check(&m, "a.example", rdatas[i].type, &reply);
        if (verdict != (rdatas[i].good ? REPLY_GOOD : REPLY_MALFORMED))
            fail_msg("row %zu, type %u: verdict %d", i, rdatas[i].type, (int)verdict);
    }
}

/* Names that chain pointers to the edge of what is allowed. */
static void test_long_names(void **state)
{
    uint8_t message[12 + 600] = {0};
    struct dname name;
    size_t at = 12;

    (void)state;
    message[at] = 0;
    for (unsigned i = 1; i <= 127; i++) { /* a label of one octet and a pointer to the one before */
        size_t before = at;

        at = i == 1 ? at + 1 : at + 4;
        message[at] = 1;
        message[at + 1] = 'x';
        message[at + 2] = (uint8_t)(0xc0 | before >> 8);
        message[at + 3] = (uint8_t)before;
    }
    assert_int_equal(record_name(message, sizeof message, at, NULL, &name), at + 4);
    assert_int_equal(name.size, 255);
    /* One label more is one octet too many. */
    memcpy(message + at + 4, (uint8_t[]){1, 'x', (uint8_t)(0xc0 | at >> 8), (uint8_t)at}, 4);
    assert_int_equal(record_name(message, sizeof message, at + 4, NULL, &name), 0);
    /* A pointer to a pointer counts as well. */
    memcpy(message + at + 4, (uint8_t[]){(uint8_t)(0xc0 | at >> 8), (uint8_t)at}, 2);
    assert_int_equal(record_name(message, sizeof message, at + 4, NULL, &name), 0);
}

/* As many of the shortest records as fit into 64 KiB are too many; lists of TTLs have room for
 * REPLY_RECORDS_MAX. */
static void test_records_are_bounded(void **state)
{
    enum { TYPE = 65400, SHORTEST = 11 };
    static const unsigned counts[] = {1, REPLY_RECORDS_MAX, REPLY_RECORDS_MAX + 1, 5900};
    static const uint8_t root[1] = {0};
    const struct reply_question q = {.name = root, .name_size = 1, .type = TYPE, .class = 1};
    static uint8_t message[REPLY_SIZE_MAX];
    static uint16_t offsets[REPLY_RECORDS_MAX];
    struct reply reply;

    (void)state;
    for (size_t i = 0; i < ARRAY_LENGTH(counts); i++) {
        unsigned n = counts[i];
        size_t size = REPLY_HEADER_SIZE + 5;

        memcpy(message, (uint8_t[]){ID >> 8, ID & 0xff, 0x80, 0, 0, 1}, 6);
        message[6] = (uint8_t)(n >> 8);
        message[7] = (uint8_t)n;
        memcpy(message + REPLY_HEADER_SIZE, (uint8_t[]){0, TYPE >> 8, TYPE & 0xff, 0, 1}, 5);
        for (unsigned k = 0; k < n; k++, size += SHORTEST)
            memcpy(message + size, (uint8_t[]){0, TYPE >> 8, TYPE & 0xff, 0, 1, 0, 0, 0, 9, 0, 0},
                   SHORTEST);
        assert_int_equal(reply_check(message, size, ID, root, &q, &reply),
                         n <= REPLY_RECORDS_MAX ? REPLY_GOOD : REPLY_MALFORMED);
        if (n <= REPLY_RECORDS_MAX)
            assert_int_equal(reply_ttl_offsets(message, &reply, n, offsets), n);
    }
}

static void test_bare_names(void **state)
{
    uint8_t message[12 + 400] = {0};
    struct dname name;

    (void)state;
    /* Pointers lead backwards even where nobody keeps books. */
    memcpy(message + 12, "\xc0\x0e\0", 3);
    assert_int_equal(record_name(message, sizeof message, 12, NULL, &name), 0);
    /* 255 octets fit, 256 do not. */
    for (unsigned i = 0; i < 3; i++)
        message[12 + 64 * i] = 63;
    message[12 + 192] = 61;
    message[12 + 192 + 62] = 0;
    assert_int_equal(record_name(message, sizeof message, 12, NULL, &name), 12 + 255);
    assert_int_equal(name.size, 255);
    message[12 + 192] = 62;
    message[12 + 192 + 63] = 0;
    assert_int_equal(record_name(message, sizeof message, 12, NULL, &name), 0);
    message[12] = 64; /* reserved label types */
    assert_int_equal(record_name(message, sizeof message, 12, NULL, &name), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_messages),   cmocka_unit_test(test_cut_anywhere),
        cmocka_unit_test(test_any_octet),  cmocka_unit_test(test_not_ours),
        cmocka_unit_test(test_hops),       cmocka_unit_test(test_flags),
        cmocka_unit_test(test_normalise),  cmocka_unit_test(test_rdata),
        cmocka_unit_test(test_long_names), cmocka_unit_test(test_records_are_bounded),
        cmocka_unit_test(test_bare_names),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
