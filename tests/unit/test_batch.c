/* A batch is answered octet by octet as its queries are one by one. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "alloc.h"
#include "configaddress.h"
#include "fake_client.h"
#include "table.h"

#define SPACE 1232

#define CONNECTION                                                                                 \
    "type: AWS_ENDPOINT_SERVICE, endpoints: [{addresses: [10.0.0.1]}], attachedDomains: [{type: "
#define MANY 16000 /* connections: a table that does not stay near the processor */

/* A document with *.corp.example and so many connections besides. */
static char *write_document(unsigned others)
{
    size_t space = (others + 1) * 256u, at = 0;
    char *text = alloc_array(space, 1);

    at += (size_t)snprintf(text, space,
                           "privateLinkConnections:\n- {privateLinkConnectionId: plc-a, " CONNECTION
                           "CUSTOM, attachDomainId: a, domains: [{name: \"*.corp.example\"}]}]}\n");
    for (unsigned i = 0; i < others; i++)
        at += (size_t)snprintf(text + at, space - at,
                               "- {privateLinkConnectionId: plc-%u, " CONNECTION
                               "TIDBCLOUD_MANAGED, uniqueName: name%u}]}\n",
                               i, i);
    return text;
}

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

/* Answers all questions, so many at a time; 'in_place': where they stand. */
static struct outcome *answer(unsigned at_a_time, unsigned others, bool in_place)
{
    static struct fake_message messages[ARRAY_LENGTH(questions)];
    static char *const environment[] = {NULL};
    struct outcome *outcomes = alloc_array(ARRAY_LENGTH(questions), sizeof *outcomes);
    char *document = write_document(others);
    struct fake_client *c = fake_client_new(environment, document);
    struct query_client client = {.reply = no_reply};
    struct query_item items[QUERY_BATCH];
    struct config_upstream peer;
    const char *why;

    assert_true(configaddress_upstream("127.0.0.1:4242", &peer, &why));
    client.address = peer.address.ip;
    assert_int_equal(table_is_large(fake_client_table(c)), others == MANY);
    learn(c, "www.example A", NULL);
    learn(c, "chain.example A", "b1.corp.example");
    for (unsigned i = 0; i < ARRAY_LENGTH(questions); i += at_a_time) {
        for (unsigned n = 0; n < at_a_time; n++) {
            fake_client_make(&messages[i + n], questions[i + n]);
            if (in_place)
                memcpy(outcomes[i + n].bytes, messages[i + n].bytes, messages[i + n].size);
            items[n] = (struct query_item){.client = &client,
                                           .packet = in_place ? outcomes[i + n].bytes
                                                              : messages[i + n].bytes,
                                           .size = messages[i + n].size,
                                           .out = outcomes[i + n].bytes,
                                           .space = SPACE};
        }
        publish_read_begin();
        unsigned done = query_handle_all(fake_client_desk(c), items, at_a_time,
                                         fake_network_now(fake_client_network(c)));
        publish_read_end();
        for (unsigned n = 0; n < at_a_time; n++) {
            outcomes[i + n].result = items[n].result;
            outcomes[i + n].size = items[n].result == QUERY_DONE ? items[n].out_size : 0;
            done -= items[n].result == QUERY_DONE;
        }
        assert_int_equal(done, 0);
    }
    fake_client_free(c);
    free(document);
    return outcomes;
}

static void batches_and_single_queries_are_answered_alike(void **state)
{
    static const unsigned sizes[] = {2, 4, ARRAY_LENGTH(questions)};
    struct outcome *alone = answer(1, 0, false);
    unsigned seen[3] = {0};

    (void)state;
    for (size_t s = 0; s < 4 * ARRAY_LENGTH(sizes); s++) {
        unsigned size = sizes[s / 4];
        struct outcome *together = answer(size, s % 2 * MANY, s / 2 % 2 == 1);
        for (size_t i = 0; i < ARRAY_LENGTH(questions); i++) {
            if (together[i].result != alone[i].result || together[i].size != alone[i].size ||
                memcmp(together[i].bytes, alone[i].bytes, alone[i].size) != 0)
                fail_msg("%s, %u at a time", questions[i], size);
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
