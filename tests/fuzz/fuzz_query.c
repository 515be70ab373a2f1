/* A client's packet → the whole answer path → the reply.
 *
 * The first octet says how it comes: bit 0 TCP, bit 1 the upstream answers (else it keeps silent).
 * Beside the sanitizers' findings: what we take ldns takes too, and so it does our replies; they
 * echo id, opcode and question, carry an OPT exactly when one came in, keep to the client's size,
 * and an owned name is answered here and now. */
#include "replay.h"

#include <assert.h>
#include <ldns/ldns.h>
#include <string.h>

#include "codec.h"
#include "fake_client.h"
#include "table.h"
#include "wire.h"

/* What the scripted network remembers grows, so a new one is made after so many questions. */
#define QUESTIONS_MAX 500

static const char documents[] =
    "privateLinkConnections:\n"
    "- privateLinkConnectionId: plc-a\n  clusterId: \"1\"\n  type: AWS_ENDPOINT_SERVICE\n"
    "  awsEndpointService: {name: com.amazonaws.vpce.us-east-1.vpce-svc-0123456789abcdef0,\n"
    "    region: us-east-1}\n"
    "  endpoints:\n"
    "  - {zone: use1-az1, addresses: [10.0.0.1, 10.0.0.2, \"fd00::1\"]}\n"
    "  attachedDomains:\n"
    "  - {attachDomainId: a, type: CUSTOM, domains: [{name: \"*.o.x\"}, {name: a.b}]}\n"
    "  - {attachDomainId: b, type: TIDBCLOUD_MANAGED, uniqueName: dvs6nl5jgveztmla3pxkxgh76i}\n"
    "- privateLinkConnectionId: plc-b\n  clusterId: \"1\"\n  type: AWS_ENDPOINT_SERVICE\n"
    "  state: CREATING\n"
    "  awsEndpointService: {name: com.amazonaws.vpce.us-east-1.vpce-svc-0123456789abcdef1,\n"
    "    region: us-east-1}\n"
    "  endpoints: [{addresses: [10.0.0.3]}]\n"
    "  attachedDomains: [{attachDomainId: c, type: CUSTOM, domains: [{name: n.b}]}]\n";

static struct fake_client *client;
static unsigned questions;

static void check_reply(const struct wire_query *query, bool tcp)
{
    size_t size;
    const uint8_t *reply = fake_client_reply(client, &size);
    size_t limit = wire_limit(query, tcp, 1232);
    ldns_pkt *p = NULL;

    assert(size >= WIRE_HEADER_SIZE && size <= limit);
    assert(ldns_wire2pkt(&p, reply, size) == LDNS_STATUS_OK);
    assert(memcmp(reply, query->packet, 2) == 0);
    assert(ldns_pkt_qr(p) && ldns_pkt_ra(p));
    assert((reply[2] & 0x78) == (query->packet[2] & 0x78));
    assert((reply[3] & 0x40) == 0); /* Z */
    assert(ldns_pkt_qdcount(p) == (query->question_end > WIRE_HEADER_SIZE));
    assert(memcmp(reply + WIRE_HEADER_SIZE, query->packet + WIRE_HEADER_SIZE,
                  query->question_end - WIRE_HEADER_SIZE) == 0);
    assert(ldns_pkt_edns(p) == query->edns);
    size_t soas = 0;
    for (size_t i = 0; i < ldns_pkt_nscount(p); i++)
        soas += ldns_rr_get_type(ldns_rr_list_rr(ldns_pkt_authority(p), i)) == LDNS_RR_TYPE_SOA;
    assert(soas <= 1);
    assert(soas == 1 || ldns_pkt_get_rcode(p) != LDNS_RCODE_NXDOMAIN || ldns_pkt_tc(p));
    ldns_pkt_free(p);
}

static bool ldns_takes(const uint8_t *message, size_t size)
{
    ldns_pkt *p = NULL;
    bool taken = ldns_wire2pkt(&p, message, size) == LDNS_STATUS_OK;

    ldns_pkt_free(p);
    return taken;
}

/* The upstream answers with four octets, or the wait goes on to its end: also where ldns wants
 * others of the type asked for, which we hand on as we do all types that we need not know. */
static const char *finish_wait(bool answers)
{
    struct fake_network *network = fake_client_network(client);
    struct fake_sent sent;
    const char *said = NULL;

    if (answers && fake_network_take(network, &sent)) {
        static struct fake_message m;
        const uint8_t record[] = {0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 60, 0, 4, 192, 0, 2, 1};
        fake_message_reply(&m, sent.message, sent.size, 0);
        memcpy(m.bytes + m.size, record, sizeof record);
        m.bytes[m.size + 3] = sent.message[dname_size(sent.message + 12) + 13]; /* the type asked */
        m.size += sizeof record;
        m.bytes[7] = 1;
        if (ldns_takes(m.bytes, m.size))
            fake_network_deliver(network, &sent, m.bytes, m.size);
    }
    for (unsigned i = 0; i < 50 && (said = fake_client_late(client)) == NULL; i++)
        fake_network_pass(network, 100);
    fake_network_forget(network);
    fake_network_pass(network, 6000); /* failures are forgotten */
    return said;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static char *const environment[] = {NULL};
    struct table_match match = {.outcome = TABLE_NOT_OWNED};
    struct wire_query query;
    struct dname_cut cut;

    if (size == 0 || size > WIRE_MESSAGE_MAX)
        return 0;
    if (client == NULL || ++questions % QUESTIONS_MAX == 0) {
        if (client != NULL)
            fake_client_free(client);
        log_setup(LOG_LEVEL_ERROR, LOG_FORMAT_LOGFMT);
        client = fake_client_new(environment, documents);
    }
    bool tcp = data[0] & 1, answers = data[0] & 2;
    data++;
    size--;
    enum wire_verdict verdict = wire_decode(&query, &cut, data, size);
    if (verdict == WIRE_GOOD) {
        (void)codec_compare_query(data, size);
        if (query.class == WIRE_IN)
            table_find(fake_client_table(client), wire_name(&query), &match);
    }
    const char *said = fake_client_send(client, data, size, tcp);
    assert((strcmp(said, "silent") == 0) == (verdict == WIRE_RUNT || verdict == WIRE_RESPONSE));
    if (strcmp(said, "silent") == 0)
        return 0;
    if (strcmp(said, "waiting") == 0) {
        assert(verdict == WIRE_GOOD && match.outcome == TABLE_NOT_OWNED);
        assert(finish_wait(answers) != NULL);
    }
    check_reply(&query, tcp);
    assert(fake_client_count(client, STATS_LEAKS) == 0);
    return 0;
}
