/* What clients of different views get, and that nothing of one view shows in another: answers,
 * chains, the cache, what waits, diagnosis. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "fake_client.h"

#define A    " from=10.1.0.1"
#define B    " from=10.2.0.1"
#define NONE " from=10.3.0.1"

#define CONNECTION(id, cluster, address, names)                                                    \
    "- privateLinkConnectionId: " id "\n  clusterId: \"" cluster "\"\n  type: VPC_RESOURCE\n"      \
    "  endpoints: [{addresses: [" address "]}]\n"                                                  \
    "  attachedDomains: [{type: CUSTOM, domains: [" names "]}]\n"

static const char documents[] =
    "privateLinkConnections:\n" CONNECTION("plc-a", "1", "10.0.0.1", "{name: \"*.k.example\"}")
        CONNECTION("plc-b", "2", "10.0.0.2", "{name: \"*.k.example\"}, {name: only.b.example}")
            CONNECTION("plc-n", "9", "10.0.0.9", "{name: only.none.example}");

/* View a has lost its names. */
static const char fewer[] =
    "privateLinkConnections:\n" CONNECTION("plc-b", "2", "10.0.0.2", "{name: \"*.k.example\"}");

static const char nothing[] = "privateLinkConnections: []\n";

static char *const environment[] = {
    (char *)"PLDNS_ATTACHMENTS_VIEWS=a=10.1.0.0/16,a=cluster:1,b=10.2.0.0/16,b=cluster:2",
    (char *)"PLDNS_DIAGNOSTICS_CLIENTS=private", (char *)"PLDNS_FENCE=fenced.example", NULL};

/* Long enough for a retransmission, too short for the probe of an upstream that is silent. */
#define RETRY_MS 350 /* behind the first wait, before the first probe */

static void expect(const char *what, const char *said, const char *wanted)
{
    if (said == NULL || strcmp(said, wanted) != 0)
        fail_msg("%s:\n  says   '%s',\n  wanted '%s'", what, said, wanted);
}

static void ask(struct fake_client *c, const char *question, const char *wanted)
{
    expect(question, fake_client_ask(c, question), wanted);
}

/* The upstream answers the oldest question: a CNAME to 'target' if there is one, and an address. */
static void upstream_says(struct fake_client *c, const char *name, const char *target,
                          const char *address)
{
    static struct fake_message m;
    struct fake_sent sent;

    assert_true(fake_network_take(fake_client_network(c), &sent));
    fake_message_reply(&m, sent.message, sent.size, 0);
    if (target != NULL)
        fake_message_cname(&m, name, 200, target);
    fake_message_a(&m, target != NULL ? target : name, 300, address);
    fake_network_deliver(fake_client_network(c), &sent, m.bytes, m.size);
    fake_network_pass(fake_client_network(c), 0);
}

static void late(struct fake_client *c, const char *wanted)
{
    expect("late", fake_client_late(c), wanted);
}

static void each_gets_its_own(void **state)
{
    struct fake_client *c = fake_client_new(environment, documents);

    (void)state;
    ask(c, "x.k.example A" A, "NOERROR aa rd ra | 30 A 10.0.0.1");
    ask(c, "x.k.example A tcp" B, "NOERROR aa rd ra | 30 A 10.0.0.2");
    ask(c, "only.none.example A" NONE, "NOERROR aa rd ra | 30 A 10.0.0.9");
    ask(c, "z.fenced.example A edns" A,
        "NXDOMAIN aa rd ra | auth fenced.example. 5 SOA 1 5 | opt 1232 ede 15 fenced and not "
        "attached");
    assert_int_equal(fake_network_waiting(fake_client_network(c)), 0);
    /* What is another's is nobody's: it is asked for like any name. */
    static const char *const foreign[] = {
        "x.k.example A" NONE,    "only.b.example A" A,    "only.b.example A" NONE,
        "only.none.example A" A, "only.none.example A" B,
    };
    for (size_t i = 0; i < ARRAY_LENGTH(foreign); i++) {
        ask(c, foreign[i], "waiting");
        assert_int_equal(fake_network_waiting(fake_client_network(c)), 1);
        fake_network_forget(fake_client_network(c));
    }
    assert_int_equal(fake_client_count(c, STATS_LEAKS), 0);
    fake_client_free(c);
}

/* A chain is cut in the table of who asks; what one view's client had kept serves no other's. */
static void chains_and_the_cache(void **state)
{
    struct fake_client *c = fake_client_new(environment, documents);
    static const char own_a[] =
        "NOERROR rd ra | 200 CNAME x.k.example. | x.k.example. 30 A 10.0.0.1",
                      own_b[] =
                          "NOERROR rd ra | 200 CNAME x.k.example. | x.k.example. 30 A 10.0.0.2",
                      none[] =
                          "NOERROR rd ra | 200 CNAME x.k.example. | x.k.example. 300 A 192.0.2.66";

    (void)state;
    ask(c, "www.example A" A, "waiting");
    upstream_says(c, "www.example", "x.k.example", "192.0.2.66");
    late(c, own_a);
    ask(c, "www.example A" A, own_a);
    ask(c, "www.example A" B, "waiting"); /* no hit of a's, which would tell that a has asked */
    upstream_says(c, "www.example", "x.k.example", "192.0.2.66");
    late(c, own_b);
    ask(c, "www.example A" NONE, "waiting");
    upstream_says(c, "www.example", "x.k.example", "192.0.2.66");
    late(c, none);
    ask(c, "www.example A" A, own_a);
    ask(c, "www.example A" B, own_b);
    ask(c, "www.example A" NONE, none);
    /* When a's attachment has gone, what was kept of it goes, and b notices nothing. */
    fake_client_publish(c, fewer);
    ask(c, "www.example A" A, "waiting");
    ask(c, "www.example A" B, own_b);
    upstream_says(c, "www.example", "x.k.example", "192.0.2.66");
    late(c, none);
    fake_client_publish(c, documents);
    ask(c, "www.example A" A, own_a);
    ask(c, "www.example A" B, own_b);
    assert_int_equal(fake_network_waiting(fake_client_network(c)), 0);
    fake_client_free(c);
}

/* One question of two views is two questions: what becomes ours for one may be asked for the other.
 */
static void what_waits(void **state)
{
    struct fake_client *c = fake_client_new(environment, nothing);

    (void)state;
    ask(c, "x.k.example A" A, "waiting");
    ask(c, "x.k.example A from=10.1.0.2", "waiting");
    assert_int_equal(fake_network_waiting(fake_client_network(c)), 1);
    ask(c, "x.k.example A" NONE, "waiting");
    assert_int_equal(fake_network_waiting(fake_client_network(c)), 2);
    fake_client_publish(c, documents);
    upstream_says(c, "x.k.example", NULL, "192.0.2.66");
    late(c, "NOERROR aa rd ra | 30 A 10.0.0.1");
    late(c, "NOERROR aa rd ra | 30 A 10.0.0.1");
    upstream_says(c, "x.k.example", NULL, "192.0.2.66");
    late(c, "NOERROR rd ra | 300 A 192.0.2.66");
    ask(c, "x.k.example A" NONE, "NOERROR rd ra | 300 A 192.0.2.66");
    /* a's answer was not kept: it would be found when a's attachment goes. */
    fake_client_publish(c, nothing);
    ask(c, "x.k.example A" A, "waiting");
    fake_client_free(c);
}

/* The guard looks at the table of who asks: an attachment in another view holds no packet back. */
static void retries_are_guarded_by_view(void **state)
{
    struct fake_client *c = fake_client_new(environment, nothing);
    struct fake_network *n = fake_client_network(c);

    (void)state;
    ask(c, "x.k.example A" A, "waiting");
    fake_network_forget(n);
    fake_client_publish(c, documents);
    fake_network_pass(n, RETRY_MS); /* it would be sent again */
    assert_int_equal(fake_network_waiting(n), 0);
    late(c, "NOERROR aa rd ra | 30 A 10.0.0.1");
    fake_client_publish(c, nothing);
    ask(c, "x.k.example A" NONE, "waiting");
    fake_network_forget(n);
    fake_client_publish(c, documents);
    fake_network_pass(n, RETRY_MS);
    assert_true(fake_network_waiting(n) > 0);
    fake_client_free(c);
}

static void failures_are_remembered_by_view(void **state)
{
    struct fake_client *c = fake_client_new(environment, nothing);
    struct fake_network *n = fake_client_network(c);

    (void)state;
    ask(c, "www.example A" A, "waiting");
    fake_network_pass(n, 2500);
    late(c, "SERVFAIL rd ra");
    fake_network_forget(n);
    ask(c, "www.example A" A, "SERVFAIL rd ra");
    ask(c, "www.example A" B, "waiting");
    fake_client_free(c);
}

static void diagnosis_tells_of_one_view(void **state)
{
    struct fake_client *c = fake_client_new(environment, documents);
    static const struct {
        const char *question, *told, *hidden; /* parts of the answer, or not */
    } rows[] = {
        {"x.k.example TXT ch" A, "owned rule=*.k.example connection=plc-a", "plc-b"},
        {"x.k.example TXT ch" A, "generation=1 view=a", NULL},
        {"x.k.example TXT ch" B, "addresses=10.0.0.2", "10.0.0.1"},
        {"x.k.example TXT ch" NONE, "forwarded upstreams=", "attached"},
        {"x.k.example TXT ch" NONE, "forwarded upstreams=", "view="},
        {"only.b.example TXT ch" A, "forwarded upstreams=", "attached"},
        {"only.b.exampl TXT ch" A, "forwarded upstreams=", "attached"}, /* no near miss either */
        {"only.b.example.x TXT ch" B, "only.b.example is attached", NULL},
        {"generation.pldns TXT ch" A, "accepted=1", NULL},
        {"generation.pldns TXT ch" A, "generation=1", "refused"},
        {"generation.pldns TXT ch" A, "view=a", NULL},
        {"generation.pldns TXT ch" NONE, "generation=1", "view="},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LENGTH(rows); i++) {
        const char *said = fake_client_ask(c, rows[i].question);
        if (strstr(said, rows[i].told) == NULL ||
            (rows[i].hidden != NULL && strstr(said, rows[i].hidden) != NULL))
            fail_msg("%s: says '%s', wants '%s' and no '%s'", rows[i].question, said, rows[i].told,
                     rows[i].hidden != NULL ? rows[i].hidden : "");
    }
    fake_client_free(c);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_gets_its_own),
        cmocka_unit_test(chains_and_the_cache),
        cmocka_unit_test(what_waits),
        cmocka_unit_test(retries_are_guarded_by_view),
        cmocka_unit_test(failures_are_remembered_by_view),
        cmocka_unit_test(diagnosis_tells_of_one_view),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
