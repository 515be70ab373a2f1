/* The hand-written codec held against ldns, both ways.
 *
 * The first octet of the input says how: 0 the rest is a client's query, 1 it is an upstream's
 * reply (tests/unit/codec.h has what must agree), 2 it says what reply to write, and ldns must read
 * in it what was meant. */
#include "replay.h"

#include <assert.h>
#include <ldns/ldns.h>
#include <stdlib.h>
#include <string.h>

#include "codec.h"
#include "dname.h"
#include "wire.h"

#define OUR_UDP_SIZE 1232
#define RECORDS_MAX  64
#define RDATA_MAX    300
#define OPTIONS_MAX  5
#define OPTION_MAX   64

enum way { WAY_QUERY, WAY_REPLY, WAY_WRITE, WAYS };

/* Of two TSIG records ldns (1.8.3) forgets the first; the sanitizer is told by the library, for it
 * sees no function behind it. */
const char *__lsan_default_suppressions(void);
const char *__lsan_default_suppressions(void)
{
    return "leak:libldns";
}

/* ---- what the input says ---- */

struct input {
    const uint8_t *at;
    size_t left;
};

/* An octet; 0 behind the end. */
static uint8_t take(struct input *in)
{
    if (in->left == 0)
        return 0;
    in->left--;
    return *in->at++;
}

static uint16_t take16(struct input *in)
{
    return (uint16_t)(take(in) << 8 | take(in));
}

static uint32_t take32(struct input *in)
{
    return (uint32_t)take16(in) << 16 | take16(in);
}

static size_t take_octets(struct input *in, uint8_t *out, size_t size)
{
    for (size_t i = 0; i < size; i++)
        out[i] = take(in);
    return size;
}

/* A name of so many labels, as far as it fits, above 'parent'. */
static void take_name(struct input *in, unsigned labels, struct dname *name)
{
    for (unsigned i = 0; i < labels; i++) {
        uint8_t label[DNAME_LABEL_MAX];
        struct dname whole;
        size_t size = take_octets(in, label, 1u + take(in) % DNAME_LABEL_MAX);

        if (dname_prepend(&whole, label, size, name))
            *name = whole;
    }
}

/* ---- what is meant ---- */

struct meant_record {
    struct dname owner;
    uint16_t type, class;
    uint32_t ttl;
    size_t rdata_size;
    uint8_t rdata[RDATA_MAX]; /* uncompressed */
};

struct meant_option {
    uint16_t code;
    size_t size;
    uint8_t data[OPTION_MAX + 2];
};

struct meant {
    struct meant_record records[2][RECORDS_MAX];
    size_t lengths[2];
    bool truncated;
    struct meant_option options[OPTIONS_MAX];
    size_t options_length;
};

static struct meant meant;

/* ---- writing ---- */

/* The question's octets, put together by ldns. */
static uint8_t *make_query(struct input *in, size_t *size)
{
    struct dname name = {.size = 1};
    ldns_rdf *owner;
    uint8_t flags = take(in), *packet = NULL;

    take_name(in, take(in) % 6, &name);
    owner = ldns_rdf_new_frm_data(LDNS_RDF_TYPE_DNAME, name.size, name.wire);
    ldns_pkt *p = ldns_pkt_query_new(owner, (ldns_rr_type)take16(in), (ldns_rr_class)take16(in),
                                     flags & 1 ? LDNS_RD : 0);
    ldns_pkt_set_id(p, take16(in));
    ldns_pkt_set_cd(p, flags & 2);
    ldns_pkt_set_ad(p, flags & 4);
    if (flags & 8) {
        ldns_pkt_set_edns_udp_size(p, (uint16_t)(take16(in) | 1)); /* 0 would be no EDNS */
        ldns_pkt_set_edns_do(p, flags & 16);
    }
    ldns_status status = ldns_pkt2wire(&packet, p, size);
    assert(status == LDNS_STATUS_OK);
    ldns_pkt_free(p);
    return packet;
}

/* An option, or an extended error, which is one of them; it is cut or left out for want of room. */
static void write_option(struct input *in, struct wire_reply *r)
{
    static const enum wire_option codes[] = {WIRE_OPTION_NSID, WIRE_OPTION_COOKIE,
                                             WIRE_OPTION_KEEPALIVE};
    struct meant_option *option = &meant.options[meant.options_length];
    uint16_t before = r->opt_size;
    unsigned which = take(in) % (ARRAY_LENGTH(codes) + 1);
    size_t size = 1u + take(in) % (OPTION_MAX - 1);

    memset(option->data, 0, sizeof option->data);
    if (which < ARRAY_LENGTH(codes)) {
        option->code = (uint16_t)codes[which];
        option->size = take_octets(in, option->data, size);
        wire_reply_option(r, codes[which], option->data, size);
    } else {
        char text[OPTION_MAX] = "";
        take_octets(in, (uint8_t *)text, size);
        option->code = LDNS_EDNS_EDE;
        wire_put16(option->data, LDNS_EDE_BLOCKED);
        option->size = 2 + strlen(text);
        for (size_t i = 0; i < strlen(text); i++) /* control characters become blanks */
            option->data[2 + i] = (uint8_t)text[i] < 32 || text[i] == 127 ? 32 : (uint8_t)text[i];
        wire_reply_explain(r, WIRE_EDE_BLOCKED, text);
    }
    meant.options_length += r->opt_size > before;
    assert(r->opt_size > before || r->opt_size == 0);
}

/* RDATA of a type that we write; its letter decides. */
static size_t take_rdata(struct input *in, uint16_t *type, uint8_t *out)
{
    static const uint16_t types[] = {WIRE_A, WIRE_AAAA, WIRE_TXT, WIRE_HINFO, 65280};
    size_t size = 0;

    *type = types[take(in) % ARRAY_LENGTH(types)];
    switch (*type) {
    case WIRE_A:
        return take_octets(in, out, 4);
    case WIRE_AAAA:
        return take_octets(in, out, 16);
    case WIRE_TXT:
    case WIRE_HINFO:
        for (unsigned i = 0; i < 2; i++) {
            out[size] = take(in) % 128;
            size += 1 + take_octets(in, out + size + 1, out[size]);
        }
        return size;
    default:
        return take_octets(in, out, take(in));
    }
}

/* The SOA's RDATA, out of words by ldns. */
static size_t make_soa(uint32_t serial, uint32_t ttl, uint8_t *out)
{
    char text[200];
    ldns_rr *rr = NULL;
    ldns_buffer *buffer = ldns_buffer_new(RDATA_MAX);

    snprintf(text, sizeof text, ". SOA pldns.invalid. nobody.invalid. %u 3600 600 86400 %u", serial,
             ttl);
    ldns_status status = ldns_rr_new_frm_str(&rr, text, 0, NULL, NULL);
    assert(status == LDNS_STATUS_OK && ldns_rr_rdata2buffer_wire(buffer, rr) == LDNS_STATUS_OK);
    size_t size = ldns_buffer_position(buffer);
    memcpy(out, ldns_buffer_begin(buffer), size);
    ldns_buffer_free(buffer);
    ldns_rr_free(rr);
    return size;
}

static void note(bool written, enum wire_section section)
{
    meant.lengths[section] += written;
    meant.truncated |= !written;
}

static void write_record(struct input *in, struct wire_reply *r, enum wire_section section,
                         const struct wire_owner *owner, size_t offset)
{
    struct meant_record *record = &meant.records[section][meant.lengths[section]];
    bool soa = take(in) % 4 == 0, written;

    record->owner.size = (uint8_t)dname_size(owner->name + offset);
    memcpy(record->owner.wire, owner->name + offset, record->owner.size);
    record->ttl = take32(in);
    if (soa) {
        uint32_t serial = take32(in);
        record->type = WIRE_SOA;
        record->class = WIRE_IN;
        record->rdata_size = make_soa(serial, record->ttl, record->rdata);
        written = wire_reply_soa(r, section, owner, offset, serial, record->ttl);
    } else {
        record->class = take16(in);
        record->rdata_size = take_rdata(in, &record->type, record->rdata);
        written = wire_reply_record(r, section, owner, offset, record->type, record->class,
                                    record->ttl, record->rdata, record->rdata_size);
    }
    note(written, section);
}

/* A link of a chain: its target is a label above the question's name, through a pointer, and owns
 * what comes behind. */
static void write_link(struct input *in, struct wire_reply *r, struct wire_owner *owner,
                       struct dname *target)
{
    struct meant_record *record = &meant.records[WIRE_ANSWER][meant.lengths[WIRE_ANSWER]];
    uint8_t packed[12 + 1 + 8 + 2] = {0xc0, WIRE_HEADER_SIZE, 0, WIRE_CNAME, 0, WIRE_IN, 0, 0, 0,
                                      60};
    uint8_t *rdata = packed + 12;
    struct dname name = {.size = r->query->name_size};
    size_t at = r->size + 12;

    memcpy(name.wire, wire_name(r->query), name.size);
    rdata[0] = (uint8_t)(1 + take(in) % 8);
    take_octets(in, rdata + 1, rdata[0]);
    if (!dname_prepend(target, rdata + 1, rdata[0], &name))
        return;
    wire_put16(rdata + 1 + rdata[0], 0xc000 | WIRE_HEADER_SIZE);
    wire_put16(packed + 10, (uint16_t)(rdata[0] + 3));
    *record = (struct meant_record){
        .owner = name, .type = WIRE_CNAME, .class = WIRE_IN, .ttl = 60, .rdata_size = target->size};
    memcpy(record->rdata, target->wire, target->size);
    bool written = wire_reply_put(r, WIRE_ANSWER, packed, 12u + 3 + rdata[0], 1);
    note(written, WIRE_ANSWER);
    if (written)
        *owner = (struct wire_owner){.name = target->wire, .at = at, .compressed = true};
}

/* Returns the reply's size. */
static size_t write_reply(struct input *in, struct wire_reply *r)
{
    struct wire_owner owner = {.name = wire_name(r->query), .at = WIRE_HEADER_SIZE};
    static const enum wire_section sections[] = {WIRE_ANSWER, WIRE_AUTHORITY};
    struct dname target;

    r->rcode = take(in) % 24;
    r->flags |= take(in) & 1 ? WIRE_FLAG_AA : 0;
    r->flags |= take(in) & 1 ? WIRE_FLAG_AD : 0;
    for (unsigned n = take(in) % (OPTIONS_MAX + 1); n > 0; n--)
        write_option(in, r);
    if (take(in) & 1)
        write_link(in, r, &owner, &target);
    for (unsigned s = 0; s < ARRAY_LENGTH(sections); s++) {
        for (unsigned n = take(in) % (RECORDS_MAX - 1); n > 0 && in->left > 0; n--) {
            size_t offset = 0;
            for (unsigned labels = take(in) % 4; labels > 0 && owner.name[offset] != 0; labels--)
                offset += 1u + owner.name[offset];
            write_record(in, r, sections[s], &owner, offset);
        }
    }
    return wire_reply_finish(r);
}

/* ---- what ldns sees ---- */

static void check_record(const struct meant_record *record, const ldns_rr *rr)
{
    const ldns_rdf *owner = ldns_rr_owner(rr);
    ldns_buffer *buffer = ldns_buffer_new(LDNS_MAX_PACKETLEN);

    assert(ldns_rdf_size(owner) == record->owner.size);
    assert(memcmp(ldns_rdf_data(owner), record->owner.wire, record->owner.size) == 0);
    assert((unsigned)ldns_rr_get_type(rr) == record->type);
    assert((unsigned)ldns_rr_get_class(rr) == record->class);
    assert(ldns_rr_ttl(rr) == record->ttl);
    ldns_status status = ldns_rr_rdata2buffer_wire(buffer, rr);
    assert(status == LDNS_STATUS_OK && ldns_buffer_position(buffer) == record->rdata_size);
    assert(memcmp(ldns_buffer_begin(buffer), record->rdata, record->rdata_size) == 0);
    ldns_buffer_free(buffer);
}

static void check_section(enum wire_section section, const ldns_rr_list *list)
{
    assert(ldns_rr_list_rr_count(list) == meant.lengths[section]);
    for (size_t i = 0; i < meant.lengths[section]; i++)
        check_record(&meant.records[section][i], ldns_rr_list_rr(list, i));
}

static void check_edns(const struct wire_query *query, ldns_pkt *p)
{
    assert(ldns_pkt_edns(p) == query->edns);
    if (!query->edns)
        return;
    ldns_edns_option_list *list = ldns_pkt_edns_get_option_list(p);
    assert(ldns_pkt_edns_udp_size(p) == OUR_UDP_SIZE && ldns_pkt_edns_version(p) == 0);
    assert(ldns_pkt_edns_do(p) == query->dnssec_ok);
    assert((list == NULL ? 0 : ldns_edns_option_list_get_count(list)) == meant.options_length);
    for (size_t i = 0; i < meant.options_length; i++) {
        const ldns_edns_option *option = ldns_edns_option_list_get_option(list, i);
        const struct meant_option *wanted = &meant.options[i];
        assert((unsigned)ldns_edns_get_code(option) == wanted->code);
        assert(ldns_edns_get_size(option) == wanted->size);
        assert(memcmp(ldns_edns_get_data(option), wanted->data, wanted->size) == 0);
    }
}

static void check_reply(const struct wire_reply *r, size_t size)
{
    const struct wire_query *query = r->query;
    ldns_pkt *p = NULL;
    ldns_status status = ldns_wire2pkt(&p, r->out, size);

    assert(status == LDNS_STATUS_OK);
    assert(ldns_pkt_id(p) == wire_get16(query->packet));
    assert(ldns_pkt_qr(p) && ldns_pkt_ra(p) && ldns_pkt_get_opcode(p) == LDNS_PACKET_QUERY);
    assert(ldns_pkt_rd(p) == !!(query->flags & WIRE_FLAG_RD));
    assert(ldns_pkt_cd(p) == !!(query->flags & WIRE_FLAG_CD));
    assert(ldns_pkt_aa(p) == !!(r->flags & WIRE_FLAG_AA));
    assert(ldns_pkt_ad(p) == !!(r->flags & WIRE_FLAG_AD));
    assert(ldns_pkt_tc(p) == meant.truncated);
    assert((unsigned)ldns_pkt_get_rcode(p) == (r->rcode & 0xf));
    assert(!query->edns || ldns_pkt_edns_extended_rcode(p) == r->rcode >> 4);
    assert(ldns_pkt_qdcount(p) == 1);
    check_section(WIRE_ANSWER, ldns_pkt_answer(p));
    check_section(WIRE_AUTHORITY, ldns_pkt_authority(p));
    check_edns(query, p);
    ldns_pkt_free(p);
}

static void write_and_read(struct input *in)
{
    static uint8_t out[WIRE_MESSAGE_MAX];
    struct wire_query query;
    struct wire_reply reply;
    size_t size = 0, limit;
    struct dname_cut cut;
    uint8_t *packet = make_query(in, &size);

    meant.lengths[WIRE_ANSWER] = meant.lengths[WIRE_AUTHORITY] = meant.options_length = 0;
    meant.truncated = false;
    bool accepted = codec_compare_query(packet, size);
    assert(accepted && wire_decode(&query, &cut, packet, size) == WIRE_GOOD);
    limit = wire_limit(&query, take(in) & 1, OUR_UDP_SIZE);
    wire_reply_begin(&reply, &query, out, limit, OUR_UDP_SIZE);
    size = write_reply(in, &reply);
    assert(size <= limit);
    check_reply(&reply, size);
    free(packet);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct input in = {data, size};

    if (size == 0 || size > WIRE_MESSAGE_MAX)
        return 0;
    switch (take(&in) % WAYS) {
    case WAY_QUERY:
        (void)codec_compare_query(in.at, in.left);
        break;
    case WAY_REPLY:
        (void)codec_compare_reply(in.at, in.left);
        break;
    default:
        write_and_read(&in);
    }
    return 0;
}
