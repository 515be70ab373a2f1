/* An upstream's answer to a question that is not ours → forwarding, cache, chain → the reply.
 *
 * Input: rcode, then the counts of the three sections, one octet each, then the octets behind the
 * question (x.y A: offsets from 21 on).  Beside the sanitizers' findings: the reply parses, and
 * ldns agrees that behind the first CNAME whose target is owned there is nothing but its signatures
 * and our own records, fresh and out of the cache. */
#include "replay.h"

#include <assert.h>
#include <ldns/ldns.h>
#include <string.h>

#include "codec.h"
#include "fake_client.h"
#include "table.h"
#include "wire.h"

#define QUESTIONS_MAX 300
#define HEAD          4 /* octets of the input before those of the message */

static const char documents[] =
    "privateLinkConnections:\n"
    "- privateLinkConnectionId: plc-a\n  clusterId: \"1\"\n  type: AWS_ENDPOINT_SERVICE\n"
    "  awsEndpointService: {name: com.amazonaws.vpce.us-east-1.vpce-svc-0123456789abcdef0,\n"
    "    region: us-east-1}\n"
    "  endpoints: [{addresses: [10.0.0.1, 10.0.0.2]}]\n"
    "  attachedDomains:\n"
    "  - {attachDomainId: a, type: CUSTOM, domains: [{name: \"*.o.x\"}, {name: a.b}]}\n";

static struct fake_client *client;
static unsigned questions;

static bool is_owned(const ldns_rdf *name)
{
    struct table_match match;

    table_find(fake_client_table(client), ldns_rdf_data(name), &match);
    return match.outcome != TABLE_NOT_OWNED;
}

static bool is_our_address(const ldns_rr *rr)
{
    const uint8_t *address = ldns_rdf_data(ldns_rr_rdf(rr, 0));

    return address[0] == 10 && address[1] == 0 && address[2] == 0 &&
           (address[3] == 1 || address[3] == 2);
}

static bool signs(const ldns_rr *rr, const ldns_rr *cname)
{
    return ldns_rr_get_type(rr) == LDNS_RR_TYPE_RRSIG &&
           ldns_rdf2rr_type(ldns_rr_rrsig_typecovered(rr)) == LDNS_RR_TYPE_CNAME &&
           ldns_dname_compare(ldns_rr_owner(rr), ldns_rr_owner(cname)) == 0;
}

static void check_reply(void)
{
    size_t size;
    const uint8_t *reply = fake_client_reply(client, &size);
    const ldns_rr *lead = NULL;
    ldns_pkt *p = NULL;

    assert(size <= WIRE_UDP_MIN);
    if (ldns_wire2pkt(&p, reply, size) != LDNS_STATUS_OK) {
        assert(codec_compare_reply(reply, size)); /* a type that is passed on unread */
        return;
    }
    for (size_t i = 0; i < ldns_pkt_ancount(p); i++) {
        const ldns_rr *rr = ldns_rr_list_rr(ldns_pkt_answer(p), i);
        if (lead != NULL && !signs(rr, lead)) {
            assert(ldns_rr_get_type(rr) == LDNS_RR_TYPE_A && is_our_address(rr));
            assert(ldns_dname_compare(ldns_rr_owner(rr), ldns_rr_rdf(lead, 0)) == 0);
        } else if (ldns_rr_get_type(rr) == LDNS_RR_TYPE_CNAME && is_owned(ldns_rr_rdf(rr, 0))) {
            lead = rr;
        }
        assert(lead != NULL || !is_owned(ldns_rr_owner(rr)));
    }
    for (size_t i = 0; i < ldns_pkt_nscount(p) && lead != NULL; i++) {
        const ldns_rr *rr = ldns_rr_list_rr(ldns_pkt_authority(p), i);
        assert(ldns_rr_get_type(rr) == LDNS_RR_TYPE_SOA && is_owned(ldns_rr_owner(rr)));
    }
    assert(!ldns_pkt_aa(p));
    ldns_pkt_free(p);
}

static void wait_for_late(void)
{
    const char *said = NULL;

    for (unsigned i = 0; i < 50 && (said = fake_client_late(client)) == NULL; i++)
        fake_network_pass(fake_client_network(client), 100);
    assert(said != NULL);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static char *const environment[] = {NULL};
    static struct fake_message m;
    struct fake_sent sent;
    const char *said;

    if (size < HEAD || size > 4096)
        return 0;
    if (client == NULL || ++questions % QUESTIONS_MAX == 0) {
        if (client != NULL)
            fake_client_free(client);
        log_setup(LOG_LEVEL_ERROR, LOG_FORMAT_LOGFMT);
        client = fake_client_new(environment, documents);
    }
    struct fake_network *network = fake_client_network(client);
    fake_network_forget(network);
    fake_client_flush(client);
    said = fake_client_ask(client, "x.y A");
    assert(strcmp(said, "waiting") == 0);
    assert(fake_network_take(network, &sent));
    fake_message_reply(&m, sent.message, sent.size, data[0] & 15);
    m.bytes[7] = data[1];
    m.bytes[9] = data[2];
    m.bytes[11] = data[3];
    memcpy(m.bytes + m.size, data + HEAD, size - HEAD);
    m.size += size - HEAD;
    fake_network_deliver(network, &sent, m.bytes, m.size);
    fake_network_pass(network, 0);
    wait_for_late();
    check_reply();
    said = fake_client_ask(client, "x.y A"); /* what was kept says the same */
    if (strcmp(said, "waiting") == 0)
        wait_for_late();
    check_reply();
    assert(fake_client_count(client, STATS_LEAKS) == 0);
    return 0;
}
