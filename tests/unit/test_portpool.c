/* Ports towards one server, in a world where there are as few sockets as the test wants: so many
 * questions share one. */
#include "portpool.h"

#include <errno.h>
#include <event2/event.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "fake_network.h"
#include "network_event.h"

#define START UINT64_C(1000)
#define ASKS  32

static struct fake_network *net;
static struct stats stats;
static struct portpool *pool;
static struct portpool_ask asks[ASKS];
static struct fake_sent sent[ASKS];
static struct {
    unsigned replies, errors, floods, unsent;
    int error; /* of what was not sent */
    struct portpool_ask *last;
    bool right, drop_all; /* what the asker says and does when it is told */
} told;

static bool on_event(void *arg, struct portpool_ask *ask, enum portpool_event event,
                     const uint8_t *message, size_t size, uint64_t now)
{
    (void)arg;
    (void)message;
    (void)size;
    (void)now;
    told.last = ask;
    told.replies += event == PORTPOOL_REPLY;
    told.errors += event == PORTPOOL_ERROR;
    told.floods += event == PORTPOOL_FLOODED;
    if (event == PORTPOOL_UNSENT) {
        told.unsent++;
        told.error = errno;
        return true;
    }
    assert_non_null(ask->socket);
    for (size_t i = 0; i < ASKS && told.drop_all; i++)
        portpool_drop(&asks[i]);
    if (told.right)
        portpool_drop(ask);
    return told.right;
}

static void begin(void)
{
    static struct sockaddr_in to = {.sin_family = AF_INET};

    to.sin_port = htons(53);
    to.sin_addr.s_addr = htonl(0xc0000201);
    net = fake_network_new(START);
    pool = portpool_new(fake_network_of(net), (const struct sockaddr *)(const void *)&to, &stats,
                        on_event, NULL, portpool_hear);
    memset(asks, 0, sizeof asks);
    memset(&told, 0, sizeof told);
    told.right = true;
}

static void finish(void)
{
    for (size_t i = 0; i < ASKS; i++)
        portpool_drop(&asks[i]);
    portpool_free(pool);
    fake_network_free(net);
}

/* The n-th question goes out; 'fresh': there is a socket to be had for it. */
static void ask(size_t n, bool fresh)
{
    uint8_t message[12] = {0};

    fake_network_fail_sockets(net, fresh ? 0 : 1, EMFILE);
    assert_true(
        portpool_send(pool, &asks[n], NULL, message, sizeof message, fake_network_now(net)));
    assert_true(fake_network_take(net, &sent[n]));
    assert_int_equal(sent[n].message[0] << 8 | sent[n].message[1], asks[n].id);
}

static void reply(size_t n, unsigned id)
{
    uint8_t message[12] = {(uint8_t)(id >> 8), (uint8_t)id};

    fake_network_deliver(net, &sent[n], message, sizeof message);
}

static void test_id_leads_to_the_question(void **state)
{
    (void)state;
    begin();
    ask(0, true);
    ask(1, false);
    ask(2, false);
    assert_int_equal(fake_network_opened(net), 1);
    reply(0, asks[0].id ^ 0x8000u); /* the slot is right, the id is not */
    reply(0, asks[0].id ^ 0x0100u);
    fake_network_deliver(net, &sent[0], "\0", 1);
    assert_null(told.last);
    reply(0, asks[1].id);
    assert_ptr_equal(told.last, &asks[1]);
    reply(1, sent[1].message[0] << 8 | sent[1].message[1]); /* again: nobody waits for it */
    assert_int_equal(told.replies, 1);
    reply(0, asks[0].id);
    assert_ptr_equal(told.last, &asks[0]);
    finish();
}

static void test_who_was_dropped_is_not_told(void **state)
{
    (void)state;
    begin();
    told.drop_all = true;
    told.right = false;
    for (size_t i = 0; i < 3; i++)
        ask(i, i == 0);
    fake_network_break(net, &sent[0]);
    assert_int_equal(told.errors, 1);
    finish();
}

/* Who comes later has not been lied to before. */
static void test_wrong_replies_of_before(void **state)
{
    (void)state;
    begin();
    ask(0, true);
    for (unsigned i = 1; i < PORTPOOL_WRONG_MAX; i++)
        reply(0, asks[0].id ^ 0x8000u);
    ask(1, false);
    assert_int_equal(told.floods, 0);
    told.right = false;
    reply(0, asks[0].id); /* not its question: wrong, too */
    assert_int_equal(told.floods, 1);
    assert_ptr_equal(told.last, &asks[0]);
    portpool_drop(&asks[0]);
    for (unsigned i = 2; i < PORTPOOL_WRONG_MAX; i++)
        reply(1, asks[1].id ^ 0x8000u);
    assert_int_equal(told.floods, 1);
    reply(1, asks[1].id ^ 0x8000u);
    assert_int_equal(told.floods, 2);
    assert_ptr_equal(told.last, &asks[1]);
    finish();
}

static void test_a_worn_one_waits_for_its_last_reply(void **state)
{
    (void)state;
    begin();
    for (size_t i = 0; i < PORTPOOL_USES_SMALL; i++)
        ask(i, i == 0);
    assert_int_equal(fake_network_opened(net), 1);
    ask(PORTPOOL_USES_SMALL, false); /* none besides, but one instead */
    assert_int_equal(fake_network_opened(net), 2);
    for (size_t i = 0; i < PORTPOOL_USES_SMALL; i++) {
        assert_true(fake_network_is_open(net, &sent[0]));
        assert_int_equal(portpool_sockets(pool), 2);
        reply(i, asks[i].id);
    }
    assert_int_equal(told.replies, PORTPOOL_USES_SMALL);
    assert_false(fake_network_is_open(net, &sent[0]));
    assert_int_equal(portpool_sockets(pool), 1);
    finish();
}

static void test_an_old_one_is_not_used(void **state)
{
    (void)state;
    begin();
    ask(0, true);
    fake_network_pass(net, PORTPOOL_AGE_MS - 1);
    ask(1, false);
    assert_int_equal(sent[1].socket, sent[0].socket);
    fake_network_pass(net, 1);
    ask(2, false);
    assert_int_not_equal(sent[2].socket, sent[0].socket);
    portpool_drop(&asks[2]);
    fake_network_pass(net, PORTPOOL_AGE_MS);
    portpool_sweep(pool, fake_network_now(net));
    assert_int_equal(fake_network_open(net), 1); /* the first still owes something */
    finish();
}

/* A socket that finds no way out any more is not drawn again: this host may have another address,
 * which a new one gets.  What keeps all from sending is not its fault. */
static void test_one_without_a_way_out(void **state)
{
    static const struct {
        int error;
        bool stays;
    } rows[] = {{ENETUNREACH, false},  {EINVAL, false}, {EADDRNOTAVAIL, false},
                {EHOSTUNREACH, false}, {ENOBUFS, true}, {EPERM, true}};

    (void)state;
    for (size_t i = 0; i < ARRAY_LENGTH(rows); i++) {
        uint8_t message[12] = {0};

        begin();
        ask(0, true);
        fake_network_fail_sockets(net, 1, EMFILE); /* the same once more */
        fake_network_fail_sends(net, 1, rows[i].error);
        assert_true(portpool_send(pool, &asks[1], NULL, message, sizeof message, START));
        fake_network_pass(net, 0);
        assert_int_equal(told.unsent, 1);
        assert_int_equal(told.error, rows[i].error);
        assert_true(fake_network_is_open(net, &sent[0])); /* its other question may be answered */
        reply(0, asks[0].id);
        assert_int_equal(told.replies, 1);
        assert_int_equal(fake_network_is_open(net, &sent[0]), rows[i].stays);
        assert_int_equal(portpool_sockets(pool), rows[i].stays);
        ask(2, !rows[i].stays);
        assert_int_equal(fake_network_opened(net), rows[i].stays ? 1 : 2);
        finish();
    }
}

/* Places are drawn ahead: not for a pool that was larger then. */
static void test_a_pool_that_shrinks(void **state)
{
    (void)state;
    begin();
    for (size_t i = 0; i < 24; i++)
        ask(i, true);
    ask(24, false); /* draws */
    for (size_t i = 1; i < 25; i++)
        portpool_drop(&asks[i]);
    fake_network_pass(net, PORTPOOL_AGE_MS);
    portpool_sweep(pool, fake_network_now(net));
    assert_int_equal(portpool_sockets(pool), 1);
    for (size_t i = 1; i < 10; i++)
        ask(i, false);
    finish();
}

/* Neither id nor port say anything of the one before. */
static void test_ids_are_spread(void **state)
{
    static bool seen[65536];
    unsigned different = 0, parts[16] = {0};

    (void)state;
    begin();
    for (size_t i = 0; i < 4096; i++) {
        ask(i % ASKS, i < 8); /* few sockets */
        different += !seen[asks[i % ASKS].id];
        seen[asks[i % ASKS].id] = true;
        parts[asks[i % ASKS].id >> 12]++;
        portpool_drop(&asks[i % ASKS]);
    }
    assert_true(different > 3800);
    for (size_t i = 0; i < 16; i++)
        assert_in_range(parts[i], 128, 512);
    finish();
}

/* A busy server's pool takes what sockets there are, over the real network: another server, which
 * is asked for the first time because this one is silent, finds some all the same. */
static void test_another_server_finds_ports(void **state)
{
    enum { MOST = 24 };
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(9)}, to_other = to;
    struct event_base *base = event_base_new();
    struct network *network = network_event_new(base, MOST, 0);
    struct portpool *busy, *other;
    struct portpool_ask of_other = {0};
    uint8_t message[12] = {0};

    (void)state;
    memset(asks, 0, sizeof asks);
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    busy = portpool_new(network, (const struct sockaddr *)(const void *)&to, &stats, on_event, NULL,
                        portpool_hear);
    to_other.sin_addr.s_addr = htonl(INADDR_LOOPBACK + 1);
    other = portpool_new(network, (const struct sockaddr *)(const void *)&to_other, &stats,
                         on_event, NULL, portpool_hear);
    for (size_t i = 0; i < ASKS; i++)
        assert_true(portpool_send(busy, &asks[i], NULL, message, sizeof message, START));
    assert_in_range(portpool_sockets(busy), MOST / 2, MOST - 1);
    assert_true(portpool_send(other, &of_other, NULL, message, sizeof message, START));

    portpool_drop(&of_other);
    for (size_t i = 0; i < ASKS; i++)
        portpool_drop(&asks[i]);
    portpool_free(busy);
    portpool_free(other);
    network_event_free(network);
    event_base_free(base);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_id_leads_to_the_question),
        cmocka_unit_test(test_who_was_dropped_is_not_told),
        cmocka_unit_test(test_wrong_replies_of_before),
        cmocka_unit_test(test_a_worn_one_waits_for_its_last_reply),
        cmocka_unit_test(test_an_old_one_is_not_used),
        cmocka_unit_test(test_one_without_a_way_out),
        cmocka_unit_test(test_a_pool_that_shrinks),
        cmocka_unit_test(test_ids_are_spread),
        cmocka_unit_test(test_another_server_finds_ports),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
