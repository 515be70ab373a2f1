/* Attached domains: roots, broad wildcards, usual names.  Rules are held against files by
 * test_document. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "domain.h"

static const struct {
    enum connection_domain_type type;
    enum cloud cloud;
    const char *unique_name, *region, *project;
    const char *root, *why; /* one of them */
} roots[] = {
    {CONNECTION_TIDBCLOUD_MANAGED, CLOUD_AWS, "abc", "", "", "abc.aws.plc.tidbcloud.com", NULL},
    {CONNECTION_TIDBCLOUD_MANAGED, CLOUD_ALICLOUD, "ABC", "", "", "abc.alicloud.plc.tidbcloud.com",
     NULL},
    {CONNECTION_TIDBCLOUD_MANAGED, CLOUD_AZURE, "abc", "", "", NULL,
     "TIDBCLOUD_MANAGED exists on aws and alicloud; this connection is on azure"},
    {CONNECTION_TIDBCLOUD_MANAGED, CLOUD_GCP, "abc", "", "", NULL,
     "TIDBCLOUD_MANAGED exists on aws and alicloud; this connection is on gcp"},
    {CONNECTION_TIDBCLOUD_MANAGED, CLOUD_AWS, "", "", "", NULL,
     "missing; TIDBCLOUD_MANAGED wants one label of 26 characters a-z and 2-7"},
    {CONNECTION_TIDBCLOUD_MANAGED, CLOUD_AWS, "a..b", "", "", NULL, "'a..b': empty label"},
    {CONNECTION_CONFLUENT, CLOUD_AWS, "net.us-east-1", "", "", "net.us-east-1.aws.confluent.cloud",
     NULL},
    {CONNECTION_CONFLUENT, CLOUD_AZURE, "net.eastus.", "", "", "net.eastus.azure.confluent.cloud",
     NULL},
    {CONNECTION_CONFLUENT, CLOUD_GCP, "net.us-central1", "", "",
     "net.us-central1.gcp.confluent.cloud", NULL},
    {CONNECTION_CONFLUENT, CLOUD_ALICLOUD, "net.x", "", "", "net.x.alicloud.confluent.cloud", NULL},
    {CONNECTION_CONFLUENT, CLOUD_AWS, "prod", "", "", NULL,
     "'prod' has one label; CONFLUENT wants <network>.<region>"},
    {CONNECTION_CONFLUENT, CLOUD_AWS, "a.b.c", "", "", NULL,
     "'a.b.c' has 3 labels; CONFLUENT wants <network>.<region>"},
    {CONNECTION_TIDBCLOUD_DEDICATED, CLOUD_AZURE, "abc", "eastus", "3199745",
     "abc.eastus.azure.3199745.tidbcloud.com", NULL},
    {CONNECTION_TIDBCLOUD_DEDICATED, CLOUD_AWS, "abc", "us-west-2", "3199015",
     "abc.us-west-2.aws.3199015.tidbcloud.com", NULL},
    {CONNECTION_TIDBCLOUD_DEDICATED, CLOUD_ALICLOUD, "abc", "ap-southeast-1", "1",
     "abc.ap-southeast-1.alicloud.1.tidbcloud.com", NULL},
    {CONNECTION_TIDBCLOUD_DEDICATED, CLOUD_AWS, "abc", "", "1", NULL,
     "TIDBCLOUD_DEDICATED needs region"},
    {CONNECTION_TIDBCLOUD_DEDICATED, CLOUD_AWS, "abc", "x", "", NULL,
     "TIDBCLOUD_DEDICATED needs projectId"},
    {CONNECTION_TIDBCLOUD_DEDICATED, CLOUD_AWS, "abc", "a.b", "1", NULL,
     "region 'a.b': more than one label"},
};

static void test_roots(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LENGTH(roots); i++) {
        struct dname root;
        char why[DOMAIN_WHY_MAX] = "", text[DNAME_TEXT_MAX];
        bool made = domain_make_root(roots[i].type, roots[i].cloud, roots[i].unique_name,
                                     roots[i].region, roots[i].project, &root, why, sizeof why);
        if (made != (roots[i].root != NULL))
            fail_msg("'%s': %s", roots[i].unique_name, why);
        if (made) {
            assert_string_equal(dname_to_text(root.wire, text), roots[i].root);
            assert_int_equal(root.size, dname_size(root.wire));
        } else {
            assert_string_equal(why, roots[i].why);
        }
    }
}

static void test_longest_root(void **state)
{
    struct dname root;
    char why[DOMAIN_WHY_MAX], label[64];

    (void)state;
    memset(label, 'l', 63);
    label[63] = '\0';
    assert_true(domain_make_root(CONNECTION_TIDBCLOUD_DEDICATED, CLOUD_ALICLOUD, label, label,
                                 label, &root, why, sizeof why));
    assert_int_equal(root.size, 64 * 3 + 9 + 10 + 4 + 1);
    assert_int_equal(root.size, dname_size(root.wire));
    char both[128];
    snprintf(both, sizeof both, "%s.%s", label, label);
    assert_true(domain_make_root(CONNECTION_CONFLUENT, CLOUD_ALICLOUD, both, "", "", &root, why,
                                 sizeof why));
    assert_int_equal(root.size, 64 * 2 + 9 + 10 + 6 + 1);
}

static const struct {
    const char *wildcard;
    bool broad;
} widths[] = {
    {"*.com", true},
    {"*.example.com", true},
    {"*.kafka.example.com", false},
    {"*.confluent.cloud", true},
    {"*.us-east-1.aws.confluent.cloud", true},
    {"*.net.us-east-1.aws.confluent.cloud", false},
    {"*.us-east-1.aws.glb.confluent.cloud", true},
    {"*.us-east-1.aws.accesspoint.glb.confluent.cloud", false},
    {"*.aws.plc.tidbcloud.com", true},
    {"*.u.aws.plc.tidbcloud.com", false},
    {"*.u.aws.tidbcloud.com", false},
    {"*.aws.tidbcloud.com", true},
    {"*.us-east-1.rds.amazonaws.com", true},
    {"*.c3.kafka.us-east-1.amazonaws.com", false},
    {"*.rds.aliyuncs.com", true},
    {"*.mysql.rds.aliyuncs.com", false},
    {"*.xaliyuncs.com.example", false},
};

static void test_widths(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LENGTH(widths); i++) {
        struct dname name;
        const char *why;
        assert_true(dname_from_text(&name, widths[i].wildcard, strlen(widths[i].wildcard), &why));
        if (domain_is_broad(name.wire) != widths[i].broad)
            fail_msg("%s", widths[i].wildcard);
    }
}

static void test_usual_names(void **state)
{
    (void)state;
    assert_null(domain_unusual(CONNECTION_TIDBCLOUD_MANAGED, "dvs6nl5jgveztmla3pxkxgh76i"));
    assert_non_null(domain_unusual(CONNECTION_TIDBCLOUD_MANAGED, "dvs6nl5jgveztmla3pxkxgh76"));
    assert_non_null(domain_unusual(CONNECTION_TIDBCLOUD_MANAGED, "dvs6nl5jgveztmla3pxkxgh761"));
    assert_null(domain_unusual(CONNECTION_TIDBCLOUD_DEDICATED, "abc1"));
    assert_non_null(domain_unusual(CONNECTION_TIDBCLOUD_DEDICATED, "a-bc"));
    assert_null(domain_unusual(CONNECTION_CONFLUENT, "Any.thing"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_roots),
        cmocka_unit_test(test_longest_root),
        cmocka_unit_test(test_widths),
        cmocka_unit_test(test_usual_names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
