/* Zone ids of every cloud, and what only looks like one. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "zoneid.h"

#define AWS      (1u << CLOUD_AWS)
#define ALICLOUD (1u << CLOUD_ALICLOUD)
#define AZURE    (1u << CLOUD_AZURE)
#define GCP      (1u << CLOUD_GCP)

static const struct {
    const char *label;
    unsigned clouds; /* whose form it has */
    bool aws_name;
} cases[] = {
    {"use1-az1", AWS, false},
    {"USE1-AZ1", AWS, false},
    {"usw2-az4", AWS, false},
    {"apne1-az4", AWS, false},
    {"usgw1-az3", AWS, false},
    {"euc1-az10", AWS, false},
    {"usw2-lax1-az1", AWS, false},
    {"use1-wl1-bos-wlz1", AWS, false},
    {"use1-az", 0, false},
    {"use-az1", 0, false},
    {"use1-az1a", 0, false},
    {"use1az1", 0, false},
    {"use1a", 0, false},
    {"use1--az1", 0, false},
    {"1-az1", 0, false},
    {"us-east-1a", ALICLOUD, true},
    {"us-gov-west-1b", ALICLOUD, true},
    {"us-west-2-lax-1a", ALICLOUD, true},
    {"ap-southeast-1a", ALICLOUD, true},
    {"cn-hangzhou-b", ALICLOUD, false},
    {"CN-Hangzhou-B", ALICLOUD, false},
    {"cn-shanghai-finance-1a", ALICLOUD, true},
    {"cn-north-2-gov-1a", ALICLOUD, true},
    {"cn-hangzhou", 0, false},
    {"az1", AZURE, false},
    {"Az3", AZURE, false},
    {"az0", 0, false},
    {"az12", 0, false},
    {"1", 0, false},
    {"us-central1-a", GCP, false},
    {"northamerica-northeast1-b", GCP, false},
    {"us-central1", 0, false},
    {"us-central1-ab", 0, false},
    {"b1", 0, false},
    {"lkc-2v531", 0, false},
    {"e-1d39", 0, false},
    {"", 0, false},
    {"-", 0, false},
    {"a-b-c-d-e-f-g-h-i-j", 0, false},
    {"use1-az1\xff", 0, false},
};

static void test_forms(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        const char *label = cases[i].label;
        for (enum cloud cloud = CLOUD_AWS; cloud <= CLOUD_GCP; cloud++) {
            bool wanted = (cases[i].clouds >> cloud & 1) != 0;
            if (zoneid_valid(cloud, label, strlen(label)) != wanted)
                fail_msg("'%s' on %s", label, zoneid_cloud_label(cloud));
        }
        if (zoneid_is_aws_name(label, strlen(label)) != cases[i].aws_name)
            fail_msg("'%s' as the name of a zone", label);
    }
}

static void test_too_long(void **state)
{
    char label[ZONEID_MAX + 2];

    (void)state;
    memset(label, 'a', sizeof label);
    memcpy(label, "use1-", 5);
    memcpy(label + ZONEID_MAX - 3, "-az1", 4);
    assert_false(zoneid_valid(CLOUD_AWS, label, sizeof label));
    assert_false(zoneid_valid(CLOUD_AWS, "use1-az1-", 9));
    assert_true(zoneid_valid(CLOUD_AWS, "use1-az1-", 8));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_forms),
        cmocka_unit_test(test_too_long),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
