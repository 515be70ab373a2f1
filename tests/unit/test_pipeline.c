/* Upstreams over TCP, as inquiries meet them. */
#include "pipeline.h"

#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "asker.h"
#include "inquiry.h"
#include "upstream.h"

static void test_truncated_goes_over_tcp(void **state)
{
    struct asker *a = asker_begin(2);
    struct fake_sent udp, tcp;
    struct asker_told t;

    (void)state;
    asker_ask(a, "a.example", &t);
    udp = asker_must_take(a, ASKER_ONE);
    asker_make_truncated(&udp);
    asker_say(a, &udp);
    assert_int_equal(t.times, 0);
    fake_network_pass(a->net, 0);
    tcp = asker_must_take(a, ASKER_ONE); /* the same server */
    assert_true(tcp.stream);
    assert_int_equal(tcp.size, udp.size);
    asker_say_address(a, &udp, "a.example", "192.0.2.66"); /* UDP does not count any more */
    assert_int_equal(t.times, 0);
    asker_make_address(&tcp, "a.example", "192.0.2.77");
    asker_reply.bytes[1] ^= 1; /* wrong id */
    asker_say(a, &tcp);
    asker_reply.bytes[1] ^= 1;
    asker_reply.bytes[13] ^= 1; /* wrong question */
    asker_say(a, &tcp);
    assert_int_equal(t.times, 0);
    asker_say_address(a, &tcp, "a.example", "192.0.2.77");
    assert_int_equal(t.times, 1);
    assert_int_equal(t.last_octet, 77);
    assert_int_equal(stats_read(&a->stats, STATS_UPSTREAM_TCP), 1);
    asker_free(a);
}

static void test_is_kept_and_pipelined(void **state)
{
    struct asker *a = asker_new(1, "tcp://192.0.2.1");
    struct fake_sent s[3];
    struct asker_told t[3];
    char name[32];

    (void)state;
    asker_start(a, 10);
    for (int i = 0; i < 3; i++) {
        snprintf(name, sizeof name, "n%d.example", i);
        asker_ask(a, name, &t[i]);
    }
    fake_network_pass(a->net, 0);
    for (int i = 0; i < 3; i++)
        s[i] = asker_must_take(a, ASKER_ONE);
    for (int i = 2; i >= 0; i--) { /* in another order than they left in */
        unsigned which = s[i].message[14] - (unsigned)'0';

        snprintf(name, sizeof name, "n%u.example", which);
        asker_say_address(a, &s[i], name, "192.0.2.77");
        assert_int_equal(t[which].times, 1);
    }
    assert_int_equal(fake_network_opened(a->net), 1);
    fake_network_pass(a->net, PIPELINE_IDLE_MS - 2000);
    assert_int_equal(fake_network_open(a->net), 1);
    fake_network_pass(a->net, 3000);
    assert_int_equal(fake_network_open(a->net), 0);
    asker_free(a);
}

static void test_octet_by_octet(void **state)
{
    struct asker *a = asker_new(1, "tcp://192.0.2.1");
    struct fake_sent s;
    struct asker_told t;
    uint8_t framed[600];

    (void)state;
    asker_start(a, 10);
    asker_ask(a, "a.example", &t);
    fake_network_pass(a->net, 0);
    s = asker_must_take(a, ASKER_ONE);
    asker_make_address(&s, "a.example", "192.0.2.77");
    framed[0] = (uint8_t)(asker_reply.size >> 8);
    framed[1] = (uint8_t)asker_reply.size;
    memcpy(framed + 2, asker_reply.bytes, asker_reply.size);
    for (size_t i = 0; i < asker_reply.size + 2; i++) {
        assert_int_equal(t.times, 0);
        fake_network_octets(a->net, &s, framed + i, 1);
    }
    assert_int_equal(t.times, 1);
    assert_int_equal(t.last_octet, 77);
    asker_free(a);
}

static void test_truncated(void **state)
{
    struct asker *a = asker_new(1, "tcp://192.0.2.1");
    struct fake_sent s;
    struct asker_told t;

    (void)state;
    asker_start(a, 10);
    asker_ask(a, "a.example", &t);
    fake_network_pass(a->net, 0);
    s = asker_must_take(a, ASKER_ONE);
    asker_make_truncated(&s);
    asker_say(a, &s);
    assert_int_equal(t.times, 1);
    assert_int_equal(t.result, FORWARD_BROKEN);
    asker_free(a);
}

static void test_closes(void **state)
{
    struct asker *a = asker_new(1, "tcp://192.0.2.1");
    struct fake_sent s, again;
    struct asker_told t;

    (void)state;
    asker_start(a, 10);
    asker_ask(a, "a.example", &t);
    fake_network_pass(a->net, 0);
    s = asker_must_take(a, ASKER_ONE);
    fake_network_break(a->net, &s);
    assert_false(fake_network_is_open(a->net, &s));
    fake_network_pass(a->net, 0);
    again = asker_must_take(a, ASKER_ONE); /* at once, on a new connection */
    asker_say_address(a, &again, "a.example", "192.0.2.77");
    assert_int_equal(t.times, 1);
    asker_ask(a, "a.example", &t);
    s = asker_must_take(a, ASKER_ONE);
    fake_network_octets(a->net, &s, "\0\4junk", 6); /* a frame that is no message */
    assert_false(fake_network_is_open(a->net, &s));
    asker_free(a);
}

static void test_refused(void **state)
{
    struct asker *a = asker_begin(2);
    struct fake_sent s;
    struct asker_told t;

    (void)state;
    fake_network_connect(a->net, FAKE_CONNECT_REFUSED);
    asker_ask(a, "a.example", &t);
    s = asker_must_take(a, ASKER_ONE);
    asker_make_truncated(&s);
    asker_say(a, &s);
    fake_network_pass(a->net, 0);
    s = asker_must_take(a, ASKER_TWO); /* the other one, over UDP */
    assert_false(s.stream);
    asker_say_address(a, &s, "a.example", "192.0.2.77");
    assert_int_equal(t.times, 1);
    asker_free(a);
}

/* What becomes ours while the connection is being made does not leave when it stands. */
static void test_guarded_when_ready(void **state)
{
    struct asker *a = asker_new(1, "tcp://192.0.2.1");
    struct asker_told t;

    (void)state;
    asker_start(a, 10);
    asker_ask(a, "a.example", &t);
    a->owned = true;
    fake_network_pass(a->net, 0);
    assert_int_equal(asker_count_sent(a), 0);
    assert_int_equal(t.times, 1);
    assert_int_equal(t.result, FORWARD_OWNED);
    asker_free(a);
}

static void test_silent(void **state)
{
    struct asker *a = asker_new(1, "tcp://192.0.2.1");
    struct asker_told t;

    (void)state;
    asker_start(a, 10);
    fake_network_connect(a->net, FAKE_CONNECT_SILENT);
    asker_ask(a, "a.example", &t);
    fake_network_pass(a->net, ASKER_TIMEOUT);
    assert_int_equal(t.times, 1);
    assert_int_equal(t.result, FORWARD_UNREACHABLE);
    asker_free(a);
}

/* What was asked was answered or was not, and counts once. */
static void test_ends_are_counted(void **state)
{
    struct asker *a = asker_new(1, "tcp://192.0.2.1");
    struct asker_told t;
    struct upstream_state sums;
    struct fake_sent s;

    (void)state;
    asker_start(a, 10);
    asker_ask(a, "a.example", &t);
    for (unsigned ends = 0; ends < 2; ends++) {
        fake_network_pass(a->net, 1);
        s = asker_must_take(a, ASKER_ONE);
        assert_int_equal(forward_read(a->forward, &sums, 1), 1);
        assert_false(sums.doubted);
        fake_network_break(a->net, &s);
    }
    assert_int_equal(forward_read(a->forward, &sums, 1), 1);
    assert_true(sums.doubted);
    fake_network_pass(a->net, 1);
    s = asker_must_take(a, ASKER_ONE);
    asker_say_address(a, &s, "a.example", "192.0.2.77");
    assert_int_equal(t.times, 1);
    assert_int_equal(forward_read(a->forward, &sums, 1), 1);
    assert_false(sums.doubted);
    assert_int_equal(sums.queries, 3);
    assert_int_equal(sums.replies, 1);
    assert_int_equal(sums.unanswered, 2);
    asker_ask(a, "b.example", &t); /* the answer between has ended the row */
    s = asker_must_take(a, ASKER_ONE);
    fake_network_break(a->net, &s);
    assert_int_equal(forward_read(a->forward, &sums, 1), 1);
    assert_false(sums.doubted);
    asker_free(a);
}

static void test_one_end_for_many(void **state)
{
    struct asker *a = asker_new(1, "tcp://192.0.2.1");
    struct asker_told t[3];
    struct upstream_state sums;
    struct fake_sent s;

    (void)state;
    asker_start(a, 10);
    asker_ask(a, "a.example", &t[0]);
    asker_ask(a, "b.example", &t[1]);
    asker_ask(a, "c.example", &t[2]);
    fake_network_pass(a->net, 1);
    s = asker_must_take(a, ASKER_ONE);
    fake_network_break(a->net, &s);
    assert_int_equal(forward_read(a->forward, &sums, 1), 1);
    assert_false(sums.doubted);
    assert_int_equal(sums.unanswered, 3);
    asker_free(a);
}

/* Overdue first, and then its connection ends. */
static void test_counted_once(void **state)
{
    struct asker *a = asker_new(1, "tcp://192.0.2.1");
    struct upstream_state sums;
    struct asker_told t;
    struct fake_sent s;

    (void)state;
    asker_start(a, 10);
    asker_ask(a, "a.example", &t);
    fake_network_pass(a->net, 1000);
    s = asker_must_take(a, ASKER_ONE);
    assert_int_equal(forward_read(a->forward, &sums, 1), 1);
    assert_int_equal(sums.unanswered, 1);
    fake_network_break(a->net, &s);
    assert_int_equal(forward_read(a->forward, &sums, 1), 1);
    assert_int_equal(sums.unanswered, 1);
    asker_free(a);
}

/* Longer to be connected than a question waits: a new connection is tried, but the first one that
 * stands is good for all that come then. */
static void test_slowly_connected(void **state)
{
    enum { STEP_MS = 50, STEPS = 60 };
    struct asker *a = asker_new(1, "tcp://192.0.2.1");
    static struct asker_told t[STEPS];
    struct fake_sent s;
    char name[32];

    (void)state;
    asker_start(a, STEPS);
    fake_network_connect(a->net, FAKE_CONNECT_SLOWER);
    for (unsigned i = 0; i < STEPS; i++) {
        snprintf(name, sizeof name, "n%02u.example", i);
        asker_ask(a, name, &t[i]);
        fake_network_pass(a->net, STEP_MS);
        while (asker_take(a, &s)) {
            snprintf(name, sizeof name, "%.3s.example", (const char *)s.message + 13);
            asker_say_address(a, &s, name, "192.0.2.77");
        }
        if (i * STEP_MS > FAKE_SLOWER_MS)
            assert_int_equal(t[i].times, 1);
    }
    assert_in_range(fake_network_opened(a->net), 1, 3);
    asker_free(a);
}

/* However long a question may wait, connections that are never made do not pile up. */
static void test_never_connected(void **state)
{
    struct asker *a = asker_new(1, "tcp://192.0.2.1");
    struct asker_told t;

    (void)state;
    a->config.forward.timeout_ms = 20000;
    asker_start(a, 10);
    fake_network_connect(a->net, FAKE_CONNECT_SILENT);
    asker_ask(a, "a.example", &t);
    for (unsigned ms = 0; ms < 8000; ms += 500) {
        fake_network_pass(a->net, 500);
        assert_in_range(fake_network_open(a->net), 0, PIPELINE_STREAMS_MAX);
    }
    assert_int_equal(t.times, 1); /* it is as if nobody listened */
    assert_int_equal(t.result, FORWARD_UNREACHABLE);
    asker_free(a);
}

/* A server that takes everything and says nothing: connections that only wait do not pile up. */
static void test_leaving_are_few(void **state)
{
    struct asker *a = asker_new(1, "tcp://192.0.2.1");
    static struct asker_told t[40];
    char name[32];

    (void)state;
    a->config.forward.timeout_ms = 60000;
    asker_start(a, 100);
    for (unsigned i = 0; i < ARRAY_LENGTH(t); i++) {
        snprintf(name, sizeof name, "n%u.example", i);
        asker_ask(a, name, &t[i]);
        fake_network_pass(a->net, 1000);
        assert_in_range(fake_network_open(a->net), 1,
                        PIPELINE_STREAMS_MAX + PIPELINE_LEAVING_MAX + 1);
    }
    asker_free(a);
}

/* A black hole under load: connections are cut again and again, but never while somebody asks
 * (asker.c sees to it), and those that only wait are few soon after. */
static void test_nobody_is_told_while_asking(void **state)
{
    struct asker *a = asker_new(1, "tcp://192.0.2.1");
    static struct asker_told t[2000];
    char name[32];

    (void)state;
    asker_start(a, 4096);
    fake_network_connect(a->net, FAKE_CONNECT_SILENT);
    for (unsigned i = 0; i < ARRAY_LENGTH(t); i++) {
        snprintf(name, sizeof name, "n%u.example", i);
        asker_ask(a, name, &t[i]);
        if (i % 2 == 1)
            continue;
        fake_network_pass(a->net, 5);
        assert_in_range(fake_network_open(a->net), 1,
                        PIPELINE_STREAMS_MAX + PIPELINE_LEAVING_MAX + 1);
    }
    assert_in_range(fake_network_opened(a->net), 3 * PIPELINE_LEAVING_MAX, 1000); /* so some were */
    fake_network_pass(a->net, ASKER_TIMEOUT);
    for (unsigned i = 0; i < ARRAY_LENGTH(t); i++)
        assert_int_equal(t[i].times, 1);
    asker_free(a);
}

/* A server that ends each connection after so many answers, whatever else was asked there. */
static void serve_few(struct asker *a, unsigned answers)
{
    static unsigned answered[4096]; /* by the socket's number */
    struct fake_sent s;

    memset(answered, 0, sizeof answered);
    for (unsigned ms = 0; ms < 100; ms++) {
        fake_network_pass(a->net, 1);
        while (asker_take(a, &s)) {
            char name[32];

            assert_in_range(s.socket, 0, ARRAY_LENGTH(answered) - 1);
            if (!fake_network_is_open(a->net, &s))
                continue;
            snprintf(name, sizeof name, "%.*s.example", s.message[12],
                     (const char *)s.message + 13);
            asker_say_address(a, &s, name, "192.0.2.77");
            if (++answered[s.socket] == answers)
                fake_network_break(a->net, &s);
        }
    }
}

static void test_few_answers_a_connection(void **state)
{
    (void)state;
    for (unsigned answers = 1; answers <= 3; answers++) {
        struct asker *a = asker_new(1, "tcp://192.0.2.1");
        static struct asker_told t[100];
        struct upstream_state sums;

        asker_start(a, 1000);
        for (unsigned round = 0; round < 3; round++) {
            size_t before = fake_network_opened(a->net);

            for (unsigned i = 0; i < ARRAY_LENGTH(t); i++) {
                char name[32];

                snprintf(name, sizeof name, "n%u-%u.example", round, i);
                asker_ask(a, name, &t[i]);
            }
            assert_in_range(fake_network_open(a->net), 1, PIPELINE_STREAMS_SHORT);
            serve_few(a, answers);
            for (unsigned i = 0; i < ARRAY_LENGTH(t); i++) {
                assert_int_equal(t[i].times, 1);
                assert_int_equal(t[i].result, FORWARD_ANSWER);
            }
            assert_in_range(fake_network_opened(a->net) - before, 100 / answers,
                            100 / answers + PIPELINE_STREAMS_SHORT);
            assert_in_range(fake_network_open(a->net), 0, answers - 1);
        }
        assert_int_equal(forward_read(a->forward, &sums, 1), 1);
        assert_false(sums.doubted); /* it answers */
        asker_free(a);
    }
}

/* An end that came by itself, while nothing was going on, teaches nothing. */
static void test_idle_end_is_no_rule(void **state)
{
    struct asker *a = asker_new(1, "tcp://192.0.2.1");
    struct asker_told t[10];
    struct fake_sent s;
    char name[32];

    (void)state;
    asker_start(a, 100);
    asker_ask(a, "a.example", &t[0]);
    fake_network_pass(a->net, 0);
    s = asker_must_take(a, ASKER_ONE);
    asker_say_address(a, &s, "a.example", "192.0.2.77");
    fake_network_pass(a->net, 5000);
    asker_ask(a, "b.example", &t[1]);
    s = asker_must_take(a, ASKER_ONE);
    fake_network_break(a->net, &s); /* it had crossed our question */
    fake_network_pass(a->net, 1);
    s = asker_must_take(a, ASKER_ONE);
    asker_say_address(a, &s, "b.example", "192.0.2.77");
    assert_int_equal(t[1].times, 1);
    for (unsigned i = 0; i < ARRAY_LENGTH(t); i++) {
        snprintf(name, sizeof name, "n%u.example", i);
        asker_ask(a, name, &t[i]);
    }
    assert_int_equal(fake_network_open(a->net), 1);
    asker_free(a);
}

/* ---- without inquiries ---- */

static struct pipeline_ask two[2];
static unsigned ready;

static bool drop_the_other(void *arg, struct pipeline_ask *ask, enum pipeline_event event,
                           const uint8_t *message, size_t size, uint64_t now)
{
    (void)arg;
    (void)message;
    (void)size;
    (void)now;
    assert_int_equal(event, PIPELINE_READY);
    assert_non_null(ask->stream);
    ready++;
    pipeline_drop(&two[ask == two]);
    return true;
}

static void test_who_was_dropped_is_not_told(void **state)
{
    struct fake_network *net = fake_network_new(ASKER_START);
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(53)};
    struct stats stats = {0};
    struct pipeline *p =
        pipeline_new(fake_network_of(net), (const struct sockaddr *)(const void *)&to, &stats,
                     drop_the_other, NULL);
    uint8_t room[2 + REPLY_HEADER_SIZE] = {0};

    (void)state;
    for (size_t i = 0; i < ARRAY_LENGTH(two); i++)
        assert_true(pipeline_send(p, &two[i], room, REPLY_HEADER_SIZE, ASKER_START));
    assert_int_equal(pipeline_streams(p), 1);
    fake_network_pass(net, 0);
    assert_int_equal(ready, 1);
    for (size_t i = 0; i < ARRAY_LENGTH(two); i++)
        pipeline_drop(&two[i]);
    pipeline_free(p);
    fake_network_free(net);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_truncated_goes_over_tcp),
        cmocka_unit_test(test_is_kept_and_pipelined),
        cmocka_unit_test(test_octet_by_octet),
        cmocka_unit_test(test_truncated),
        cmocka_unit_test(test_closes),
        cmocka_unit_test(test_refused),
        cmocka_unit_test(test_guarded_when_ready),
        cmocka_unit_test(test_silent),
        cmocka_unit_test(test_ends_are_counted),
        cmocka_unit_test(test_one_end_for_many),
        cmocka_unit_test(test_counted_once),
        cmocka_unit_test(test_slowly_connected),
        cmocka_unit_test(test_never_connected),
        cmocka_unit_test(test_few_answers_a_connection),
        cmocka_unit_test(test_idle_end_is_no_rule),
        cmocka_unit_test(test_leaving_are_few),
        cmocka_unit_test(test_nobody_is_told_while_asking),
        cmocka_unit_test(test_who_was_dropped_is_not_told),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
