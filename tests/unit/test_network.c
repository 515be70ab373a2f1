/* The real network on loopback: the one test of forwarding that uses sockets. */
#include "network_event.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include <cmocka.h>
#include <event2/event.h>

#include "clock.h"
#include "datagram.h"
#include "fake_message.h"
#include "forward.h"
#include "portpool.h"

#define QUESTIONS 2000
#define AT_A_TIME 20
#define PORTS     500 /* promised */
#define RUN_MAX   3   /* neighbouring ports in a row that chance may bring */

static struct event_base *base;

static int server_socket(int type, struct sockaddr_in *address)
{
    int fd = socket(AF_INET, type | SOCK_NONBLOCK, 0);
    socklen_t size = sizeof *address;

    *address = (struct sockaddr_in){.sin_family = AF_INET};
    address->sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    assert_int_equal(bind(fd, (struct sockaddr *)address, sizeof *address), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)address, &size), 0);
    if (type == SOCK_STREAM)
        assert_int_equal(listen(fd, 5), 0);
    return fd;
}

/* ---- a server that answers everything with an empty NOERROR and notes who asked ---- */

struct server {
    int fd;
    struct event *event;
    uint16_t ports[QUESTIONS * 2];
    uint16_t ids[QUESTIONS * 2];
    size_t length;
};

static void on_question(evutil_socket_t fd, short what, void *arg)
{
    struct server *s = arg;
    struct sockaddr_in from;
    socklen_t size = sizeof from;
    uint8_t message[512];
    ssize_t length = recvfrom(fd, message, sizeof message, 0, (struct sockaddr *)&from, &size);

    (void)what;
    if (length < 12)
        return;
    if (s->length < QUESTIONS * 2) {
        s->ids[s->length] = (uint16_t)(message[0] << 8 | message[1]);
        s->ports[s->length++] = ntohs(from.sin_port);
    }
    message[2] |= 0x80;
    (void)!sendto(fd, message, (size_t)length, 0, (struct sockaddr *)&from, size);
}

static void serve(struct server *s, struct sockaddr_in *address)
{
    *s = (struct server){.fd = server_socket(SOCK_DGRAM, address)};
    s->event = event_new(base, s->fd, EV_READ | EV_PERSIST, on_question, s);
    event_add(s->event, NULL);
}

static void end_server(struct server *s)
{
    event_free(s->event);
    close(s->fd);
}

/* ---- ports ---- */

struct asker {
    struct forward *forward;
    unsigned asked, told;
    struct forward_job jobs[QUESTIONS];
};

static bool guard(void *arg, const uint8_t *name, unsigned view)
{
    (void)arg;
    (void)name;
    (void)view;
    return false;
}

static void ask_one(struct asker *a)
{
    char name[32];
    uint8_t wire[255];
    struct reply_question q = {.name = wire, .type = 1, .class = 1};

    snprintf(name, sizeof name, "n%u.example", a->asked++);
    q.name_size = (uint8_t)fake_message_name(wire, name);
    forward_ask(a->forward, &q, clock_ms(), &a->jobs[a->asked % QUESTIONS]);
}

static void tell(void *arg, const struct forward_outcome *o)
{
    struct asker *a = arg;

    while (forward_next(o) != NULL) {
        assert_int_equal(o->result, FORWARD_ANSWER);
        a->told++;
        if (a->asked < QUESTIONS)
            ask_one(a);
        else if (a->told == QUESTIONS)
            event_base_loopbreak(base);
    }
}

static unsigned count_different(const uint16_t *values, size_t length)
{
    static bool seen[65536];
    unsigned n = 0;

    memset(seen, 0, sizeof seen);
    for (size_t i = 0; i < length; i++) {
        n += !seen[values[i]];
        seen[values[i]] = true;
    }
    return n;
}

/* The longest run of ports each one above the one before. */
static unsigned longest_run(const uint16_t *ports, size_t length)
{
    unsigned run = 1, longest = 1;

    for (size_t i = 1; i < length; i++) {
        run = ports[i] == ports[i - 1] + 1 ? run + 1 : 1;
        longest = run > longest ? run : longest;
    }
    return longest;
}

/* QUESTIONS questions to a server of ours, over that many sockets. */
static void ask_all(struct server *server, unsigned sockets)
{
    static struct stats stats;
    struct config config = {.forward.timeout_ms = 5000};
    struct config_upstream upstream = {.transport = CONFIG_UDP, .text = "test"};
    struct config_upstreams upstreams = {&upstream, 1};
    struct network *network = network_event_new(base, sockets, NETWORK_EVENT_RESERVE);
    struct asker asker = {0};

    serve(server, &upstream.address.v4);
    asker.forward = forward_new(&(struct forward_options){.config = &config,
                                                          .upstreams = &upstreams,
                                                          .network = network,
                                                          .stats = &stats,
                                                          .in_flight = 100,
                                                          .tell = tell,
                                                          .arg = &asker,
                                                          .guard = guard});
    for (unsigned i = 0; i < AT_A_TIME; i++)
        ask_one(&asker);
    event_base_dispatch(base);
    assert_int_equal(asker.told, QUESTIONS);
    assert_true(server->length >= QUESTIONS);
    forward_free(asker.forward);
    network_event_free(network);
    end_server(server);
}

static void test_ports_and_ids(void **state)
{
    static struct server server;

    (void)state;
    ask_all(&server, 2048);
    assert_true(count_different(server.ports, server.length) >= PORTS);
    assert_true(longest_run(server.ports, server.length) <= RUN_MAX);
    assert_true(count_different(server.ids, server.length) >= QUESTIONS * 9 / 10);
}

/* With room for few sockets only, the ports still change all the time. */
static void test_ports_of_a_small_pool(void **state)
{
    static struct server server;

    (void)state;
    ask_all(&server, 64);
    assert_true(count_different(server.ports, server.length) >= PORTS);
}

/* ---- sockets ---- */

struct seen {
    struct network *network;
    struct network_socket *socket;
    unsigned connected, data, closed, unsent;
    int error;      /* of what was unsent */
    uint8_t resend; /* sent when something comes back; 0: nothing */
    size_t size;
    uint8_t last;
    bool close_at_once;
    unsigned wrong; /* octets that are not what pattern() says, where 'patterned' */
    bool patterned;
    struct network_awaited awaited;
    struct seen *closes; /* another, closed with the first datagram */
};

/* Of long datagrams. */
static uint8_t pattern(size_t at)
{
    return (uint8_t)(at * 7 + at / 256);
}

static void on_seen(void *arg, enum network_event event, const uint8_t *data, size_t size,
                    uint64_t now)
{
    struct seen *s = arg;

    (void)now;
    s->connected += event == NETWORK_CONNECTED;
    s->data += event == NETWORK_DATA;
    s->closed += event == NETWORK_CLOSED;
    if (event == NETWORK_UNSENT) {
        s->unsent++;
        s->error = errno;
        assert_int_equal(size, 1);
        s->last = data[0];
        if (s->resend != 0)
            assert_true(s->network->send(s->socket, &s->resend, 1));
        s->resend = 0;
    }
    if (event == NETWORK_DATA) {
        s->size += size;
        s->last = data[size - 1];
        for (size_t i = 0; s->patterned && i < size; i++)
            s->wrong += data[i] != pattern(i);
        s->awaited.count -= s->awaited.count > 0;
        if (s->closes != NULL && s->closes->socket != NULL) {
            s->network->close(s->closes->socket);
            s->closes->socket = NULL;
        }
    }
    if (s->close_at_once || (event == NETWORK_CLOSED && s->connected > 0)) {
        s->network->close(s->socket);
        s->socket = NULL;
    }
    event_base_loopbreak(base);
}

static void run_turns(void)
{
    for (int turn = 0; turn < 20; turn++)
        event_base_loop(base, EVLOOP_NONBLOCK);
}

/* Sends one octet; it leaves in the loop. */
static void say(const struct seen *s, char octet)
{
    assert_true(s->network->send(s->socket, (const uint8_t *)&octet, 1));
    event_base_loop(base, EVLOOP_NONBLOCK);
}

static void test_icmp_and_life_after_it(void **state)
{
    struct network *network = network_event_new(base, 8, NETWORK_EVENT_RESERVE);
    struct seen seen = {.network = network};
    struct sockaddr_in address;
    int fd = server_socket(SOCK_DGRAM, &address);
    uint8_t byte;

    (void)state;
    close(fd); /* nobody listens there now */
    seen.socket =
        network->datagram(network, (struct sockaddr *)&address, on_seen, &seen, &seen.awaited);
    /* What an earlier one brought back does not keep the next from leaving. */
    for (int i = 0; i < 3; i++)
        assert_true(network->send(seen.socket, (const uint8_t *)"x", 1));
    event_base_dispatch(base);
    assert_int_equal(seen.closed, 1);
    fd = socket(AF_INET, SOCK_DGRAM, 0);
    assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof address), 0);
    say(&seen, 'y');
    assert_int_equal(recv(fd, &byte, 1, 0), 1);
    assert_int_equal(byte, 'y');
    network->close(seen.socket);
    close(fd);
    network_event_free(network);
}

/* Something to send to that cannot be sent to: a descriptor that is no socket takes the place of
 * the next one that is opened. */
static void open_broken(struct seen *s)
{
    struct sockaddr_in address;
    int server = server_socket(SOCK_DGRAM, &address), place = dup(server), nothing;

    close(place);
    s->socket =
        s->network->datagram(s->network, (struct sockaddr *)&address, on_seen, s, &s->awaited);
    nothing = open("/dev/null", O_RDWR | O_CLOEXEC);
    assert_int_equal(dup2(nothing, place), place);
    close(nothing);
    close(server);
}

/* What could not be sent comes back, each once, with the reason; more can be sent there and then.
 */
static void test_what_cannot_be_sent_comes_back(void **state)
{
    struct network *network = network_event_new(base, 8, NETWORK_EVENT_RESERVE);
    struct seen broken = {.network = network, .resend = 'c'}, whole = {.network = network};
    struct sockaddr_in address;
    int fd = server_socket(SOCK_DGRAM, &address);
    uint8_t byte;

    (void)state;
    open_broken(&broken);
    whole.socket =
        network->datagram(network, (struct sockaddr *)&address, on_seen, &whole, &whole.awaited);
    assert_true(network->send(broken.socket, (const uint8_t *)"a", 1));
    assert_true(network->send(whole.socket, (const uint8_t *)"x", 1));
    assert_true(network->send(broken.socket, (const uint8_t *)"b", 1));
    assert_int_equal(broken.unsent, 0);
    run_turns();
    assert_int_equal(broken.unsent, 3);
    assert_int_equal(broken.last, 'c');
    assert_int_equal(broken.error, ENOTSOCK);
    assert_int_equal(whole.unsent, 0);
    assert_int_equal(recv(fd, &byte, 1, MSG_DONTWAIT), 1);
    assert_int_equal(byte, 'x');
    /* All in vain, and nobody was told yet: then there is no room. */
    unsigned taken = 0;
    while (network->send(broken.socket, (const uint8_t *)"a", 1))
        taken++;
    assert_int_equal(errno, ENOTSOCK);
    run_turns();
    assert_int_equal(broken.unsent, 3 + taken);
    assert_true(network->send(broken.socket, (const uint8_t *)"d", 1));
    assert_true(network->send(whole.socket, (const uint8_t *)"z", 1));
    network->close(broken.socket); /* nobody is told any more, and others' is sent all the same */
    run_turns();
    assert_int_equal(broken.unsent, 3 + taken);
    assert_int_equal(recv(fd, &byte, 1, MSG_DONTWAIT), 1);
    assert_int_equal(byte, 'z');
    network->close(whole.socket);
    close(fd);
    network_event_free(network);
}

static void test_only_the_peer_is_heard(void **state)
{
    struct network *network = network_event_new(base, 8, NETWORK_EVENT_RESERVE);
    struct seen seen = {.network = network};
    struct sockaddr_in address, client, other_address;
    int fd = server_socket(SOCK_DGRAM, &address), other = server_socket(SOCK_DGRAM, &other_address);
    socklen_t size = sizeof client;
    uint8_t byte;

    (void)state;
    seen.socket =
        network->datagram(network, (struct sockaddr *)&address, on_seen, &seen, &seen.awaited);
    say(&seen, 'x');
    assert_int_equal(recvfrom(fd, &byte, 1, 0, (struct sockaddr *)&client, &size), 1);
    for (int i = 0; i < 100; i++)
        assert_int_equal(sendto(other, "bad", 3, 0, (struct sockaddr *)&client, size), 3);
    event_base_loop(base, EVLOOP_NONBLOCK);
    assert_int_equal(seen.data, 0);
    assert_int_equal(sendto(fd, "good", 4, 0, (struct sockaddr *)&client, size), 4);
    seen.close_at_once = true; /* closing inside the callback is fine */
    event_base_dispatch(base);
    assert_int_equal(seen.data, 1);
    assert_int_equal(seen.last, 'd');
    assert_null(seen.socket);
    close(fd);
    close(other);
    network_event_free(network);
}

/* Says one octet, so that the other side learns the port. */
static struct sockaddr_in open_to(struct seen *s, int fd, const struct sockaddr_in *address)
{
    struct sockaddr_in client;
    socklen_t size = sizeof client;
    uint8_t byte;

    s->socket =
        s->network->datagram(s->network, (const struct sockaddr *)address, on_seen, s, &s->awaited);
    say(s, 'x');
    assert_int_equal(recvfrom(fd, &byte, 1, 0, (struct sockaddr *)&client, &size), 1);
    return client;
}

/* Whatever comes before an awaited datagram, and however much at once: it is heard.  What nobody
 * awaits may wait for the next that somebody does. */
static void test_what_is_awaited_is_heard(void **state)
{
    static const struct {
        unsigned awaited, come, heard;
    } rows[] = {{1, 1, 1}, {3, 3, 3}, {3, 2, 2}, {1, 3, 1}, {0, 3, 1}, {100, 100, 100}};
    struct network *network = network_event_new(base, 8, NETWORK_EVENT_RESERVE);

    (void)state;
    for (size_t i = 0; i < ARRAY_LENGTH(rows); i++) {
        struct seen seen = {.network = network};
        struct sockaddr_in address, client;
        int fd = server_socket(SOCK_DGRAM, &address);

        client = open_to(&seen, fd, &address);
        for (unsigned n = 0; n < rows[i].come; n++)
            assert_int_equal(sendto(fd, "a", 1, 0, (struct sockaddr *)&client, sizeof client), 1);
        seen.awaited.count = rows[i].awaited;
        run_turns();
        assert_int_equal(seen.data, rows[i].heard);
        seen.awaited.count = rows[i].come + 1;
        assert_int_equal(sendto(fd, "b", 1, 0, (struct sockaddr *)&client, sizeof client), 1);
        run_turns();
        assert_int_equal(seen.data, rows[i].come + 1);
        assert_int_equal(seen.last, 'b');
        network->close(seen.socket);
        close(fd);
    }
    network_event_free(network);
}

/* Long ones and short ones, from many at once: each comes whole. */
static void test_all_sizes(void **state)
{
    enum { SOCKETS = 40 };
    static const size_t sizes[] = {
        1, DATAGRAM_USUAL - 1, DATAGRAM_USUAL, DATAGRAM_USUAL + 1, 9000, 60000};
    struct network *network = network_event_new(base, SOCKETS * 2, NETWORK_EVENT_RESERVE);
    static struct seen seen[SOCKETS];
    static uint8_t octets[60000];
    struct sockaddr_in address, clients[SOCKETS];
    int fd = server_socket(SOCK_DGRAM, &address);

    (void)state;
    for (size_t i = 0; i < sizeof octets; i++)
        octets[i] = pattern(i);
    for (size_t i = 0; i < SOCKETS; i++) {
        seen[i] = (struct seen){.network = network, .patterned = true, .awaited.count = 2};
        clients[i] = open_to(&seen[i], fd, &address);
    }
    for (size_t n = 0; n < 2; n++) {
        for (size_t i = 0; i < SOCKETS; i++) {
            size_t size = sizes[(i + n) % ARRAY_LENGTH(sizes)];
            assert_int_equal(
                sendto(fd, octets, size, 0, (struct sockaddr *)&clients[i], sizeof clients[i]),
                size);
        }
    }
    run_turns();
    for (size_t i = 0; i < SOCKETS; i++) {
        assert_int_equal(seen[i].data, 2);
        assert_int_equal(seen[i].size,
                         sizes[i % ARRAY_LENGTH(sizes)] + sizes[(i + 1) % ARRAY_LENGTH(sizes)]);
        assert_int_equal(seen[i].wrong, 0);
        network->close(seen[i].socket);
    }
    close(fd);
    network_event_free(network);
}

/* Both are told of at once, and whoever is first closes the other. */
static void test_one_closes_the_other(void **state)
{
    struct network *network = network_event_new(base, 8, NETWORK_EVENT_RESERVE);
    struct seen one = {.network = network}, two = {.network = network, .closes = &one};
    struct sockaddr_in address, clients[2];
    int fd = server_socket(SOCK_DGRAM, &address);

    (void)state;
    one.closes = &two;
    clients[0] = open_to(&one, fd, &address);
    clients[1] = open_to(&two, fd, &address);
    for (int i = 0; i < 2; i++)
        assert_int_equal(sendto(fd, "a", 1, 0, (struct sockaddr *)&clients[i], sizeof clients[i]),
                         1);
    event_base_loop(base, EVLOOP_NONBLOCK);
    event_base_loop(base, EVLOOP_NONBLOCK);
    assert_int_equal(one.data + two.data, 1);
    assert_true((one.socket == NULL) != (two.socket == NULL));
    network->close(one.socket != NULL ? one.socket : two.socket);
    close(fd);
    network_event_free(network);
}

#define BIG 200000 /* more than a socket takes at once */

static void test_stream(void **state)
{
    struct network *network = network_event_new(base, 8, NETWORK_EVENT_RESERVE);
    struct seen seen = {.network = network};
    struct sockaddr_in address;
    int listener = server_socket(SOCK_STREAM, &address), fd;
    static uint8_t big[BIG];
    size_t got = 0;

    (void)state;
    memset(big, 7, sizeof big);
    seen.socket = network->stream(network, (struct sockaddr *)&address, on_seen, &seen);
    assert_true(network->send(seen.socket, big, sizeof big)); /* not connected yet */
    event_base_dispatch(base);
    assert_int_equal(seen.connected, 1);
    fd = accept(listener, NULL, NULL);
    assert_true(fd >= 0);
    while (got < BIG) {
        static uint8_t buffer[BIG];
        ssize_t n = recv(fd, buffer, sizeof buffer, MSG_DONTWAIT);

        if (n > 0)
            got += (size_t)n;
        event_base_loop(base, EVLOOP_NONBLOCK);
    }
    assert_int_equal(got, BIG);
    assert_int_equal(send(fd, "hello", 5, 0), 5);
    event_base_dispatch(base);
    assert_int_equal(seen.size, 5);
    /* Nobody reads: what is kept is bounded. */
    while (network->send(seen.socket, big, sizeof big))
        got += BIG;
    assert_int_equal(errno, ENOBUFS);
    assert_true(got < 64u << 20);
    close(fd);
    while (seen.socket != NULL)
        event_base_dispatch(base);
    assert_int_equal(seen.closed, 1);
    close(listener);
    network_event_free(network);
}

/* The far end answered, and reset the connection because it did not read everything: that we cannot
 * write any more is found out first, and the answer is heard all the same. */
static void test_stream_broken(void **state)
{
    struct network *network = network_event_new(base, 8, NETWORK_EVENT_RESERVE);
    struct seen seen = {.network = network};
    struct sockaddr_in address;
    int listener = server_socket(SOCK_STREAM, &address), fd;

    (void)state;
    seen.socket = network->stream(network, (struct sockaddr *)&address, on_seen, &seen);
    event_base_dispatch(base);
    fd = accept(listener, NULL, NULL);
    say(&seen, 'a');
    assert_int_equal(send(fd, "hello", 5, 0), 5);
    close(fd);
    (void)network->send(seen.socket, (const uint8_t *)"b", 1);
    (void)network->send(seen.socket, (const uint8_t *)"c", 1);
    while (seen.socket != NULL)
        event_base_dispatch(base);
    assert_int_equal(seen.size, 5);
    assert_int_equal(seen.closed, 1);
    close(listener);
    network_event_free(network);
}

/* Before the connection stands nothing goes to the kernel, so the bound is seen to the octet. */
static void test_stream_queue(void **state)
{
    enum { PART = 1024 };
    static const uint8_t part[PART];
    struct network *network = network_event_new(base, 8, NETWORK_EVENT_RESERVE);
    struct seen seen = {.network = network};
    struct sockaddr_in address;
    int listener = server_socket(SOCK_STREAM, &address);
    size_t kept = 0;

    (void)state;
    seen.socket = network->stream(network, (struct sockaddr *)&address, on_seen, &seen);
    while (network->send(seen.socket, part, PART))
        kept += PART;
    assert_int_equal(errno, ENOBUFS);
    assert_int_equal(kept, NETWORK_EVENT_QUEUE_MAX);
    network->close(seen.socket);
    close(listener);
    network_event_free(network);
}

static void test_stream_refused(void **state)
{
    struct network *network = network_event_new(base, 8, NETWORK_EVENT_RESERVE);
    struct seen seen = {.network = network, .close_at_once = true};
    struct sockaddr_in address;

    (void)state;
    close(server_socket(SOCK_STREAM, &address));
    seen.socket = network->stream(network, (struct sockaddr *)&address, on_seen, &seen);
    if (seen.socket != NULL) {
        event_base_dispatch(base);
        assert_int_equal(seen.closed, 1);
        assert_int_equal(seen.connected, 0);
    }
    network_event_free(network);
}

/* ---- descriptors ---- */

static void test_socket_limit(void **state)
{
    enum { MOST = 4, DATAGRAMS = 3 }; /* the last one is left to streams */
    struct network *network = network_event_new(base, MOST, NETWORK_EVENT_RESERVE);
    struct seen seen = {.network = network};
    struct network_socket *sockets[MOST];
    struct sockaddr_in address;
    int fd = server_socket(SOCK_STREAM, &address);

    (void)state;
    for (int i = 0; i < DATAGRAMS; i++)
        assert_non_null(sockets[i] = network->datagram(network, (struct sockaddr *)&address,
                                                       on_seen, &seen, &seen.awaited));
    assert_null(
        network->datagram(network, (struct sockaddr *)&address, on_seen, &seen, &seen.awaited));
    assert_int_equal(errno, EMFILE);
    sockets[DATAGRAMS] = network->stream(network, (struct sockaddr *)&address, on_seen, &seen);
    assert_non_null(sockets[DATAGRAMS]);
    assert_null(network->stream(network, (struct sockaddr *)&address, on_seen, &seen));
    network->close(sockets[0]);
    assert_null(
        network->datagram(network, (struct sockaddr *)&address, on_seen, &seen, &seen.awaited));
    assert_non_null(sockets[0] =
                        network->stream(network, (struct sockaddr *)&address, on_seen, &seen));
    for (int i = 0; i < MOST; i++)
        network->close(sockets[i]);
    close(fd);
    network_event_free(network);
}

/* Others have eaten all descriptors: the reserve serves. */
static void test_descriptor_reserve(void **state)
{
    struct network *network = network_event_new(base, 100, NETWORK_EVENT_RESERVE);
    struct seen seen = {.network = network};
    struct network_socket *sockets[NETWORK_EVENT_RESERVE + 1];
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(9)};
    struct rlimit limit, small;
    int eaten[256], length = 0, got = 0;

    (void)state;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &limit), 0);
    small = limit;
    small.rlim_cur = 128;
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &small), 0);
    while (length < 256 && (eaten[length] = dup(1)) >= 0)
        length++;
    while (got <= NETWORK_EVENT_RESERVE &&
           (sockets[got] = network->datagram(network, (struct sockaddr *)&address, on_seen, &seen,
                                             &seen.awaited)) != NULL)
        got++;
    assert_int_equal(errno, EMFILE);
    while (length > 0)
        close(eaten[--length]);
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &limit), 0);
    assert_int_equal(got, NETWORK_EVENT_RESERVE);
    while (got > 0)
        network->close(sockets[--got]);
    network_event_free(network);
}

/* ---- timers ---- */

#define EARLY_MS 2 /* timers may run so much early: see inquiry.c */

struct alarm {
    unsigned times;
    uint64_t at;
};

static void on_alarm(void *arg, uint64_t now)
{
    struct alarm *a = arg;

    a->at = now;
    a->times++;
    event_base_loopbreak(base);
}

static void test_timers(void **state)
{
    struct network *network = network_event_new(base, 3, NETWORK_EVENT_RESERVE);
    struct alarm first = {0}, second = {0};
    struct network_timer *one = network->timer(network, on_alarm, &first);
    struct network_timer *two = network->timer(network, on_alarm, &second);

    (void)state;
    network->timer_set(one, clock_ms(), 3600000);
    network->timer_set(two, clock_ms(), 0);
    event_base_dispatch(base);
    assert_int_equal(second.times, 1);
    network->timer_set(two, clock_ms(), 0);
    network->timer_clear(two);
    network->timer_set(one, clock_ms(), 1); /* replaces */
    event_base_dispatch(base);
    assert_int_equal(first.times, 1);
    assert_int_equal(second.times, 1);
    /* later, while the earlier one is still to come: not before its time (but for a rounding) */
    uint64_t start = clock_ms();
    network->timer_set(one, start, 5);
    network->timer_set(one, start, 60);
    event_base_dispatch(base);
    assert_int_equal(first.times, 2);
    assert_true(first.at >= start + 60 - EARLY_MS);
    /* sooner, then cleared, then set again */
    network->timer_set(one, clock_ms(), 3600000);
    network->timer_set(one, clock_ms(), 1);
    network->timer_clear(one);
    network->timer_set(two, clock_ms(), 20);
    event_base_dispatch(base);
    assert_int_equal(first.times, 2);
    network->timer_set(one, clock_ms(), 0);
    event_base_dispatch(base);
    assert_int_equal(first.times, 3);
    assert_int_equal(second.times, 2);
    network->timer_free(one);
    network->timer_free(two);
    network_event_free(network);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_ports_and_ids),
        cmocka_unit_test(test_ports_of_a_small_pool),
        cmocka_unit_test(test_icmp_and_life_after_it),
        cmocka_unit_test(test_what_cannot_be_sent_comes_back),
        cmocka_unit_test(test_only_the_peer_is_heard),
        cmocka_unit_test(test_what_is_awaited_is_heard),
        cmocka_unit_test(test_all_sizes),
        cmocka_unit_test(test_one_closes_the_other),
        cmocka_unit_test(test_stream),
        cmocka_unit_test(test_stream_broken),
        cmocka_unit_test(test_stream_queue),
        cmocka_unit_test(test_stream_refused),
        cmocka_unit_test(test_socket_limit),
        cmocka_unit_test(test_descriptor_reserve),
        cmocka_unit_test(test_timers),
    };
    int failed;

    base = event_base_new();
    failed = cmocka_run_group_tests(tests, NULL, NULL);
    event_base_free(base);
    return failed;
}
