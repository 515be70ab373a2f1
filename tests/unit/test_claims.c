/* What two documents that contradict each other are told: what, where, and where the other stands.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "alloc.h"
#include "claim.h"
#include "claims.h"
#include "ledger.h"

static const struct hash_key key = {1, 2};

#define LIST "privateLinkConnections:\n"
#define HEAD(id, endpoint)                                                                         \
    "- privateLinkConnectionId: " id "\n"                                                          \
    "  type: AWS_ENDPOINT_SERVICE\n"                                                               \
    "  endpoints: [" endpoint "]\n"                                                                \
    "  attachedDomains:\n"
#define ADDRESS "{addresses: [10.0.0.1]}"
#define CUSTOM  "  - type: CUSTOM\n    domains:\n"

/* Every kind of claim; names of one domain, of several, and of several connections. */
static const char first[] = LIST                                          /* line 1 */
    HEAD("plc-a", ADDRESS)                                                /* 2 */
    CUSTOM                                                                /* 6 */
    "    - name: h.x.example\n"                                           /* 8 */
    "    - name: '*.w.x.example'\n"                                       /* 9 */
    "    - name: b.x.example\n"                                           /* 10 */
    "    - name: '*.b.x.example'\n"                                       /* 11 */
    "    - name: '*.c.x.example'\n"                                       /* 12 */
    "    - name: c.x.example\n" CUSTOM                                    /* 13; 14 */
    "    - name: last.x.example\n"                                        /* 16 */
    "  - {type: CONFLUENT, uniqueName: u1.us-east-1}\n"                   /* 17 */
    HEAD("plc-b", "{zone: use1-az1, dnsName: t.x.example}") CUSTOM        /* 18; 22 */
    "    - name: only.x.example\n"                                        /* 24 */
    HEAD("plc-c", "{dnsName: q.t2.x.example}, {dnsName: r.t2.x.example}") /* 25 */
    CUSTOM                                                                /* 29 */
    "    - name: other.x.example\n";                                      /* 31 */

static const struct {
    const char *text, *says; /* all behind each other */
} rows[] = {
    {LIST HEAD("plc-z", ADDRESS) CUSTOM "    - name: z.x.example\n", ""},
    {LIST HEAD("plc-b", ADDRESS) CUSTOM "    - name: z.x.example\n",
     "b:2: privateLinkConnectionId 'plc-b' is used already at a:18|"},
    {LIST HEAD("plc-z", ADDRESS) CUSTOM "    - name: z.x.example\n    - name: last.x.example\n"
                                        "    - name: only.x.example\n    - name: h.x.example\n"
                                        "    - name: '*.w.x.example'\n",
     "b:9: 'last.x.example' is attached already by plc-a at a:16|"
     "b:10: 'only.x.example' is attached already by plc-b at a:24|"
     "b:11: 'h.x.example' is attached already by plc-a at a:8|"
     "b:12: '*.w.x.example' is attached already by plc-a at a:9|"},
    {LIST HEAD("plc-z", ADDRESS) "  - {type: CONFLUENT, uniqueName: u1.us-east-1}\n",
     "b:6: '*.u1.us-east-1.aws.confluent.cloud' is attached already by plc-a at a:17|"},
    /* Hosts and wildcards below which an endpoint is to be found; of two targets the last. */
    {LIST HEAD("plc-z", ADDRESS) CUSTOM
     "    - name: t.x.example\n    - name: '*.t2.x.example'\n    - name: t2.x.example\n",
     "b:8: 't.x.example' would own the dnsName of plc-b at a:20, which is to be found elsewhere|"
     "b:10: 't2.x.example' would own the dnsName of plc-c at a:27, which is to be found "
     "elsewhere|"},
    /* The same the other way round.  A name that is there as itself and with a star is told where
     * the last of both stands. */
    {LIST HEAD("plc-z", "{dnsName: h.x.example}, {zone: use1-az1, dnsName: q.w.x.example}") CUSTOM
     "    - name: z.x.example\n",
     "b:4: dnsName 'h.x.example' is owned by 'h.x.example', attached by plc-a at a:8|"
     "b:4: dnsName 'q.w.x.example' is owned by 'w.x.example', attached by plc-a at a:9|"},
    {LIST HEAD("plc-z", "{dnsName: b.x.example}, {zone: use1-az1, dnsName: c.x.example}") CUSTOM
     "    - name: z.x.example\n",
     "b:4: dnsName 'b.x.example' is owned by 'b.x.example', attached by plc-a at a:11|"
     "b:4: dnsName 'c.x.example' is owned by 'c.x.example', attached by plc-a at a:13|"},
    {LIST HEAD("plc-z", "{dnsName: q.u1.us-east-1.aws.confluent.cloud}") CUSTOM
     "    - name: z.x.example\n",
     "b:4: dnsName 'q.u1.us-east-1.aws.confluent.cloud' is owned by "
     "'u1.us-east-1.aws.confluent.cloud', attached by plc-a at a:17|"},
};

static struct document *parse(const char *name, const char *text)
{
    struct error_list errors = {0};
    struct document *document = document_parse(name, text, strlen(text), &errors);

    if (document == NULL) {
        fail_msg("%s:%u: %s", name, errors.items[0].line, errors.items[0].text);
    }
    error_clear(&errors);
    return document;
}

static void check(struct claims *claims, const struct document *document, const char *says)
{
    for (size_t turn = 0; turn < 2; turn++) { /* what was refused leaves no trace */
        struct error_list errors = {0};
        size_t length = claims_length(claims);
        char text[2048] = "", one[1024];
        bool good = claims_add(claims, document, CLAIMS_NONE, &errors);
        for (size_t e = 0; e < errors.length; e++) {
            strcat(strcat(text, error_format(&errors.items[e], one, sizeof(one))), "|");
        }
        assert_string_equal(text, says);
        assert_int_equal(good, *says == '\0');
        assert_int_equal(claims_length(claims), length + good);
        error_clear(&errors);
        if (good) {
            return;
        }
    }
}

static void test_places(void **state)
{
    struct document *a = parse("a", first);

    (void)state;
    for (size_t i = 0; i < ARRAY_LENGTH(rows); i++) {
        struct claims *claims = claims_new(&key, NULL, 0);
        struct document *b = parse("b", rows[i].text);
        check(claims, a, "");
        check(claims, b, rows[i].says);
        for (size_t n = 0; n < claims_length(claims); n++) {
            claims_leave(claims, n);
        }
        check(claims, b, "");
        claims_free(claims);
        document_release(b);
    }
    document_release(a);
}

/* Every connection of a document may be the one that is in the way. */
static void test_many_connections(void **state)
{
    enum { CONNECTIONS = 50, SIZE = 256 };
    static char text[CONNECTIONS * SIZE];
    struct claims *claims = claims_new(&key, NULL, 0);
    char *at = text + sprintf(text, LIST);

    (void)state;
    for (unsigned i = 0; i < CONNECTIONS; i++) {
        at += sprintf(at,
                      "- {privateLinkConnectionId: plc-%u, type: AWS_ENDPOINT_SERVICE, endpoints: "
                      "[" ADDRESS "],\n"
                      "   attachedDomains: [{type: CUSTOM, domains: [{name: n%u.x.example}]}]}\n",
                      i, i);
    }
    struct document *a = parse("a", text);
    check(claims, a, "");
    for (unsigned i = CONNECTIONS; i-- > 0;) {
        char says[SIZE];
        sprintf(text, LIST HEAD("plc-z", ADDRESS) CUSTOM "    - name: n%u.x.example\n", i);
        sprintf(says, "b:8: 'n%u.x.example' is attached already by plc-%u at a:%u|", i, i,
                2 * i + 3);
        struct document *b = parse("b", text);
        check(claims, b, says);
        document_release(b);
    }
    claims_free(claims);
    document_release(a);
}

/* One in each name: the first ones are told, the others counted, and it ends soon. */
static void test_many_names(void **state)
{
    enum { NAMES = 30000, SIZE = 32 };
    char *text = alloc_array(NAMES + 10, SIZE);
    struct document *both[2];
    struct claims *claims = claims_new(&key, NULL, 0);
    struct error_list errors = {0};

    (void)state;
    for (unsigned d = 0; d < 2; d++) {
        char *at = text + sprintf(text, LIST HEAD("plc-%u", ADDRESS) CUSTOM, d);
        for (unsigned i = 0; i < NAMES; i++) {
            /* The second has them the other way round. */
            at += sprintf(at, "    - name: n%u.x.example\n", d == 0 ? i : NAMES - 1 - i);
        }
        both[d] = parse(d == 0 ? "a" : "b", text);
    }
    assert_true(claims_add(claims, both[0], CLAIMS_NONE, &errors));
    assert_false(claims_add(claims, both[1], CLAIMS_NONE, &errors));
    assert_int_equal(claims_in_the_way(claims), 0);
    assert_false(claims_has_left(claims, 0));
    assert_int_equal(errors.errors, NAMES);
    assert_int_equal(errors.length, ERROR_LIST_MAX);
    for (unsigned i = 0; i < ERROR_LIST_MAX; i++) {
        char says[256], one[256];
        sprintf(says, "b:%u: 'n%u.x.example' is attached already by plc-0 at a:%u", 8 + i,
                NAMES - 1 - i, 8 + NAMES - 1 - i);
        assert_string_equal(error_format(&errors.items[i], one, sizeof(one)), says);
    }
    error_clear(&errors);
    claims_free(claims);
    document_release(both[0]);
    document_release(both[1]);
    free(text);
}

/* Room is counted for whoever of two versions takes more, and for what is not told of here. */
static void test_room(void **state)
{
    static const char one[] = LIST HEAD("plc-a", ADDRESS) CUSTOM "    - name: a.example\n";
    struct document *small = parse("a", one), *large = parse("a", first);
    static const struct {
        uint64_t left;
        bool good;
    } tries[] = {{1, false}, {UINT64_C(1) << 20, true}};

    (void)state;
    for (size_t i = 0; i < ARRAY_LENGTH(tries); i++) {
        struct error_list errors = {0};
        struct claims *claims = claims_new(&key, NULL, CLAIM_OCTETS_MAX - tries[i].left);
        size_t old = claims_hold(claims, small);
        claims_leave(claims, old);
        assert_int_equal(claims_add(claims, large, old, &errors), tries[i].good);
        assert_int_equal(errors.errors, !tries[i].good);
        claims_leave(claims, claims_length(claims) - 1);
        assert_true(claims_add(claims, small, old, &errors)); /* as much as it had */
        error_clear(&errors);
        claims_free(claims);
    }

    /* What was added counts. */
    struct ledger *ledger = ledger_new(&key, NULL);
    assert_true(ledger_add(ledger, large) && ledger_settle(ledger));
    struct claims *claims = claims_new(&key, NULL, CLAIM_OCTETS_MAX - ledger_octets(ledger));
    struct error_list errors = {0};
    struct document *other = parse("b", rows[0].text);
    assert_true(claims_add(claims, large, CLAIMS_NONE, &errors));
    assert_false(claims_add(claims, other, CLAIMS_NONE, &errors));
    assert_non_null(strstr(errors.items[0].text, "the table is full"));
    assert_int_equal(claims_in_the_way(claims), CLAIMS_NONE);
    error_clear(&errors);
    claims_free(claims);
    ledger_free(ledger);
    document_release(other);
    document_release(small);
    document_release(large);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_places),
        cmocka_unit_test(test_many_connections),
        cmocka_unit_test(test_many_names),
        cmocka_unit_test(test_room),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
