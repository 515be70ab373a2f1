/* What is written where the next datagram is best written (network.h, 'room') leaves as it stands
 * there, whatever becomes of others meanwhile. */
#include "network_event.h"

#include <errno.h>
#include <event2/event.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

static struct event_base *base;
static struct network *network;
static struct network_socket *whole, *broken; /* nothing leaves by the second one */
static struct network_awaited awaited;
static int server;
static unsigned unsent;

/* Written where it is best written, and sent. */
static void say(struct network_socket *s, char octet)
{
    network->room[0] = (uint8_t)octet;
    assert_true(network->send(s, network->room, 1));
}

static void run_turns(void)
{
    for (int turn = 0; turn < 20; turn++)
        event_base_loop(base, EVLOOP_NONBLOCK);
}

/* All that came, in the order in which it came. */
static const char *heard(void)
{
    static char text[64];
    size_t size = 0;

    while (size < sizeof text - 1 && recv(server, text + size, 1, MSG_DONTWAIT) == 1)
        size++;
    text[size] = '\0';
    return text;
}

/* Whose word did not get out is answered for by the other. */
static void on_event(void *arg, enum network_event event, const uint8_t *data, size_t size,
                     uint64_t now)
{
    (void)arg;
    (void)now;
    assert_int_equal(event, NETWORK_UNSENT);
    assert_int_equal(size, 1);
    unsent++;
    say(whole, (char)(data[0] - 'a' + 'A'));
}

static int begin(void **state)
{
    struct sockaddr_in address = {.sin_family = AF_INET};
    socklen_t size = sizeof address;

    (void)state;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    server = socket(AF_INET, SOCK_DGRAM, 0);
    assert_int_equal(bind(server, (struct sockaddr *)&address, sizeof address), 0);
    assert_int_equal(getsockname(server, (struct sockaddr *)&address, &size), 0);
    base = event_base_new();
    network = network_event_new(base, 8, 0);
    unsent = 0;
    whole = network->datagram(network, (struct sockaddr *)&address, on_event, NULL, &awaited);
    /* A descriptor that is no socket takes the place of the next one that is opened. */
    int place = dup(server), nothing = open("/dev/null", O_RDWR | O_CLOEXEC);
    close(place);
    broken = network->datagram(network, (struct sockaddr *)&address, on_event, NULL, &awaited);
    assert_int_equal(dup2(nothing, place), place);
    close(nothing);
    return 0;
}

static int end(void **state)
{
    (void)state;
    if (broken != NULL)
        network->close(broken);
    network->close(whole);
    network_event_free(network);
    event_base_free(base);
    close(server);
    return 0;
}

static void test_more_is_sent_when_one_comes_back(void **state)
{
    (void)state;
    say(broken, 'a');
    say(whole, 'x');
    say(broken, 'b');
    run_turns();
    assert_int_equal(unsent, 2);
    assert_string_equal(heard(), "xAB");
}

static void test_another_is_closed_meanwhile(void **state)
{
    (void)state;
    say(broken, 'a');
    say(whole, 'x');
    network->room[0] = 'y'; /* and while that is being sent its pool closes an old socket */
    const uint8_t *written = network->room;
    network->close(broken);
    broken = NULL;
    assert_true(network->send(whole, written, 1));
    say(whole, 'z');
    run_turns();
    assert_int_equal(unsent, 0);
    assert_string_equal(heard(), "xyz");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_more_is_sent_when_one_comes_back, begin, end),
        cmocka_unit_test_setup_teardown(test_another_is_closed_meanwhile, begin, end),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
