/* UDP and TCP over real sockets on loopback, turned by hand: the test asks, lets the event base run
 * until nothing is left to do, and looks at what came back. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <arpa/inet.h>
#include <event2/event.h>
#include <netinet/tcp.h>
#include <poll.h>

#include <cmocka.h>

#include "fake_client.h"
#include "network_event.h"
#include "tableset.h"
#include "tcp.h"
#include "tcpconns.h"
#include "udp.h"
#include "wire.h"

#define PORT_TRIES 20

static const char documents[] =
    "privateLinkConnectionId: plc-a\nclusterId: \"1\"\ntype: AWS_ENDPOINT_SERVICE\n"
    "awsEndpointService: {name: com.amazonaws.vpce.us-east-1.vpce-svc-0123456789abcdef0,\n"
    "  region: us-east-1}\n"
    "endpoints: [{addresses: [10.0.0.1]}]\n"
    "attachedDomains: [{attachDomainId: a, type: CUSTOM, domains: [{name: \"*.corp.example\"}]}]\n";

struct bench {
    struct config *config;
    struct publish *table;
    struct cache *cache;
    struct network *network;
    struct query_desk *desk;
    struct listener *listeners;
    struct event_base *base;
    struct stats stats;
    struct udp *udp;
    struct tcp *tcp;
    struct peers *peers;
    int upstream; /* the test is the upstream */
};

static struct table *make_table(void)
{
    struct error_list errors = {0};
    struct document *document =
        document_parse("doc.yaml", documents, sizeof documents - 1, &errors);
    struct table_options options = {.generation = 1, .zone = ""};

    assert_non_null(document);
    struct table *table = table_build(&options, &document, 1);
    document_release(document);
    error_clear(&errors);
    return table;
}

static void make_config(struct bench *b, const char *address)
{
    struct sockaddr_in any = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    struct error_list errors = {0};
    socklen_t size = sizeof any;
    char upstream[32], *const environment[] = {NULL};

    b->upstream = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK, 0);
    assert_int_equal(bind(b->upstream, (struct sockaddr *)&any, size), 0);
    assert_int_equal(getsockname(b->upstream, (struct sockaddr *)&any, &size), 0);
    snprintf(upstream, sizeof upstream, "127.0.0.1:%u", ntohs(any.sin_port));
    b->config = config_read(&(struct config_flags){.listen = &address,
                                                   .listen_length = 1,
                                                   .upstreams = &(const char *){upstream},
                                                   .upstreams_length = 1},
                            environment, &errors);
    assert_non_null(b->config);
    error_clear(&errors);
    b->config->workers = 1;
    b->config->limits.tcp_idle_ms = 3600000;
}

static void open_bench(struct bench *b, const char *address, unsigned most, unsigned per_client)
{
    struct error_list errors = {0};

    memset(b, 0, sizeof *b);
    make_config(b, address);
    b->config->limits.tcp_connections = most;
    b->config->limits.tcp_per_client = per_client;
    /* Any port that is free for UDP; it may be taken for TCP. */
    for (unsigned i = 0; i < PORT_TRIES && b->listeners == NULL; i++) {
        error_clear(&errors);
        b->config->listen[0].v4.sin_port = 0;
        b->listeners = listener_bind(b->config, 1, &errors);
    }
    assert_non_null(b->listeners);
    error_clear(&errors); /* of those that were taken */
    /* Connections without a query come at once: no test waits a second for them. */
    assert_int_equal(
        setsockopt(b->listeners[0].tcp, IPPROTO_TCP, TCP_DEFER_ACCEPT, &(int){0}, sizeof(int)), 0);
    b->base = event_base_new();
    b->table = publish_new(tableset_of(make_table()));
    b->cache = cache_new(&(struct cache_options){.bytes = 1 << 16});
    b->network = network_event_new(b->base, 512, NETWORK_EVENT_RESERVE);
    b->desk = query_desk_new(&(struct query_desk_options){
        .config = b->config,
        .table = b->table,
        .cache = b->cache,
        .stats = &b->stats,
        .network = b->network,
        .upstreams = &b->config->forward.upstreams,
        .in_flight = 1000,
    });
    b->udp = udp_new(&(struct udp_options){
        .base = b->base,
        .turn = network_event_turn(b->network),
        .desk = b->desk,
        .config = b->config,
        .listeners = b->listeners,
    });
    b->peers = peers_new(&(struct hash_key){1, 2}, most + 2);
    b->tcp = tcp_new(&(struct tcp_options){
        .base = b->base,
        .desk = b->desk,
        .config = b->config,
        .stats = &b->stats,
        .listeners = b->listeners,
        .most = 1000,
        .peers = b->peers,
    });
    assert_non_null(b->udp);
    assert_non_null(b->tcp);
}

static void close_bench(struct bench *b)
{
    query_desk_free(b->desk);
    udp_free(b->udp);
    tcp_free(b->tcp);
    peers_free(b->peers);
    cache_free(b->cache);
    network_event_free(b->network);
    event_base_free(b->base);
    listener_close(b->listeners, 1);
    tableset_free(publish_swap(b->table, NULL));
    publish_free(b->table);
    config_free(b->config);
    close(b->upstream);
}

/* Loopback delivers within the sender's system call, so what is due is there already. */
static void turn(struct bench *b)
{
    for (unsigned i = 0; i < 20; i++)
        event_base_loop(b->base, EVLOOP_NONBLOCK);
}

static int connect_from(const struct bench *b, int type, const char *to)
{
    struct sockaddr_in address = b->listeners[0].address.v4;
    int fd = socket(AF_INET, type | SOCK_NONBLOCK, 0);

    assert_int_equal(inet_pton(AF_INET, to, &address.sin_addr), 1);
    int yes = 1; /* single octets leave at once */
    if (type == SOCK_STREAM)
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
    int done = connect(fd, (struct sockaddr *)&address, sizeof address);
    assert_true(done == 0 || type == SOCK_STREAM);
    return fd;
}

static void ask(int fd, const char *question, uint8_t id, bool tcp)
{
    static struct fake_message m;
    uint8_t prefix[2];

    fake_client_make(&m, question);
    m.bytes[0] = 0;
    m.bytes[1] = id;
    wire_put16(prefix, (uint16_t)m.size);
    if (tcp)
        assert_int_equal(write(fd, prefix, 2), 2);
    assert_int_equal(write(fd, m.bytes, m.size), m.size);
}

/* Ids of the replies that have come, in order, as text; "closed" at the end of a stream. */
static const char *replies(int fd, bool tcp)
{
    static uint8_t in[1 << 20];
    static char text[8192];
    size_t used = 0, size = 0;
    ssize_t n = -1;

    text[0] = 0;
    while (size < sizeof in && (n = read(fd, in + size, sizeof in - size)) > 0) {
        if (!tcp)
            used += (size_t)snprintf(text + used, sizeof text - used, "%u ", in[size + 1]);
        size += (size_t)n;
    }
    for (size_t at = 0; tcp && at + 2 < size; at += 2 + wire_get16(in + at))
        used += (size_t)snprintf(text + used, sizeof text - used, "%u ", in[at + 3]);
    if (tcp && n == 0)
        snprintf(text + used, sizeof text - used, "closed");
    return text;
}

/* Everything that was asked upstream does not exist. */
static void upstream_answers(struct bench *b)
{
    static struct fake_message m;
    struct sockaddr_in from;
    uint8_t query[512];
    ssize_t n;

    do {
        socklen_t size = sizeof from;
        n = recvfrom(b->upstream, query, sizeof query, 0, (struct sockaddr *)&from, &size);
        if (n > 0) {
            fake_message_reply(&m, query, (size_t)n, 3);
            fake_message_soa(&m, "example", 60, 60);
            sendto(b->upstream, m.bytes, m.size, 0, (struct sockaddr *)&from, size);
        }
    } while (n > 0);
    turn(b);
}

static void udp_answers_batches(void **state)
{
    struct bench b;

    (void)state;
    open_bench(&b, "127.0.0.1:9", 10, 10);
    int fd = connect_from(&b, SOCK_DGRAM, "127.0.0.1");
    char wanted[1000] = "";
    size_t used = 0;
    for (uint8_t i = 0; i < 3 * UDP_BATCH; i++) {
        ask(fd, i == 40 ? "late.example A" : "b.corp.example A", i, false);
        if (i != 40)
            used += (size_t)snprintf(wanted + used, sizeof wanted - used, "%u ", i);
    }
    assert_int_equal(write(fd, "runt", 4), 4);
    turn(&b);
    assert_string_equal(replies(fd, false), wanted);
    upstream_answers(&b);
    assert_string_equal(replies(fd, false), "40 ");
    /* What came before the end is still answered. */
    ask(fd, "b.corp.example A", 7, false);
    udp_drain(b.udp);
    assert_string_equal(replies(fd, false), "7 ");
    close(fd);
    close_bench(&b);
}

/* Connected sockets hear only the address they asked. */
static void udp_answers_from_where_it_was_asked(void **state)
{
    static const char *const addresses[] = {"127.0.0.1", "127.0.0.2", "127.99.0.3"};
    struct bench b;

    (void)state;
    open_bench(&b, "0.0.0.0:9", 10, 10);
    for (uint8_t i = 0; i < ARRAY_LENGTH(addresses); i++) {
        int fd = connect_from(&b, SOCK_DGRAM, addresses[i]);
        ask(fd, "b.corp.example A", 1, false);
        ask(fd, "late.example A", 2, false);
        turn(&b);
        assert_string_equal(replies(fd, false), "1 ");
        upstream_answers(&b);
        if (i == 0)
            assert_string_equal(replies(fd, false), "2 ");
        close(fd);
    }
    close_bench(&b);
}

static void tcp_answers_in_any_order(void **state)
{
    struct bench b;

    (void)state;
    open_bench(&b, "127.0.0.1:9", 10, 10);
    int fd = connect_from(&b, SOCK_STREAM, "127.0.0.1");
    turn(&b);
    ask(fd, "slow.example A", 1, true);
    for (uint8_t i = 2; i < 5; i++)
        ask(fd, "b.corp.example A", i, true);
    turn(&b);
    assert_string_equal(replies(fd, true), "2 3 4 ");
    upstream_answers(&b);
    assert_string_equal(replies(fd, true), "1 ");
    /* The client is done, its answers are not. */
    ask(fd, "slow2.example A", 5, true);
    shutdown(fd, SHUT_WR);
    turn(&b);
    assert_string_equal(replies(fd, true), "");
    assert_int_equal(tcp_connections(b.tcp), 1);
    upstream_answers(&b);
    assert_string_equal(replies(fd, true), "5 closed");
    assert_int_equal(tcp_connections(b.tcp), 0);
    close(fd);
    close_bench(&b);
}

static void tcp_takes_octets_one_by_one(void **state)
{
    static struct fake_message m;
    struct bench b;

    (void)state;
    open_bench(&b, "127.0.0.1:9", 10, 10);
    int fd = connect_from(&b, SOCK_STREAM, "127.0.0.1");
    turn(&b);
    fake_client_make(&m, "b.corp.example A");
    uint8_t bytes[200];
    wire_put16(bytes, (uint16_t)m.size);
    memcpy(bytes + 2, m.bytes, m.size);
    for (unsigned round = 0; round < 2; round++) {
        for (size_t i = 0; i < m.size + 2; i++) {
            assert_string_equal(replies(fd, true), "");
            assert_int_equal(write(fd, bytes + i, 1), 1);
            turn(&b);
        }
        assert_string_equal(replies(fd, true), "52 ");
    }
    close(fd);
    close_bench(&b);
}

static void tcp_closes_on_nonsense(void **state)
{
    static const struct {
        const char *bytes;
        size_t size;
    } rows[] = {
        {"\0\0", 2},
        {"\0\13abcdefghijk", 13},
        {"\0\14\0\1\x80\0\0\1\0\0\0\0\0\0", 14}, /* a response */
    };
    struct bench b;

    (void)state;
    open_bench(&b, "127.0.0.1:9", 10, 10);
    for (size_t i = 0; i < ARRAY_LENGTH(rows); i++) {
        int fd = connect_from(&b, SOCK_STREAM, "127.0.0.1");
        turn(&b);
        ask(fd, "b.corp.example A", 9, true);
        assert_int_equal(write(fd, rows[i].bytes, rows[i].size), rows[i].size);
        turn(&b);
        assert_string_equal(replies(fd, true), "9 closed");
        close(fd);
    }
    close_bench(&b);
}

/* A client that has gone, and another one in its place: nobody gets the other's answer. */
static void tcp_drops_what_nobody_waits_for(void **state)
{
    struct bench b;

    (void)state;
    open_bench(&b, "127.0.0.1:9", 10, 10);
    int gone = connect_from(&b, SOCK_STREAM, "127.0.0.1");
    turn(&b);
    ask(gone, "slow.example A", 1, true);
    turn(&b);
    struct linger reset = {.l_onoff = 1};
    setsockopt(gone, SOL_SOCKET, SO_LINGER, &reset, sizeof reset);
    close(gone);
    turn(&b);
    assert_int_equal(tcp_connections(b.tcp), 0);
    int next = connect_from(&b, SOCK_STREAM, "127.0.0.1");
    turn(&b);
    assert_int_equal(tcp_connections(b.tcp), 1);
    upstream_answers(&b);
    assert_string_equal(replies(next, true), "");
    ask(next, "b.corp.example A", 3, true);
    turn(&b);
    assert_string_equal(replies(next, true), "3 ");
    close(next);
    close_bench(&b);
}

static void tcp_has_caps(void **state)
{
    struct bench b;
    int fds[6];

    (void)state;
    open_bench(&b, "127.0.0.1:9", 4, 4);
    for (unsigned i = 0; i < 5; i++) {
        fds[i] = connect_from(&b, SOCK_STREAM, "127.0.0.1");
        turn(&b);
    }
    assert_string_equal(replies(fds[4], true), "closed"); /* one client's share is used up */
    assert_int_equal(tcp_connections(b.tcp), 4);
    assert_int_equal(stats_read(&b.stats, STATS_TCP_REFUSED), 1);
    close(fds[4]);
    ask(fds[0], "b.corp.example A", 1, true);
    turn(&b);
    /* Another client: the connection that has been idle longest makes room. */
    struct sockaddr_in other = {.sin_family = AF_INET};
    inet_pton(AF_INET, "127.0.0.9", &other.sin_addr);
    fds[5] = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
    assert_int_equal(bind(fds[5], (struct sockaddr *)&other, sizeof other), 0);
    (void)connect(fds[5], &b.listeners[0].address.any, sizeof b.listeners[0].address.v4);
    turn(&b);
    assert_int_equal(tcp_connections(b.tcp), 4);
    assert_string_equal(replies(fds[0], true), "1 ");
    assert_string_equal(replies(fds[1], true), "closed");
    for (unsigned i = 0; i < 4; i++)
        close(fds[i]);
    close(fds[5]);
    turn(&b);
    assert_int_equal(tcp_connections(b.tcp), 0);
    close_bench(&b);
}

/* The worker that has none of them takes one all the same. */
static void tcp_is_there_when_others_have_all(void **state)
{
    struct bench b;
    struct sockaddr_in other = {.sin_family = AF_INET};
    unsigned has;

    (void)state;
    open_bench(&b, "127.0.0.1:9", 2, 2);
    for (unsigned i = 0; i < 2; i++)
        assert_non_null(peers_enter(b.peers, (struct sockaddr *)&other, 2, &has));
    int first = connect_from(&b, SOCK_STREAM, "127.0.0.1");
    ask(first, "b.corp.example A", 1, true);
    turn(&b);
    assert_string_equal(replies(first, true), "1 ");
    int second = connect_from(&b, SOCK_STREAM, "127.0.0.1"); /* in the place of the first */
    ask(second, "b.corp.example A", 2, true);
    turn(&b);
    assert_string_equal(replies(second, true), "2 ");
    assert_string_equal(replies(first, true), "closed");
    close(first);
    close(second);
    close_bench(&b);
}

/* Loopback: all that were connected are accepted at once. */
static void connect_all(struct bench *b, int *fds, unsigned length)
{
    for (unsigned i = 0; i < length; i++) {
        fds[i] = connect_from(b, SOCK_STREAM, "127.0.0.1");
        ask(fds[i], "b.corp.example A", (uint8_t)i, true);
    }
    event_base_loop(b->base, EVLOOP_NONBLOCK | EVLOOP_ONCE);
}

/* Those of many at once stand aside that come before half of the limit is used: whoever goes on is
 * served all the same, and who has gone takes nobody's place. */
static void tcp_serves_who_stands_aside(void **state)
{
    enum { CLIENTS = 40, GONE = 2, FIRST_GONE = 12 };
    struct bench b;
    int fds[CLIENTS], later[GONE];

    (void)state;
    open_bench(&b, "127.0.0.1:9", 1000, CLIENTS);
    connect_all(&b, fds, CLIENTS);
    for (unsigned i = 0; i < GONE; i++)
        close(fds[FIRST_GONE + i]);
    connect_all(&b, later, GONE);
    memcpy(fds + FIRST_GONE, later, sizeof later);
    assert_int_equal(tcp_connections(b.tcp), CLIENTS);
    assert_int_equal(stats_read(&b.stats, STATS_TCP_REFUSED), 0);
    for (uint8_t i = 0; i < CLIENTS; i++) {
        assert_string_not_equal(replies(fds[i], true), "");
        ask(fds[i], i % 2 == 0 ? "b.corp.example A" : "late.example A", i, true);
    }
    /* Those that are left are looked at after a while. */
    for (unsigned i = 0; i < 1000 && query_desk_waiting(b.desk) < CLIENTS / 2; i++)
        event_base_loop(b.base, EVLOOP_ONCE);
    upstream_answers(&b);
    for (uint8_t i = 0; i < CLIENTS; i++) {
        char wanted[16];
        snprintf(wanted, sizeof wanted, "%u ", i);
        assert_string_equal(replies(fds[i], true), wanted);
        close(fds[i]);
    }
    turn(&b);
    assert_int_equal(tcp_connections(b.tcp), 0);
    close_bench(&b);
}

static void tcp_ends_while_some_stand_aside(void **state)
{
    enum { CLIENTS = 16 };
    struct bench b;
    int fds[CLIENTS];

    (void)state;
    open_bench(&b, "127.0.0.1:9", 1000, 1000);
    connect_all(&b, fds, CLIENTS);
    close_bench(&b);
    for (unsigned i = 0; i < CLIENTS; i++) {
        assert_non_null(strstr(replies(fds[i], true), "closed"));
        close(fds[i]);
    }
}

/* Who has come when the daemon ends is answered, who comes later is told at once. */
static void tcp_ends_with_those_who_have_come(void **state)
{
    struct bench b;
    int fds[70];

    (void)state;
    open_bench(&b, "127.0.0.1:9", 1000, 1000);
    for (size_t i = 0; i < ARRAY_LENGTH(fds); i++) {
        fds[i] = connect_from(&b, SOCK_STREAM, "127.0.0.1");
        ask(fds[i], "b.corp.example A", 7, true);
    }
    tcp_stop_accepting(b.tcp);
    int late = connect_from(&b, SOCK_STREAM, "127.0.0.1");
    assert_int_equal(send(late, "x", 1, MSG_NOSIGNAL), -1);
    for (size_t i = 0; i < ARRAY_LENGTH(fds); i++) {
        assert_string_equal(replies(fds[i], true), "7 ");
        close(fds[i]);
    }
    close(late);
    close_bench(&b);
}

/* More queries than may wait at a time: the rest waits in line, none is lost. */
static void wait_in_line(bool at_once)
{
    enum { QUERIES = 2 * TCPCONNS_PIPELINE_MAX };
    struct bench b;
    char question[40];
    unsigned seen = 0;

    open_bench(&b, "127.0.0.1:9", 4, 4);
    int fd = connect_from(&b, SOCK_STREAM, "127.0.0.1");
    turn(&b);
    for (unsigned i = 0; i < QUERIES; i++) {
        snprintf(question, sizeof question, "n%u.example A", i);
        ask(fd, question, (uint8_t)i, true);
        if (!at_once)
            turn(&b);
    }
    turn(&b);
    assert_int_equal(query_desk_waiting(b.desk), TCPCONNS_PIPELINE_MAX);
    for (unsigned i = 0; i < 10; i++) {
        upstream_answers(&b);
        turn(&b);
        for (const char *at = replies(fd, true); (at = strchr(at, ' ')) != NULL; at++)
            seen++;
    }
    assert_int_equal(seen, QUERIES);
    close(fd);
    close_bench(&b);
}

static void tcp_bounds_what_waits(void **state)
{
    (void)state;
    wait_in_line(false);
}

/* What was read already cannot be seen on the socket any more. */
static void tcp_goes_on_with_what_it_has_read(void **state)
{
    (void)state;
    wait_in_line(true);
}

/* A client that does not read is not read from either. */
static void tcp_stops_reading_from_who_does_not_read(void **state)
{
    struct bench b;
    static struct fake_message m;
    uint8_t chunk[60 * 100];
    size_t size = 0, sent = 0, idle = 0;

    (void)state;
    open_bench(&b, "127.0.0.1:9", 4, 4);
    int fd = connect_from(&b, SOCK_STREAM, "127.0.0.1");
    turn(&b);
    fake_client_make(&m, "b.corp.example A");
    while (size + m.size + 2 < sizeof chunk) {
        wire_put16(chunk + size, (uint16_t)m.size);
        memcpy(chunk + size + 2, m.bytes, m.size);
        size += m.size + 2;
    }
    for (size_t at = 0; idle < 50 && sent < (64u << 20);) {
        ssize_t n = write(fd, chunk + at, size - at);
        idle = n > 0 ? 0 : idle + 1;
        if (n > 0) {
            sent += (size_t)n;
            at = (at + (size_t)n) % size;
        }
        event_base_loop(b.base, EVLOOP_NONBLOCK);
    }
    assert_int_equal(idle, 50); /* it came to a stop */
    /* Everything is answered once the client reads. */
    size_t got = 0, reply = m.size + 16 + 2;
    static uint8_t in[1 << 16];
    sent -= sent % (m.size + 2);
    size_t wanted = sent / (m.size + 2) * reply;
    for (idle = 0; idle < 1000 && got < wanted;) {
        ssize_t n = read(fd, in, sizeof in);
        idle = n > 0 ? 0 : idle + 1;
        got += n > 0 ? (size_t)n : 0;
        event_base_loop(b.base, EVLOOP_NONBLOCK);
        if (n < 0) /* the kernels of both sides may need a moment */
            poll(&(struct pollfd){.fd = fd, .events = POLLIN}, 1, 10);
    }
    assert_int_equal(got, wanted);
    close(fd);
    close_bench(&b);
}

/* Somebody who would share the port, which nobody has had for TCP of late. */
static int take_port(struct sockaddr_in *taken)
{
    int yes = 1;

    for (;;) {
        int fd = socket(AF_INET, SOCK_DGRAM, 0), tcp = socket(AF_INET, SOCK_STREAM, 0);
        socklen_t size = sizeof *taken;
        *taken =
            (struct sockaddr_in){.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
        setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &yes, sizeof yes);
        assert_int_equal(bind(fd, (struct sockaddr *)taken, size), 0);
        assert_int_equal(getsockname(fd, (struct sockaddr *)taken, &size), 0);
        bool unused = bind(tcp, (struct sockaddr *)taken, size) == 0;
        close(tcp);
        if (unused)
            return fd;
        close(fd);
    }
}

static void a_taken_address_is_refused(void **state)
{
    struct bench b;
    struct error_list errors = {0};
    struct sockaddr_in taken;
    char line[512];

    (void)state;
    open_bench(&b, "127.0.0.1:9", 4, 4);
    int fd = take_port(&taken);
    b.config->listen[0].v4 = taken;
    assert_null(listener_bind(b.config, 2, &errors));
    assert_int_equal(errors.errors, 1);
    assert_non_null(strstr(error_format(&errors.items[0], line, sizeof line), "in use"));
    error_clear(&errors);
    close(fd);
    /* Free again: two workers of ours share it, and both get something, by the ids of queries. */
    struct listener *pair = listener_bind(b.config, 2, &errors);
    assert_non_null(pair);
    fd = socket(AF_INET, SOCK_DGRAM, 0);
    for (uint8_t i = 0; i < 2; i++) {
        const uint8_t id[2] = {0, i};
        assert_int_equal(sendto(fd, id, 2, 0, (struct sockaddr *)&taken, sizeof taken), 2);
    }
    close(fd);
    for (unsigned i = 0; i < 2; i++) {
        char octet;
        assert_int_equal(recv(pair[i].udp, &octet, 1, MSG_DONTWAIT), 1);
    }
    listener_close(pair, 2);
    close_bench(&b);
}

int main(void)
{
    publish_thread_enter();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(udp_answers_batches),
        cmocka_unit_test(udp_answers_from_where_it_was_asked),
        cmocka_unit_test(tcp_answers_in_any_order),
        cmocka_unit_test(tcp_takes_octets_one_by_one),
        cmocka_unit_test(tcp_closes_on_nonsense),
        cmocka_unit_test(tcp_drops_what_nobody_waits_for),
        cmocka_unit_test(tcp_has_caps),
        cmocka_unit_test(tcp_is_there_when_others_have_all),
        cmocka_unit_test(tcp_serves_who_stands_aside),
        cmocka_unit_test(tcp_ends_while_some_stand_aside),
        cmocka_unit_test(tcp_ends_with_those_who_have_come),
        cmocka_unit_test(tcp_bounds_what_waits),
        cmocka_unit_test(tcp_goes_on_with_what_it_has_read),
        cmocka_unit_test(tcp_stops_reading_from_who_does_not_read),
        cmocka_unit_test(a_taken_address_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
