/* Our codec against ldns, over packets that ldns made: every type that we look into, every cut and
 * many a wrong octet of them.  fuzz_codec.c goes on where this ends. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <ldns/ldns.h>

#include "codec.h"
#include "fake_client.h"
#include "record.h"

/* RDATA of every type in record.c, as zone files write it. */
static const char *const rows[] = {
    "A 192.0.2.1",
    "NS a.x.y.",
    "MD a.x.y.",
    "MF a.x.y.",
    "CNAME a.x.y.",
    "SOA a.x.y. b.x.y. 1 2 3 4 5",
    "MB a.x.y.",
    "MG a.x.y.",
    "MR a.x.y.",
    "WKS 192.0.2.1 tcp 25",
    "PTR a.x.y.",
    "HINFO \"PC\" \"\"",
    "MINFO a.x.y. b.y.",
    "MX 10 a.x.y.",
    "TXT \"one\" \"\" \"three\"",
    "RP a.x.y. b.x.y.",
    "AFSDB 1 a.x.y.",
    "X25 \"311061700956\"",
    "RT 10 a.x.y.",
    "SIG A 8 2 60 20260101000000 20250101000000 1 x.y. AAECAw==",
    "KEY 256 3 8 AAECAw==",
    "PX 10 a.x.y. b.x.y.",
    "GPOS \"-32.6\" \"116.8\" \"10.0\"",
    "AAAA 2001:db8::1",
    "LOC 52 22 23.000 N 4 53 32.000 E -2.00m 0.00m 10000m 10m",
    "SRV 1 2 3 a.x.y.",
    "NAPTR 1 2 \"u\" \"E2U+sip\" \"!^.*$!sip:a@b!\" a.x.y.",
    "KX 10 a.x.y.",
    "CERT PKIX 1 RSASHA256 AAECAw==",
    "DNAME a.x.y.",
    "DS 1 8 2 0102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f20",
    "SSHFP 1 1 0102030405060708090a0b0c0d0e0f1011121314",
    "RRSIG A 8 2 60 20260101000000 20250101000000 1 x.y. AAECAw==",
    "NSEC a.x.y. A NS TYPE65280",
    "DNSKEY 256 3 8 AAECAw==",
    "DHCID AAECAw==",
    "NSEC3 1 0 1 aabb 0p9mhaveqvm6t7vbl5lop2u3t2rp3tom A RRSIG",
    "NSEC3PARAM 1 0 1 -",
    "TLSA 3 1 1 01020304",
    "SMIMEA 3 1 1 01020304",
    "TALINK a.x.y. b.x.y.",
    "CDS 1 8 2 0102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f20",
    "CDNSKEY 256 3 8 AAECAw==",
    "OPENPGPKEY AAECAw==",
    "CSYNC 66 3 A NS AAAA",
    "ZONEMD 1 1 1 01020304",
    "SVCB 1 a.x.y. alpn=h2 port=853",
    "HTTPS 1 . alpn=h2",
    "SPF \"v=spf1 -all\"",
    "NID 10 0014:4fff:ff20:ee64",
    "L32 10 10.1.2.0",
    "L64 10 2001:0DB8:1140:1000",
    "LP 10 a.x.y.",
    "EUI48 00-00-5e-00-53-2a",
    "EUI64 00-00-5e-ef-10-00-00-2a",
    "URI 10 1 \"https://a.x/\"",
    "CAA 0 issue \"ca.example\"",
    "TYPE65280 \\# 4 01020304",
};

static ldns_rr *make_record(const char *owner, const char *words)
{
    char text[400];
    ldns_rr *rr = NULL;

    snprintf(text, sizeof text, "%s 60 IN %s", owner, words);
    ldns_status status = ldns_rr_new_frm_str(&rr, text, 0, NULL, NULL);
    if (status != LDNS_STATUS_OK)
        fail_msg("%s: %s", text, ldns_get_errorstr_by_id(status));
    return rr;
}

/* The message of a reply with that record in every section; freed by the caller. */
static uint8_t *make_reply(const char *words, size_t *size)
{
    ldns_pkt *p = ldns_pkt_query_new(ldns_dname_new_frm_str("x.y."), LDNS_RR_TYPE_A,
                                     LDNS_RR_CLASS_IN, LDNS_RD | LDNS_QR);
    uint8_t *message = NULL;

    ldns_pkt_push_rr(p, LDNS_SECTION_ANSWER, make_record("a.x.y.", words));
    ldns_pkt_push_rr(p, LDNS_SECTION_AUTHORITY, make_record("x.y.", words));
    ldns_pkt_push_rr(p, LDNS_SECTION_ADDITIONAL, make_record("b.a.x.y.", words));
    assert_int_equal(ldns_pkt2wire(&message, p, size), LDNS_STATUS_OK);
    ldns_pkt_free(p);
    return message;
}

static uint8_t *make_query(unsigned flags, size_t *size)
{
    static const uint8_t options[] = {0, 3, 0, 0, 0, 10, 0, 8, 1, 2, 3, 4, 5, 6, 7, 8, 0, 11, 0, 0};
    ldns_pkt *p = ldns_pkt_query_new(ldns_dname_new_frm_str("B1.x.Y."), LDNS_RR_TYPE_TXT,
                                     LDNS_RR_CLASS_IN, (uint16_t)(flags & 1 ? LDNS_RD : 0));
    uint8_t *packet = NULL;

    ldns_pkt_set_id(p, 0x1234);
    ldns_pkt_set_cd(p, flags & 2);
    if (flags & 4)
        ldns_pkt_set_edns_udp_size(p, 1400);
    if (flags & 8)
        ldns_pkt_set_edns_do(p, true);
    if (flags & 16)
        ldns_pkt_set_edns_data(
            p, ldns_rdf_new_frm_data(LDNS_RDF_TYPE_UNKNOWN, sizeof options, options));
    assert_int_equal(ldns_pkt2wire(&packet, p, size), LDNS_STATUS_OK);
    ldns_pkt_free(p);
    return packet;
}

typedef bool compare_fn(const uint8_t *, size_t);

/* The message whole, cut at every place, with every octet wrong in some ways, with one too many:
 * the two never disagree without a reason. */
static void vary(compare_fn *compare, const uint8_t *message, size_t size)
{
    static const uint8_t masks[] = {0x01, 0x02, 0x20, 0x40, 0x80, 0xc0, 0xff};

    assert_true(compare(message, size));
    for (size_t cut = 0; cut < size; cut++) {
        uint8_t *copy = malloc(cut + 1); /* exactly as large: sanitizers see overruns */
        memcpy(copy, message, cut);
        assert_false(compare(copy, cut));
        free(copy);
    }
    uint8_t *copy = malloc(size + 1);
    memcpy(copy, message, size);
    copy[size] = 0;
    assert_false(compare(copy, size + 1));
    for (size_t i = 0; i < size; i++) {
        for (size_t m = 0; m < ARRAY_LENGTH(masks); m++) {
            copy[i] = message[i] ^ masks[m];
            (void)compare(copy, size);
        }
        copy[i] = message[i];
    }
    free(copy);
}

static void ldns_reads_every_type_alike(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LENGTH(rows); i++) {
        size_t size;
        uint8_t *message = make_reply(rows[i], &size);
        vary(codec_compare_reply, message, size);
        free(message);
    }
}

static void no_type_is_left_out(void **state)
{
    bool seen[UINT16_MAX + 1] = {[RECORD_OPT] = true}; /* ldns keeps its options unread */

    (void)state;
    for (size_t i = 0; i < ARRAY_LENGTH(rows); i++) {
        ldns_rr *rr = make_record("x.", rows[i]);
        seen[ldns_rr_get_type(rr)] = true;
        ldns_rr_free(rr);
    }
    for (unsigned type = 0; type <= UINT16_MAX; type++) {
        if (record_is_known((uint16_t)type) && !seen[type])
            fail_msg("type %u is not in the rows", type);
    }
}

static void ldns_reads_queries_alike(void **state)
{
    (void)state;
    for (unsigned flags = 0; flags < 32; flags++) {
        size_t size;
        uint8_t *packet = make_query(flags, &size);
        vary(codec_compare_query, packet, size);
        free(packet);
    }
}

/* ---- through the whole answer path ---- */

static const char documents[] =
    "privateLinkConnections:\n"
    "- privateLinkConnectionId: plc-a\n  clusterId: \"1\"\n  type: AWS_ENDPOINT_SERVICE\n"
    "  awsEndpointService: {name: com.amazonaws.vpce.us-east-1.vpce-svc-0123456789abcdef0,\n"
    "    region: us-east-1}\n"
    "  endpoints: [{addresses: [10.0.0.1]}]\n"
    "  attachedDomains: [{attachDomainId: a, type: CUSTOM, domains: [{name: \"*.o.x\"}]}]\n";

/* The upstream's answer to what was just asked of it, made and compressed by ldns. */
static void answer(struct fake_client *c, const struct fake_sent *sent, const char *const *records)
{
    ldns_pkt *p = NULL;
    uint8_t *message = NULL;
    size_t size;

    assert_int_equal(ldns_wire2pkt(&p, sent->message, sent->size), LDNS_STATUS_OK);
    ldns_pkt_set_qr(p, true);
    ldns_pkt_set_ra(p, true);
    for (; *records != NULL; records += 2)
        ldns_pkt_push_rr(p, LDNS_SECTION_ANSWER, make_record(records[0], records[1]));
    assert_int_equal(ldns_pkt2wire(&message, p, &size), LDNS_STATUS_OK);
    fake_network_deliver(fake_client_network(c), sent, message, size);
    fake_network_pass(fake_client_network(c), 0);
    ldns_pkt_free(p);
    free(message);
}

/* What the client got is these records, but for those of a chain's cut. */
static void check_answer(struct fake_client *c, const char *const *records)
{
    size_t size, i = 0;
    const uint8_t *reply = fake_client_reply(c, &size);
    ldns_pkt *p = NULL;

    assert_int_equal(ldns_wire2pkt(&p, reply, size), LDNS_STATUS_OK);
    for (; records[2 * i] != NULL; i++) {
        ldns_rr *rr = make_record(records[2 * i], records[2 * i + 1]);
        ldns_rr *got = ldns_rr_list_rr(ldns_pkt_answer(p), i);
        assert_non_null(got);
        assert_int_equal(ldns_rr_compare(rr, got), 0);
        ldns_rr_free(rr);
    }
    assert_int_equal(ldns_pkt_ancount(p), i);
    ldns_pkt_free(p);
}

static void ask_twice(struct fake_client *c, const char *type, const char *const *upstream,
                      const char *const *wanted)
{
    char question[64];
    struct fake_sent sent;

    snprintf(question, sizeof question, "a.x.y %s tcp", type);
    assert_string_equal(fake_client_ask(c, question), "waiting");
    assert_true(fake_network_take(fake_client_network(c), &sent));
    answer(c, &sent, upstream);
    assert_non_null(fake_client_late(c));
    check_answer(c, wanted);
    assert_string_not_equal(fake_client_ask(c, question), "waiting"); /* out of the cache */
    check_answer(c, wanted);
}

static bool is_passed_on(const char *words)
{
    static const char *const own_way[] = {"CNAME ", "DNAME ", "SIG "};

    for (size_t i = 0; i < ARRAY_LENGTH(own_way); i++) {
        if (strncmp(words, own_way[i], strlen(own_way[i])) == 0)
            return false;
    }
    return true;
}

static void what_ldns_sends_arrives(void **state)
{
    struct fake_client *c = fake_client_new((char *const[]){NULL}, documents);

    (void)state;
    for (size_t i = 0; i < ARRAY_LENGTH(rows); i++) {
        const char *records[] = {"a.x.y.", rows[i], NULL};
        char type[32];

        sscanf(rows[i], "%31s", type);
        if (is_passed_on(rows[i]))
            ask_twice(c, type, records, records);
    }
    fake_client_free(c);
}

static void chains_are_cut_as_ldns_sees_it(void **state)
{
    static const char *const upstream[] = {"a.x.y.",  "CNAME c.x.y.", "c.x.y.", "CNAME B1.o.x.",
                                           "b1.o.x.", "A 192.0.2.66", NULL};
    static const char *const wanted[] = {"a.x.y.",  "CNAME c.x.y.", "c.x.y.", "CNAME b1.o.x.",
                                         "b1.o.x.", "A 10.0.0.1",   NULL};
    struct fake_client *c = fake_client_new((char *const[]){NULL}, documents);

    (void)state;
    ask_twice(c, "A", upstream, wanted);
    fake_client_free(c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ldns_reads_every_type_alike),    cmocka_unit_test(no_type_is_left_out),
        cmocka_unit_test(ldns_reads_queries_alike),       cmocka_unit_test(what_ldns_sends_arrives),
        cmocka_unit_test(chains_are_cut_as_ldns_sees_it),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
