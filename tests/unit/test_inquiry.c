#include "inquiry.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "asker.h"
#include "portpool.h"
#include "upstream.h"

/* ---- the plain way ---- */

static void test_answer(void **state)
{
    struct asker *a = asker_begin(1);
    struct fake_sent s;
    struct asker_told t;
    struct fake_message wanted;

    (void)state;
    asker_ask(a, "a.example", &t);
    s = asker_must_take(a, ASKER_ONE);
    fake_message_query(&wanted, 0, FAKE_RD, "a.example", 1);
    fake_message_opt(&wanted, 1232, 0);
    assert_int_equal(s.size, wanted.size);
    assert_memory_equal(s.message + 2, wanted.bytes + 2, wanted.size - 2);
    fake_network_pass(a->net, 20);
    assert_int_equal(t.times, 0);
    asker_say_address(a, &s, "a.example", "192.0.2.77");
    assert_int_equal(t.times, 1);
    assert_int_equal(t.result, FORWARD_ANSWER);
    assert_int_equal(t.last_octet, 77);
    assert_int_equal(a->kept, 1);
    assert_int_equal(forward_in_flight(a->forward), 0);
    asker_say_address(a, &s, "a.example", "192.0.2.78"); /* too late: nobody hears it */
    fake_network_pass(a->net, 10000);
    assert_int_equal(t.times, 1);
    assert_int_equal(a->kept, 1);
    assert_int_equal(stats_read(&a->stats, STATS_UPSTREAM_QUERIES), 1);
    assert_int_equal(stats_read(&a->stats, STATS_UPSTREAM_REPLIES), 1);
    asker_free(a);
}

static void test_flags_and_edns(void **state)
{
    static const struct {
        bool dnssec_ok, checking_disabled, authentic_data;
        uint8_t flags, edns; /* fourth octet of the header; DO octet */
    } rows[] = {
        {false, false, false, 0, 0},
        {true, false, false, 0, 0x80},
        {false, true, false, 0x10, 0},
        {false, false, true, 0x20, 0},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LENGTH(rows); i++) {
        struct asker *a = asker_begin(1);
        uint8_t wire[255];
        struct reply_question q = {.name = wire,
                                   .name_size = (uint8_t)fake_message_name(wire, "a.example"),
                                   .type = 1,
                                   .class = 1,
                                   .dnssec_ok = rows[i].dnssec_ok,
                                   .checking_disabled = rows[i].checking_disabled,
                                   .authentic_data = rows[i].authentic_data};
        struct asker_told t = {0};
        struct fake_sent s;

        asker_ask_question(a, &q, &t);
        s = asker_must_take(a, ASKER_ONE);
        assert_int_equal(s.message[2], 1); /* RD and nothing else */
        assert_int_equal(s.message[3], rows[i].flags);
        assert_int_equal(s.message[s.size - 4], rows[i].edns);
        asker_free(a);
    }
}

static void test_retransmission(void **state)
{
    struct asker *a = asker_begin(1);
    struct fake_sent first, second;
    struct asker_told t;

    (void)state;
    asker_ask(a, "a.example", &t);
    first = asker_must_take(a, ASKER_ONE);
    fake_network_pass(a->net, UPSTREAM_WAIT_FIRST_MS - 1);
    assert_int_equal(asker_count_sent(a), 0);
    fake_network_pass(a->net, UPSTREAM_WAIT_FIRST_MS / 10 + 1);
    second = asker_must_take(a, ASKER_ONE);
    assert_true(memcmp(first.message, second.message, 2) != 0); /* an id of its own */
    assert_true(first.socket != second.socket);                 /* and a port */
    asker_say_address(a, &first, "a.example", "192.0.2.77");    /* the first still counts */
    assert_int_equal(t.result, FORWARD_ANSWER);
    assert_int_equal(t.times, 1);
    asker_free(a);
}

static void test_wait_follows_latency(void **state)
{
    struct asker *a = asker_begin(1);
    struct asker_told t;

    (void)state;
    for (unsigned i = 0; i < 30; i++) { /* a server that takes 10 ms */
        struct fake_sent s;

        asker_ask(a, "a.example", &t);
        s = asker_must_take(a, ASKER_ONE);
        fake_network_pass(a->net, 10);
        asker_say_address(a, &s, "a.example", "192.0.2.77");
        assert_int_equal(t.times, 1);
    }
    asker_ask(a, "a.example", &t);
    asker_must_take(a, ASKER_ONE);
    fake_network_pass(a->net, UPSTREAM_WAIT_LEAST_MS - 1);
    assert_int_equal(asker_count_sent(a), 0);
    fake_network_pass(a->net, 2 + UPSTREAM_WAIT_LEAST_MS / 10);
    assert_int_equal(asker_count_sent(a), 1);
    asker_free(a);
}

/* A good reply with that rcode, or a bad one. */
enum { REFERRAL = 97, LOOPED, BROKEN };

static void say_what(struct asker *a, const struct fake_sent *s, unsigned what)
{
    fake_message_reply(&asker_reply, s->message, s->size, what < REFERRAL ? what : 0);
    if (what == BROKEN)
        asker_reply.bytes[asker_reply.size++] = 0;
    if (what == LOOPED)
        fake_message_cname(&asker_reply, "a.example", 60, "a.example");
    if (what == REFERRAL)
        fake_message_record(&asker_reply, FAKE_AUTHORITY, "example", FAKE_TYPE_NS, 60, "", 1);
    asker_say(a, s);
}

/* ---- one of two ---- */

static void test_failover_costs_one_delay_once(void **state)
{
    struct asker *a = asker_begin(2);
    struct fake_sent s;
    struct asker_told t;

    (void)state;
    asker_ask(a, "a.example", &t);
    asker_must_take(a, ASKER_ONE);
    fake_network_pass(a->net, 350);
    s = asker_must_take(a, ASKER_TWO);
    asker_say_address(a, &s, "a.example", "192.0.2.77");
    assert_int_equal(t.times, 1);
    for (unsigned i = 0; i < 20; i++) { /* from now on the living one at once */
        asker_ask(a, "a.example", &t);
        s = asker_must_take(a, ASKER_TWO);
        fake_network_pass(a->net, 5);
        asker_say_address(a, &s, "a.example", "192.0.2.77");
        assert_int_equal(t.times, 1);
    }
    asker_free(a);
}

static void test_bad_answers_try_the_next(void **state)
{
    static const struct {
        unsigned first, second;
        enum forward_result result;
        unsigned rcode;
    } rows[] = {
        {2, 0, FORWARD_ANSWER, 0},
        {5, 0, FORWARD_ANSWER, 0},
        {9, 3, FORWARD_ANSWER, 3},
        {BROKEN, 0, FORWARD_ANSWER, 0},
        {LOOPED, 0, FORWARD_ANSWER, 0},
        {REFERRAL, 0, FORWARD_ANSWER, 0},
        {2, 5, FORWARD_ANSWER, 2},
        {5, 2, FORWARD_ANSWER, 2},
        {5, 9, FORWARD_ANSWER, 5},
        {BROKEN, 5, FORWARD_ANSWER, 5},
        {BROKEN, BROKEN, FORWARD_BROKEN, 0},
        {LOOPED, BROKEN, FORWARD_LOOP, 0},
        {REFERRAL, REFERRAL, FORWARD_BROKEN, 0},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LENGTH(rows); i++) {
        struct asker *a = asker_begin(2);
        struct asker_told t;
        struct fake_sent s;

        asker_ask(a, "a.example", &t);
        s = asker_must_take(a, ASKER_ONE);
        say_what(a, &s, rows[i].first);
        assert_int_equal(t.times, 0);
        s = asker_must_take(a, ASKER_TWO);
        say_what(a, &s, rows[i].second);
        while (t.times == 0) { /* those that are broken over UDP may be whole over TCP */
            fake_network_pass(a->net, 0);
            assert_true(asker_take(a, &s) && s.stream);
            say_what(a, &s, BROKEN);
        }
        if (t.times != 1 || t.result != rows[i].result || t.rcode != rows[i].rcode)
            fail_msg("row %zu: %u times, result %d, rcode %u", i, t.times, (int)t.result, t.rcode);
        assert_int_equal(a->kept, 1);
        assert_int_equal(t.at, ASKER_START);
        asker_free(a);
    }
}

static void test_bad_answer_and_silence(void **state)
{
    struct asker *a = asker_begin(2);
    struct fake_sent s;
    struct asker_told t;

    (void)state;
    asker_ask(a, "a.example", &t);
    s = asker_must_take(a, ASKER_ONE);
    asker_say_rcode(a, &s, 2);
    asker_must_take(a, ASKER_TWO);
    fake_network_pass(a->net, 350);
    asker_must_take(a, ASKER_TWO);
    assert_int_equal(t.times, 0);
    fake_network_pass(a->net, 700); /* not the whole budget: somebody has spoken */
    assert_int_equal(t.times, 1);
    assert_int_equal(t.rcode, 2);
    asker_free(a);
}

static void test_best_round_trip_first(void **state)
{
    struct asker *a = asker_begin(2);
    struct asker_told t;
    unsigned to_two = 0;

    (void)state;
    for (unsigned i = 0; i < 40; i++) { /* the first takes 250 ms, the second 5 */
        struct fake_sent s;

        asker_ask(a, "a.example", &t);
        assert_true(asker_take(a, &s));
        fake_network_pass(a->net, strcmp(s.to, ASKER_ONE) == 0 ? 250 : 5);
        asker_say_address(a, &s, "a.example", "192.0.2.77");
        assert_int_equal(t.times, 1);
        to_two += strcmp(s.to, ASKER_TWO) == 0;
    }
    assert_true(to_two >= 38);
    asker_free(a);
}

static void answer_one(struct asker *a, const char *from, unsigned ms)
{
    struct fake_sent s;
    struct asker_told t;

    asker_ask(a, "a.example", &t);
    s = asker_must_take(a, from);
    fake_network_pass(a->net, ms);
    asker_say_address(a, &s, "a.example", "192.0.2.77");
    assert_int_equal(t.times, 1);
}

/* The fast one falls silent: from the first delay on the slow one is asked first, until the fast
 * one answers a probe. */
static void test_doubt_beats_speed(void **state)
{
    struct asker *a = asker_begin(2);
    struct fake_sent s;
    struct asker_told t;

    (void)state;
    for (int i = 0; i < 5; i++)
        answer_one(a, ASKER_ONE, 5);
    asker_ask(a, "a.example", &t);
    asker_must_take(a, ASKER_ONE);
    fake_network_pass(a->net, 100);
    s = asker_must_take(a, ASKER_TWO);
    fake_network_pass(a->net, 40);
    asker_say_address(a, &s, "a.example", "192.0.2.77");
    answer_one(a, ASKER_TWO, 40);
    fake_network_pass(a->net, UPSTREAM_PROBE_FIRST_MS);
    while (fake_network_take(a->net, &s)) {
        assert_true(asker_is_probe(&s));
        assert_string_equal(s.to, ASKER_ONE);
        asker_say_rcode(a, &s, 0);
    }
    answer_one(a, ASKER_ONE, 5);
    asker_free(a);
}

/* One lost packet of a server that goes on talking is no reason for doubt. */
static void test_one_loss_is_no_doubt(void **state)
{
    struct asker *a = asker_begin(2);
    struct fake_sent s;
    struct asker_told lost, fine;

    (void)state;
    answer_one(a, ASKER_ONE, 5);
    asker_ask(a, "lost.example", &lost);
    asker_must_take(a, ASKER_ONE);
    fake_network_pass(a->net, 1);
    asker_ask(a, "b.example", &fine);
    s = asker_must_take(a, ASKER_ONE);
    fake_network_pass(a->net, 5);
    asker_say_address(a, &s, "b.example", "192.0.2.77");
    fake_network_pass(a->net, 100);
    s = asker_must_take(a, ASKER_TWO);
    asker_say_address(a, &s, "lost.example", "192.0.2.77");
    answer_one(a, ASKER_ONE, 5);
    asker_free(a);
}

/* Servers that others make superfluous are looked at now and then. */
static void test_idle_server_is_probed(void **state)
{
    struct asker *a = asker_begin(2);
    struct fake_sent s;
    unsigned probes = 0;

    (void)state;
    for (unsigned i = 0; i < 400; i++) {
        answer_one(a, ASKER_ONE, 5);
        fake_network_pass(a->net, 95);
        while (fake_network_take(a->net, &s)) {
            assert_true(asker_is_probe(&s));
            assert_string_equal(s.to, ASKER_TWO);
            fake_network_pass(a->net, 90);
            asker_say_rcode(a, &s, 0);
            probes++;
        }
    }
    assert_in_range(probes, 2, 4); /* each may be sent again before its reply is there */
    asker_free(a);
}

/* ---- nobody ---- */

static void test_all_silent(void **state)
{
    static const size_t servers[] = {1, 2, 3};

    (void)state;
    for (size_t i = 0; i < ARRAY_LENGTH(servers); i++) {
        struct asker *a = asker_begin(servers[i]);
        struct asker_told t;
        unsigned sent;

        asker_ask(a, "a.example", &t);
        fake_network_pass(a->net, ASKER_TIMEOUT - INQUIRY_MARGIN_MS - 3);
        assert_int_equal(t.times, 0);
        fake_network_pass(a->net, 3);
        assert_int_equal(t.times, 1);
        assert_int_equal(t.result, FORWARD_UNREACHABLE);
        assert_int_equal(a->kept_result, FORWARD_UNREACHABLE);
        sent = asker_count_sent(a);
        assert_true(sent >= 3 && sent <= FORWARD_SENDS_MAX);
        asker_free(a);
    }
}

static void test_sends_are_bounded(void **state)
{
    struct asker *a = asker_new(3, "192.0.2.1");
    struct asker_told t;

    (void)state;
    a->config.forward.timeout_ms = 60000;
    asker_start(a, 10);
    asker_ask(a, "a.example", &t);
    fake_network_pass(a->net, 59000);
    assert_int_equal(t.times, 0);
    fake_network_pass(a->net, 1000);
    assert_int_equal(t.times, 1);
    assert_int_equal(asker_count_sent(a), FORWARD_SENDS_MAX);
    asker_free(a);
}

static void test_recovery(void **state)
{
    struct asker *a = asker_begin(1);
    struct fake_sent s;
    struct asker_told t;
    uint64_t back;
    bool heard = false;

    (void)state;
    asker_ask(a, "a.example", &t);
    fake_network_pass(a->net, 120000); /* a long outage */
    assert_int_equal(t.result, FORWARD_UNREACHABLE);
    while (fake_network_take(a->net, &s)) {
    }
    back = fake_network_now(a->net);
    while (!heard && fake_network_now(a->net) <= back + 5000) { /* nobody asks anything */
        fake_network_pass(a->net, 10);
        while (fake_network_take(a->net, &s)) {
            assert_true(asker_is_probe(&s));
            asker_say_rcode(a, &s, 0);
            heard = true;
        }
    }
    assert_true(heard);
    fake_network_pass(a->net, 10000);
    while (fake_network_take(a->net, &s))
        fail_msg("a healthy server is not probed while nobody asks");
    asker_free(a);
}

static void test_probes_are_few(void **state)
{
    struct asker *a = asker_begin(1);
    struct fake_sent s;
    struct asker_told t;
    unsigned probes = 0;

    (void)state;
    for (unsigned i = 0; i < 60; i++) { /* a minute of questions to a dead server */
        asker_ask(a, "a.example", &t);
        fake_network_pass(a->net, 1000);
    }
    fake_network_pass(a->net, 3000);
    while (fake_network_take(a->net, &s))
        probes += asker_is_probe(&s);
    assert_true(probes >= 60 / 5 && probes <= 40);
    asker_free(a);
}

static void test_no_upstreams(void **state)
{
    struct asker *a = asker_begin(0);
    struct asker_told t;

    (void)state;
    assert_false(forward_has_upstreams(a->forward));
    asker_ask(a, "a.example", &t);
    assert_int_equal(t.times, 0); /* not from inside */
    fake_network_pass(a->net, 0);
    assert_int_equal(t.times, 1);
    assert_int_equal(t.result, FORWARD_UNREACHABLE);
    asker_free(a);
}

static void test_no_sockets(void **state)
{
    struct asker *a = asker_begin(1);
    struct fake_sent s;
    struct asker_told t;

    (void)state;
    fake_network_fail_sockets(a->net, 3, EMFILE);
    asker_ask(a, "a.example", &t);
    assert_int_equal(t.times, 0);
    fake_network_pass(a->net, 500);
    s = asker_must_take(a, ASKER_ONE);
    asker_say_address(a, &s, "a.example", "192.0.2.77");
    assert_int_equal(t.times, 1);
    fake_network_fail_sends(a->net, 2, ENOBUFS);
    asker_ask(a, "a.example", &t);
    fake_network_pass(a->net, 500);
    s = asker_must_take(a, ASKER_ONE);
    asker_say_address(a, &s, "a.example", "192.0.2.77");
    assert_int_equal(t.result, FORWARD_ANSWER);
    asker_free(a);
}

/* ---- lies ---- */

static void test_wrong_replies(void **state)
{
    static const struct {
        const char *what;
        size_t at;
        uint8_t flip;
    } rows[] = {
        {"id", 1, 1},    {"query bit", 2, 0x80}, {"opcode", 2, 0x20}, {"no question", 5, 1},
        {"name", 14, 1}, {"type", 24, 1},        {"class", 26, 2},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LENGTH(rows); i++) {
        struct asker *a = asker_begin(1);
        struct fake_sent s;
        struct asker_told t;

        asker_ask(a, "a.example", &t);
        s = asker_must_take(a, ASKER_ONE);
        asker_make_address(&s, "a.example", "192.0.2.66");
        asker_reply.bytes[rows[i].at] ^= rows[i].flip;
        for (int n = 0; n < PORTPOOL_WRONG_MAX - 1; n++)
            asker_say(a, &s);
        fake_network_deliver(a->net, &s, "", 0);
        if (t.times != 0)
            fail_msg("%s: taken", rows[i].what);
        assert_int_equal(stats_read(&a->stats, STATS_UPSTREAM_BAD), PORTPOOL_WRONG_MAX);
        /* So many: it is asked over TCP, and nothing over UDP counts any more. */
        fake_network_pass(a->net, 0);
        asker_say_address(a, &s, "a.example", "192.0.2.66");
        for (int n = 0; n < 500; n++)
            asker_say(a, &s);
        assert_int_equal(t.times, 0);
        s = asker_must_take(a, ASKER_ONE);
        assert_true(s.stream);
        asker_say_address(a, &s, "a.example", "192.0.2.77");
        assert_int_equal(t.times, 1);
        assert_int_equal(t.last_octet, 77);
        asker_free(a);
    }
}

static void test_few_lies_change_nothing(void **state)
{
    struct asker *a = asker_begin(1);
    struct fake_sent s;
    struct asker_told t;

    (void)state;
    asker_ask(a, "a.example", &t);
    s = asker_must_take(a, ASKER_ONE);
    asker_make_address(&s, "a.example", "192.0.2.66");
    asker_reply.bytes[0] ^= 1;
    for (int n = 0; n < PORTPOOL_WRONG_MAX - 1; n++)
        asker_say(a, &s);
    asker_say_address(a, &s, "a.example", "192.0.2.77");
    assert_int_equal(t.times, 1);
    assert_int_equal(t.last_octet, 77);
    asker_free(a);
}

static void test_icmp_ends_nothing(void **state)
{
    struct asker *a = asker_begin(1);
    struct fake_sent s;
    struct asker_told t;

    (void)state;
    asker_ask(a, "a.example", &t);
    s = asker_must_take(a, ASKER_ONE);
    for (int n = 0; n < 100; n++)
        fake_network_break(a->net, &s);
    assert_int_equal(t.times, 0);
    assert_int_equal(asker_count_sent(a), 0); /* nor makes us send faster */
    asker_say_address(a, &s, "a.example", "192.0.2.77");
    assert_int_equal(t.times, 1);
    asker_free(a);
}

static void test_icmp_moves_on_at_once(void **state)
{
    struct asker *a = asker_begin(2);
    struct fake_sent s;
    struct asker_told t;

    (void)state;
    asker_ask(a, "a.example", &t);
    s = asker_must_take(a, ASKER_ONE);
    fake_network_break(a->net, &s);
    s = asker_must_take(a, ASKER_TWO);
    assert_int_equal(s.at, ASKER_START);
    asker_say_address(a, &s, "a.example", "192.0.2.77");
    assert_int_equal(t.times, 1);
    asker_free(a);
}

static void test_letter_case(void **state)
{
    struct asker *a = asker_new(1, "192.0.2.1");
    struct fake_sent s;
    struct asker_told t;
    const char *name = "abcdefghijklmnopqrstuvwxyz.example";

    (void)state;
    a->config.forward.letter_case = CONFIG_CASE_RANDOM;
    asker_start(a, 10);
    asker_ask(a, name, &t);
    s = asker_must_take(a, ASKER_ONE);
    fake_message_query(&asker_reply, 0, 0, name, 1);
    assert_true(memcmp(s.message + 12, asker_reply.bytes + 12, 28) != 0);
    asker_say_address(a, &s, name, "192.0.2.77"); /* the question comes back as it was sent */
    assert_int_equal(t.times, 1);
    asker_ask(a, name, &t);
    s = asker_must_take(a, ASKER_ONE);
    asker_make_address(&s, name, "192.0.2.66");
    for (size_t i = 12; i < 12 + 35; i++) /* a server that writes small letters */
        asker_reply.bytes[i] |= asker_reply.bytes[i] >= 'A' ? 0x20 : 0;
    asker_say(a, &s);
    assert_int_equal(t.times, 0);
    fake_network_pass(a->net, 0);
    s = asker_must_take(a, ASKER_ONE);
    assert_true(s.stream);
    asker_say_address(a, &s, name, "192.0.2.77");
    assert_int_equal(t.times, 1);
    assert_int_equal(t.last_octet, 77);
    asker_free(a);
}

static void test_formerr_without_edns(void **state)
{
    static const unsigned rcodes[] = {1, 4, 16};

    (void)state;
    for (size_t i = 0; i < ARRAY_LENGTH(rcodes); i++) {
        struct asker *a = asker_begin(1);
        struct fake_sent s;
        struct asker_told t;

        asker_ask(a, "a.example", &t);
        s = asker_must_take(a, ASKER_ONE);
        fake_message_reply(&asker_reply, s.message, s.size, rcodes[i] & 15);
        if (rcodes[i] > 15)
            fake_message_opt(&asker_reply, 1232, rcodes[i] >> 4 << 24);
        asker_say(a, &s);
        s = asker_must_take(a, ASKER_ONE);
        assert_int_equal(s.message[11], 0); /* no additional record */
        assert_int_equal(s.size, 12 + 11 + 4);
        asker_say_address(a, &s, "a.example", "192.0.2.77");
        assert_int_equal(t.times, 1);
        asker_ask(a, "b.example", &t); /* not remembered */
        s = asker_must_take(a, ASKER_ONE);
        assert_int_equal(s.message[11], 1);
        asker_say_rcode(a, &s, 1);
        s = asker_must_take(a, ASKER_ONE);
        asker_say_rcode(a, &s, 1);
        assert_int_equal(t.result, FORWARD_BROKEN);
        asker_free(a);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_answer),
        cmocka_unit_test(test_flags_and_edns),
        cmocka_unit_test(test_retransmission),
        cmocka_unit_test(test_wait_follows_latency),
        cmocka_unit_test(test_failover_costs_one_delay_once),
        cmocka_unit_test(test_bad_answers_try_the_next),
        cmocka_unit_test(test_bad_answer_and_silence),
        cmocka_unit_test(test_best_round_trip_first),
        cmocka_unit_test(test_doubt_beats_speed),
        cmocka_unit_test(test_one_loss_is_no_doubt),
        cmocka_unit_test(test_idle_server_is_probed),
        cmocka_unit_test(test_all_silent),
        cmocka_unit_test(test_sends_are_bounded),
        cmocka_unit_test(test_recovery),
        cmocka_unit_test(test_probes_are_few),
        cmocka_unit_test(test_no_upstreams),
        cmocka_unit_test(test_no_sockets),
        cmocka_unit_test(test_wrong_replies),
        cmocka_unit_test(test_few_lies_change_nothing),
        cmocka_unit_test(test_icmp_ends_nothing),
        cmocka_unit_test(test_icmp_moves_on_at_once),
        cmocka_unit_test(test_letter_case),
        cmocka_unit_test(test_formerr_without_edns),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
