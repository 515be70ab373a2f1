/* Every shape of name that vendors have: the right names get the right addresses, and no look-alike
 * does.
 *
 * The documents are tests/data/documents/good/shapes/.  Each row asks one name of one document.
 * What holds for every attached name needs no rows: for each that gets addresses, its upper case
 * and its form with a dot at the end get the same, with a search suffix behind it is refused here,
 * and some fifty look-alikes of its owned root (see check_around) are not owned.
 *
 * Not covered, and why:
 * - wildcards of parts of a label ("*-pr1jy6.us-east-2.aws…", the suffix with a dash of some
 * Confluent gateways): such names are public aliases, which are forwarded; the chain they begin
 * ends in <network>.<region>, which is attached (rows of confluent_chased);
 * - a wildcard of exactly one label, as ClickPipes matches: ours covers any number, as DNS does,
 * and the other vendors need that;
 * - addresses from an endpoint's own name (vpce-….vpce.amazonaws.com): not a shape of attached
 * names;
 * - the random part and zone of an Alibaba or AWS endpoint's name: never attached, only forwarded.
 */
#include <arpa/inet.h>
#include <ctype.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "table.h"

#define SUFFIX "svc.cluster.local" /* the search suffix that is configured */
#define TEXT   1024                /* room for a name as text, and more */

#define U1  "dvs6nl5jgveztmla3pxkxgh76i"
#define AWS ".aws.plc.tidbcloud.com"
#define ALI ".alicloud.plc.tidbcloud.com"
#define CC  ".confluent.cloud"
#define AMZ ".amazonaws.com"

/* An answer is its addresses; else "-" (forwarded), "empty", "nxdomain", "no zone", "not ready".
 * "(all)" behind addresses: they stand in for a zone that has none. */
static const struct row {
    const char *document, *qname, *says;
} rows[] = {
    /* ---- TiDB Cloud ---- */
    {"tidbcloud_plc_aws", "b1.usw2-az1." U1 AWS, "10.1.1.1"},
    {"tidbcloud_plc_aws", "b2.usw2-az2." U1 AWS, "10.1.2.1"},
    {"tidbcloud_plc_aws", "any-label.usw2-az3." U1 AWS, "10.1.3.1"},
    {"tidbcloud_plc_aws", "b1." U1 AWS, "10.1.1.1 10.1.2.1 10.1.3.1"},
    {"tidbcloud_plc_aws", "b1.usw2-az4." U1 AWS, "no zone"},
    {"tidbcloud_plc_aws", "b1.us-west-2a." U1 AWS, "10.1.1.1 10.1.2.1 10.1.3.1"}, /* no zone id */
    {"tidbcloud_plc_aws", "usw2-az1." U1 AWS, "empty"},
    {"tidbcloud_plc_aws", U1 AWS, "empty"},
    {"tidbcloud_plc_aws", "aws.plc.tidbcloud.com", "-"},
    {"tidbcloud_plc_aws", "b1.usw2-az1." U1 ALI, "-"},
    {"tidbcloud_plc_aws", "b1.usw2-az1." U1 ".aws.tidbcloud.com", "-"},
    {"tidbcloud_plc_aws", "b1.usw2-az1.unique_name" AWS, "-"},
    {"tidbcloud_plc_aws", "b1.usw2-az1.dvs6nl5jgveztmla3pxkxgh76m" AWS,
     "10.1.1.1"}, /* the second */
    {"tidbcloud_plc_aws", "b1.dvs6nl5jgveztmla3pxkxgh76m" AWS, "10.1.1.1 10.1.2.1"},
    {"tidbcloud_plc_aws", "b1.usw2-az3.dvs6nl5jgveztmla3pxkxgh76m" AWS, "no zone"},
    {"tidbcloud_plc_aws", "b1.usw2-az1.dvs6nl5jgveztmla3pxkxgh76q" AWS, "-"},
    {"tidbcloud_plc_aws_listed", "b1.use1-az1." U1 AWS, "10.1.1.1"},
    {"tidbcloud_plc_aws_listed", "b1.use1-az2." U1 AWS, "10.1.2.1"},
    {"tidbcloud_plc_aws_listed", "b1.use1-az4." U1 AWS, "not ready"}, /* its siblings are */
    {"tidbcloud_plc_aws_listed", "b1.use1-az5." U1 AWS, "no zone"},
    {"tidbcloud_plc_aws_listed", "b1." U1 AWS, "nxdomain"}, /* not among them */
    {"tidbcloud_plc_aws_legacy", "b1.usw2-az1." U1 ".aws.tidbcloud.com", "10.1.1.1"},
    {"tidbcloud_plc_aws_legacy", "b1." U1 ".aws.tidbcloud.com", "10.1.1.1 10.1.2.1"},
    {"tidbcloud_plc_aws_legacy", "b1.usw2-az1." U1 AWS, "-"},
    {"tidbcloud_plc_alicloud", "b1." U1 ALI, "10.2.1.1 10.2.2.1"},
    {"tidbcloud_plc_alicloud", "b3.ap-southeast-1c." U1 ALI, "10.2.1.1 10.2.2.1 (all)"},
    {"tidbcloud_plc_alicloud", "b1.ap-southeast-1a." U1 ALI, "10.2.1.1"}, /* below one wildcard */
    {"tidbcloud_plc_alicloud", "b1.ap-southeast-1a.a6nl5jgveztmla3pxkxgh7dvsi" ALI, "10.2.1.1"},
    {"tidbcloud_plc_alicloud", "b3.ap-southeast-1c.a6nl5jgveztmla3pxkxgh7dvsi" ALI,
     "10.2.1.1 10.2.2.1 (all)"},
    {"tidbcloud_plc_alicloud", "b1." U1 AWS, "-"},
    {"tidbcloud_dedicated", "b1.usw2-az1.abc.us-west-2.aws.3199015.tidbcloud.com", "10.3.1.1"},
    {"tidbcloud_dedicated", "b1.abc.us-west-2.aws.3199015.tidbcloud.com",
     "10.3.1.1 10.3.2.1 10.3.3.1"},
    {"tidbcloud_dedicated", "b1.usw2-az4.abc.us-west-2.aws.3199015.tidbcloud.com", "no zone"},
    {"tidbcloud_dedicated", "b1.one.us-west-2.aws.3199015.tidbcloud.com", "10.3.9.1"},
    {"tidbcloud_dedicated", "b1.usw2-az1.one.us-west-2.aws.3199015.tidbcloud.com", "10.3.9.1"},
    {"tidbcloud_dedicated", "b1.abc.eastus.azure.3199745.tidbcloud.com", "10.4.1.1"},
    {"tidbcloud_dedicated", "b1.az1.abc.eastus.azure.3199745.tidbcloud.com", "10.4.1.1"},
    {"tidbcloud_dedicated", "b1.abc.us-west1.gcp.3199745.tidbcloud.com", "10.5.1.1"},
    {"tidbcloud_dedicated", "brokers.abc.us-west1.gcp.3199745.tidbcloud.com",
     "10.5.1.1"}, /* proxy */
    {"tidbcloud_dedicated", "b1.abc.us-west1.azure.3199745.tidbcloud.com", "-"},
    {"tidbcloud_dedicated", "b1.abc.eastus.azure.3199015.tidbcloud.com", "-"},
    {"tidbcloud_dedicated", "b1.abd.eastus.azure.3199745.tidbcloud.com", "-"},

    /* ---- Amazon MSK ---- */
    {"msk", "b-1.orders.a1b2c3.c2.kafka.us-east-1" AMZ, "10.6.1.1 10.6.2.1"},
    {"msk", "b-1.scram.orders.a1b2c3.c3.kafka.us-east-1" AMZ, "10.6.3.1"},
    {"msk", "b-2.iam.orders.a1b2c3.c3.kafka.us-east-1" AMZ, "10.6.3.1"},
    {"msk", "b-2.tls.orders.a1b2c3.c3.kafka.us-east-1" AMZ, "-"},
    {"msk", "b-1.orders.d4e5f6.c2.kafka.us-east-1" AMZ, "-"},
    {"msk", "b-1-public.orders.a1b2c3.c3.kafka.us-east-1" AMZ, "-"},
    {"msk", "boot-abc.c3.kafka-serverless.us-east-1" AMZ, "10.6.4.1"},
    {"msk", "b48-abc.c3.kafka-serverless.us-east-1" AMZ, "10.6.4.1"},
    {"msk", "b48-abc.c2.kafka-serverless.us-east-1" AMZ, "-"},
    {"msk", "b48-abc.c3.kafka-serverless.us-east-2" AMZ, "-"},

    /* ---- databases ---- */
    {"databases", "db-1.abc123.us-east-1.rds" AMZ, "10.7.1.1"},
    {"databases", "shop.cluster-abc123.us-east-1.rds" AMZ, "10.7.1.1"},
    {"databases", "shop.cluster-ro-abc123.us-east-1.rds" AMZ, "10.7.1.1"},
    {"databases", "db-2.abc123.us-east-1.rds" AMZ, "-"},
    {"databases", "x.db-1.abc123.us-east-1.rds" AMZ, "-"},
    {"databases", "abc123.us-east-1.rds" AMZ, "-"},
    {"databases", "rm-abc123.mysql.rds.aliyuncs.com", "10.7.2.1"},
    {"databases", "rm-abc1234.mysql.rds.aliyuncs.com", "-"},
    {"databases", "xy12345.us-east-1.privatelink.snowflakecomputing.com", "10.7.3.1"},
    {"databases", "ocsp.xy12345.us-east-1.privatelink.snowflakecomputing.com", "10.7.3.1"},
    {"databases", "org-account.privatelink.snowflakecomputing.com", "10.7.3.1"},
    {"databases", "app-org-account.privatelink.snowflakecomputing.com", "10.7.3.1"},
    {"databases", "xy12345.us-east-1.snowflakecomputing.com", "-"},
    {"databases", "pl-0-us-east-1.abc12.mongodb.net", "10.7.4.1"},
    {"databases", "cluster0-pl-0.abc12.mongodb.net", "-"}, /* TXT and SRV are public */
    {"databases", "_mongodb._tcp.cluster0-pl-0.abc12.mongodb.net", "-"},
    {"databases", "kafka-prod.project.aivencloud.com", "10.7.5.1"},

    /* ---- Redpanda, Google's Kafka ---- */
    {"redpanda", "seed-3da65a4a.d0cluster.byoc.prd.cloud.redpanda.com", "10.8.1.1"},
    {"redpanda", "0-3da65a4a-0532364.d0cluster.byoc.prd.cloud.redpanda.com", "10.8.1.1"},
    {"redpanda", "d0cluster.byoc.prd.cloud.redpanda.com", "10.8.1.1"},
    {"redpanda", "d0cluster.fmc.prd.cloud.redpanda.com", "-"},
    {"redpanda", "s0cluster.any.us-east-1.aw.priv.prd.cloud.redpanda.com", "10.8.2.1"},
    {"redpanda", "s0cluster-0.any.us-east-1.aw.priv.prd.cloud.redpanda.com", "10.8.2.1"},
    {"redpanda", "s0cluster-2.any.us-east-1.aw.priv.prd.cloud.redpanda.com", "-"},
    {"redpanda", "x.s0cluster.any.us-east-1.aw.priv.prd.cloud.redpanda.com", "-"},
    {"gcp_managed_kafka", "bootstrap.orders.us-central1.managedkafka.my-project.cloud.goog",
     "10.9.0.1"},
    {"gcp_managed_kafka", "broker-0.orders.us-central1.managedkafka.my-project.cloud.goog",
     "10.9.1.1"},
    {"gcp_managed_kafka", "broker-1.orders.us-central1.managedkafka.my-project.cloud.goog",
     "10.9.2.1"},
    {"gcp_managed_kafka", "broker-2.orders.us-central1.managedkafka.my-project.cloud.goog", "-"},

    /* ---- Confluent ---- */
    {"confluent_dedicated", "lkc-2v531.domjpe506kp.us-east-1.aws" CC,
     "10.10.2.1 10.10.5.1 10.10.6.1"},
    {"confluent_dedicated", "e-1d39.use1-az5.domjpe506kp.us-east-1.aws" CC, "10.10.5.1"},
    {"confluent_dedicated", "a.b.use1-az6.domjpe506kp.us-east-1.aws" CC, "10.10.6.1"},
    {"confluent_dedicated", "use1-az5.domjpe506kp.us-east-1.aws" CC, "empty"},
    {"confluent_dedicated", "e-1.use1-az1.domjpe506kp.us-east-1.aws" CC, "no zone"},
    {"confluent_dedicated", "domjpe506kp.us-east-1.aws" CC, "empty"},
    {"confluent_dedicated", "*.domjpe506kp.us-east-1.aws" CC, "10.10.2.1 10.10.5.1 10.10.6.1"},
    {"confluent_dedicated", "lsrc-1.domjpe506kp.us-east-1.aws" CC, "10.10.2.1 10.10.5.1 10.10.6.1"},
    {"confluent_dedicated", "flink.domjpe506kp.us-east-1.aws" CC, "10.10.2.1 10.10.5.1 10.10.6.1"},
    {"confluent_dedicated", "lkc-2v531-00aa.usw1-az1.domz6wj0p.us-west-1.aws" CC, "10.11.1.1"},
    {"confluent_dedicated", "lkc-2v531.domz6wj0p.us-west-1.aws" CC, "10.11.1.1"},
    {"confluent_dedicated", "lkc-1.domjpe506kp.us-west-1.aws" CC, "-"}, /* the other one's region */
    {"confluent_dedicated", "e-1.az2.6ky22p.eastus.azure" CC, "10.12.2.1"},
    {"confluent_dedicated", "lkc-1.6ky22p.eastus.azure" CC, "10.12.1.1 10.12.2.1 10.12.3.1"},
    {"confluent_dedicated", "e-1.az4.6ky22p.eastus.azure" CC,
     "10.12.1.1 10.12.2.1 10.12.3.1 (all)"},
    {"confluent_dedicated", "e-1.us-central1-b.pr123a.us-central1.gcp" CC, "10.13.2.1"},
    {"confluent_dedicated", "lkc-1.pr123a.us-central1.gcp" CC, "10.13.1.1 10.13.2.1"},
    {"confluent_dedicated", "e-1.us-central1-f.pr123a.us-central1.gcp" CC,
     "10.13.1.1 10.13.2.1 (all)"},
    {"confluent_dedicated", "pkc-12345.us-east-1.aws" CC, "-"}, /* public clusters */
    {"confluent_dedicated", "lkc-1-domjpe506kp.us-east-1.aws" CC, "-"},
    {"confluent_chased", "lkc-3gyjw.l63jl.us-west-2.aws" CC, "10.14.1.1 10.14.2.1"},
    {"confluent_chased", "e-0cb9.usw2-az1.l63jl.us-west-2.aws" CC, "10.14.1.1"},
    {"confluent_chased", "lkc-3gyjw-l63jl.us-west-2.aws.glb" CC, "-"},
    {"confluent_chased", "e-0cb9-usw2-az1-l63jl.us-west-2.aws.glb" CC, "-"},
    {"confluent_chased", "pksqlc-00000.us-west-2.aws.glb" CC, "-"},
    {"confluent_enterprise", "lkc-abc123.us-west-2.aws.private" CC, "10.15.1.1"},
    {"confluent_enterprise", "lkc-abc123-9ae1.us-west-2.aws.private" CC, "10.15.1.1"},
    {"confluent_enterprise", "lkc-abc123.us-west-2.aws" CC, "-"},
    {"confluent_enterprise", "lkc-abc123.ap12345.us-west-2.aws.accesspoint" CC, "10.15.2.1"},
    {"confluent_enterprise", "e-1.usw2-az1.ap12345.us-west-2.aws.accesspoint" CC, "10.15.2.1"},
    {"confluent_enterprise", "lkc-abc123-ap12345.us-west-2.aws.accesspoint.glb" CC, "-"},
    {"confluent_enterprise", "lkc-x-1234-ap1.use1-az2.us-east-1.aws.accesspoint.glb" CC,
     "10.15.3.2"},
    {"confluent_enterprise", "lkc-x-1234-ap1.use1-az4.us-east-1.aws.accesspoint.glb" CC, "-"},
    {"confluent_enterprise", "lkc-abc-9ae1.usw2-az1.us-west-2.aws.intranet" CC, "10.15.4.1"},
    {"confluent_enterprise", "lkc-abc.us-west-2.aws.intranet" CC, "10.15.4.1 10.15.4.2"},
    {"confluent_enterprise", "lkc-1.l63jl.us-west-2.aws.cpdev.cloud", "10.15.5.1"},

    /* ---- ClickPipes ---- */
    {"clickpipes", "lkc-1.pr1jy6.us-east-2.aws" CC, "10.16.1.1 10.16.2.1"},
    {"clickpipes", "e-1.use2-az2.pr1jy6.us-east-2.aws" CC, "10.16.2.1"},
    {"clickpipes", "lkc-1.p8xo76.us-central1.gcp" CC, "10.17.1.1"},
    {"clickpipes", "e-1.us-central1-a.p8xo76.us-central1.gcp" CC, "10.17.1.1"},
    {"clickpipes", "e-1.us-central1-b.p8xo76.us-central1.gcp" CC, "10.17.2.1"},
    {"clickpipes", "b-1.orders.a1b2c3.c2.kafka.us-east-2" AMZ, "10.18.1.1"},
    {"clickpipes", "b-2.orders.a1b2c3.c2.kafka.us-east-2" AMZ, "10.18.2.1"},
    {"clickpipes", "b-3.orders.a1b2c3.c2.kafka.us-east-2" AMZ, "-"},
    {"clickpipes", "lkc-1-ap1.us-east-2.aws.accesspoint.glb" CC, "10.18.3.1"},

    /* ---- endpoints' own names ---- */
    {"cloud_endpoint_names", "bucket.vpce-0123456789abcdef0-01234567.s3.us-west-2.vpce" AMZ,
     "10.19.1.1"},
    {"cloud_endpoint_names",
     "vpce-0123456789abcdef0-01234567.vpce-svc-0123456789abcdef0.us-west-2.vpce" AMZ, "-"},
    {"cloud_endpoint_names",
     "vpce-0123456789abcdef0-01234567-us-west-2b.vpce-svc-0123456789abcdef0.us-west-2.vpce" AMZ,
     "-"},
    {"cloud_endpoint_names", "ep-bp1.epsrv-bp1.cn-hangzhou.privatelink.aliyuncs.com", "-"},
    {"cloud_endpoint_names",
     "ep-hp3-cn-huhehaote.epsrv-hp3.cn-huhehaote-a.privatelink.aliyuncs.com", "-"},
    {"cloud_endpoint_names", "nlb-abc.ap-southeast-1.nlb.aliyuncsslbintl.com", "-"},

    /* ---- both families ---- */
    {"both_families", "b1." U1 AWS, "10.20.1.1 fd00:20:1::1 fd00:20:2::1"},
    {"both_families", "b1.use1-az1." U1 AWS, "10.20.1.1 fd00:20:1::1"},
    {"both_families", "b1.use1-az2." U1 AWS, "fd00:20:2::1"},
};

/* ---- one look-up ---- */

static const char *const words[] = {
    [TABLE_NOT_OWNED] = "-",         [TABLE_ANSWER] = "",
    [TABLE_EMPTY] = "empty",         [TABLE_NXDOMAIN] = "nxdomain",
    [TABLE_NOT_READY] = "not ready", [TABLE_GONE] = "gone",
    [TABLE_NO_ZONE] = "no zone",     [TABLE_DETACHED] = "detached",
    [TABLE_FENCED] = "fenced",       [TABLE_SEARCH] = "search",
};

static bool read_name(const char *text, struct dname *name)
{
    const char *why;

    return dname_from_text(name, text, strlen(text), &why);
}

static void put_address(char *out, int family, const uint8_t *bytes)
{
    char text[INET6_ADDRSTRLEN];

    inet_ntop(family, bytes, text, sizeof text);
    sprintf(out + strlen(out), "%s%s", out[0] == '\0' ? "" : " ", text);
}

/* As in the rows.  Lent until the next call. */
static const char *say(const struct table *table, const char *qname)
{
    static char out[TEXT];
    struct table_match match;
    struct dname name;

    assert_true(read_name(qname, &name));
    table_find(table, name.wire, &match);
    strcpy(out, words[match.outcome]);
    if (match.outcome != TABLE_ANSWER)
        return out;
    const uint8_t *at = match.answer->addresses;
    for (unsigned i = 0; i < match.answer->a_count; i++, at += 4)
        put_address(out, AF_INET, at);
    for (unsigned i = 0; i < match.answer->aaaa_count; i++, at += 16)
        put_address(out, AF_INET6, at);
    if (match.regional_fallback)
        strcat(out, " (all)");
    return out;
}

static void expect(const struct table *table, const char *qname, const char *says)
{
    const char *said = say(table, qname);

    if (strcmp(said, says) != 0)
        fail_msg("%s: '%s', wanted '%s'", qname, said, says);
}

/* ---- what holds around every attached name ---- */

/* The outermost owned root: the shortest end of the name that is not forwarded. */
static const char *root_of(const struct table *table, const char *qname)
{
    const char *root = qname;

    for (const char *at = qname; (at = strchr(at, '.')) != NULL;) {
        if (strcmp(say(table, ++at), "-") != 0)
            root = at;
    }
    return root;
}

PRINTF_LIKE(2, 3) static void expect_foreign(const struct table *table, const char *format, ...)
{
    char text[TEXT];
    struct dname name;
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    if (read_name(text, &name)) /* a label may have become too long */
        expect(table, text, "-");
}

/* One label of the root changed, left out, added, cut, glued to its neighbour. */
static void check_label(const struct table *table, const char *qname, const char *root,
                        const char *label)
{
    int left = (int)(label - qname), length = (int)strcspn(label, ".");
    const char *behind = label + length; /* "" or with its dot */
    int head = left > 0 ? left - 1 : 0;

    expect_foreign(table, "%.*sx%s", left, qname, label);
    expect_foreign(table, "%.*s%.*sx%s", left, qname, length, label, behind);
    expect_foreign(table, "%.*s%.*s%c%s", left, qname, length - 1, label,
                   label[length - 1] == 'q' ? 'r' : 'q', behind);
    if (length > 1) {
        expect_foreign(table, "%.*s%s", left, qname, label + 1);
        expect_foreign(table, "%.*s%.*s%s", left, qname, length - 1, label, behind);
        expect_foreign(table, "%.*s%c.%s", left, qname, label[0], label + 1);
    }
    if (behind[0] != '\0')
        expect_foreign(table, "%.*s%s", left, qname, behind + 1);
    if (behind[0] != '\0')
        expect_foreign(table, "%.*s%.*s-%s", left, qname, length, label, behind + 1);
    if (label == root)
        return;
    expect_foreign(table, "%.*s.x.%s", head, qname, label);
    expect_foreign(table, "%.*s.%.*s.%s", head, qname, length, label, label);
}

static void check_around(const struct table *table, const struct row *row)
{
    char other[TEXT];
    const char *root = root_of(table, row->qname);

    snprintf(other, sizeof other, "%s.", row->qname);
    expect(table, other, row->says);
    for (size_t i = 0; other[i] != '\0'; i++)
        other[i] = (char)toupper((unsigned char)other[i]);
    expect(table, other, row->says);
    snprintf(other, sizeof other, "%s." SUFFIX, row->qname);
    expect(table, other, "search");
    expect_foreign(table, "%s.example", row->qname);
    expect_foreign(table, "%s.evil.example", row->qname);
    expect_foreign(table, "%s.%s.example", row->qname, root);
    for (const char *label = root;; label++) {
        check_label(table, row->qname, root, label);
        label = strchr(label, '.');
        if (label == NULL)
            break;
        if (label[1] != '\0')
            expect_foreign(table, "%s", label + 1); /* what is above belongs to others */
    }
}

/* ---- documents ---- */

static struct table *load(const char *name)
{
    static const struct dname no_suffix;
    char path[1024], bytes[65536], line[TEXT];
    struct error_list errors = {0};
    struct dname suffix = no_suffix;
    struct table_options options = {
        .key = {1, 2}, .zone = "", .search_suffixes = &suffix, .search_suffixes_length = 1};

    snprintf(path, sizeof path, DOCUMENTS "/good/shapes/%s.yaml", name);
    FILE *file = fopen(path, "rb");
    if (file == NULL)
        fail_msg("%s cannot be read", path);
    size_t size = fread(bytes, 1, sizeof bytes, file);
    fclose(file);
    struct document *document = document_parse(name, bytes, size, &errors);
    if (document == NULL || errors.length > 0)
        fail_msg("%s", error_format(&errors.items[0], line, sizeof line));
    assert_true(read_name(SUFFIX, &suffix));
    struct table *table = table_build(&options, &document, 1);
    document_release(document);
    error_clear(&errors);
    return table;
}

static void test_shapes(void **state)
{
    const char *loaded = "";
    struct table *table = NULL;

    (void)state;
    for (size_t i = 0; i < ARRAY_LENGTH(rows); i++) {
        if (strcmp(rows[i].document, loaded) != 0) {
            table_free(table);
            loaded = rows[i].document;
            table = load(loaded);
        }
        expect(table, rows[i].qname, rows[i].says);
        if (isxdigit((unsigned char)rows[i].says[0]) && strcmp(rows[i].says, "empty") != 0)
            check_around(table, &rows[i]);
    }
    table_free(table);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_shapes)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
