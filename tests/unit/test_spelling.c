/* Suggestions: near words are found, far ones are not. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "spelling.h"

static const char *const known[] = {"uniqueName",      "type",    "ttl",
                                    "attachedDomains", "domains", NULL};

static const struct {
    const char *word, *nearest;
} cases[] = {
    {"uniqename", "uniqueName"},
    {"unique_name", "uniqueName"},
    {"UNIQUE-NAME", "uniqueName"},
    {"uniqueNmae", "uniqueName"},
    {"tpye", "type"},
    {"typ", "type"},
    {"TTL", "ttl"},
    {"tll", "ttl"},
    {"attachDomains", "attachedDomains"},
    {"domain", "domains"},
    {"unrelated", NULL},
    {"x", NULL},
    {"", NULL},
    {"---", NULL},
    {"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", NULL},
};

static const char *const fields[] = {"privateLinkConnectionId",
                                     "clusterId",
                                     "type",
                                     "state",
                                     "zone",
                                     "addresses",
                                     "dnsName",
                                     "ttl",
                                     "zoneFallback",
                                     NULL};

static const struct {
    const char *word, *near, *field; /* by letters; and by words, too */
} field_cases[] = {
    {"addres", "addresses", "addresses"},
    {"adress", "addresses", "addresses"},
    {"adresses", "addresses", "addresses"},
    {"id", NULL, "privateLinkConnectionId"},
    {"connectionId", NULL, "privateLinkConnectionId"},
    {"connection_id", NULL, "privateLinkConnectionId"},
    {"cluster", "clusterId", "clusterId"},
    {"availabilityZone", NULL, "zone"},
    {"availability-zone", NULL, "zone"},
    {"ipAddresses", "addresses", "addresses"},
    {"private_dns_name", NULL, "dnsName"},
    {"connectionType", NULL, "type"},
    {"fallback", "zoneFallback", "zoneFallback"},
    {"nectionId", NULL, NULL}, /* no word */
    {"ozone", "zone", "zone"},
    {"hailstormzone", NULL, NULL},
    {"zoneOfAll", NULL, NULL},
    {"d", NULL, NULL},
    {"i", NULL, NULL},
    {"", NULL, NULL},
    {"_", NULL, NULL},
    {"comment", NULL, NULL},
    {"description", NULL, NULL},
    {"labels", NULL, NULL},
    {"tags", NULL, NULL},
    {"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaZone", NULL, NULL},
};

static void check(const char *word, const char *nearest, const char *wanted)
{
    const char *said = nearest == NULL ? "nothing" : nearest;

    if (strcmp(said, wanted == NULL ? "nothing" : wanted) != 0)
        fail_msg("%s: %s", word, said);
}

static void test_fields(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof field_cases / sizeof field_cases[0]; i++) {
        const char *word = field_cases[i].word;
        check(word, spelling_nearest(word, fields), field_cases[i].near);
        check(word, spelling_nearest_field(word, fields), field_cases[i].field);
    }
}

static void test_cases(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        const char *nearest = spelling_nearest(cases[i].word, known);
        if (cases[i].nearest == NULL)
            assert_null(nearest);
        else
            assert_string_equal(nearest, cases[i].nearest);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_cases), cmocka_unit_test(test_fields)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
