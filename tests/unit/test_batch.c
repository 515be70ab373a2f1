/* A batch is answered octet by octet as its queries are one by one. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "alloc.h"
#include "fake_client.h"

#define SPACE 1232

static const char documents[] =
    "privateLinkConnectionId: plc-a\nclusterId: \"1\"\ntype: AWS_ENDPOINT_SERVICE\n"
    "awsEndpointService: {name: com.amazonaws.vpce.us-east-1.vpce-svc-0123456789abcdef0,\n"
    "  region: us-east-1}\n"
    "endpoints: [{addresses: [10.0.0.1]}]\n"
    "attachedDomains: [{attachDomainId: a, type: CUSTOM, domains: [{name: \"*.corp.example\"}]}]\n";

/* Every way to end, at least twice, side by side with the others. */
static const char *const questions[] = {
    "b1.corp.example A", "www.example A",      "new.example A",        "www.example A edns",
    "www.example AXFR",  "localhost A",        "b1.corp.example AAAA", "chain.example A",
    "www.example A do",  "www.example A nord", "www.example ANY",      "newer.example A",
    "corp.example A",    "www.example A",      "new.example A",        "b2.corp.example A edns",
};

struct outcome {
    enum query_result result;
    size_t size;
    uint8_t bytes[SPACE];
};

static void no_reply(const struct query_client *client, const uint8_t *reply, size_t size)
{
    (void)client;
    (void)reply;
    (void)size;
}

static void learn(struct fake_client *c, const char *question, const char *target)
{
    static struct fake_message m;
    struct fake_sent sent;

    assert_string_equal(fake_client_ask(c, question), "waiting");
    assert_true(fake_network_take(fake_client_network(c), &sent));
    fake_message_reply(&m, sent.message, sent.size, 0);
    if (target == NULL)
        fake_message_a(&m, "www.example", 300, "192.0.2.1");
    else
        fake_message_cname(&m, "chain.example", 300, target);
    fake_network_deliver(fake_client_network(c), &sent, m.bytes, m.size);
    fake_network_pass(fake_client_network(c), 0);
}

/* Answers all questions, so many at a time. */
static struct outcome *answer(unsigned at_a_time)
{
    static struct fake_message messages[ARRAY_LENGTH(questions)];
    static char *const environment[] = {NULL};
    struct outcome *outcomes = alloc_array(ARRAY_LENGTH(questions), sizeof *outcomes);
    struct fake_client *c = fake_client_new(environment, documents);
    struct query_client client = {.reply = no_reply};
    struct query_item items[QUERY_BATCH];
    struct config_upstream peer;
    const char *why;

    assert_true(config_parse_upstream("127.0.0.1:4242", &peer, &why));
    client.address = peer.address;
    learn(c, "www.example A", NULL);
    learn(c, "chain.example A", "b1.corp.example");
    for (unsigned i = 0; i < ARRAY_LENGTH(questions); i += at_a_time) {
        for (unsigned n = 0; n < at_a_time; n++) {
            fake_client_make(&messages[i + n], questions[i + n]);
            items[n] = (struct query_item){.client = &client,
                                           .packet = messages[i + n].bytes,
                                           .size = messages[i + n].size,
                                           .out = outcomes[i + n].bytes,
                                           .space = SPACE};
        }
        publish_read_begin();
        query_handle_all(fake_client_desk(c), items, at_a_time,
                         fake_network_now(fake_client_network(c)));
        publish_read_end();
        for (unsigned n = 0; n < at_a_time; n++) {
            outcomes[i + n].result = items[n].result;
            outcomes[i + n].size = items[n].result == QUERY_DONE ? items[n].out_size : 0;
        }
    }
    fake_client_free(c);
    return outcomes;
}

static void batches_and_single_queries_are_answered_alike(void **state)
{
    static const unsigned sizes[] = {2, 4, ARRAY_LENGTH(questions)};
    struct outcome *alone = answer(1);
    unsigned seen[3] = {0};

    (void)state;
    for (size_t s = 0; s < ARRAY_LENGTH(sizes); s++) {
        struct outcome *together = answer(sizes[s]);
        for (size_t i = 0; i < ARRAY_LENGTH(questions); i++) {
            if (together[i].result != alone[i].result || together[i].size != alone[i].size ||
                memcmp(together[i].bytes, alone[i].bytes, alone[i].size) != 0)
                fail_msg("%s, %u at a time", questions[i], sizes[s]);
            seen[alone[i].result]++;
        }
        free(together);
    }
    assert_true(seen[QUERY_DONE] > 0 && seen[QUERY_WAITING] > 0);
    free(alone);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(batches_and_single_queries_are_answered_alike),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
