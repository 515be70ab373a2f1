#include "codec.h"

#include <assert.h>
#include <ldns/ldns.h>
#include <string.h>

#include "record.h"
#include "wire.h"

#define POINTER_BITS 0xc0
#define FIXED_SIZE   10
#define COOKIE_LEAST 16
#define COOKIE_MOST  40

static const ldns_pkt_section sections[] = {LDNS_SECTION_ANSWER, LDNS_SECTION_AUTHORITY,
                                            LDNS_SECTION_ADDITIONAL};

/* The record at '*at' as ldns reads it, '*at' behind it then.  NULL: it refuses it. */
static ldns_rr *read_record(const uint8_t *message, size_t size, size_t *at,
                            ldns_pkt_section section)
{
    ldns_rr *rr = NULL;
    size_t end = *at;

    if (ldns_wire2rr(&rr, message, size, &end, section) != LDNS_STATUS_OK)
        return NULL;
    *at = end;
    return rr;
}

static bool is_name(const ldns_rdf *rdf, const uint8_t *wire, size_t size)
{
    return ldns_rdf_size(rdf) == size && memcmp(ldns_rdf_data(rdf), wire, size) == 0;
}

/* True if the name at 'at' has a pointer in it. */
static bool has_pointer(const uint8_t *message, size_t size, size_t at)
{
    while (at < size && message[at] != 0 && message[at] < POINTER_BITS)
        at += 1u + message[at];
    return at < size && message[at] != 0;
}

/* ---- queries ---- */

/* The OPT record's options as we read them, against the list that ldns makes of them. */
static void compare_options(const struct wire_query *query, ldns_pkt *p)
{
    ldns_edns_option_list *list = ldns_pkt_edns_get_option_list(p);
    size_t length = list == NULL ? 0 : ldns_edns_option_list_get_count(list);
    const uint8_t *cookie = NULL;
    bool nsid = false, keepalive = false;

    for (size_t i = 0; i < length; i++) {
        const ldns_edns_option *option = ldns_edns_option_list_get_option(list, i);
        nsid |= ldns_edns_get_code(option) == LDNS_EDNS_NSID;
        keepalive |= ldns_edns_get_code(option) == LDNS_EDNS_KEEPALIVE;
        if (ldns_edns_get_code(option) == LDNS_EDNS_COOKIE)
            cookie = ldns_edns_get_data(option);
    }
    assert(query->nsid == nsid && query->keepalive == keepalive);
    assert(query->cookie == (cookie != NULL));
    assert(cookie == NULL || memcmp(cookie, query->client_cookie, WIRE_COOKIE_CLIENT) == 0);
}

static void compare_edns(const struct wire_query *query, ldns_pkt *p)
{
    assert(ldns_pkt_edns(p) == query->edns);
    if (!query->edns)
        return;
    assert(ldns_pkt_edns_udp_size(p) == query->udp_size);
    assert(ldns_pkt_edns_version(p) == query->version);
    assert(ldns_pkt_edns_do(p) == query->dnssec_ok);
    compare_options(query, p);
}

static uint16_t flags_of(const ldns_pkt *p)
{
    return (uint16_t)(ldns_pkt_qr(p) << 15 | ldns_pkt_get_opcode(p) << 11 | ldns_pkt_aa(p) << 10 |
                      ldns_pkt_tc(p) << 9 | ldns_pkt_rd(p) << 8 | ldns_pkt_ra(p) << 7 |
                      ldns_pkt_ad(p) << 5 | ldns_pkt_cd(p) << 4 | ldns_pkt_get_rcode(p));
}

static void compare_question(const struct wire_query *query, const ldns_pkt *p)
{
    const ldns_rr *question = ldns_rr_list_rr(ldns_pkt_question(p), 0);
    ldns_rdf *folded = ldns_rdf_clone(ldns_rr_owner(question));
    uint8_t ours[WIRE_NAME_MAX];

    assert(is_name(ldns_rr_owner(question), wire_name(query), query->name_size));
    ldns_dname2canonical(folded);
    assert(is_name(folded, ours, dname_fold(ours, wire_name(query))));
    assert((unsigned)ldns_rr_get_type(question) == query->type);
    assert((unsigned)ldns_rr_get_class(question) == query->class);
    ldns_rdf_deep_free(folded);
}

/* Of records in a query we look at the frame only, but at the OPT's options; ldns looks into every
 * RDATA, and refuses a query for it that we answer: they are no business of ours. */
static bool has_foreign_records(const uint8_t *packet, const struct wire_query *query)
{
    return wire_get32(packet + 6) != 0 || wire_get16(packet + 10) != query->edns;
}

/* False: ldns goes on before the end of some record, whose RDATA has octets too many for its type,
 * and sees others behind it than there are. */
static bool keeps_pace(const uint8_t *packet, size_t size, size_t at)
{
    for (size_t s = 0; s < ARRAY_LENGTH(sections); s++) {
        for (unsigned n = wire_get16(packet + 6 + 2 * s); n > 0; n--) {
            size_t end = at;
            ldns_rr *rr = read_record(packet, size, &end, sections[s]);
            ldns_rr_free(rr);
            at = wire_skip_record(packet, size, at);
            if (rr == NULL || end != at)
                return false;
        }
    }
    return true;
}

static void compare_accepted(const struct wire_query *query, const uint8_t *packet, size_t size)
{
    enum { Z = 0x0040 }; /* reserved: ldns has no place for it, and we don't look at it */
    ldns_pkt *p = NULL;

    if (ldns_wire2pkt(&p, packet, size) != LDNS_STATUS_OK) {
        assert(has_foreign_records(packet, query));
        return;
    }
    assert(ldns_pkt_id(p) == wire_get16(packet));
    assert(flags_of(p) == (query->flags & ~Z));
    assert(ldns_pkt_qdcount(p) == 1);
    compare_question(query, p);
    bool paced = keeps_pace(packet, size, query->question_end);
    assert(paced || has_foreign_records(packet, query));
    /* Behind a TSIG ldns (1.8.3) reads one record less than there are. */
    if (paced && ldns_pkt_tsig(p) == NULL)
        compare_edns(query, p);
    ldns_pkt_free(p);
}

/* What is wrong of an OPT to us and not to ldns, which keeps the options unread. */
static bool has_bad_options(const uint8_t *at, size_t left)
{
    while (left > 0) {
        size_t size = left < 4 ? left : wire_get16(at + 2);
        if (left < 4 || left - 4 < size)
            return true; /* an option that breaks off */
        if (wire_get16(at) == WIRE_OPTION_COOKIE && size != WIRE_COOKIE_CLIENT &&
            (size < COOKIE_LEAST || size > COOKIE_MOST))
            return true; /* RFC 7873 section 5.2.2 */
        at += 4 + size;
        left -= 4 + size;
    }
    return false;
}

/* Where ldns is laxer than wire_decode(), each with what makes us stricter. */
static bool has_reason(const uint8_t *packet, size_t size)
{
    size_t at = WIRE_HEADER_SIZE, start = at;
    unsigned opts = 0;
    ldns_rr *rr;

    if (wire_get16(packet + 4) != 1)
        return true; /* RFC 9619: one question */
    if (has_pointer(packet, size, at))
        return true; /* there is nothing before the first name that it could lead to */
    rr = read_record(packet, size, &at, LDNS_SECTION_QUESTION);
    ldns_rr_free(rr);
    for (size_t s = 0; s < ARRAY_LENGTH(sections) && rr != NULL; s++) {
        for (unsigned n = wire_get16(packet + 6 + 2 * s); n > 0; n--) {
            start = at;
            rr = read_record(packet, size, &at, sections[s]);
            if (rr == NULL)
                return true; /* one behind a TSIG, which ldns_wire2pkt() leaves out */
            bool opt = ldns_rr_get_type(rr) == LDNS_RR_TYPE_OPT;
            ldns_rr_free(rr);
            if (has_pointer(packet, size, start) && wire_skip_name(packet, size, start) == 0)
                return true; /* pointers lead backwards only, and so end */
            size_t end = wire_skip_record(packet, size, start);
            if (end != 0 && end != at)
                return true; /* as keeps_pace() says */
            if (opt && (opts++ > 0 || sections[s] != LDNS_SECTION_ADDITIONAL || packet[start] != 0))
                return true; /* RFC 6891 section 6.1.1 */
            if (opt && has_bad_options(packet + start + 1 + FIXED_SIZE,
                                       wire_get16(packet + start + FIXED_SIZE - 1)))
                return true;
        }
    }
    return at != size; /* octets behind the message */
}

bool codec_compare_query(const uint8_t *packet, size_t size)
{
    struct wire_query query;
    struct dname_cut cut;
    enum wire_verdict verdict = wire_decode(&query, &cut, packet, size);
    ldns_pkt *p = NULL;

    if (verdict == WIRE_GOOD || verdict == WIRE_VERSION)
        compare_accepted(&query, packet, size);
    if (verdict == WIRE_MALFORMED && size > WIRE_HEADER_SIZE &&
        ldns_wire2pkt(&p, packet, size) == LDNS_STATUS_OK) {
        assert(has_reason(packet, size));
        ldns_pkt_free(p);
    }
    return verdict == WIRE_GOOD;
}

/* ---- replies ---- */

/* RDATA field by field: names come out of ldns uncompressed, all else as it stands in the message.
 */
static void compare_rdata(const uint8_t *message, size_t size, const struct record *r,
                          const ldns_rr *rr)
{
    size_t at = r->rdata;

    for (size_t i = 0; i < ldns_rr_rd_count(rr); i++) {
        const ldns_rdf *rdf = ldns_rr_rdf(rr, i);
        struct dname name;

        if (ldns_rdf_get_type(rdf) == LDNS_RDF_TYPE_DNAME) {
            at = record_name(message, size, at, NULL, &name);
            if (at == 0 && !record_is_known(r->type))
                return; /* we pass it unread, and ldns's pointers may lead anywhere */
            assert(at != 0 && is_name(rdf, name.wire, name.size));
        } else {
            assert(r->end - at >= ldns_rdf_size(rdf));
            assert(memcmp(message + at, ldns_rdf_data(rdf), ldns_rdf_size(rdf)) == 0);
            at += ldns_rdf_size(rdf);
        }
    }
    assert(at == r->end);
}

static void compare_record(const uint8_t *message, size_t size, const struct record *r,
                           const ldns_rr *rr)
{
    struct dname owner;

    assert(record_name(message, size, r->owner, NULL, &owner) != 0);
    assert(is_name(ldns_rr_owner(rr), owner.wire, owner.size));
    assert((unsigned)ldns_rr_get_type(rr) == r->type);
    assert((unsigned)ldns_rr_get_class(rr) == r->class);
    assert(ldns_rr_ttl(rr) == r->ttl);
    compare_rdata(message, size, r, rr);
}

/* One record, seen by both.  True: we accept it; 'lost' then says that ldns does not read it, or
 * not to its end. */
static bool compare_at(const uint8_t *message, size_t size, size_t at, ldns_pkt_section section,
                       struct record_names *names, struct record *r, bool *lost)
{
    struct record parts;
    size_t end = at;
    bool ours = record_check(message, size, at, names, r);
    ldns_rr *rr = read_record(message, size, &end, section);
    bool both = ours && rr != NULL && end == r->end;

    /* ldns reads the RDATA of some types that we pass unread. */
    assert(!ours || both || !record_is_known(r->type));
    if (both)
        compare_record(message, size, r, rr);
    /* Of RDATA ldns wants less; and its pointers may lead anywhere. */
    if (!ours && rr != NULL && !has_pointer(message, size, at))
        assert(record_read(message, size, at, &parts) && record_is_known(parts.type));
    ldns_rr_free(rr);
    *lost |= !both;
    return ours;
}

/* All of it at once: the same records in each section. */
static void compare_whole(const uint8_t *message, size_t size, unsigned opts)
{
    ldns_pkt *p = NULL;
    ldns_status status = ldns_wire2pkt(&p, message, size);

    assert(status == LDNS_STATUS_OK);
    assert(ldns_pkt_ancount(p) == wire_get16(message + 6));
    assert(ldns_pkt_nscount(p) == wire_get16(message + 8));
    if (ldns_pkt_tsig(p) == NULL)
        assert(ldns_pkt_arcount(p) + opts == wire_get16(message + 10));
    ldns_pkt_free(p);
}

bool codec_compare_reply(const uint8_t *message, size_t size)
{
    static struct record_names names;
    size_t at = WIRE_HEADER_SIZE;
    unsigned opts = 0;
    bool lost = false;

    record_names_clear(&names, size);
    if (size < WIRE_HEADER_SIZE || wire_get16(message + 4) != 1)
        return false;
    at = record_name(message, size, at, &names, NULL);
    if (at == 0 || size - at < 4)
        return false;
    at += 4;
    for (size_t s = 0; s < ARRAY_LENGTH(sections); s++) {
        for (unsigned n = wire_get16(message + 6 + 2 * s); n > 0; n--) {
            struct record r;
            if (!compare_at(message, size, at, sections[s], &names, &r, &lost))
                return false;
            opts += sections[s] == LDNS_SECTION_ADDITIONAL && r.type == RECORD_OPT;
            at = r.end;
        }
    }
    if (at == size && !lost)
        compare_whole(message, size, opts);
    return at == size;
}
