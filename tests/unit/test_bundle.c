/* Replies of a batch: each client gets each of its own, whole, however they left; over real sockets
 * on loopback, for the kernel is part of it. */
#include "bundle.h"

#include <arpa/inet.h>
#include <netinet/udp.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "alloc.h"

#ifndef UDP_GRO
#define UDP_GRO 104
#endif

#define CLIENTS 3
#define LONGEST 2000

struct stage {
    struct bundle *bundle;
    bool possible;
    int server, clients[CLIENTS];
    struct sockaddr_in addresses[CLIENTS];
    struct mmsghdr heads[BUNDLE_BATCH];
    struct iovec parts[BUNDLE_BATCH];
    uint8_t octets[BUNDLE_BATCH][LONGEST];
};

static int open_socket(struct sockaddr_in *address)
{
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK, 0);
    socklen_t size = sizeof *address;

    *address = (struct sockaddr_in){.sin_family = AF_INET};
    address->sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    assert_int_equal(bind(fd, (struct sockaddr *)address, size), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)address, &size), 0);
    return fd;
}

static int open_stage(void **state)
{
    struct stage *s = alloc_array(1, sizeof *s);
    struct sockaddr_in own;

    s->bundle = alloc_array(1, sizeof *s->bundle);
    s->server = open_socket(&own);
    s->possible = bundle_is_possible(s->server);
    for (size_t i = 0; i < CLIENTS; i++)
        s->clients[i] = open_socket(&s->addresses[i]);
    *state = s;
    return 0;
}

static int close_stage(void **state)
{
    struct stage *s = *state;

    for (size_t i = 0; i < CLIENTS; i++)
        close(s->clients[i]);
    close(s->server);
    free(s->bundle);
    free(s);
    return 0;
}

/* The reply at that place of the batch: its octets tell the place. */
static void put(struct stage *s, unsigned place, unsigned client, size_t size)
{
    memset(s->octets[place], (int)place + 1, size);
    s->parts[place] = (struct iovec){s->octets[place], size};
    s->heads[place].msg_hdr = (struct msghdr){
        .msg_name = &s->addresses[client],
        .msg_namelen = sizeof s->addresses[client],
        .msg_iov = &s->parts[place],
        .msg_iovlen = 1,
    };
}

/* The next datagram of that client is what was put there, and nothing else. */
static void expect(const struct stage *s, unsigned client, unsigned place, size_t size)
{
    uint8_t got[LONGEST + 1];

    assert_int_equal(recv(s->clients[client], got, sizeof got, 0), size);
    for (size_t i = 0; i < size; i++)
        assert_int_equal(got[i], place + 1);
}

static void expect_nothing(const struct stage *s)
{
    uint8_t byte;

    for (size_t i = 0; i < CLIENTS; i++)
        assert_int_equal(recv(s->clients[i], &byte, 1, 0), -1);
}

/* A batch: whose reply stands at each place ('0' to '2'), and how long it is ('a' is short). */
static const struct {
    const char *clients, *sizes;
} batches[] = {
    {"0", "a"},
    {"000", "aaa"},
    {"0000", "aaaa"},
    {"00000000", "aaaabbbb"},
    {"0000000", "aabbabb"},
    {"0101010120", "aaaaaaaaaa"},
    {"012012012012", "aaaaaaaaaaaa"},
    {"012012012012", "abcabcabcabc"},
    {"0000111122220000", "aaaabbbbccccaaaa"},
    {"00000", "LLLLL"},
    {"0000011111", "XXXXXaaaaa"}, /* longer than what is joined */
    {"00000000000000000000000000000000", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"},
    {"00000000000000000000000000000000", "LLLLLLLLLLLLLLLLLLLLLLLLLLLLLLLL"},
    {"01201201201201201201201201201201", "abcabcabcabcabcabcabcabcabcabcab"},
};

static size_t size_of(char letter)
{
    return letter == 'L' ? BUNDLE_SIZE : letter == 'X' ? BUNDLE_SIZE + 1 : 40u + (size_t)letter;
}

/* Each client gets what is his; what is of one length, in order. */
static void play(struct stage *s, const char *clients, const char *sizes)
{
    unsigned length = (unsigned)strlen(clients);
    bool seen[BUNDLE_BATCH] = {false};

    for (unsigned i = 0; i < length; i++)
        put(s, i, (unsigned)(clients[i] - '0'), size_of(sizes[i]));
    bundle_send(s->bundle, s->server, &s->possible, s->heads, length);
    for (unsigned client = 0; client < CLIENTS; client++) {
        uint8_t got[LONGEST + 1];
        ssize_t size;

        while ((size = recv(s->clients[client], got, sizeof got, 0)) > 0) {
            unsigned place = got[0] - 1u;

            assert_true(place < length && !seen[place]);
            assert_int_equal(clients[place] - '0', client);
            assert_int_equal(size, size_of(sizes[place]));
            assert_int_equal(got[size - 1], place + 1);
            for (unsigned before = 0; before < place; before++)
                assert_true(seen[before] || clients[before] != clients[place] ||
                            sizes[before] != sizes[place]);
            seen[place] = true;
        }
    }
    for (unsigned i = 0; i < length; i++)
        assert_true(seen[i]);
}

static void each_gets_his_own(void **state)
{
    struct stage *s = *state;
    bool before = s->possible;

    for (size_t i = 0; i < ARRAY_LENGTH(batches); i++)
        play(s, batches[i].clients, batches[i].sizes);
    assert_int_equal(s->possible, before);
    s->possible = false;
    for (size_t i = 0; i < ARRAY_LENGTH(batches); i++)
        play(s, batches[i].clients, batches[i].sizes);
}

/* The kernel has another reason not to cut datagrams up: they go one by one, and the next ones,
 * too.
 */
static void what_cannot_be_cut_goes_apart(void **state)
{
    struct stage *s = *state;
    int on = 1;

    assert_int_equal(setsockopt(s->server, SOL_SOCKET, SO_NO_CHECK, &on, sizeof on), 0);
    for (size_t i = 0; i < ARRAY_LENGTH(batches); i++)
        play(s, batches[i].clients, batches[i].sizes);
    assert_false(s->possible);
}

/* A receiver that takes joined datagrams as they come sees which were joined. */
static void many_of_one_length_leave_together(void **state)
{
    static const struct {
        unsigned replies, joined; /* datagrams in the first that comes */
    } rows[] = {{BUNDLE_LEAST - 1, 1}, {BUNDLE_LEAST, BUNDLE_LEAST}, {BUNDLE_BATCH, BUNDLE_BATCH}};
    static uint8_t got[BUNDLE_BATCH * LONGEST];
    struct stage *s = *state;
    int on = 1;

    if (!s->possible || setsockopt(s->clients[0], SOL_UDP, UDP_GRO, &on, sizeof on) != 0)
        skip();
    for (size_t i = 0; i < ARRAY_LENGTH(rows); i++) {
        for (unsigned n = 0; n < rows[i].replies; n++)
            put(s, n, 0, 100);
        bundle_send(s->bundle, s->server, &s->possible, s->heads, rows[i].replies);
        assert_int_equal(recv(s->clients[0], got, sizeof got, 0), 100 * rows[i].joined);
        while (recv(s->clients[0], got, sizeof got, 0) > 0)
            continue;
    }
}

/* Somebody who is not to be had costs nobody else his reply. */
static void others_are_not_lost(void **state)
{
    struct stage *s = *state;

    for (unsigned i = 0; i < 12; i++)
        put(s, i, i % 3, 100);
    s->addresses[1].sin_port = 0; /* cannot be sent to */
    for (unsigned i = 1; i < 12; i += 3)
        s->heads[i].msg_hdr.msg_name = &s->addresses[1];
    bundle_send(s->bundle, s->server, &s->possible, s->heads, 12);
    for (unsigned i = 0; i < 12; i += 3) {
        expect(s, 0, i, 100);
        expect(s, 2, i + 2, 100);
    }
    expect_nothing(s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(each_gets_his_own, open_stage, close_stage),
        cmocka_unit_test_setup_teardown(what_cannot_be_cut_goes_apart, open_stage, close_stage),
        cmocka_unit_test_setup_teardown(many_of_one_length_leave_together, open_stage, close_stage),
        cmocka_unit_test_setup_teardown(others_are_not_lost, open_stage, close_stage),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
