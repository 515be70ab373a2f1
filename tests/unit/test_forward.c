#include "forward.h"

#include <arpa/inet.h>
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "asker.h"
#include "portpool.h"
#include "upstream.h"

/* ---- many who ask ---- */

static void test_merge_and_cancel(void **state)
{
    struct asker *a = asker_begin(1);
    struct asker_told t[4];
    struct forward_job *jobs[4];
    struct fake_sent s;

    (void)state;
    for (int i = 0; i < 3; i++)
        jobs[i] = asker_ask(a, "a.example", &t[i]);
    jobs[3] = asker_ask_type(a, "a.example", 28, &t[3]);
    assert_int_equal(forward_in_flight(a->forward), 2);
    s = asker_must_take(a, ASKER_ONE);
    assert_int_equal(asker_count_sent(a), 1);
    forward_cancel(jobs[1]);
    asker_say_address(a, &s, "a.example", "192.0.2.77");
    assert_int_equal(t[0].times, 1);
    assert_int_equal(t[1].times, 0);
    assert_int_equal(t[2].times, 1);
    assert_int_equal(a->kept, 1);
    forward_cancel(jobs[0]); /* too late, so nothing comes of it */
    forward_cancel(jobs[3]); /* the last one: the question ends */
    assert_int_equal(forward_in_flight(a->forward), 0);
    fake_network_pass(a->net, 5000);
    assert_int_equal(t[3].times, 0);
    assert_int_equal(stats_read(&a->stats, STATS_MERGED), 2);
    asker_free(a);
}

/* Two questions with the same hash are two all the same. */
static void test_equal_hashes(void **state)
{
    static const uint8_t names[][11] = {"\1a\7example", "\1b\7example", "\1a\6exampl"};
    const struct reply_question first = {
        .name = names[0], .name_size = sizeof names[0], .type = 1, .class = 1, .hash = 7};
    struct reply_question others[8];
    struct asker *a = asker_begin(1);
    struct asker_told t[ARRAY_LENGTH(others)];

    (void)state;
    for (size_t i = 0; i < ARRAY_LENGTH(others); i++)
        others[i] = first;
    others[1].name = names[1];
    others[2].name = names[2];
    others[2].name_size--;
    others[3].type = 28;
    others[4].class = 3;
    others[5].dnssec_ok = true;
    others[6].checking_disabled = true;
    others[7].view = 1;
    for (size_t i = 0; i < ARRAY_LENGTH(others); i++) {
        (void)asker_ask_question(a, &others[i], &t[i]);
        assert_int_equal(forward_in_flight(a->forward), i + 1);
    }
    (void)asker_ask_question(a, &first, &t[1]);
    assert_int_equal(forward_in_flight(a->forward), ARRAY_LENGTH(others));
    asker_free(a);
}

static void test_prefetch(void **state)
{
    struct asker *a = asker_begin(1);
    uint8_t wire[255];
    struct reply_question q = {.name = wire,
                               .name_size = (uint8_t)fake_message_name(wire, "a.example"),
                               .type = 1,
                               .class = 1};
    struct fake_sent s;
    struct asker_told t;

    (void)state;
    forward_ask(a->forward, &q, ASKER_START, NULL);
    forward_cancel(asker_ask(a, "a.example", &t)); /* joins and leaves: the prefetch goes on */
    assert_int_equal(forward_in_flight(a->forward), 1);
    s = asker_must_take(a, ASKER_ONE);
    asker_say_address(a, &s, "a.example", "192.0.2.77");
    assert_int_equal(a->kept, 1);
    assert_int_equal(t.times, 0);
    asker_free(a);
}

/* The counters are of clients' queries: nobody asked this one, or fails if it is not sent. */
static void test_prefetch_is_not_counted(void **state)
{
    struct asker *a = asker_new(1, "192.0.2.1");
    uint8_t wire[255];
    struct reply_question q = {.name = wire, .type = 1, .class = 1};
    struct asker_told t;

    (void)state;
    asker_start(a, 1);
    asker_ask(a, "a.example", &t);
    q.name_size = (uint8_t)fake_message_name(wire, "a.example");
    forward_ask(a->forward, &q, ASKER_START, NULL);
    q.name_size = (uint8_t)fake_message_name(wire, "b.example");
    forward_ask(a->forward, &q, ASKER_START, NULL);
    assert_int_equal(forward_in_flight(a->forward), 1);
    assert_int_equal(stats_read(&a->stats, STATS_MERGED), 0);
    assert_int_equal(stats_read(&a->stats, STATS_OVERLOADED), 0);
    asker_free(a);
}

/* A client that asks again, and cancels another, from inside its answer. */
static struct forward_job *other_job;
static struct asker_told again;

static void meddle(struct asker *a)
{
    a->meddle = NULL;
    forward_cancel(other_job);
    asker_ask(a, "a.example", &again);
}

static void test_asking_from_an_answer(void **state)
{
    struct asker *a = asker_begin(1);
    struct asker_told first, other;
    struct fake_sent s;

    (void)state;
    asker_ask(a, "a.example", &first);
    other_job = asker_ask(a, "a.example", &other);
    a->meddle = meddle;
    s = asker_must_take(a, ASKER_ONE);
    asker_say_address(a, &s, "a.example", "192.0.2.77");
    assert_int_equal(first.times, 1);
    assert_int_equal(other.times, 0);
    s = asker_must_take(a, ASKER_ONE);
    asker_say_address(a, &s, "a.example", "192.0.2.77");
    assert_int_equal(again.times, 1);
    asker_free(a);
}

/* Who waits is told so, also who waits for room in vain, and nothing more is sent or kept. */
static void test_end(void **state)
{
    struct asker *a = asker_new(1, "192.0.2.1");
    struct asker_told t[4];

    (void)state;
    asker_start(a, 2);
    asker_ask(a, "a.example", &t[0]);
    asker_ask(a, "a.example", &t[1]);
    asker_ask(a, "b.example", &t[2]);
    asker_ask(a, "c.example", &t[3]);
    assert_int_equal(asker_count_sent(a), 2);
    forward_end(a->forward, ASKER_START);
    for (size_t i = 0; i < ARRAY_LENGTH(t); i++) {
        assert_int_equal(t[i].times, 1);
        assert_int_equal(t[i].result, FORWARD_ENDED);
    }
    assert_int_equal(forward_in_flight(a->forward), 0);
    fake_network_pass(a->net, 2 * ASKER_TIMEOUT);
    assert_int_equal(asker_count_sent(a), 0);
    assert_int_equal(a->kept, 0);
    assert_int_equal(t[3].times, 1);
    asker_free(a);
}

static void test_limits(void **state)
{
    struct asker *a = asker_new(1, "192.0.2.1");
    static struct asker_told t[FORWARD_WAITERS_MAX + 1];
    char name[32];

    (void)state;
    asker_start(a, 3);
    for (unsigned i = 0; i < 4; i++) {
        snprintf(name, sizeof name, "n%u.example", i);
        asker_ask(a, name, &t[i]);
        assert_int_equal(t[i].times, 0);
    }
    forward_cancel(asker_ask(a, "n5.example", &t[5]));
    fake_network_pass(a->net, 0);
    assert_int_equal(t[3].times, 1);
    assert_int_equal(t[3].result, FORWARD_OVERLOADED);
    assert_int_equal(t[5].times, 0);
    assert_int_equal(t[0].times + t[1].times + t[2].times, 0);
    assert_int_equal(stats_read(&a->stats, STATS_OVERLOADED), 2);
    fake_network_pass(a->net, ASKER_TIMEOUT);
    for (unsigned i = 0; i <= FORWARD_WAITERS_MAX; i++)
        asker_ask(a, "n0.example", &t[i]);
    fake_network_pass(a->net, 0);
    assert_int_equal(t[FORWARD_WAITERS_MAX].result, FORWARD_OVERLOADED);
    assert_int_equal(t[FORWARD_WAITERS_MAX].times, 1);
    assert_int_equal(t[0].times, 0);
    asker_free(a);
}

static void test_dead_route_leaves_room(void **state)
{
    struct asker *a = asker_new(1, "192.0.2.1");
    struct config_route route = {.upstreams = {&a->servers[1], 1}};
    struct asker_told t[20], good;
    char name[32];

    (void)state;
    route.suffix.size = (uint8_t)fake_message_name(route.suffix.wire, "dead.example");
    a->config.forward.routes = &route;
    a->config.forward.routes_length = 1;
    asker_start(a, 10);
    asker_ask(a, "x.dead.example", &t[0]);
    fake_network_pass(a->net, 1000); /* nobody there */
    for (unsigned i = 1; i < 20; i++) {
        snprintf(name, sizeof name, "n%u.dead.example", i);
        asker_ask(a, name, &t[i]);
    }
    assert_int_equal(forward_in_flight(a->forward), 5);
    asker_ask(a, "a.example", &good);
    assert_int_equal(forward_in_flight(a->forward), 6);
    asker_free(a);
}

/* ---- ours or not ours ---- */

static void test_guard(void **state)
{
    struct asker *a = asker_begin(1);
    struct asker_told t;

    (void)state;
    asker_ask(a, "a.example", &t);
    asker_must_take(a, ASKER_ONE);
    a->owned = true; /* attached while it waits */
    fake_network_pass(a->net, 400);
    assert_int_equal(t.times, 1);
    assert_int_equal(t.result, FORWARD_OWNED);
    assert_int_equal(asker_count_sent(a), 0);
    assert_int_equal(a->kept, 0);
    assert_int_equal(stats_read(&a->stats, STATS_LEAKS), 0);
    asker_ask(a, "a.example", &t);
    assert_int_equal(t.times, 0);
    fake_network_pass(a->net, 0);
    assert_int_equal(t.result, FORWARD_OWNED);
    assert_int_equal(stats_read(&a->stats, STATS_LEAKS), 1);
    assert_int_equal(asker_count_sent(a), 0);
    asker_free(a);
}

static void test_routes(void **state)
{
    static const struct {
        const char *name, *to;
    } rows[] = {
        {"a.example", ASKER_ONE},          {"cluster.local", ASKER_TWO},
        {"x.CLUSTER.local", ASKER_TWO},    {"xcluster.local", ASKER_ONE},
        {"in.cluster.local", ASKER_THREE}, {"x.in.cluster.local", ASKER_THREE},
        {"xin.cluster.local", ASKER_TWO},  {"local", ASKER_ONE},
    };
    struct asker *a = asker_new(1, "192.0.2.1");
    struct config_route routes[2] = {{.upstreams = {&a->servers[1], 1}},
                                     {.upstreams = {&a->servers[2], 1}}};
    char text[64];
    uint8_t wire[255];

    (void)state;
    routes[0].suffix.size = (uint8_t)fake_message_name(routes[0].suffix.wire, "cluster.local");
    routes[1].suffix.size = (uint8_t)fake_message_name(routes[1].suffix.wire, "in.cluster.local");
    a->config.forward.routes = routes;
    a->config.forward.routes_length = 2;
    asker_start(a, 100);
    for (size_t i = 0; i < ARRAY_LENGTH(rows); i++) {
        struct asker_told t;

        asker_ask(a, rows[i].name, &t);
        asker_must_take(a, rows[i].to);
    }
    fake_message_name(wire, "x.cluster.local");
    assert_string_equal(forward_describe(a->forward, wire, text, sizeof text), ASKER_TWO);
    assert_int_equal(strlen(forward_describe(a->forward, wire, text, 5)), 4);
    asker_free(a);
}

static void test_not_to_ourselves(void **state)
{
    static const struct {
        const char *listen;
        uint16_t port;
        const char *upstream;
        bool ours;
    } rows[] = {
        {"127.0.0.1", 53, "127.0.0.1", true},  {"127.0.0.1", 53, "127.0.0.1:5353", false},
        {"127.0.0.1", 53, "127.0.0.2", false}, {"0.0.0.0", 53, "127.0.0.2", true},
        {"0.0.0.0", 53, "192.0.2.1", false},   {"127.0.0.1", 53, "0.0.0.0", true},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LENGTH(rows); i++) {
        struct asker *a = asker_new(1, rows[i].upstream);
        union config_address listen = {.v4 = {.sin_family = AF_INET}};

        inet_pton(AF_INET, rows[i].listen, &listen.v4.sin_addr);
        listen.v4.sin_port = htons(rows[i].port);
        a->config.listen = &listen;
        a->config.listen_length = 1;
        log_setup(LOG_LEVEL_ERROR, LOG_FORMAT_LOGFMT);
        asker_start(a, 10);
        if (forward_has_upstreams(a->forward) == rows[i].ours)
            fail_msg("%s", rows[i].upstream);
        asker_free(a);
    }
}

/* ---- ports ---- */

/* In any 2,000 questions, the first ones or later ones. */
static void test_ports_are_many(void **state)
{
    struct asker *a = asker_begin(1);
    static unsigned seen[100000]; /* the round in which a socket was seen last */
    size_t most = 0;

    (void)state;
    memset(seen, 0, sizeof seen);
    for (unsigned round = 1; round <= 4; round++) {
        unsigned different = 0;

        for (unsigned i = 0; i < 2000; i++) {
            struct fake_sent s;
            struct asker_told t;

            asker_ask(a, "a.example", &t);
            s = asker_must_take(a, ASKER_ONE);
            different += seen[s.socket] != round;
            seen[s.socket] = round;
            asker_say_address(a, &s, "a.example", "192.0.2.77");
            fake_network_pass(a->net, 1);
            if (fake_network_open(a->net) > most)
                most = fake_network_open(a->net);
        }
        if (different < 500)
            fail_msg("%u different ports in round %u", different, round);
    }
    assert_true(most <= PORTPOOL_SIZE + 1);
    fake_network_pass(a->net, PORTPOOL_AGE_MS + 2000);
    assert_int_equal(fake_network_open(a->net), 0); /* idle: nothing is kept */
    asker_free(a);
}

static void ask_and_answer(struct asker *a, unsigned times)
{
    for (unsigned i = 0; i < times; i++) {
        struct fake_sent s;
        struct asker_told t;

        asker_ask(a, "a.example", &t);
        s = asker_must_take(a, ASKER_ONE);
        asker_say_address(a, &s, "a.example", "192.0.2.77");
    }
}

/* Whatever waits is answered if it went out of a socket that was opened as this one or later. */
static void answer_new(struct asker *a, size_t first)
{
    struct fake_sent s;

    while (fake_network_take(a->net, &s)) {
        if (s.socket >= first)
            asker_say_rcode(a, &s, 3);
    }
}

/* No reply comes any more to the sockets of a full pool, but no error either: the way back is lost
 * (another IPv6 address, a NAT that forgot).  New ones are used within 5 s, also if it happens
 * while the server is silent anyway. */
static void test_ports_that_hear_nothing(void **state)
{
    static struct asker_told t[1000];

    (void)state;
    for (unsigned silent_ms = 0; silent_ms <= 12000; silent_ms += 12000) {
        struct asker *a = asker_new(1, "192.0.2.1");

        asker_start(a, 1000);
        for (unsigned i = 0; i < PORTPOOL_SIZE; i++, fake_network_pass(a->net, 4))
            ask_and_answer(a, 1);
        for (unsigned i = 0; i < silent_ms / 16; i++, fake_network_pass(a->net, 16)) {
            asker_ask_type(a, "a.example", (uint16_t)(2000 + i), &t[i % ARRAY_LENGTH(t)]);
            answer_new(a, SIZE_MAX);
        }
        size_t first = fake_network_opened(a->net);
        for (unsigned i = 0; i < 5000 / 16; i++, fake_network_pass(a->net, 16)) {
            asker_ask_type(a, "a.example", (uint16_t)(10000 + i), &t[i % ARRAY_LENGTH(t)]);
            answer_new(a, first);
        }
        for (unsigned i = 0; i < 50; i++, fake_network_pass(a->net, 1)) {
            asker_ask_type(a, "a.example", (uint16_t)(20000 + i), &t[i]);
            answer_new(a, first);
            assert_int_equal(t[i].times, 1);
        }
        asker_free(a);
    }
}

/* A full pool from which the old ones go, when there are no new ones to be had. */
static void test_ports_that_are_left(void **state)
{
    struct asker *a = asker_begin(1);
    unsigned passed = 0;

    (void)state;
    for (unsigned i = 0; i < PORTPOOL_SIZE; i++, fake_network_pass(a->net, 4))
        ask_and_answer(a, 1);
    ask_and_answer(a, (PORTPOOL_SIZE - 1) * PORTPOOL_STEP); /* the window is at the end */
    while (fake_network_open(a->net) > PORTPOOL_SIZE / 2 && passed++ < PORTPOOL_AGE_MS)
        fake_network_pass(a->net, 1);
    assert_in_range(fake_network_open(a->net), 1, PORTPOOL_SIZE / 2);
    for (unsigned i = 0; i < 1000; i++) {
        fake_network_fail_sockets(a->net, 1, EMFILE);
        ask_and_answer(a, 1);
    }
    asker_free(a);
}

static void test_many_in_flight(void **state)
{
    struct asker *a = asker_new(1, "192.0.2.1");
    static struct asker_told t[4096];
    static struct fake_sent sent[4096];
    char name[32];

    (void)state;
    asker_start(a, 4096);
    for (unsigned i = 0; i < 4096; i++) {
        snprintf(name, sizeof name, "n%u.example", i);
        asker_ask(a, name, &t[i]);
        sent[i] = asker_must_take(a, ASKER_ONE);
    }
    assert_int_equal(forward_in_flight(a->forward), 4096);
    for (unsigned i = 4096; i-- > 0;) {
        snprintf(name, sizeof name, "n%u.example", i);
        asker_say_address(a, &sent[i], name, "192.0.2.77");
        assert_int_equal(t[i].times, 1);
    }
    asker_free(a);
}

/* ---- what is said of them ---- */

/* The numbers behind that word, summed up. */
static unsigned long sum_of(const char *text, const char *word)
{
    unsigned long sum = 0;

    while ((text = strstr(text, word)) != NULL) {
        text += strlen(word);
        sum += strtoul(text, NULL, 10);
    }
    return sum;
}

static unsigned count_lines(const char *text)
{
    unsigned lines = 0;

    for (; (text = strchr(text, '\n')) != NULL; text++)
        lines++;
    return lines;
}

/* It comes and goes more often than may be logged: every line that is missing is told of. */
static void test_suppressed_lines_add_up(void **state)
{
    enum { TIMES = 11, MS = 184 }; /* the last silence ends in another second than it began */
    struct asker *a = asker_begin(1);
    char name[32], text[16384];
    int saved = dup(STDERR_FILENO), pipes[2];

    (void)state;
    assert_int_equal(pipe(pipes), 0);
    assert_true(dup2(pipes[1], STDERR_FILENO) >= 0);
    log_setup(LOG_LEVEL_INFO, LOG_FORMAT_LOGFMT);
    for (unsigned i = 0; i < TIMES; i++) {
        struct asker_told t;
        struct fake_sent s;

        fake_network_fail_sends_at_once(a->net, UPSTREAM_DOWN_AFTER, ENETUNREACH);
        snprintf(name, sizeof name, "n%u.example", i);
        asker_ask(a, name, &t);
        fake_network_pass(a->net, MS);
        s = asker_must_take(a, ASKER_ONE);
        asker_say_address(a, &s, name, "192.0.2.77");
        assert_int_equal(t.result, FORWARD_ANSWER);
    }
    log_setup(LOG_LEVEL_ERROR, LOG_FORMAT_LOGFMT);
    assert_true(dup2(saved, STDERR_FILENO) >= 0);
    close(saved);
    close(pipes[1]);
    ssize_t size = read(pipes[0], text, sizeof text - 1);
    assert_true(size > 0);
    text[size] = '\0';
    close(pipes[0]);
    assert_true(count_lines(text) < 2 * TIMES);
    assert_int_equal(count_lines(text) + sum_of(text, " suppressed="), 2 * TIMES);
    asker_free(a);
}

/* However long the process was stopped: what was asked before has an end, and nobody is told that
 * it takes long who does not want to know. */
static void test_stopped_for_long(void **state)
{
    struct asker *a = asker_begin(1);
    struct asker_told told;
    struct fake_sent s;

    (void)state;
    asker_ask(a, "a.example", &told);
    fake_network_stop(a->net, UINT64_C(500) * 86400 * 1000);
    fake_network_pass(a->net, 0);
    assert_int_equal(told.times, 1);
    assert_int_equal(told.result, FORWARD_UNREACHABLE);
    fake_network_forget(a->net);
    asker_ask(a, "a.example", &told);
    s = asker_must_take(a, ASKER_ONE);
    asker_say_address(a, &s, "a.example", "192.0.2.77");
    assert_int_equal(told.result, FORWARD_ANSWER);
    asker_free(a);
}

/* A reply that came while the process was stopped says nothing of how fast its server is. */
static void test_reply_while_stopped(void **state)
{
    struct asker *a = asker_begin(2);
    struct asker_told told;
    struct fake_sent s;

    (void)state;
    asker_ask(a, "a.example", &told);
    s = asker_must_take(a, ASKER_ONE);
    fake_network_stop(a->net, 60000);
    asker_say_address(a, &s, "a.example", "192.0.2.77");
    assert_int_equal(told.result, FORWARD_ANSWER);
    asker_ask(a, "b.example", &told);
    s = asker_must_take(a, ASKER_ONE);
    asker_say_address(a, &s, "b.example", "192.0.2.77");
    asker_free(a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_merge_and_cancel),
        cmocka_unit_test(test_equal_hashes),
        cmocka_unit_test(test_prefetch),
        cmocka_unit_test(test_prefetch_is_not_counted),
        cmocka_unit_test(test_asking_from_an_answer),
        cmocka_unit_test(test_end),
        cmocka_unit_test(test_limits),
        cmocka_unit_test(test_dead_route_leaves_room),
        cmocka_unit_test(test_guard),
        cmocka_unit_test(test_routes),
        cmocka_unit_test(test_not_to_ourselves),
        cmocka_unit_test(test_ports_are_many),
        cmocka_unit_test(test_ports_that_hear_nothing),
        cmocka_unit_test(test_ports_that_are_left),
        cmocka_unit_test(test_many_in_flight),
        cmocka_unit_test(test_suppressed_lines_add_up),
        cmocka_unit_test(test_stopped_for_long),
        cmocka_unit_test(test_reply_while_stopped),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
