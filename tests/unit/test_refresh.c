/* Names of endpoints: when they are asked for, and what of the answers is believed. */
#include "configaddress.h"
#include "refresh.h"

#include <arpa/inet.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "alloc.h"
#include "fake_message.h"
#include "fake_network.h"
#include "log.h"

#define START   1000000
#define TIMEOUT 2000
#define WALL    1700000000

struct world {
    struct config config;
    struct config_upstream server;
    struct config_upstreams upstreams;
    struct stats stats;
    struct fake_network *net;
    struct refresh *refresh;
    unsigned changes;
};

static void on_changed(void *arg, uint64_t now)
{
    struct world *w = arg;

    assert_int_equal(now, fake_network_now(w->net));
    w->changes++;
}

/* All below "owned" is ours. */
static bool is_owned(void *arg, const uint8_t *name, unsigned view)
{
    (void)arg;
    (void)view;
    return dname_under(name, (const uint8_t *)"\5owned", NULL);
}

static struct world *begin(void)
{
    struct world *w = alloc_array(1, sizeof *w);
    const char *why;

    log_setup(LOG_LEVEL_ERROR, LOG_FORMAT_LOGFMT);
    w->config.forward.timeout_ms = TIMEOUT;
    assert_true(configaddress_upstream("192.0.2.1", &w->server, &why));
    w->upstreams = (struct config_upstreams){&w->server, 1};
    w->net = fake_network_new(START);
    w->refresh = refresh_new(&(struct refresh_options){
        .config = &w->config,
        .upstreams = &w->upstreams,
        .network = fake_network_of(w->net),
        .stats = &w->stats,
        .owned = is_owned,
        .changed = on_changed,
        .arg = w,
    });
    return w;
}

static void end(struct world *w)
{
    refresh_free(w->refresh);
    fake_network_free(w->net);
    free(w);
}

/* Names separated by blanks, of equal length and in order. */
static bool want(struct world *w, const char *texts)
{
    uint8_t wires[100][64], *names[100];
    char copy[1024], *rest = copy, *one;
    size_t length = 0;

    snprintf(copy, sizeof copy, "%s", texts);
    while ((one = strsep(&rest, " ")) != NULL) {
        if (*one == '\0')
            continue;
        fake_message_name(wires[length], one);
        names[length] = wires[length];
        length++;
    }
    return refresh_want(w->refresh, names, length, fake_network_now(w->net));
}

/* ---- upstream, in words ---- */

/* What is said of the name: "10.0.0.1 10.0.0.2 fd00::1", "" = no record, "NXDOMAIN", "SERVFAIL",
 * "silence", "> alias 10.0.0.1": through an alias; "… | …": of IPv4 | of IPv6. */
static void answer(struct world *w, const struct fake_sent *s, const char *name, const char *words,
                   uint32_t ttl)
{
    static struct fake_message m;
    uint16_t type = (uint16_t)(s->message[s->size - 15] << 8 | s->message[s->size - 14]);
    char copy[1024], *rest = copy, *one, owner[64], part[1024];
    const char *bar = strstr(words, " | ");
    if (bar != NULL) {
        snprintf(part, sizeof part, "%.*s", (int)(bar - words), words);
        words = type == FAKE_TYPE_AAAA ? bar + 3 : part;
    }
    unsigned rcode = strcmp(words, "NXDOMAIN") == 0 ? 3 : strcmp(words, "SERVFAIL") == 0 ? 2 : 0;

    if (strcmp(words, "silence") == 0)
        return;
    fake_message_reply(&m, s->message, s->size, rcode);
    snprintf(copy, sizeof copy, "%s", rcode == 0 ? words : "");
    snprintf(owner, sizeof owner, "%s", name);
    unsigned answers = 0;
    while ((one = strsep(&rest, " ")) != NULL) {
        if (strcmp(one, ">") == 0) {
            char *alias = strsep(&rest, " ");
            fake_message_cname(&m, owner, ttl, alias);
            snprintf(owner, sizeof owner, "%s", alias);
        } else if (strchr(one, ':') != NULL && type == FAKE_TYPE_AAAA) {
            fake_message_aaaa(&m, owner, ttl, one);
            answers++;
        } else if (strchr(one, '.') != NULL && type == FAKE_TYPE_A) {
            fake_message_a(&m, owner, ttl, one);
            answers++;
        }
    }
    if (answers == 0 && rcode != 2)
        fake_message_soa(&m, "example", 60, 60);
    fake_network_deliver(w->net, s, m.bytes, m.size);
}

/* Answers all that was asked; returns how many questions. */
static unsigned answer_all(struct world *w, const char *name, const char *words, uint32_t ttl)
{
    struct fake_sent s;
    unsigned length = 0;

    while (fake_network_take(w->net, &s)) {
        if (s.message[12] == 0)
            continue; /* a probe */
        length++;
        answer(w, &s, name, words, ttl);
    }
    return length;
}

/* Lets time pass until the name is asked for; how long that took. */
static uint64_t until_asked(struct world *w)
{
    uint64_t from = fake_network_now(w->net), rounds = refresh_totals(w->refresh).rounds;

    while (refresh_totals(w->refresh).rounds == rounds && fake_network_now(w->net) - from < 100000)
        fake_network_pass(w->net, 10);
    return fake_network_now(w->net) - from;
}

/* ---- what is known, in words ---- */

static char known[4096];

static void see(void *arg, const struct refresh_status *s)
{
    char *text = arg;
    size_t used = strlen(text);

    for (unsigned i = 0; i < s->length; i++) {
        char one[INET6_ADDRSTRLEN];
        inet_ntop(s->addresses[i].v6 ? AF_INET6 : AF_INET, s->addresses[i].bytes, one, sizeof one);
        used +=
            (size_t)snprintf(text + used, sizeof known - used, "%s%s", used > 0 ? " " : "", one);
    }
    if (s->trouble[0] != '\0')
        snprintf(text + used, sizeof known - used, "%s(%s)", used > 0 ? " " : "", s->trouble);
}

static const char *what_is_known(const struct world *w)
{
    known[0] = '\0';
    refresh_each(w->refresh, see, known);
    return known;
}

/* ---- one name ---- */

/* Round after round: what is said, and what is known then. */
static const struct {
    const char *what;
    struct {
        const char *said, *known;
    } rounds[6];
} rows[] = {
    {"both families", {{"10.0.0.1 10.0.0.2 fd00::1", "10.0.0.1 10.0.0.2 fd00::1"}}},
    {"order says nothing", {{"10.0.0.2 10.0.0.1 10.0.0.2", "10.0.0.1 10.0.0.2"}}},
    {"a change", {{"10.0.0.1", "10.0.0.1"}, {"10.0.0.2", "10.0.0.2"}}},
    {"one family ends", {{"10.0.0.1 fd00::1", "10.0.0.1 fd00::1"}, {"fd00::1", "fd00::1"}}},
    {"one family fails",
     {{"10.0.0.1 fd00::1", "10.0.0.1 fd00::1"},
      {"10.0.0.2 | SERVFAIL", "10.0.0.2 fd00::1 (SERVFAIL)"},
      {"10.0.0.2 | ", "10.0.0.2"}}},
    {"one family never was", {{"10.0.0.1 | SERVFAIL", "10.0.0.1"}}},
    {"one family is silent", {{"silence | fd00::1", "fd00::1"}}},
    {"NXDOMAIN", {{"10.0.0.1", "10.0.0.1"}, {"NXDOMAIN", "10.0.0.1 (NXDOMAIN)"}}},
    {"no address", {{"10.0.0.1", "10.0.0.1"}, {"", "10.0.0.1 (no-address)"}}},
    {"SERVFAIL", {{"10.0.0.1", "10.0.0.1"}, {"SERVFAIL", "10.0.0.1 (SERVFAIL)"}}},
    {"silence", {{"10.0.0.1", "10.0.0.1"}, {"silence", "10.0.0.1 (timeout)"}}},
    {"never", {{"NXDOMAIN", "(NXDOMAIN)"}, {"SERVFAIL", "(SERVFAIL)"}, {"10.0.0.1", "10.0.0.1"}}},
    {"flapping",
     {{"10.0.0.1", "10.0.0.1"},
      {"SERVFAIL", "10.0.0.1 (SERVFAIL)"},
      {"10.0.0.2", "10.0.0.2"},
      {"NXDOMAIN", "10.0.0.2 (NXDOMAIN)"},
      {"10.0.0.1", "10.0.0.1"}}},
    {"an alias", {{"> b.example 10.0.0.1", "10.0.0.1"}}},
    {"into an owned name",
     {{"10.0.0.1", "10.0.0.1"},
      {"> x.owned 10.0.0.66", "10.0.0.1 (leads-into-owned-name)"},
      {"> b.example > x.owned", "10.0.0.1 (leads-into-owned-name)"},
      {"10.0.0.2", "10.0.0.2"}}},
    {"through an owned name", {{"> x.owned > b.example 10.0.0.66", "(leads-into-owned-name)"}}},
    {"a circle", {{"> b.example > a.example", "(chain-loops)"}}},
    {"useless", {{"0.0.0.0 224.0.0.1 10.0.0.1 ff02::1 ::", "10.0.0.1"}}},
};

static void test_rounds(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LENGTH(rows); i++) {
        struct world *w = begin();
        assert_false(want(w, "a.example"));
        const char *before = "";
        for (size_t n = 0; n < 6 && rows[i].rounds[n].said != NULL; n++) {
            unsigned changes = w->changes;
            until_asked(w);
            fake_network_pass(w->net, 0);
            answer_all(w, "a.example", rows[i].rounds[n].said, 10);
            fake_network_pass(w->net, 0);
            if (strstr(rows[i].rounds[n].said, "silence") != NULL) {
                fake_network_pass(w->net, TIMEOUT + 10);
                fake_network_forget(w->net);
            }
            if (strcmp(what_is_known(w), rows[i].rounds[n].known) != 0)
                fail_msg("%s, round %zu: %s", rows[i].what, n, known);
            if (strcmp(known, before) != 0 && w->changes == changes)
                fail_msg("%s, round %zu: nobody was told", rows[i].what, n);
            before = rows[i].rounds[n].known;
        }
        end(w);
    }
}

/* ---- when ---- */

static const struct {
    uint32_t ttl;
    uint64_t least, most;
} ttls[] = {
    {0, 4500, 5010}, {5, 4500, 5010}, {30, 27000, 30010}, {60, 54000, 60010}, {86400, 54000, 60010},
};

static void test_ttl_is_clamped(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LENGTH(ttls); i++) {
        struct world *w = begin();
        want(w, "a.example");
        for (unsigned n = 0; n < 20; n++) {
            assert_int_equal(answer_all(w, "a.example", "10.0.0.1 fd00::1", ttls[i].ttl), 2);
            fake_network_pass(w->net, 0);
            assert_in_range(until_asked(w), ttls[i].least, ttls[i].most);
            fake_network_pass(w->net, 0);
        }
        assert_int_equal(w->changes, 2); /* both families, once */
        end(w);
    }
}

/* Tried again soon, then later and later. */
static void test_retries(void **state)
{
    static const uint64_t delays[] = {1000, 2000, 4000, 8000, 10000, 10000, 10000};
    struct world *w = begin();

    (void)state;
    want(w, "a.example");
    for (size_t i = 0; i < ARRAY_LENGTH(delays); i++) {
        answer_all(w, "a.example", "NXDOMAIN", 10);
        assert_in_range(until_asked(w), delays[i] * 9 / 10, delays[i] + 10);
    }
    answer_all(w, "a.example", "10.0.0.1", 10);
    assert_int_equal(refresh_totals(w->refresh).failures, ARRAY_LENGTH(delays));
    until_asked(w);
    answer_all(w, "a.example", "NXDOMAIN", 10);
    assert_in_range(until_asked(w), 900, 1010); /* from the beginning */
    end(w);
}

static void see_when(void *arg, const struct refresh_status *s)
{
    *(uint64_t *)arg = s->fresh_ms;
}

/* The address counts as soon as it is there, whatever becomes of the other family. */
static void test_one_family_is_silent(void **state)
{
    struct world *w = begin();
    struct fake_sent s;
    uint64_t when = 0;

    (void)state;
    want(w, "a.example");
    while (fake_network_take(w->net, &s)) {
        if (s.message[s.size - 14] == FAKE_TYPE_A)
            answer(w, &s, "a.example", "10.0.0.1", 10);
    }
    assert_string_equal(what_is_known(w), "10.0.0.1");
    assert_int_equal(w->changes, 1);
    refresh_each(w->refresh, see_when, &when);
    assert_int_equal(when, START);
    fake_network_pass(w->net, TIMEOUT + 10);
    assert_string_equal(what_is_known(w), "10.0.0.1"); /* no trouble either */
    end(w);
}

/* ---- many names ---- */

static void test_names_come_and_go(void **state)
{
    struct world *w = begin();
    struct fake_sent s;

    (void)state;
    assert_false(want(w, "a.example c.example"));
    assert_false(want(w, "a.example b.example c.example"));
    assert_int_equal(refresh_totals(w->refresh).names, 3);
    assert_int_equal(refresh_totals(w->refresh).rounds, 3);
    assert_true(want(w, "b.example")); /* in the middle of their questions */
    unsigned answered = 0;
    while (fake_network_take(w->net, &s)) {
        static const uint8_t b[] = "\1b\7example";
        if (dname_equal(s.message + 12, b)) {
            answer(w, &s, "b.example", "10.0.0.2", 10);
            answered++;
        }
    }
    assert_int_equal(answered, 2);
    assert_string_equal(what_is_known(w), "10.0.0.2");
    assert_true(want(w, ""));
    assert_null(refresh_book(w->refresh, fake_network_now(w->net), WALL));
    fake_network_pass(w->net, 100000);
    assert_int_equal(refresh_totals(w->refresh).rounds, 3);
    end(w);
}

/* Silence must not have all names asked for at one time; and each has its turn. */
static void test_so_many_at_once(void **state)
{
    struct world *w = begin();
    char texts[1024] = "";
    size_t used = 0;

    (void)state;
    for (unsigned i = 0; i < 2 * REFRESH_AT_ONCE; i++)
        used += (size_t)snprintf(texts + used, sizeof texts - used, "%02u.example ", i);
    want(w, texts);
    assert_int_equal(refresh_totals(w->refresh).rounds, REFRESH_AT_ONCE);
    fake_network_pass(w->net, TIMEOUT + 10);
    assert_in_range(refresh_totals(w->refresh).rounds, 2 * REFRESH_AT_ONCE, 3 * REFRESH_AT_ONCE);
    assert_int_equal(refresh_totals(w->refresh).unresolved, 2 * REFRESH_AT_ONCE);
    end(w);
}

static void count_overloaded(void *arg, const struct refresh_status *s)
{
    *(unsigned *)arg += strcmp(s->trouble, "overloaded") == 0;
}

/* While upstreams are silent not all names get to be asked for in each round.  That is no news of
 * them: what was found out last is what is wrong. */
static void test_silence_stays_silence(void **state)
{
    struct world *w = begin();
    char texts[1024] = "";
    unsigned overloaded = 0;
    size_t used = 0;

    (void)state;
    for (unsigned i = 0; i < 2 * REFRESH_AT_ONCE; i++)
        used += (size_t)snprintf(texts + used, sizeof texts - used, "%02u.example ", i);
    want(w, texts);
    fake_network_pass(w->net, 100000); /* each had its turn */
    for (unsigned i = 0; i < 20; i++) {
        refresh_each(w->refresh, count_overloaded, &overloaded);
        fake_network_pass(w->net, 1000);
    }
    assert_int_equal(overloaded, 0);
    end(w);
}

static void test_book(void **state)
{
    static const uint8_t a[] = "\1a\7example", b[] = "\1b\7example", c[] = "\1c\7example";
    struct world *w = begin();
    struct fake_sent s;

    (void)state;
    want(w, "a.example b.example");
    while (fake_network_take(w->net, &s)) {
        if (dname_equal(s.message + 12, a))
            answer(w, &s, "a.example", "10.0.0.1", 60);
        else
            answer(w, &s, "b.example", "SERVFAIL", 60);
    }
    struct targets *book = refresh_book(w->refresh, fake_network_now(w->net) + 7000, WALL);
    assert_int_equal(targets_find(book, a)->length, 1);
    assert_int_equal(targets_find(book, a)->trouble_since, 0);
    assert_int_equal(targets_find(book, b)->length, 0);
    assert_string_equal(targets_find(book, b)->trouble, "SERVFAIL");
    assert_int_equal(targets_find(book, b)->trouble_since, WALL - 7);
    assert_null(targets_find(book, c));
    targets_free(book);
    end(w);
}

/* A name that is ours itself, or fenced, never leaves. */
static void test_owned_name(void **state)
{
    struct world *w = begin();

    (void)state;
    want(w, "a.owned");
    fake_network_pass(w->net, 10);
    assert_int_equal(fake_network_waiting(w->net), 0);
    assert_string_equal(what_is_known(w), "(owned-or-fenced)");
    assert_int_equal(refresh_totals(w->refresh).loops, 1);
    end(w);
}

/* Nor one that nobody should pass on. */
static void test_special_name(void **state)
{
    static const char *const names[] = {"a.invalid", "x.onion", "localhost",
                                        "1.0.0.127.in-addr.arpa"};

    (void)state;
    for (size_t i = 0; i < ARRAY_LENGTH(names); i++) {
        struct world *w = begin();
        want(w, names[i]);
        fake_network_pass(w->net, 10);
        assert_int_equal(fake_network_waiting(w->net), 0);
        assert_string_equal(what_is_known(w), "(never-forwarded)");
        assert_int_equal(refresh_totals(w->refresh).loops, 0);
        end(w);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rounds),
        cmocka_unit_test(test_ttl_is_clamped),
        cmocka_unit_test(test_retries),
        cmocka_unit_test(test_one_family_is_silent),
        cmocka_unit_test(test_names_come_and_go),
        cmocka_unit_test(test_so_many_at_once),
        cmocka_unit_test(test_silence_stays_silence),
        cmocka_unit_test(test_book),
        cmocka_unit_test(test_owned_name),
        cmocka_unit_test(test_special_name),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
