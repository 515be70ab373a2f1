/* Owned names and cache hits are answered without a single allocation.  The linker sends every call
 * of malloc and its kin in our own code through here. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "configaddress.h"
#include "fake_client.h"

void *__real_malloc(size_t size);
void *__real_calloc(size_t length, size_t size);
void *__real_realloc(void *old, size_t size);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t length, size_t size);
void *__wrap_realloc(void *old, size_t size);

static unsigned allocations;

void *__wrap_malloc(size_t size)
{
    allocations++;
    return __real_malloc(size);
}

void *__wrap_calloc(size_t length, size_t size)
{
    allocations++;
    return __real_calloc(length, size);
}

void *__wrap_realloc(void *old, size_t size)
{
    allocations++;
    return __real_realloc(old, size);
}

static const char documents[] =
    "privateLinkConnectionId: plc-a\nclusterId: \"1\"\ntype: AWS_ENDPOINT_SERVICE\n"
    "awsEndpointService: {name: com.amazonaws.vpce.us-east-1.vpce-svc-0123456789abcdef0,\n"
    "  region: us-east-1}\n"
    "endpoints: [{addresses: [10.0.0.1, 10.0.0.2]}]\n"
    "attachedDomains: [{attachDomainId: a, type: CUSTOM, domains: [{name: \"*.corp.example\"}]}]\n";

static void no_reply(const struct query_client *client, const uint8_t *reply, size_t size)
{
    (void)client;
    (void)reply;
    (void)size;
}

/* Asks without the words of fake_client_ask(), which allocate. */
static unsigned allocations_of(struct fake_client *c, const char *question, bool tcp)
{
    static struct fake_message m;
    static uint8_t out[QUERY_REPLY_MAX];
    struct query_client client = {.tcp = tcp, .reply = no_reply};
    struct config_upstream peer;
    const char *why;
    size_t size;

    assert_true(configaddress_upstream("127.0.0.1:4242", &peer, &why));
    client.address = peer.address.ip;
    fake_client_make(&m, question);
    unsigned before = allocations;
    publish_read_begin();
    assert_int_equal(query_handle(fake_client_desk(c), &client, m.bytes, m.size, out,
                                  tcp ? sizeof out : 1232, &size,
                                  fake_network_now(fake_client_network(c))),
                     QUERY_DONE);
    publish_read_end();
    return allocations - before;
}

static void nothing_is_allocated(void **state)
{
    static const char *const questions[] = {
        "b1.corp.example A",   "b1.corp.example A edns", "b1.corp.example AAAA do cookie",
        "corp.example A nsid", "b1.corp.example SOA",    "localhost A",
        "www.example A",       "www.example A edns",     "chain.example A",
        "www.example AXFR",
    };
    static char *const environment[] = {NULL};
    struct fake_client *c = fake_client_new(environment, documents);
    static struct fake_message m;
    struct fake_sent sent;

    (void)state;
    assert_string_equal(fake_client_ask(c, "www.example A"), "waiting");
    assert_true(fake_network_take(fake_client_network(c), &sent));
    fake_message_reply(&m, sent.message, sent.size, 0);
    fake_message_a(&m, "www.example", 300, "192.0.2.1");
    fake_network_deliver(fake_client_network(c), &sent, m.bytes, m.size);
    fake_network_pass(fake_client_network(c), 0);
    assert_string_equal(fake_client_ask(c, "chain.example A"), "waiting");
    assert_true(fake_network_take(fake_client_network(c), &sent));
    fake_message_reply(&m, sent.message, sent.size, 0);
    fake_message_cname(&m, "chain.example", 300, "b1.corp.example");
    fake_network_deliver(fake_client_network(c), &sent, m.bytes, m.size);
    fake_network_pass(fake_client_network(c), 0);
    assert_true(allocations > 0); /* they are counted */
    for (size_t i = 0; i < ARRAY_LENGTH(questions); i++) {
        unsigned over_udp = allocations_of(c, questions[i], false);
        unsigned over_tcp = allocations_of(c, questions[i], true);
        if (over_udp + over_tcp > 0)
            fail_msg("%s: %u allocations over UDP, %u over TCP", questions[i], over_udp, over_tcp);
    }
    fake_client_free(c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(nothing_is_allocated)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
