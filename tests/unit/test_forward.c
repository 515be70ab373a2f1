#include "forward.h"

#include <arpa/inet.h>
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "fake_message.h"
#include "fake_network.h"
#include "log.h"
#include "portpool.h"
#include "upstream.h"

#define START   UINT64_C(1000000)
#define TIMEOUT 2000
#define ONE     "192.0.2.1:53"
#define TWO     "192.0.2.2:53"

/* What a waiting client was told. */
struct told {
    unsigned times;
    enum forward_result result;
    unsigned rcode, answers;
    uint64_t at;
    uint8_t last_octet; /* of the message: of the last address in it */
};

/* One forward with its world.  Every test makes its own. */
struct world {
    struct config config;
    struct config_upstream servers[4];
    struct config_upstreams upstreams;
    struct fake_network *net;
    struct stats stats;
    struct forward *forward;
    unsigned kept;
    enum forward_result kept_result;
    bool owned;       /* what the guard says */
    unsigned guarded; /* how often it was asked */
};

static struct fake_message m;

static void keep(void *arg, const struct reply_question *q, enum forward_result result,
                 const uint8_t *message, size_t size, const struct reply *reply, uint64_t now)
{
    struct world *w = arg;

    (void)q;
    (void)now;
    w->kept++;
    w->kept_result = result;
    if (result == FORWARD_ANSWER)
        assert_true(message != NULL && reply->end == size);
}

static bool guard(void *arg, const uint8_t *name)
{
    struct world *w = arg;

    (void)name;
    w->guarded++;
    return w->owned;
}

static void done(void *arg, enum forward_result result, const uint8_t *message, size_t size,
                 const struct reply *reply, uint64_t now)
{
    struct told *t = arg;

    t->times++;
    t->result = result;
    t->at = now;
    if (result != FORWARD_ANSWER)
        return;
    assert_memory_equal(message, "\0\0", 2);
    t->rcode = reply->rcode;
    t->answers = reply->answer_count;
    t->last_octet = message[size - 1];
}

static void add_server(struct config_upstream *out, const char *text)
{
    const char *why;

    if (!config_parse_upstream(text, out, &why))
        fail_msg("%s: %s", text, why);
}

static struct world *world_of(size_t servers, const char *first)
{
    struct world *w = calloc(1, sizeof *w);

    log_setup(LOG_LEVEL_ERROR, LOG_FORMAT_LOGFMT);
    w->config.forward.timeout_ms = TIMEOUT;
    add_server(&w->servers[0], first);
    add_server(&w->servers[1], TWO);
    add_server(&w->servers[2], "192.0.2.3:53");
    w->upstreams = (struct config_upstreams){w->servers, servers};
    w->net = fake_network_new(START);
    return w;
}

static void start(struct world *w, unsigned in_flight)
{
    w->forward = forward_new(&(struct forward_options){
        .config = &w->config,
        .upstreams = &w->upstreams,
        .network = fake_network_of(w->net),
        .stats = &w->stats,
        .in_flight = in_flight,
        .keep = keep,
        .guard = guard,
        .arg = w,
    });
}

static struct world *begin(size_t servers)
{
    struct world *w = world_of(servers, "192.0.2.1");

    start(w, 100);
    return w;
}

static void finish(struct world *w)
{
    forward_free(w->forward);
    fake_network_free(w->net);
    free(w);
}

static struct forward_job *ask_type(struct world *w, const char *name, uint16_t type,
                                    struct told *t)
{
    uint8_t wire[255];
    struct reply_question q = {.name = wire,
                               .name_size = (uint8_t)fake_message_name(wire, name),
                               .type = type,
                               .class = 1};

    *t = (struct told){0};
    return forward_ask(w->forward, &q, fake_network_now(w->net), done, t);
}

static struct forward_job *ask(struct world *w, const char *name, struct told *t)
{
    return ask_type(w, name, 1, t);
}

static bool is_probe(const struct fake_sent *s)
{
    return s->message[12] == 0;
}

/* The next message that is no probe. */
static bool take(struct world *w, struct fake_sent *out)
{
    while (fake_network_take(w->net, out)) {
        if (!is_probe(out))
            return true;
    }
    return false;
}

static struct fake_sent must_take(struct world *w, const char *to)
{
    struct fake_sent s;

    if (!take(w, &s))
        fail_msg("nothing was sent, not to %s either", to);
    assert_string_equal(s.to, to);
    return s;
}

static unsigned count_sent(struct world *w)
{
    struct fake_sent s;
    unsigned n = 0;

    while (take(w, &s))
        n++;
    return n;
}

static void say_rcode(struct world *w, const struct fake_sent *s, unsigned rcode)
{
    fake_message_reply(&m, s->message, s->size, rcode);
    fake_network_deliver(w->net, s, m.bytes, m.size);
}

static void make_address(const struct fake_sent *s, const char *name, const char *address)
{
    fake_message_reply(&m, s->message, s->size, 0);
    fake_message_a(&m, name, 60, address);
}

static void say_address(struct world *w, const struct fake_sent *s, const char *name,
                        const char *address)
{
    make_address(s, name, address);
    fake_network_deliver(w->net, s, m.bytes, m.size);
}

/* ---- the plain way ---- */

static void test_answer(void **state)
{
    struct world *w = begin(1);
    struct fake_sent s;
    struct told t;
    struct fake_message wanted;

    (void)state;
    ask(w, "a.example", &t);
    s = must_take(w, ONE);
    fake_message_query(&wanted, 0, FAKE_RD, "a.example", 1);
    fake_message_opt(&wanted, 1232, 0);
    assert_int_equal(s.size, wanted.size);
    assert_memory_equal(s.message + 2, wanted.bytes + 2, wanted.size - 2);
    fake_network_pass(w->net, 20);
    assert_int_equal(t.times, 0);
    say_address(w, &s, "a.example", "192.0.2.77");
    assert_int_equal(t.times, 1);
    assert_int_equal(t.result, FORWARD_ANSWER);
    assert_int_equal(t.last_octet, 77);
    assert_int_equal(w->kept, 1);
    assert_int_equal(forward_in_flight(w->forward), 0);
    say_address(w, &s, "a.example", "192.0.2.78"); /* too late: nobody hears it */
    fake_network_pass(w->net, 10000);
    assert_int_equal(t.times, 1);
    assert_int_equal(w->kept, 1);
    assert_int_equal(stats_read(&w->stats, STATS_UPSTREAM_QUERIES), 1);
    assert_int_equal(stats_read(&w->stats, STATS_UPSTREAM_REPLIES), 1);
    finish(w);
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
        struct world *w = begin(1);
        uint8_t wire[255];
        struct reply_question q = {.name = wire,
                                   .name_size = (uint8_t)fake_message_name(wire, "a.example"),
                                   .type = 1,
                                   .class = 1,
                                   .dnssec_ok = rows[i].dnssec_ok,
                                   .checking_disabled = rows[i].checking_disabled,
                                   .authentic_data = rows[i].authentic_data};
        struct told t = {0};
        struct fake_sent s;

        forward_ask(w->forward, &q, START, done, &t);
        s = must_take(w, ONE);
        assert_int_equal(s.message[2], 1); /* RD and nothing else */
        assert_int_equal(s.message[3], rows[i].flags);
        assert_int_equal(s.message[s.size - 4], rows[i].edns);
        finish(w);
    }
}

static void test_retransmission(void **state)
{
    struct world *w = begin(1);
    struct fake_sent first, second;
    struct told t;

    (void)state;
    ask(w, "a.example", &t);
    first = must_take(w, ONE);
    fake_network_pass(w->net, UPSTREAM_WAIT_FIRST_MS - 1);
    assert_int_equal(count_sent(w), 0);
    fake_network_pass(w->net, UPSTREAM_WAIT_FIRST_MS / 10 + 1);
    second = must_take(w, ONE);
    assert_true(memcmp(first.message, second.message, 2) != 0); /* an id of its own */
    assert_true(first.socket != second.socket);                 /* and a port */
    say_address(w, &first, "a.example", "192.0.2.77");          /* the first still counts */
    assert_int_equal(t.result, FORWARD_ANSWER);
    assert_int_equal(t.times, 1);
    finish(w);
}

static void test_wait_follows_latency(void **state)
{
    struct world *w = begin(1);
    struct told t;

    (void)state;
    for (unsigned i = 0; i < 30; i++) { /* a server that takes 10 ms */
        struct fake_sent s;

        ask(w, "a.example", &t);
        s = must_take(w, ONE);
        fake_network_pass(w->net, 10);
        say_address(w, &s, "a.example", "192.0.2.77");
        assert_int_equal(t.times, 1);
    }
    ask(w, "a.example", &t);
    must_take(w, ONE);
    fake_network_pass(w->net, UPSTREAM_WAIT_LEAST_MS - 1);
    assert_int_equal(count_sent(w), 0);
    fake_network_pass(w->net, 2 + UPSTREAM_WAIT_LEAST_MS / 10);
    assert_int_equal(count_sent(w), 1);
    finish(w);
}

/* ---- one of two ---- */

static void test_failover_costs_one_delay_once(void **state)
{
    struct world *w = begin(2);
    struct fake_sent s;
    struct told t;

    (void)state;
    ask(w, "a.example", &t);
    must_take(w, ONE);
    fake_network_pass(w->net, 350);
    s = must_take(w, TWO);
    say_address(w, &s, "a.example", "192.0.2.77");
    assert_int_equal(t.times, 1);
    for (unsigned i = 0; i < 20; i++) { /* from now on the living one at once */
        ask(w, "a.example", &t);
        s = must_take(w, TWO);
        fake_network_pass(w->net, 5);
        say_address(w, &s, "a.example", "192.0.2.77");
        assert_int_equal(t.times, 1);
    }
    finish(w);
}

static void test_bad_answers_try_the_next(void **state)
{
    static const struct {
        unsigned first, second; /* rcodes; 99: malformed, 98: loop, 97: referral */
        enum forward_result result;
        unsigned rcode;
    } rows[] = {
        {2, 0, FORWARD_ANSWER, 0},   {5, 0, FORWARD_ANSWER, 0},   {4, 3, FORWARD_ANSWER, 3},
        {99, 0, FORWARD_ANSWER, 0},  {98, 0, FORWARD_ANSWER, 0},  {97, 0, FORWARD_ANSWER, 0},
        {2, 5, FORWARD_ANSWER, 2},   {5, 2, FORWARD_ANSWER, 2},   {5, 4, FORWARD_ANSWER, 5},
        {99, 5, FORWARD_ANSWER, 5},  {99, 99, FORWARD_BROKEN, 0}, {98, 99, FORWARD_LOOP, 0},
        {97, 97, FORWARD_BROKEN, 0},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LENGTH(rows); i++) {
        struct world *w = begin(2);
        struct told t;

        ask(w, "a.example", &t);
        for (int round = 0; round < 2; round++) {
            unsigned what = round == 0 ? rows[i].first : rows[i].second;
            struct fake_sent s = must_take(w, round == 0 ? ONE : TWO);

            assert_int_equal(t.times, 0);
            fake_message_reply(&m, s.message, s.size, what < 16 ? what : 0);
            if (what == 99)
                m.bytes[m.size++] = 0;
            if (what == 98)
                fake_message_cname(&m, "a.example", 60, "a.example");
            if (what == 97)
                fake_message_record(&m, FAKE_AUTHORITY, "example", FAKE_TYPE_NS, 60, "", 1);
            fake_network_deliver(w->net, &s, m.bytes, m.size);
        }
        if (t.times != 1 || t.result != rows[i].result || t.rcode != rows[i].rcode)
            fail_msg("row %zu: %u times, result %d, rcode %u", i, t.times, (int)t.result, t.rcode);
        assert_int_equal(w->kept, rows[i].result == FORWARD_LOOP ? 0 : 1);
        assert_int_equal(t.at, START);
        finish(w);
    }
}

static void test_bad_answer_and_silence(void **state)
{
    struct world *w = begin(2);
    struct fake_sent s;
    struct told t;

    (void)state;
    ask(w, "a.example", &t);
    s = must_take(w, ONE);
    say_rcode(w, &s, 2);
    must_take(w, TWO);
    fake_network_pass(w->net, 350);
    must_take(w, TWO);
    assert_int_equal(t.times, 0);
    fake_network_pass(w->net, 700); /* not the whole budget: somebody has spoken */
    assert_int_equal(t.times, 1);
    assert_int_equal(t.rcode, 2);
    finish(w);
}

static void test_best_round_trip_first(void **state)
{
    struct world *w = begin(2);
    struct told t;
    unsigned to_two = 0;

    (void)state;
    for (unsigned i = 0; i < 40; i++) { /* ONE takes 250 ms, TWO 5 */
        struct fake_sent s;

        ask(w, "a.example", &t);
        assert_true(take(w, &s));
        fake_network_pass(w->net, strcmp(s.to, ONE) == 0 ? 250 : 5);
        say_address(w, &s, "a.example", "192.0.2.77");
        assert_int_equal(t.times, 1);
        to_two += strcmp(s.to, TWO) == 0;
    }
    assert_true(to_two >= 38);
    finish(w);
}

/* ---- nobody ---- */

static void test_all_silent(void **state)
{
    static const size_t servers[] = {1, 2, 3};

    (void)state;
    for (size_t i = 0; i < ARRAY_LENGTH(servers); i++) {
        struct world *w = begin(servers[i]);
        struct told t;
        unsigned sent;

        ask(w, "a.example", &t);
        fake_network_pass(w->net, TIMEOUT - 3);
        assert_int_equal(t.times, 0);
        fake_network_pass(w->net, 3);
        assert_int_equal(t.times, 1);
        assert_int_equal(t.result, FORWARD_UNREACHABLE);
        assert_int_equal(w->kept_result, FORWARD_UNREACHABLE);
        sent = count_sent(w);
        assert_true(sent >= 3 && sent <= FORWARD_SENDS_MAX);
        finish(w);
    }
}

static void test_sends_are_bounded(void **state)
{
    struct world *w = world_of(3, "192.0.2.1");
    struct told t;

    (void)state;
    w->config.forward.timeout_ms = 60000;
    start(w, 10);
    ask(w, "a.example", &t);
    fake_network_pass(w->net, 59000);
    assert_int_equal(t.times, 0);
    fake_network_pass(w->net, 1000);
    assert_int_equal(t.times, 1);
    assert_int_equal(count_sent(w), FORWARD_SENDS_MAX);
    finish(w);
}

static void test_recovery(void **state)
{
    struct world *w = begin(1);
    struct fake_sent s;
    struct told t;
    uint64_t back;
    bool heard = false;

    (void)state;
    ask(w, "a.example", &t);
    fake_network_pass(w->net, 120000); /* a long outage */
    assert_int_equal(t.result, FORWARD_UNREACHABLE);
    while (fake_network_take(w->net, &s)) {
    }
    back = fake_network_now(w->net);
    while (!heard && fake_network_now(w->net) <= back + 5000) { /* nobody asks anything */
        fake_network_pass(w->net, 10);
        while (fake_network_take(w->net, &s)) {
            assert_true(is_probe(&s));
            say_rcode(w, &s, 0);
            heard = true;
        }
    }
    assert_true(heard);
    fake_network_pass(w->net, 10000);
    while (fake_network_take(w->net, &s))
        fail_msg("a healthy server is not probed while nobody asks");
    finish(w);
}

static void test_probes_are_few(void **state)
{
    struct world *w = begin(1);
    struct fake_sent s;
    struct told t;
    unsigned probes = 0;

    (void)state;
    for (unsigned i = 0; i < 60; i++) { /* a minute of questions to a dead server */
        ask(w, "a.example", &t);
        fake_network_pass(w->net, 1000);
    }
    fake_network_pass(w->net, 3000);
    while (fake_network_take(w->net, &s))
        probes += is_probe(&s);
    assert_true(probes >= 60 / 5 && probes <= 40);
    finish(w);
}

static void test_no_upstreams(void **state)
{
    struct world *w = begin(0);
    struct told t;

    (void)state;
    assert_false(forward_has_upstreams(w->forward));
    ask(w, "a.example", &t);
    assert_int_equal(t.times, 0); /* not from inside */
    fake_network_pass(w->net, 0);
    assert_int_equal(t.times, 1);
    assert_int_equal(t.result, FORWARD_UNREACHABLE);
    finish(w);
}

static void test_no_sockets(void **state)
{
    struct world *w = begin(1);
    struct fake_sent s;
    struct told t;

    (void)state;
    fake_network_fail_sockets(w->net, 3, EMFILE);
    ask(w, "a.example", &t);
    assert_int_equal(t.times, 0);
    fake_network_pass(w->net, 500);
    s = must_take(w, ONE);
    say_address(w, &s, "a.example", "192.0.2.77");
    assert_int_equal(t.times, 1);
    fake_network_fail_sends(w->net, 2, ENOBUFS);
    ask(w, "a.example", &t);
    fake_network_pass(w->net, 500);
    s = must_take(w, ONE);
    say_address(w, &s, "a.example", "192.0.2.77");
    assert_int_equal(t.result, FORWARD_ANSWER);
    finish(w);
}

/* ---- many who ask ---- */

static void test_merge_and_cancel(void **state)
{
    struct world *w = begin(1);
    struct told t[4];
    struct forward_job *jobs[4];
    struct fake_sent s;

    (void)state;
    for (int i = 0; i < 3; i++)
        jobs[i] = ask(w, "a.example", &t[i]);
    jobs[3] = ask_type(w, "a.example", 28, &t[3]);
    assert_int_equal(forward_in_flight(w->forward), 2);
    s = must_take(w, ONE);
    assert_int_equal(count_sent(w), 1);
    forward_cancel(jobs[1]);
    say_address(w, &s, "a.example", "192.0.2.77");
    assert_int_equal(t[0].times, 1);
    assert_int_equal(t[1].times, 0);
    assert_int_equal(t[2].times, 1);
    assert_int_equal(w->kept, 1);
    forward_cancel(jobs[3]); /* the last one: the question ends */
    assert_int_equal(forward_in_flight(w->forward), 0);
    fake_network_pass(w->net, 5000);
    assert_int_equal(t[3].times, 0);
    assert_int_equal(stats_read(&w->stats, STATS_MERGED), 2);
    finish(w);
}

static void test_prefetch(void **state)
{
    struct world *w = begin(1);
    uint8_t wire[255];
    struct reply_question q = {.name = wire,
                               .name_size = (uint8_t)fake_message_name(wire, "a.example"),
                               .type = 1,
                               .class = 1};
    struct fake_sent s;
    struct told t;

    (void)state;
    assert_null(forward_ask(w->forward, &q, START, NULL, NULL));
    forward_cancel(ask(w, "a.example", &t)); /* joins and leaves: the prefetch goes on */
    assert_int_equal(forward_in_flight(w->forward), 1);
    s = must_take(w, ONE);
    say_address(w, &s, "a.example", "192.0.2.77");
    assert_int_equal(w->kept, 1);
    assert_int_equal(t.times, 0);
    finish(w);
}

/* A client that asks again, and cancels another, from inside its answer. */
struct meddler {
    struct world *world;
    struct forward_job *other;
    struct told again;
    unsigned times;
};

static void meddle(void *arg, enum forward_result result, const uint8_t *message, size_t size,
                   const struct reply *reply, uint64_t now)
{
    struct meddler *x = arg;

    (void)result;
    (void)message;
    (void)size;
    (void)reply;
    (void)now;
    x->times++;
    forward_cancel(x->other);
    ask(x->world, "a.example", &x->again);
}

static void test_asking_from_an_answer(void **state)
{
    struct world *w = begin(1);
    struct meddler x = {.world = w};
    uint8_t wire[255];
    struct reply_question q = {.name = wire,
                               .name_size = (uint8_t)fake_message_name(wire, "a.example"),
                               .type = 1,
                               .class = 1};
    struct told other;
    struct fake_sent s;

    (void)state;
    forward_ask(w->forward, &q, START, meddle, &x);
    x.other = ask(w, "a.example", &other);
    s = must_take(w, ONE);
    say_address(w, &s, "a.example", "192.0.2.77");
    assert_int_equal(x.times, 1);
    assert_int_equal(other.times, 0);
    s = must_take(w, ONE);
    say_address(w, &s, "a.example", "192.0.2.77");
    assert_int_equal(x.again.times, 1);
    finish(w);
}

static void test_limits(void **state)
{
    struct world *w = world_of(1, "192.0.2.1");
    static struct told t[FORWARD_WAITERS_MAX + 1];
    char name[32];

    (void)state;
    start(w, 3);
    for (unsigned i = 0; i < 4; i++) {
        snprintf(name, sizeof name, "n%u.example", i);
        ask(w, name, &t[i]);
        assert_int_equal(t[i].times, 0);
    }
    forward_cancel(ask(w, "n5.example", &t[5]));
    fake_network_pass(w->net, 0);
    assert_int_equal(t[3].times, 1);
    assert_int_equal(t[3].result, FORWARD_OVERLOADED);
    assert_int_equal(t[5].times, 0);
    assert_int_equal(t[0].times + t[1].times + t[2].times, 0);
    assert_int_equal(stats_read(&w->stats, STATS_OVERLOADED), 2);
    fake_network_pass(w->net, TIMEOUT);
    for (unsigned i = 0; i <= FORWARD_WAITERS_MAX; i++)
        ask(w, "n0.example", &t[i]);
    fake_network_pass(w->net, 0);
    assert_int_equal(t[FORWARD_WAITERS_MAX].result, FORWARD_OVERLOADED);
    assert_int_equal(t[FORWARD_WAITERS_MAX].times, 1);
    assert_int_equal(t[0].times, 0);
    finish(w);
}

static void test_dead_route_leaves_room(void **state)
{
    struct world *w = world_of(1, "192.0.2.1");
    struct config_route route = {.upstreams = {&w->servers[1], 1}};
    struct told t[20], good;
    char name[32];

    (void)state;
    route.suffix.size = (uint8_t)fake_message_name(route.suffix.wire, "dead.example");
    w->config.forward.routes = &route;
    w->config.forward.routes_length = 1;
    start(w, 10);
    ask(w, "x.dead.example", &t[0]);
    fake_network_pass(w->net, 1000); /* TWO is silent */
    for (unsigned i = 1; i < 20; i++) {
        snprintf(name, sizeof name, "n%u.dead.example", i);
        ask(w, name, &t[i]);
    }
    assert_int_equal(forward_in_flight(w->forward), 5);
    ask(w, "a.example", &good);
    assert_int_equal(forward_in_flight(w->forward), 6);
    finish(w);
}

/* ---- truncation and TCP ---- */

static void test_truncated_goes_over_tcp(void **state)
{
    struct world *w = begin(2);
    struct fake_sent udp, tcp;
    struct told t;

    (void)state;
    ask(w, "a.example", &t);
    udp = must_take(w, ONE);
    fake_message_reply(&m, udp.message, udp.size, 0);
    fake_message_flag(&m, FAKE_TC);
    fake_network_deliver(w->net, &udp, m.bytes, m.size);
    assert_int_equal(t.times, 0);
    fake_network_pass(w->net, 0);
    tcp = must_take(w, ONE); /* the same server */
    assert_true(tcp.stream);
    assert_int_equal(tcp.size, udp.size);
    say_address(w, &udp, "a.example", "192.0.2.66"); /* UDP does not count any more */
    assert_int_equal(t.times, 0);
    make_address(&tcp, "a.example", "192.0.2.77");
    m.bytes[1] ^= 1; /* wrong id */
    fake_network_deliver(w->net, &tcp, m.bytes, m.size);
    m.bytes[1] ^= 1;
    m.bytes[13] ^= 1; /* wrong question */
    fake_network_deliver(w->net, &tcp, m.bytes, m.size);
    assert_int_equal(t.times, 0);
    say_address(w, &tcp, "a.example", "192.0.2.77");
    assert_int_equal(t.times, 1);
    assert_int_equal(t.last_octet, 77);
    assert_int_equal(stats_read(&w->stats, STATS_UPSTREAM_TCP), 1);
    finish(w);
}

static void test_tcp_is_kept_and_pipelined(void **state)
{
    struct world *w = world_of(1, "tcp://192.0.2.1");
    struct fake_sent s[3];
    struct told t[3];
    char name[32];

    (void)state;
    start(w, 10);
    for (int i = 0; i < 3; i++) {
        snprintf(name, sizeof name, "n%d.example", i);
        ask(w, name, &t[i]);
    }
    fake_network_pass(w->net, 0);
    for (int i = 0; i < 3; i++)
        s[i] = must_take(w, ONE);
    for (int i = 2; i >= 0; i--) { /* in another order */
        snprintf(name, sizeof name, "n%d.example", i);
        say_address(w, &s[i], name, "192.0.2.77");
        assert_int_equal(t[i].times, 1);
    }
    assert_int_equal(fake_network_opened(w->net), 1);
    fake_network_pass(w->net, PIPELINE_IDLE_MS - 2000);
    assert_int_equal(fake_network_open(w->net), 1);
    fake_network_pass(w->net, 3000);
    assert_int_equal(fake_network_open(w->net), 0);
    finish(w);
}

static void test_tcp_octet_by_octet(void **state)
{
    struct world *w = world_of(1, "tcp://192.0.2.1");
    struct fake_sent s;
    struct told t;
    uint8_t framed[600];

    (void)state;
    start(w, 10);
    ask(w, "a.example", &t);
    fake_network_pass(w->net, 0);
    s = must_take(w, ONE);
    make_address(&s, "a.example", "192.0.2.77");
    framed[0] = (uint8_t)(m.size >> 8);
    framed[1] = (uint8_t)m.size;
    memcpy(framed + 2, m.bytes, m.size);
    for (size_t i = 0; i < m.size + 2; i++) {
        assert_int_equal(t.times, 0);
        fake_network_octets(w->net, &s, framed + i, 1);
    }
    assert_int_equal(t.times, 1);
    assert_int_equal(t.last_octet, 77);
    finish(w);
}

static void test_tcp_closes(void **state)
{
    struct world *w = world_of(1, "tcp://192.0.2.1");
    struct fake_sent s, again;
    struct told t;

    (void)state;
    start(w, 10);
    ask(w, "a.example", &t);
    fake_network_pass(w->net, 0);
    s = must_take(w, ONE);
    fake_network_break(w->net, &s);
    assert_false(fake_network_is_open(w->net, &s));
    fake_network_pass(w->net, 0);
    again = must_take(w, ONE); /* at once, on a new connection */
    say_address(w, &again, "a.example", "192.0.2.77");
    assert_int_equal(t.times, 1);
    ask(w, "a.example", &t);
    s = must_take(w, ONE);
    fake_network_octets(w->net, &s, "\0\4junk", 6); /* a frame that is no message */
    assert_false(fake_network_is_open(w->net, &s));
    finish(w);
}

static void test_tcp_refused(void **state)
{
    struct world *w = begin(2);
    struct fake_sent s;
    struct told t;

    (void)state;
    fake_network_connect(w->net, FAKE_CONNECT_REFUSED);
    ask(w, "a.example", &t);
    s = must_take(w, ONE);
    fake_message_reply(&m, s.message, s.size, 0);
    fake_message_flag(&m, FAKE_TC);
    fake_network_deliver(w->net, &s, m.bytes, m.size);
    fake_network_pass(w->net, 0);
    s = must_take(w, TWO); /* the other one, over UDP */
    assert_false(s.stream);
    say_address(w, &s, "a.example", "192.0.2.77");
    assert_int_equal(t.times, 1);
    finish(w);
}

static void test_tcp_silent(void **state)
{
    struct world *w = world_of(1, "tcp://192.0.2.1");
    struct told t;

    (void)state;
    start(w, 10);
    fake_network_connect(w->net, FAKE_CONNECT_SILENT);
    ask(w, "a.example", &t);
    fake_network_pass(w->net, TIMEOUT);
    assert_int_equal(t.times, 1);
    assert_int_equal(t.result, FORWARD_UNREACHABLE);
    finish(w);
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
        struct world *w = begin(1);
        struct fake_sent s;
        struct told t;

        ask(w, "a.example", &t);
        s = must_take(w, ONE);
        make_address(&s, "a.example", "192.0.2.66");
        m.bytes[rows[i].at] ^= rows[i].flip;
        for (int n = 0; n < PORTPOOL_WRONG_MAX - 1; n++)
            fake_network_deliver(w->net, &s, m.bytes, m.size);
        fake_network_deliver(w->net, &s, "", 0);
        if (t.times != 0)
            fail_msg("%s: taken", rows[i].what);
        assert_int_equal(stats_read(&w->stats, STATS_UPSTREAM_BAD), PORTPOOL_WRONG_MAX);
        /* So many: it is asked over TCP, and nothing over UDP counts any more. */
        fake_network_pass(w->net, 0);
        say_address(w, &s, "a.example", "192.0.2.66");
        for (int n = 0; n < 500; n++)
            fake_network_deliver(w->net, &s, m.bytes, m.size);
        assert_int_equal(t.times, 0);
        s = must_take(w, ONE);
        assert_true(s.stream);
        say_address(w, &s, "a.example", "192.0.2.77");
        assert_int_equal(t.times, 1);
        assert_int_equal(t.last_octet, 77);
        finish(w);
    }
}

static void test_few_lies_change_nothing(void **state)
{
    struct world *w = begin(1);
    struct fake_sent s;
    struct told t;

    (void)state;
    ask(w, "a.example", &t);
    s = must_take(w, ONE);
    make_address(&s, "a.example", "192.0.2.66");
    m.bytes[0] ^= 1;
    for (int n = 0; n < PORTPOOL_WRONG_MAX - 1; n++)
        fake_network_deliver(w->net, &s, m.bytes, m.size);
    say_address(w, &s, "a.example", "192.0.2.77");
    assert_int_equal(t.times, 1);
    assert_int_equal(t.last_octet, 77);
    finish(w);
}

static void test_icmp_ends_nothing(void **state)
{
    struct world *w = begin(1);
    struct fake_sent s;
    struct told t;

    (void)state;
    ask(w, "a.example", &t);
    s = must_take(w, ONE);
    for (int n = 0; n < 100; n++)
        fake_network_break(w->net, &s);
    assert_int_equal(t.times, 0);
    assert_int_equal(count_sent(w), 0); /* nor makes us send faster */
    say_address(w, &s, "a.example", "192.0.2.77");
    assert_int_equal(t.times, 1);
    finish(w);
}

static void test_icmp_moves_on_at_once(void **state)
{
    struct world *w = begin(2);
    struct fake_sent s;
    struct told t;

    (void)state;
    ask(w, "a.example", &t);
    s = must_take(w, ONE);
    fake_network_break(w->net, &s);
    s = must_take(w, TWO);
    assert_int_equal(s.at, START);
    say_address(w, &s, "a.example", "192.0.2.77");
    assert_int_equal(t.times, 1);
    finish(w);
}

static void test_letter_case(void **state)
{
    struct world *w = world_of(1, "192.0.2.1");
    struct fake_sent s;
    struct told t;
    const char *name = "abcdefghijklmnopqrstuvwxyz.example";

    (void)state;
    w->config.forward.letter_case = CONFIG_CASE_RANDOM;
    start(w, 10);
    ask(w, name, &t);
    s = must_take(w, ONE);
    fake_message_query(&m, 0, 0, name, 1);
    assert_true(memcmp(s.message + 12, m.bytes + 12, 28) != 0);
    say_address(w, &s, name, "192.0.2.77"); /* the question comes back as it was sent */
    assert_int_equal(t.times, 1);
    ask(w, name, &t);
    s = must_take(w, ONE);
    make_address(&s, name, "192.0.2.66");
    for (size_t i = 12; i < 12 + 35; i++) /* a server that writes small letters */
        m.bytes[i] |= m.bytes[i] >= 'A' ? 0x20 : 0;
    fake_network_deliver(w->net, &s, m.bytes, m.size);
    assert_int_equal(t.times, 0);
    fake_network_pass(w->net, 0);
    s = must_take(w, ONE);
    assert_true(s.stream);
    say_address(w, &s, name, "192.0.2.77");
    assert_int_equal(t.times, 1);
    assert_int_equal(t.last_octet, 77);
    finish(w);
}

static void test_formerr_without_edns(void **state)
{
    static const unsigned rcodes[] = {1, 16};

    (void)state;
    for (size_t i = 0; i < ARRAY_LENGTH(rcodes); i++) {
        struct world *w = begin(1);
        struct fake_sent s;
        struct told t;

        ask(w, "a.example", &t);
        s = must_take(w, ONE);
        fake_message_reply(&m, s.message, s.size, rcodes[i] & 15);
        if (rcodes[i] > 15)
            fake_message_opt(&m, 1232, rcodes[i] >> 4 << 24);
        fake_network_deliver(w->net, &s, m.bytes, m.size);
        s = must_take(w, ONE);
        assert_int_equal(s.message[11], 0); /* no additional record */
        assert_int_equal(s.size, 12 + 11 + 4);
        say_address(w, &s, "a.example", "192.0.2.77");
        assert_int_equal(t.times, 1);
        ask(w, "b.example", &t); /* not remembered */
        s = must_take(w, ONE);
        assert_int_equal(s.message[11], 1);
        say_rcode(w, &s, 1);
        s = must_take(w, ONE);
        say_rcode(w, &s, 1);
        assert_int_equal(t.rcode, 1);
        finish(w);
    }
}

/* ---- ours or not ours ---- */

static void test_guard(void **state)
{
    struct world *w = begin(1);
    struct told t;

    (void)state;
    ask(w, "a.example", &t);
    must_take(w, ONE);
    w->owned = true; /* attached while it waits */
    fake_network_pass(w->net, 400);
    assert_int_equal(t.times, 1);
    assert_int_equal(t.result, FORWARD_OWNED);
    assert_int_equal(count_sent(w), 0);
    assert_int_equal(w->kept, 0);
    assert_int_equal(stats_read(&w->stats, STATS_LEAKS), 0);
    ask(w, "a.example", &t);
    assert_int_equal(t.times, 0);
    fake_network_pass(w->net, 0);
    assert_int_equal(t.result, FORWARD_OWNED);
    assert_int_equal(stats_read(&w->stats, STATS_LEAKS), 1);
    assert_int_equal(count_sent(w), 0);
    finish(w);
}

static void test_routes(void **state)
{
    static const struct {
        const char *name, *to;
    } rows[] = {
        {"a.example", ONE},
        {"cluster.local", TWO},
        {"x.CLUSTER.local", TWO},
        {"xcluster.local", ONE},
        {"in.cluster.local", "192.0.2.3:53"},
        {"x.in.cluster.local", "192.0.2.3:53"},
        {"xin.cluster.local", TWO},
        {"local", ONE},
    };
    struct world *w = world_of(1, "192.0.2.1");
    struct config_route routes[2] = {{.upstreams = {&w->servers[1], 1}},
                                     {.upstreams = {&w->servers[2], 1}}};
    char text[64];
    uint8_t wire[255];

    (void)state;
    routes[0].suffix.size = (uint8_t)fake_message_name(routes[0].suffix.wire, "cluster.local");
    routes[1].suffix.size = (uint8_t)fake_message_name(routes[1].suffix.wire, "in.cluster.local");
    w->config.forward.routes = routes;
    w->config.forward.routes_length = 2;
    start(w, 100);
    for (size_t i = 0; i < ARRAY_LENGTH(rows); i++) {
        struct told t;

        ask(w, rows[i].name, &t);
        must_take(w, rows[i].to);
    }
    fake_message_name(wire, "x.cluster.local");
    assert_string_equal(forward_describe(w->forward, wire, text, sizeof text), TWO);
    assert_int_equal(strlen(forward_describe(w->forward, wire, text, 5)), 4);
    finish(w);
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
        struct world *w = world_of(1, rows[i].upstream);
        union config_address listen = {.v4 = {.sin_family = AF_INET}};

        inet_pton(AF_INET, rows[i].listen, &listen.v4.sin_addr);
        listen.v4.sin_port = htons(rows[i].port);
        w->config.listen = &listen;
        w->config.listen_length = 1;
        log_setup(LOG_LEVEL_ERROR, LOG_FORMAT_LOGFMT);
        start(w, 10);
        if (forward_has_upstreams(w->forward) == rows[i].ours)
            fail_msg("%s", rows[i].upstream);
        finish(w);
    }
}

/* ---- ports ---- */

static void test_ports_are_many(void **state)
{
    struct world *w = begin(1);
    static bool seen[100000];
    unsigned different = 0;
    size_t most = 0;

    (void)state;
    memset(seen, 0, sizeof seen);
    for (unsigned i = 0; i < 2000; i++) {
        struct fake_sent s;
        struct told t;

        ask(w, "a.example", &t);
        s = must_take(w, ONE);
        different += !seen[s.socket];
        seen[s.socket] = true;
        say_address(w, &s, "a.example", "192.0.2.77");
        fake_network_pass(w->net, 1);
        if (fake_network_open(w->net) > most)
            most = fake_network_open(w->net);
    }
    assert_true(different >= 500);
    assert_true(most <= PORTPOOL_SIZE + 1);
    fake_network_pass(w->net, PORTPOOL_AGE_MS + 2000);
    assert_int_equal(fake_network_open(w->net), 0); /* idle: nothing is kept */
    finish(w);
}

static void test_many_in_flight(void **state)
{
    struct world *w = world_of(1, "192.0.2.1");
    static struct told t[4096];
    static struct fake_sent sent[4096];
    char name[32];

    (void)state;
    start(w, 4096);
    for (unsigned i = 0; i < 4096; i++) {
        snprintf(name, sizeof name, "n%u.example", i);
        ask(w, name, &t[i]);
        sent[i] = must_take(w, ONE);
    }
    assert_int_equal(forward_in_flight(w->forward), 4096);
    for (unsigned i = 4096; i-- > 0;) {
        snprintf(name, sizeof name, "n%u.example", i);
        say_address(w, &sent[i], name, "192.0.2.77");
        assert_int_equal(t[i].times, 1);
    }
    finish(w);
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
        cmocka_unit_test(test_all_silent),
        cmocka_unit_test(test_sends_are_bounded),
        cmocka_unit_test(test_recovery),
        cmocka_unit_test(test_probes_are_few),
        cmocka_unit_test(test_no_upstreams),
        cmocka_unit_test(test_no_sockets),
        cmocka_unit_test(test_merge_and_cancel),
        cmocka_unit_test(test_prefetch),
        cmocka_unit_test(test_asking_from_an_answer),
        cmocka_unit_test(test_limits),
        cmocka_unit_test(test_dead_route_leaves_room),
        cmocka_unit_test(test_truncated_goes_over_tcp),
        cmocka_unit_test(test_tcp_is_kept_and_pipelined),
        cmocka_unit_test(test_tcp_octet_by_octet),
        cmocka_unit_test(test_tcp_closes),
        cmocka_unit_test(test_tcp_refused),
        cmocka_unit_test(test_tcp_silent),
        cmocka_unit_test(test_wrong_replies),
        cmocka_unit_test(test_few_lies_change_nothing),
        cmocka_unit_test(test_icmp_ends_nothing),
        cmocka_unit_test(test_icmp_moves_on_at_once),
        cmocka_unit_test(test_letter_case),
        cmocka_unit_test(test_formerr_without_edns),
        cmocka_unit_test(test_guard),
        cmocka_unit_test(test_routes),
        cmocka_unit_test(test_not_to_ourselves),
        cmocka_unit_test(test_ports_are_many),
        cmocka_unit_test(test_many_in_flight),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
