/* Tries of addresses: what they come to, when they are made, and how many at a time. */
#include "prober.h"

#include <arpa/inet.h>
#include <errno.h>
#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "alloc.h"
#include "fake_network.h"
#include "log.h"

#define START 1000000

struct world {
    struct fake_network *net;
    struct prober *prober;
    unsigned changes;
};

static void on_changed(void *arg, uint64_t now)
{
    struct world *w = arg;

    assert_int_equal(now, fake_network_now(w->net));
    w->changes++;
}

static struct world *begin_with(unsigned at_once)
{
    struct world *w = alloc_array(1, sizeof *w);

    log_setup(LOG_LEVEL_ERROR, LOG_FORMAT_LOGFMT);
    w->net = fake_network_new(START);
    w->prober = prober_new(fake_network_of(w->net), at_once, on_changed, w);
    return w;
}

static struct world *begin(void)
{
    return begin_with(UINT_MAX);
}

static void end(struct world *w)
{
    prober_free(w->prober);
    fake_network_free(w->net);
    free(w);
}

static struct health_key key_of(const char *address, uint8_t rise, uint8_t fall)
{
    struct health_key key = {.check = {true, 9092, 5000, 2000, rise, fall, 0}};

    key.address.v6 = strchr(address, ':') != NULL;
    assert_int_equal(inet_pton(key.address.v6 ? AF_INET6 : AF_INET, address, key.address.bytes), 1);
    return key;
}

static struct health *health_now(const struct world *w)
{
    return prober_health(w->prober, fake_network_now(w->net), 1700000000);
}

static bool is_sick(const struct world *w, const struct health_key *key)
{
    struct health *health = health_now(w);
    bool sick = health_find(health, key) != NULL;

    health_free(health);
    return sick;
}

static enum fake_connect how_of(char c)
{
    return c == '+' ? FAKE_CONNECT_ACCEPTED : c == '-' ? FAKE_CONNECT_REFUSED : FAKE_CONNECT_SILENT;
}

/* Lets time pass until one more try has ended; connections are made as told. */
static void one_try(struct world *w, enum fake_connect how)
{
    uint64_t tries = prober_totals(w->prober).tries;

    fake_network_connect(w->net, how);
    for (unsigned i = 0; i < 1000 && prober_totals(w->prober).tries == tries; i++)
        fake_network_pass(w->net, 10);
    assert_int_equal(prober_totals(w->prober).tries, tries + 1);
}

/* ---- what follows from tries: + connected, - refused, . silent ---- */

static const struct {
    uint8_t rise, fall;
    const char *tries, *states; /* h healthy, s sick: after each try */
    unsigned changes;
} rows[] = {
    {2, 3, "+++", "hhh", 0},           {2, 3, "---", "hhs", 1},
    {2, 3, "...", "hhs", 1},           {2, 3, "-.-++", "hhssh", 2},
    {2, 3, "--+--+", "hhhhhh", 0},     {2, 3, "---+-+-+-++", "hhssssssssh", 2},
    {1, 1, "+-+-+.+", "hshshsh", 6},   {1, 3, "---+---+", "hhshhhsh", 4},
    {3, 1, "-++-+++-", "sssssshs", 3}, {2, 1, ".-.-+.", "ssssss", 1},
};

static void test_rise_and_fall(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LENGTH(rows); i++) {
        struct world *w = begin();
        struct health_key key = key_of("10.0.0.1", rows[i].rise, rows[i].fall);
        char states[32] = "";
        assert_false(prober_want(w->prober, &key, 1, START));
        for (size_t n = 0; rows[i].tries[n] != '\0'; n++) {
            one_try(w, how_of(rows[i].tries[n]));
            states[n] = is_sick(w, &key) ? 's' : 'h';
        }
        if (strcmp(states, rows[i].states) != 0 || w->changes != rows[i].changes)
            fail_msg("%s: %s, %u changes", rows[i].tries, states, w->changes);
        end(w);
    }
}

/* ---- when ---- */

/* The promise: interval × fall + timeout after the last good try began, whatever the dice. */
static void test_within_the_promised_time(void **state)
{
    (void)state;
    for (unsigned seed = 0; seed < 50; seed++) {
        struct world *w = begin();
        struct health_key key = key_of("10.0.0.1", 2, 3);
        uint8_t dice[8];
        for (unsigned i = 0; i < seed; i++)
            fake_network_of(w->net)->random(fake_network_of(w->net), dice, sizeof dice);
        if (seed % 2 == 1)
            key.check.timeout_ms = key.check.interval_ms;
        assert_false(prober_want(w->prober, &key, 1, START));
        one_try(w, FAKE_CONNECT_ACCEPTED);
        uint64_t died = fake_network_now(w->net);
        fake_network_connect(w->net, FAKE_CONNECT_SILENT);
        while (!is_sick(w, &key))
            fake_network_pass(w->net, 1);
        uint64_t took = fake_network_now(w->net) - died;
        assert_in_range(took, 2 * 4000 + 2000, 3 * 5000 + key.check.timeout_ms - 40);
        fake_network_connect(w->net, FAKE_CONNECT_ACCEPTED);
        died = fake_network_now(w->net);
        while (is_sick(w, &key))
            fake_network_pass(w->net, 1);
        assert_in_range(fake_network_now(w->net) - died, 3000, 2 * 5000);
        end(w);
    }
}

static const char *last_word;

static void see_last(void *arg, const struct prober_status *status)
{
    (void)arg;
    last_word = status->last;
}

static void test_refused_and_silent(void **state)
{
    static const struct {
        enum fake_connect how;
        const char *word;
    } ways[] = {{FAKE_CONNECT_ACCEPTED, "connected"},
                {FAKE_CONNECT_REFUSED, "refused"},
                {FAKE_CONNECT_SILENT, "timeout"}};
    struct world *w = begin();
    struct health_key key = key_of("fd00::7", 2, 3);

    (void)state;
    assert_false(prober_want(w->prober, &key, 1, START));
    prober_each(w->prober, see_last, NULL);
    assert_string_equal(last_word, "");
    for (size_t i = 0; i < ARRAY_LENGTH(ways); i++) {
        one_try(w, ways[i].how);
        prober_each(w->prober, see_last, NULL);
        assert_string_equal(last_word, ways[i].word);
        assert_int_equal(fake_network_open(w->net), 0); /* closed at once */
    }
    end(w);
}

/* What fails for want of something of our own says nothing; what the system knows to be out of
 * reach does. */
static void test_hindered_and_unreachable(void **state)
{
    struct world *w = begin();
    struct health_key key = key_of("10.0.0.1", 1, 1);

    (void)state;
    assert_false(prober_want(w->prober, &key, 1, START));
    fake_network_fail_sockets(w->net, 20, EMFILE);
    fake_network_pass(w->net, 15000);
    assert_int_equal(prober_totals(w->prober).tries, 0);
    fake_network_fail_sockets(w->net, 0, 0);
    one_try(w, FAKE_CONNECT_ACCEPTED);
    assert_false(is_sick(w, &key));
    fake_network_fail_sockets(w->net, 1, ENETUNREACH);
    fake_network_pass(w->net, 5000);
    prober_each(w->prober, see_last, NULL);
    assert_int_equal(prober_totals(w->prober).failures, 1);
    end(w);
}

/* Where IPv6 is switched off, connect() says so of every address; of IPv4 it means that the ports
 * of this host are used up. */
static void test_no_address_of_our_own(void **state)
{
    static const struct {
        const char *address;
        bool sick;
    } cases[] = {{"10.0.0.1", false}, {"fd00::1", true}};

    (void)state;
    for (size_t i = 0; i < ARRAY_LENGTH(cases); i++) {
        struct world *w = begin();
        struct health_key key = key_of(cases[i].address, 2, 3);
        assert_false(prober_want(w->prober, &key, 1, START));
        fake_network_fail_sockets(w->net, 1000, EADDRNOTAVAIL);
        fake_network_pass(w->net, 20000);
        assert_int_equal(is_sick(w, &key), cases[i].sick);
        end(w);
    }
}

/* ---- who ---- */

static void test_state_stays_with_the_address(void **state)
{
    struct world *w = begin();
    struct health_key all[3] = {key_of("10.0.0.1", 1, 1), key_of("10.0.0.2", 1, 1),
                                key_of("10.0.0.3", 1, 1)};

    (void)state;
    fake_network_connect_to(w->net, "10.0.0.2:9092", FAKE_CONNECT_REFUSED);
    assert_false(prober_want(w->prober, all, 2, START));
    fake_network_pass(w->net, 6000);
    assert_false(is_sick(w, &all[0]));
    assert_true(is_sick(w, &all[1]));
    assert_false(prober_want(w->prober, all + 1, 2, fake_network_now(w->net)));
    assert_true(is_sick(w, &all[1])); /* as it was */
    struct health_key other = all[1];
    other.check.port = 9093;
    assert_false(is_sick(w, &other));
    assert_true(prober_want(w->prober, all, 1, fake_network_now(w->net)));
    assert_false(is_sick(w, &all[1])); /* forgotten */
    assert_false(prober_want(w->prober, all, 2, fake_network_now(w->net)));
    assert_false(is_sick(w, &all[1])); /* and known anew */
    assert_false(prober_want(w->prober, NULL, 0, fake_network_now(w->net)));
    assert_null(health_now(w));
    end(w);
}

/* Two that are tried in different ways are two, whatever differs. */
static void test_each_way_by_itself(void **state)
{
    struct health_key keys[6];

    (void)state;
    for (size_t i = 0; i < ARRAY_LENGTH(keys); i++)
        keys[i] = key_of("10.0.0.1", 2, 3);
    keys[1].check.port++;
    keys[2].check.interval_ms++;
    keys[3].check.timeout_ms++;
    keys[4].check.rise++;
    keys[5].check.fall++;
    for (size_t i = 0; i < ARRAY_LENGTH(keys); i++) {
        for (size_t j = 0; j < ARRAY_LENGTH(keys); j++)
            assert_int_equal(health_compare(&keys[i], &keys[j]) == 0, i == j);
    }
}

static void test_since_when(void **state)
{
    struct world *w = begin();
    struct health_key key = key_of("10.0.0.1", 1, 1);

    (void)state;
    fake_network_connect(w->net, FAKE_CONNECT_REFUSED);
    assert_false(prober_want(w->prober, &key, 1, START));
    while (w->changes == 0)
        fake_network_pass(w->net, 10);
    for (unsigned seconds = 0; seconds < 30; seconds += 10) {
        struct health *health = health_now(w);
        assert_int_equal(health_find(health, &key)->since, 1700000000 - seconds);
        health_free(health);
        fake_network_pass(w->net, 10000);
    }
    end(w);
}

/* Dropped in the middle of a try. */
static void test_dropped_while_tried(void **state)
{
    struct world *w = begin();
    struct health_key key = key_of("10.0.0.1", 1, 1);

    (void)state;
    fake_network_connect(w->net, FAKE_CONNECT_SILENT);
    assert_false(prober_want(w->prober, &key, 1, START));
    while (fake_network_open(w->net) == 0)
        fake_network_pass(w->net, 10);
    assert_false(prober_want(w->prober, NULL, 0, fake_network_now(w->net)));
    assert_int_equal(fake_network_open(w->net), 0);
    fake_network_pass(w->net, 10000);
    assert_int_equal(prober_totals(w->prober).tries, 0);
    end(w);
}

static void test_so_many_at_once(void **state)
{
    enum { MANY = PROBER_AT_ONCE + 100 };
    struct world *w = begin();
    static struct health_key keys[MANY];

    (void)state;
    for (unsigned i = 0; i < MANY; i++) {
        char text[32];
        snprintf(text, sizeof text, "10.0.%u.%u", i / 256, i % 256);
        keys[i] = key_of(text, 1, 1);
    }
    fake_network_connect(w->net, FAKE_CONNECT_SILENT);
    assert_false(prober_want(w->prober, keys, MANY, START));
    size_t most = 0;
    for (unsigned ms = 0; ms < 6000; ms += 10) {
        fake_network_pass(w->net, 10);
        most = fake_network_open(w->net) > most ? fake_network_open(w->net) : most;
    }
    assert_in_range(most, PROBER_AT_ONCE - 100, PROBER_AT_ONCE);
    assert_int_equal(prober_totals(w->prober).unhealthy, MANY); /* none was left out */
    end(w);
}

/* Where there are few descriptors. */
static void test_fewer_at_once(void **state)
{
    struct world *w = begin_with(2);
    struct health_key all[3] = {key_of("10.0.0.1", 1, 1), key_of("10.0.0.2", 1, 1),
                                key_of("10.0.0.3", 1, 1)};

    (void)state;
    fake_network_connect(w->net, FAKE_CONNECT_SILENT);
    assert_false(prober_want(w->prober, all, ARRAY_LENGTH(all), START));
    for (unsigned ms = 0; ms < 12000; ms += 10) {
        fake_network_pass(w->net, 10);
        assert_true(fake_network_open(w->net) <= 2);
    }
    assert_int_equal(prober_totals(w->prober).unhealthy, ARRAY_LENGTH(all));
    end(w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rise_and_fall),
        cmocka_unit_test(test_within_the_promised_time),
        cmocka_unit_test(test_refused_and_silent),
        cmocka_unit_test(test_hindered_and_unreachable),
        cmocka_unit_test(test_no_address_of_our_own),
        cmocka_unit_test(test_state_stays_with_the_address),
        cmocka_unit_test(test_each_way_by_itself),
        cmocka_unit_test(test_since_when),
        cmocka_unit_test(test_dropped_while_tried),
        cmocka_unit_test(test_so_many_at_once),
        cmocka_unit_test(test_fewer_at_once),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
