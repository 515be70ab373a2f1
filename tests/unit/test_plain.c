/* What is answered in one go is answered octet by octet as on the way of all queries: in place, a
 * plain query takes the one, with a reply elsewhere the other. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "configaddress.h"
#include "fake_client.h"

#define SPACE  1232
#define ROUNDS 10000

#define UNIQUE "mrqwg4tfmq2tmnzygezdgnbvgy"

static const char documents[] =
    "privateLinkConnections:\n"
    "- {privateLinkConnectionId: plc-1, type: AWS_ENDPOINT_SERVICE, endpoints: [\n"
    "    {zone: use1-az1, addresses: [10.0.1.1, 10.0.1.2, \"fd00::1\"]},\n"
    "    {zone: use1-az2, addresses: [10.0.2.1]}],\n"
    "   attachedDomains: [{type: TIDBCLOUD_MANAGED, uniqueName: " UNIQUE "}]}\n"
    "- {privateLinkConnectionId: plc-2, type: AWS_ENDPOINT_SERVICE, ttl: 30,\n"
    "   endpoints: [{addresses: [10.0.3.1, 10.0.3.2, 10.0.3.3]}], attachedDomains: [{type: "
    "CUSTOM,\n"
    "   attachDomainId: a, domains: [{name: \"*.corp.example\"}, {name: host.corp.example},\n"
    "                                {name: b.corp.example},\n" /* sixteen octets */
    "                                {name: lone.example}, {name: deep.down.in.lone.example}]}]}\n"
    "- {privateLinkConnectionId: plc-3, type: AWS_ENDPOINT_SERVICE,\n"
    "   endpoints: [{addresses: [\"fd00::3\"]}], attachedDomains: [{type: CUSTOM,\n"
    "   attachDomainId: b, domains: [{name: \"*.six.example\"}]}]}\n"
    "- {privateLinkConnectionId: plc-4, type: AWS_ENDPOINT_SERVICE, state: CREATING, endpoints: "
    "[],\n"
    "   attachedDomains: [{type: CUSTOM, attachDomainId: c, domains: [{name: "
    "\"*.new.example\"}]}]}\n"
    "- {privateLinkConnectionId: plc-5, type: AWS_ENDPOINT_SERVICE, endpoints: [{addresses: [\n"
    "   \"fd00::1:1\", \"fd00::1:2\", \"fd00::1:3\", \"fd00::1:4\", \"fd00::1:5\", \"fd00::1:6\",\n"
    "   \"fd00::1:7\", \"fd00::1:8\", \"fd00::1:9\", \"fd00::1:a\", \"fd00::1:b\", \"fd00::1:c\",\n"
    "   \"fd00::1:d\", \"fd00::1:e\", \"fd00::1:f\", \"fd00::1:10\", 10.1.0.1]}],\n"
    "   attachedDomains: [{type: CUSTOM, attachDomainId: d,\n"
    "   domains: [{name: \"*.many.example\"}]}]}\n";

static const char *const fronts[] = {
    "",     "b1.",          "b1.use1-az1.", "use1-az2.",     "use1-az9.",    "a.b.c.", "*.",
    "x.*.", "unique_name.", "host.",        "deep.down.in.", "aaaaaaaaaaa.", "b."};
static const char *const ends[] = {UNIQUE ".aws.plc.tidbcloud.com",
                                   "corp.example",
                                   "lone.example",
                                   "six.example",
                                   "new.example",
                                   "many.example",
                                   "aws.plc.tidbcloud.com",
                                   "www.example",
                                   "example",
                                   "localhost"};
static const char *const types[] = {"A",   "A",   "A",   "A",  "A",     "AAAA",  "AAAA",
                                    "TXT", "SOA", "ANY", "NS", "HTTPS", "CNAME", "AXFR"};
static const char *const words[] = {"", "", "", "", "", "", "cd", "ad", "nord", "edns", "ch"};
static const char *const clients[] = {"127.0.0.1:4242", "127.0.0.1:4243", "[::1]:4242",
                                      "8.8.8.8:4242",   "127.0.0.1:53",   "127.0.0.1:5353"};

#define PICK(list) (list)[(size_t)rand() % ARRAY_LENGTH(list)]

static void no_reply(const struct query_client *client, const uint8_t *reply, size_t size)
{
    (void)client;
    (void)reply;
    (void)size;
}

/* Mostly as it was made; else one octet, the end, or a letter's case is another. */
static void spoil(struct fake_message *m)
{
    switch (rand() % 12) {
    case 0:
        m->bytes[(size_t)rand() % m->size] ^= (uint8_t)(1 << rand() % 8);
        break;
    case 1:
        m->bytes[2 + rand() % 10] ^= (uint8_t)(1 << rand() % 8);
        break;
    case 2:
        m->size -= (size_t)rand() % m->size;
        break;
    case 3:
        m->bytes[m->size++] = (uint8_t)rand();
        break;
    case 4:
        for (size_t i = 12; i < m->size - 4; i++)
            m->bytes[i] ^= m->bytes[i] >= 'a' && m->bytes[i] <= 'z' && rand() % 2 ? 0x20 : 0;
        break;
    default:
        break;
    }
}

struct answered {
    enum query_result result;
    size_t size;
    uint8_t bytes[SPACE];
};

/* With the reply where the query stands, or elsewhere. */
static void answer(struct fake_client *c, const struct fake_message *m, const char *from,
                   bool in_place, struct answered *out)
{
    struct query_client client = {.reply = no_reply};
    struct config_upstream peer;
    uint8_t elsewhere[SPACE];
    const char *why;

    assert_true(configaddress_upstream(from, &peer, &why));
    client.address = peer.address.ip;
    memcpy(in_place ? out->bytes : elsewhere, m->bytes, m->size);
    publish_read_begin();
    out->result =
        query_handle(fake_client_desk(c), &client, in_place ? out->bytes : elsewhere, m->size,
                     out->bytes, SPACE, &out->size, fake_network_now(fake_client_network(c)));
    publish_read_end();
}

static void both_ways_say_the_same(void **state)
{
    static char *const environment[] = {NULL};
    static struct fake_message m;
    static struct answered here, there;
    struct fake_client *in_place = fake_client_new(environment, documents);
    struct fake_client *elsewhere = fake_client_new(environment, documents);
    char question[512];
    unsigned answers = 0;

    (void)state;
    srand(1);
    for (unsigned n = 0; n < ROUNDS; n++) {
        const char *from = rand() % 8 == 0 ? PICK(clients) : clients[0];
        snprintf(question, sizeof question, "%s%s %s %s", PICK(fronts), PICK(ends), PICK(types),
                 PICK(words));
        fake_client_make(&m, question);
        spoil(&m);
        answer(in_place, &m, from, true, &here);
        answer(elsewhere, &m, from, false, &there);
        if (here.result != there.result ||
            (here.result == QUERY_DONE &&
             (here.size != there.size || memcmp(here.bytes, there.bytes, here.size) != 0)))
            fail_msg("%u: %s from %s", n, question, from);
        answers += here.result == QUERY_DONE && here.bytes[7] > 0;
        fake_network_pass(fake_client_network(in_place), 1);
        fake_network_pass(fake_client_network(elsewhere), 1);
    }
    assert_true(answers > ROUNDS / 10);
    for (enum stats_counter s = 0; s < STATS_COUNT; s++) {
        if (fake_client_count(in_place, s) != fake_client_count(elsewhere, s))
            fail_msg("%s", stats_name(s));
    }
    fake_client_free(in_place);
    fake_client_free(elsewhere);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(both_ways_say_the_same),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
