/* Names that are not ours, and answers that lead into names that are: the real query.c, forward.c
 * and cache.c over a scripted network. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "fake_client.h"

#define HEAD(id, n)                                                                                \
    "- privateLinkConnectionId: " id "\n  clusterId: \"1\"\n  type: AWS_ENDPOINT_SERVICE\n"        \
    "  awsEndpointService: {name: com.amazonaws.vpce.us-east-1.vpce-svc-0123456789abcde" n         \
    ", region: us-east-1}\n"
#define CUSTOM(name)                                                                               \
    "  attachedDomains: [{attachDomainId: ad-" name ", type: CUSTOM, domains: [{name: \"" name     \
    "\"}]}]\n"

static const char nothing[] = "privateLinkConnections: []\n";
static const char documents[] = "privateLinkConnections:\n" HEAD(
    "plc-a",
    "0") "  ttl: 7\n"
         "  endpoints: [{addresses: [10.0.0.1, 10.0.0.2, \"fd00::1\"]}]\n" CUSTOM("db.corp.example")
             HEAD("plc-b",
                  "1") "  state: CREATING\n"
                       "  endpoints: [{addresses: [10.0.0.3]}]\n" CUSTOM("notready.corp.example")
                           HEAD("plc-c",
                                "2") "  endpoints: [{addresses: [10.0.0.4]}]\n"
                                     "  attachedDomains: [{attachDomainId: ad-9, type: CUSTOM, "
                                     "domains: [{name: \"x.w.example\"},\n"
                                     "    {name: \"*.w.example\"}]}]\n" HEAD(
                                         "plc-d",
                                         "3") "  state: CLOSED\n"
                                              "  endpoints: [{addresses: [10.0.0.5]}]\n" CUSTOM(
                                                  "gone.corp.example");

static char *const environment[] = {(char *)"PLDNS_FENCE=fenced.example", NULL};

/* What an upstream says, in words: "RCODE; TYPE OWNER DATA; …", or "nothing" for silence.  SOA
 * stands in the authority section. */
static void say(struct fake_message *m, const struct fake_sent *sent, const char *script)
{
    static const char *const rcodes[] = {"NOERROR",  "FORMERR", "SERVFAIL",
                                         "NXDOMAIN", "NOTIMP",  "REFUSED"};
    char copy[2048], *save = NULL;
    unsigned rcode = 0;

    snprintf(copy, sizeof copy, "%s", script);
    char *part = strtok_r(copy, ";", &save);
    while (strcmp(part, rcodes[rcode]) != 0)
        rcode++;
    fake_message_reply(m, sent->message, sent->size, rcode);
    while ((part = strtok_r(NULL, ";", &save)) != NULL) {
        char type[16], owner[260], data[260] = "";
        uint8_t wire[256];
        assert_true(sscanf(part, " %15s %259s %259s", type, owner, data) >= 2);
        if (strcmp(type, "A") == 0)
            fake_message_a(m, owner, 300, data);
        else if (strcmp(type, "AAAA") == 0)
            fake_message_aaaa(m, owner, 300, data);
        else if (strcmp(type, "CNAME") == 0)
            fake_message_cname(m, owner, 200, data);
        else if (strcmp(type, "DNAME") == 0)
            fake_message_record(m, FAKE_ANSWER, owner, FAKE_TYPE_DNAME, 200, wire,
                                fake_message_name(wire, data));
        else if (strcmp(type, "SOA") == 0)
            fake_message_soa(m, owner, 60, 60);
        else if (strcmp(type, "AD") == 0)
            fake_message_flag(m, FAKE_AD);
        else
            fail_msg("what is %s?", type);
    }
}

/* Answers the oldest question that went upstream. */
static void upstream_says(struct fake_client *c, const char *script)
{
    static struct fake_message m;
    struct fake_sent sent;

    assert_true(fake_network_take(fake_client_network(c), &sent));
    say(&m, &sent, script);
    fake_network_deliver(fake_client_network(c), &sent, m.bytes, m.size);
    fake_network_pass(fake_client_network(c), 0);
}

static void expect(const char *what, const char *said, const char *wanted)
{
    if (said == NULL || strcmp(said, wanted) != 0)
        fail_msg("%s:\n  says   '%s',\n  wanted '%s'", what, said, wanted);
}

static const struct {
    const char *question, *upstream, *answer;
} chains[] = {
    /* Not ours: as it is, without what nobody asked for. */
    {"www.example A", "NOERROR; A www.example 192.0.2.80", "NOERROR rd ra | 300 A 192.0.2.80"},
    {"www.example A edns", "NOERROR; AD www.example; A www.example 192.0.2.80",
     "NOERROR rd ra | 300 A 192.0.2.80 | opt 1232"},
    {"www.example A ad", "NOERROR; AD www.example; A www.example 192.0.2.80",
     "NOERROR rd ra ad | 300 A 192.0.2.80"},
    {"www.example A do", "NOERROR; AD www.example; A www.example 192.0.2.80",
     "NOERROR rd ra ad | 300 A 192.0.2.80 | opt 1232 do"},
    {"www.example A cd", "NOERROR; A www.example 192.0.2.80",
     "NOERROR rd ra cd | 300 A 192.0.2.80"},
    {"www.example A", "NXDOMAIN; SOA example", "NXDOMAIN rd ra | auth example. 60 SOA 1 60"},
    {"www.example A", "NOERROR; CNAME www.example a.example; A a.example 192.0.2.80",
     "NOERROR rd ra | 200 CNAME a.example. | a.example. 300 A 192.0.2.80"},
    /* Cut at the first target that is ours, whatever the upstream says of it. */
    {"www.example A", "NOERROR; CNAME www.example db.corp.example; A db.corp.example 6.6.6.6",
     "NOERROR rd ra | 200 CNAME db.corp.example. | db.corp.example. 7 A 10.0.0.1 | "
     "db.corp.example. 7 A 10.0.0.2"},
    {"www.example A", "NXDOMAIN; CNAME www.example DB.corp.example; SOA corp.example",
     "NOERROR rd ra | 200 CNAME DB.corp.example. | DB.corp.example. 7 A 10.0.0.1 | "
     "DB.corp.example. 7 A 10.0.0.2"},
    {"www.example AAAA do", "NOERROR; AD x; CNAME www.example db.corp.example; SOA corp.example",
     "NOERROR rd ra | 200 CNAME db.corp.example. | db.corp.example. 7 AAAA fd00::1 | opt 1232 do"},
    {"www.example A",
     "NOERROR; CNAME www.example a.example; CNAME a.example db.corp.example; "
     "CNAME db.corp.example z.example; A z.example 6.6.6.6",
     "NOERROR rd ra | 200 CNAME a.example. | a.example. 200 CNAME db.corp.example. | "
     "db.corp.example. 7 A 10.0.0.1 | db.corp.example. 7 A 10.0.0.2"},
    {"www.example TXT", "NOERROR; CNAME www.example db.corp.example; SOA corp.example",
     "NOERROR rd ra | 200 CNAME db.corp.example. | auth db.corp.example. 5 SOA 1 5"},
    {"www.example A", "NOERROR; CNAME www.example b.x.w.example; A b.x.w.example 6.6.6.6",
     "NXDOMAIN rd ra | 200 CNAME b.x.w.example. | auth w.example. 5 SOA 1 5"},
    {"www.example A edns",
     "NOERROR; CNAME www.example gone.corp.example; A gone.corp.example 6.6.6.6",
     "NXDOMAIN rd ra | 200 CNAME gone.corp.example. | auth gone.corp.example. 5 SOA 1 5 | opt 1232 "
     "ede 15 connection plc-d is CLOSED"},
    {"www.example A edns",
     "NOERROR; CNAME www.example notready.corp.example; A notready.corp.example 6.6.6.6",
     "SERVFAIL rd ra | opt 1232 ede 14 connection plc-b is CREATING"},
    {"www.example A", "NOERROR; CNAME www.example n.fenced.example; A n.fenced.example 6.6.6.6",
     "NXDOMAIN rd ra | 200 CNAME n.fenced.example. | auth fenced.example. 5 SOA 1 5"},
    /* A DNAME with its CNAME. */
    {"db.alias.example A",
     "NOERROR; DNAME alias.example corp.example; CNAME db.alias.example db.corp.example; "
     "A db.corp.example 6.6.6.6",
     "NOERROR rd ra | alias.example. 200 DNAME corp.example. | 200 CNAME db.corp.example. | "
     "db.corp.example. 7 A 10.0.0.1 | db.corp.example. 7 A 10.0.0.2"},
    /* The chain is not followed for its own type. */
    {"www.example CNAME", "NOERROR; CNAME www.example db.corp.example",
     "NOERROR rd ra | 200 CNAME db.corp.example."},
};

/* Every row twice: fresh, and from the cache when it is kept (a cut one with its own TTLs). */
static void chains_are_cut(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LENGTH(chains); i++) {
        struct fake_client *c = fake_client_new(environment, documents);
        const char *said = fake_client_ask(c, chains[i].question);
        expect(chains[i].question, said, "waiting");
        upstream_says(c, chains[i].upstream);
        expect(chains[i].upstream, fake_client_late(c), chains[i].answer);
        said = fake_client_ask(c, chains[i].question);
        /* Two addresses take turns. */
        if (strstr(chains[i].answer, "10.0.0.2") == NULL)
            expect(chains[i].upstream, said, chains[i].answer);
        else
            assert_true(strlen(said) == strlen(chains[i].answer) &&
                        strstr(said, "10.0.0.1") != NULL && strstr(said, "10.0.0.2") != NULL);
        assert_null(strstr(said, "6.6.6.6"));
        assert_int_equal(fake_client_count(c, STATS_CACHE_HITS), 1);
        assert_int_equal(fake_client_count(c, STATS_LEAKS), 0);
        fake_client_free(c);
    }
}

static void loops_fail(void **state)
{
    struct fake_client *c = fake_client_new(environment, documents);

    (void)state;
    expect("ask", fake_client_ask(c, "www.example A edns"), "waiting");
    upstream_says(c, "NOERROR; CNAME www.example a.example; CNAME a.example www.example");
    const char *said = fake_client_late(c);
    for (unsigned i = 0; said == NULL && i < 12; i++) { /* other upstreams may be asked */
        upstream_says(c, "NOERROR; CNAME www.example a.example; CNAME a.example www.example");
        said = fake_client_late(c);
    }
    expect("loop", said,
           "SERVFAIL rd ra | opt 1232 ede 23 the answer's chain of names is a loop or too long");
    fake_client_free(c);
}

static void cached_answers_count_down(void **state)
{
    struct fake_client *c = fake_client_new(environment, documents);

    (void)state;
    expect("not cached", fake_client_ask(c, "www.example A nord"), "REFUSED ra");
    expect("ask", fake_client_ask(c, "www.example A"), "waiting");
    upstream_says(c, "NOERROR; A www.example 192.0.2.80");
    assert_non_null(fake_client_late(c));
    fake_network_pass(fake_client_network(c), 100000);
    expect("cached", fake_client_ask(c, "WWW.example A nord"), "NOERROR ra | 200 A 192.0.2.80");
    fake_client_free(c);
}

/* Waits until the late reply is there, however long forward takes. */
static const char *wait_for_late(struct fake_client *c)
{
    for (unsigned i = 0; i < 100; i++) {
        const char *said = fake_client_late(c);
        if (said != NULL)
            return said;
        fake_network_pass(fake_client_network(c), 100);
    }
    return NULL;
}

static void silence_is_servfail_or_stale(void **state)
{
    struct fake_client *c = fake_client_new(environment, documents);

    (void)state;
    expect("ask", fake_client_ask(c, "www.example A edns"), "waiting");
    expect("silent", wait_for_late(c), "SERVFAIL rd ra | opt 1232 ede 22 no upstream answered");
    expect("remembered", fake_client_ask(c, "www.example A edns"),
           "SERVFAIL rd ra | opt 1232 ede 22 failed a moment ago");
    fake_network_forget(fake_client_network(c));

    expect("ask", fake_client_ask(c, "b.example A"), "waiting");
    upstream_says(c, "NOERROR; A b.example 192.0.2.80");
    assert_non_null(fake_client_late(c));
    expect("ask", fake_client_ask(c, "nx.example A"), "waiting");
    upstream_says(c, "NXDOMAIN; SOA example");
    assert_non_null(fake_client_late(c));
    fake_network_pass(fake_client_network(c), 301000);
    expect("ask", fake_client_ask(c, "b.example A edns"), "waiting");
    expect("stale", wait_for_late(c), "NOERROR rd ra | 30 A 192.0.2.80 | opt 1232 ede 3");
    expect("stale again", fake_client_ask(c, "b.example A edns"),
           "NOERROR rd ra | 30 A 192.0.2.80 | opt 1232 ede 3");
    expect("ask", fake_client_ask(c, "nx.example A edns"), "waiting");
    expect("stale", wait_for_late(c),
           "NXDOMAIN rd ra | auth example. 30 SOA 1 60 | opt 1232 ede 19");
    fake_client_free(c);
}

/* Answers all that went upstream, and what is asked then. */
static void upstreams_say(struct fake_client *c, const char *script)
{
    while (fake_network_waiting(fake_client_network(c)) > 0)
        upstream_says(c, script);
}

/* Whatever they say that is no answer, to the first who asks and to the next. */
static void failing_upstreams_do_not_hide_what_is_stale(void **state)
{
    static const char *const failures[] = {"SERVFAIL", "REFUSED", "FORMERR", "NOTIMP"};
    static const char stale[] = "NOERROR rd ra | 30 A 192.0.2.80 | opt 1232 ede 3";

    (void)state;
    for (size_t i = 0; i < ARRAY_LENGTH(failures); i++) {
        struct fake_client *c = fake_client_new(environment, documents);

        expect("ask", fake_client_ask(c, "www.example A"), "waiting");
        upstreams_say(c, "NOERROR; A www.example 192.0.2.80");
        assert_non_null(fake_client_late(c));
        fake_network_pass(fake_client_network(c), 301000);
        expect("ask", fake_client_ask(c, "www.example A edns"), "waiting");
        upstreams_say(c, failures[i]);
        expect(failures[i], fake_client_late(c), stale);
        expect(failures[i], fake_client_ask(c, "www.example A edns"), stale);
        fake_client_free(c);
    }
}

/* What failed is the same to who asks again while it is remembered. */
static void failures_do_not_change(void **state)
{
    static const struct {
        const char *upstream, *first, *again;
    } rows[] = {
        {"SERVFAIL", "SERVFAIL rd ra | opt 1232", "SERVFAIL rd ra | opt 1232"},
        {"REFUSED", "REFUSED rd ra | opt 1232", "REFUSED rd ra | opt 1232"},
        {"FORMERR",
         "SERVFAIL rd ra | opt 1232 ede 23 only broken or refusing answers from upstream",
         "SERVFAIL rd ra | opt 1232 ede 23 failed a moment ago"},
        {"NOTIMP", "NOTIMP rd ra | opt 1232", "NOTIMP rd ra | opt 1232"},
        {"NOERROR; CNAME www.example www.example",
         "SERVFAIL rd ra | opt 1232 ede 23 the answer's chain of names is a loop or too long",
         "SERVFAIL rd ra | opt 1232 ede 23 failed a moment ago"},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LENGTH(rows); i++) {
        struct fake_client *c = fake_client_new(environment, documents);

        expect("ask", fake_client_ask(c, "www.example A edns"), "waiting");
        upstreams_say(c, rows[i].upstream);
        expect(rows[i].upstream, fake_client_late(c), rows[i].first);
        for (unsigned n = 0; n < 2; n++)
            expect(rows[i].upstream, fake_client_ask(c, "www.example A edns"), rows[i].again);
        assert_int_equal(fake_network_waiting(fake_client_network(c)), 0);
        fake_client_free(c);
    }
}

/* Attaching overrides what is cached and what is in flight; detaching gives it back. */
static void attaching_counts_at_once(void **state)
{
    struct fake_client *c = fake_client_new(environment, nothing);
    static const char ours[] = "NOERROR aa rd ra | 7 A 10.0.0.1 | 7 A 10.0.0.2";
    static const char ours_turned[] = "NOERROR aa rd ra | 7 A 10.0.0.2 | 7 A 10.0.0.1";

    (void)state;
    expect("ask", fake_client_ask(c, "db.corp.example A"), "waiting");
    upstream_says(c, "NOERROR; A db.corp.example 6.6.6.6");
    expect("public", fake_client_late(c), "NOERROR rd ra | 300 A 6.6.6.6");
    expect("ask", fake_client_ask(c, "www.example A"), "waiting");
    upstream_says(c, "NOERROR; CNAME www.example db.corp.example; A db.corp.example 6.6.6.6");
    assert_non_null(strstr(fake_client_late(c), "6.6.6.6"));
    expect("ask", fake_client_ask(c, "DB.corp.example AAAA"), "waiting");
    expect("ask", fake_client_ask(c, "b.w.example A"), "waiting");

    fake_client_publish(c, documents);
    expect("cached before", fake_client_ask(c, "db.corp.example A"), ours);
    assert_null(strstr(fake_client_ask(c, "www.example A"), "6.6.6.6"));
    upstream_says(c, "NOERROR; AAAA DB.corp.example 2001:db8::6");
    expect("in flight", fake_client_late(c), "NOERROR aa rd ra | 7 AAAA fd00::1");
    /* The upstream says nothing, and the name must not be sent again. */
    fake_network_forget(fake_client_network(c));
    expect("in flight", wait_for_late(c), "NOERROR aa rd ra | 30 A 10.0.0.4");
    assert_int_equal(fake_network_waiting(fake_client_network(c)), 0);
    assert_int_equal(fake_client_count(c, STATS_LEAKS), 0);

    fake_client_publish(c, nothing);
    expect("public again", fake_client_ask(c, "db.corp.example AAAA"), "waiting");
    upstream_says(c, "NOERROR; AAAA db.corp.example 2001:db8::6");
    expect("public again", fake_client_late(c), "NOERROR rd ra | 300 AAAA 2001:db8::6");
    (void)ours_turned;
    fake_client_free(c);
}

/* What was cached up to a cut is complete only as long as the target is ours. */
static void a_cut_answer_is_not_served_whole(void **state)
{
    struct fake_client *c = fake_client_new(environment, documents);

    (void)state;
    expect("ask", fake_client_ask(c, "www.example A"), "waiting");
    upstream_says(c, "NOERROR; CNAME www.example db.corp.example; A db.corp.example 192.0.2.9");
    assert_non_null(fake_client_late(c));
    fake_client_publish(c, nothing);
    expect("a miss", fake_client_ask(c, "www.example A nord"), "REFUSED ra");
    expect("a miss", fake_client_ask(c, "www.example A"), "waiting");
    upstream_says(c, "NOERROR; CNAME www.example db.corp.example; A db.corp.example 192.0.2.9");
    expect("fresh", fake_client_late(c),
           "NOERROR rd ra | 200 CNAME db.corp.example. | db.corp.example. 300 A 192.0.2.9");
    fake_client_free(c);
}

static void waiting_clients_are_told_at_the_end(void **state)
{
    struct fake_client *c = fake_client_new(environment, documents);
    char last[200] = "";

    (void)state;
    expect("ask", fake_client_ask(c, "a.example A edns"), "waiting");
    expect("ask", fake_client_ask(c, "A.example A"), "waiting"); /* merged */
    assert_int_equal(fake_network_waiting(fake_client_network(c)), 1);
    assert_int_equal(query_desk_waiting(fake_client_desk(c)), 2);
    fake_client_close(c);
    snprintf(last, sizeof last, "%s", fake_client_late(c));
    assert_non_null(strstr(last, "SERVFAIL rd ra"));
    snprintf(last, sizeof last, "%s", fake_client_late(c));
    assert_non_null(strstr(last, "SERVFAIL rd ra"));
    assert_null(fake_client_late(c));
    fake_client_free(c);
}

/* An answer that is larger than the client takes: whole records, TC; whole over TCP. */
static void long_answers_are_cut(void **state)
{
    struct fake_client *c = fake_client_new(environment, documents);
    static char script[4096];
    size_t used = (size_t)snprintf(script, sizeof script, "NOERROR");
    const char *said;
    unsigned n = 0;

    (void)state;
    for (unsigned i = 0; i < 33; i++)
        used +=
            (size_t)snprintf(script + used, sizeof script - used, "; A l.example 192.0.2.%u", i);
    expect("ask", fake_client_ask(c, "l.example A"), "waiting");
    upstream_says(c, script);
    for (unsigned round = 0; round < 2; round++) {
        said = round == 0 ? fake_client_late(c) : fake_client_ask(c, "l.example A");
        assert_non_null(strstr(said, "NOERROR tc rd ra"));
        for (n = 0; (said = strstr(said, "192.0.2.")) != NULL; said++)
            n++;
        assert_int_equal(n, (512 - 12 - 11 - 4) / 25);
    }
    said = fake_client_ask(c, "l.example A tcp");
    assert_non_null(strstr(said, "NOERROR rd ra"));
    assert_non_null(strstr(said, "192.0.2.32"));
    fake_client_free(c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(chains_are_cut),
        cmocka_unit_test(loops_fail),
        cmocka_unit_test(cached_answers_count_down),
        cmocka_unit_test(silence_is_servfail_or_stale),
        cmocka_unit_test(failing_upstreams_do_not_hide_what_is_stale),
        cmocka_unit_test(failures_do_not_change),
        cmocka_unit_test(attaching_counts_at_once),
        cmocka_unit_test(a_cut_answer_is_not_served_whole),
        cmocka_unit_test(waiting_clients_are_told_at_the_end),
        cmocka_unit_test(long_answers_are_cut),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
