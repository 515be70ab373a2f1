#include "packet.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define HEADER       12
#define POINTER      0xc000
#define POINTER_MOST 0x3fff
#define RRSIZE       10 /* type, class, TTL, RDLENGTH */
#define SHORT_SOA    "ns.example. host.example. 1 3600 600 86400"

#define WHY(why, ...) (snprintf(why, PACKET_WHY, __VA_ARGS__), false)

static const struct {
    const char *word;
    enum fake_section section;
} sections[] = {
    {"answer:", FAKE_ANSWER}, {"authority:", FAKE_AUTHORITY}, {"additional:", FAKE_ADDITIONAL}};

static unsigned get16(const uint8_t *at)
{
    return (unsigned)(at[0] << 8 | at[1]);
}

static void put16(struct fake_message *m, unsigned value)
{
    m->bytes[m->size++] = (uint8_t)(value >> 8);
    m->bytes[m->size++] = (uint8_t)value;
}

/* ---- records ---- */

static bool read_ttl(const char *word, struct packet_record *out)
{
    unsigned long least, most;
    char *end;

    if (strcmp(word, "*") == 0) {
        out->ttl_most = UINT32_MAX;
        return true;
    }
    least = most = strtoul(word, &end, 10);
    if (end == word || (*end != '\0' && *end != '-'))
        return false;
    if (*end == '-') {
        most = strtoul(end + 1, &end, 10);
        if (*end != '\0')
            return false;
    }
    out->ttl_least = (uint32_t)least;
    out->ttl_most = (uint32_t)most;
    return true;
}

static const char *skip_section(const char *line, struct packet_record *out)
{
    line += strspn(line, " \t");
    for (size_t i = 0; i < ARRAY_LENGTH(sections); i++) {
        size_t size = strlen(sections[i].word);
        if (strncmp(line, sections[i].word, size) == 0) {
            out->section = sections[i].section;
            return line + size + strspn(line + size, " \t");
        }
    }
    return line;
}

/* The name in the question of a message, for people. */
static void read_at(const uint8_t *message, char *text, size_t space)
{
    size_t at = HEADER;
    ldns_rdf *name = NULL;

    while (message[at] != 0)
        at += 1u + message[at];
    name = ldns_rdf_new_frm_data(LDNS_RDF_TYPE_DNAME, at + 1 - HEADER, message + HEADER);
    char *whole = ldns_rdf2str(name);
    snprintf(text, space, "%s", whole);
    free(whole);
    ldns_rdf_deep_free(name);
}

bool packet_read_record(const char *line, const uint8_t *question, struct packet_record *out,
                        char why[PACKET_WHY])
{
    char owner[1100], ttl[32], type[32], text[8192];
    int used = 0;
    unsigned minimum;
    char rest[2];

    *out = (struct packet_record){.section = FAKE_ANSWER};
    line = skip_section(line, out);
    if (sscanf(line, "%1099s %31s %31s %n", owner, ttl, type, &used) < 3 || used == 0)
        return WHY(why, "'%.80s' is no record: wants OWNER TTL TYPE DATA", line);
    if (strcmp(owner, "@") == 0)
        read_at(question, owner, sizeof owner);
    if (!read_ttl(ttl, out))
        return WHY(why, "'%s' is no TTL: wants seconds, LEAST-MOST or *", ttl);
    out->short_soa = strcmp(type, "SOA") == 0 && sscanf(line + used, "%u %1s", &minimum, rest) == 1;
    if (out->short_soa)
        snprintf(text, sizeof text, "%s 0 SOA %s %u", owner, SHORT_SOA, minimum);
    else
        snprintf(text, sizeof text, "%s 0 %s %s", owner, type, line + used);
    ldns_rdf *origin = ldns_dname_new_frm_str(".");
    ldns_status status = ldns_rr_new_frm_str(&out->rr, text, 0, origin, NULL);
    ldns_rdf_deep_free(origin);
    if (status != LDNS_STATUS_OK)
        return WHY(why, "'%.80s' is no record: %s", line, ldns_get_errorstr_by_id(status));
    return true;
}

static void learn(struct packet_names *names, size_t at, const uint8_t *wire, size_t size)
{
    if (names->length == ARRAY_LENGTH(names->items) || at > POINTER_MOST || size < 2)
        return;
    names->items[names->length].at = at;
    names->items[names->length].size = size;
    memcpy(names->items[names->length++].wire, wire, size);
}

void packet_learn_question(const struct fake_message *m, struct packet_names *names)
{
    size_t end = HEADER;

    if (get16(m->bytes + 4) != 1)
        return;
    while (m->bytes[end] != 0)
        end += 1u + m->bytes[end];
    learn(names, HEADER, m->bytes + HEADER, end + 1 - HEADER);
}

static void put_owner(struct fake_message *m, struct packet_names *names, const ldns_rdf *owner)
{
    size_t size = ldns_rdf_size(owner);

    for (size_t i = 0; i < names->length; i++) {
        if (names->items[i].size == size &&
            memcmp(names->items[i].wire, ldns_rdf_data(owner), size) == 0) {
            put16(m, POINTER | (unsigned)names->items[i].at);
            return;
        }
    }
    learn(names, m->size, ldns_rdf_data(owner), size);
    memcpy(m->bytes + m->size, ldns_rdf_data(owner), size);
    m->size += size;
}

void packet_put(struct fake_message *m, struct packet_names *names, const struct packet_record *r)
{
    size_t owner = ldns_rdf_size(ldns_rr_owner(r->rr)), size, counter;
    uint8_t *wire;

    ldns_rr_set_ttl(r->rr, r->ttl_least);
    ldns_status status = ldns_rr2wire(&wire, r->rr, LDNS_SECTION_ANSWER, &size);
    assert(status == LDNS_STATUS_OK && size >= owner + RRSIZE);
    assert(m->size + size <= sizeof m->bytes);
    put_owner(m, names, ldns_rr_owner(r->rr));
    ldns_rr_type type = ldns_rr_get_type(r->rr);
    if (type == LDNS_RR_TYPE_CNAME || type == LDNS_RR_TYPE_DNAME)
        learn(names, m->size + RRSIZE, wire + owner + RRSIZE, size - owner - RRSIZE);
    memcpy(m->bytes + m->size, wire + owner, size - owner);
    m->size += size - owner;
    free(wire);
    ldns_rr_set_ttl(r->rr, 0);
    counter = 6 + 2 * (size_t)r->section;
    unsigned count = get16(m->bytes + counter) + 1;
    m->bytes[counter] = (uint8_t)(count >> 8);
    m->bytes[counter + 1] = (uint8_t)count;
}

/* ---- questions ---- */

bool packet_read_name(struct packet_question *q, const char *word, char why[PACKET_WHY])
{
    ldns_rdf *name = ldns_dname_new_frm_str(word);

    if (name == NULL)
        return WHY(why, "'%.80s' is no name", word);
    q->name_size = ldns_rdf_size(name);
    memcpy(q->name, ldns_rdf_data(name), q->name_size);
    ldns_rdf_deep_free(name);
    q->class = 1;
    q->udp_size = 1232;
    q->flags = FAKE_RD;
    q->questions = 1;
    return true;
}

static bool read_flag(struct packet_question *q, const char *word)
{
    const struct {
        const char *word;
        bool *to;
    } switches[] = {
        {"+tcp", &q->tcp},       {"+noedns", &q->no_edns}, {"+do", &q->dnssec_ok},
        {"+nsid", &q->nsid},     {"+cookie", &q->cookie},  {"+keepalive", &q->keepalive},
        {"+subnet", &q->subnet},
    };
    const struct {
        const char *word;
        unsigned *to;
    } numbers[] = {
        {"+bufsize=%u", &q->udp_size},
        {"+opcode=%u", &q->opcode},
        {"+edns=%u", &q->version},
        {"+qdcount=%u", &q->questions},
    };

    for (size_t i = 0; i < ARRAY_LENGTH(switches); i++) {
        if (strcmp(word, switches[i].word) == 0)
            return *switches[i].to = true;
    }
    for (size_t i = 0; i < ARRAY_LENGTH(numbers); i++) {
        size_t size = strlen(numbers[i].word) - 2;
        if (strncmp(word, numbers[i].word, size) == 0)
            return sscanf(word + size, "%u", numbers[i].to) == 1;
    }
    if (strcmp(word, "+cd") == 0)
        q->flags |= FAKE_CD;
    else if (strcmp(word, "+ad") == 0)
        q->flags |= FAKE_AD;
    else if (strcmp(word, "+aa") == 0)
        q->flags |= FAKE_AA;
    else if (strcmp(word, "+norec") == 0)
        q->flags &= ~(unsigned)FAKE_RD;
    else
        return false;
    return true;
}

bool packet_read_word(struct packet_question *q, const char *word, char why[PACKET_WHY])
{
    static const struct {
        const char *word;
        uint16_t class;
    } classes[] = {{"IN", 1}, {"CH", 3}, {"HS", 4}, {"NONE", 254}, {"ANYCLASS", 255}};

    if (word[0] == '+')
        return read_flag(q, word) || WHY(why, "nobody knows '%s'", word);
    for (size_t i = 0; i < ARRAY_LENGTH(classes); i++) {
        if (strcmp(word, classes[i].word) == 0) {
            q->class = classes[i].class;
            return true;
        }
    }
    q->type = (uint16_t)ldns_get_rr_type_by_name(word);
    return q->type != 0 || WHY(why, "'%s' is no type", word);
}

static void put(struct fake_message *m, const void *bytes, size_t size)
{
    memcpy(m->bytes + m->size, bytes, size);
    m->size += size;
}

static void put_opt(struct fake_message *m, const struct packet_question *q)
{
    size_t before;

    fake_message_opt(m, (uint16_t)q->udp_size,
                     (q->dnssec_ok ? 0x8000u : 0u) | (uint32_t)(q->version << 16));
    before = m->size;
    if (q->nsid)
        put(m, "\0\3\0\0", 4);
    if (q->keepalive)
        put(m, "\0\13\0\0", 4);
    if (q->cookie)
        put(m, "\0\12\0\10\1\2\3\4\5\6\7\10", 12);
    if (q->subnet)
        put(m, "\0\10\0\7\0\1\30\0\312\0\2", 11);
    m->bytes[before - 1] = (uint8_t)(m->size - before);
}

void packet_query(struct fake_message *m, const struct packet_question *q, uint16_t id)
{
    m->size = 0;
    put16(m, id);
    put16(m, q->flags | q->opcode << 11);
    put16(m, q->questions);
    put(m, "\0\0\0\0\0\0", 6);
    for (unsigned i = 0; i < q->questions; i++) {
        put(m, q->name, q->name_size);
        put16(m, q->type);
        put16(m, q->class);
    }
    if (!q->no_edns)
        put_opt(m, q);
}

bool packet_question_text(const uint8_t *message, size_t size, char *text, size_t space)
{
    ldns_pkt *p = NULL;
    bool good = false;

    snprintf(text, space, "(no question)");
    if (ldns_wire2pkt(&p, message, size) != LDNS_STATUS_OK)
        return false;
    if (ldns_pkt_qdcount(p) == 1 && !ldns_pkt_qr(p)) {
        const ldns_rr *rr = ldns_rr_list_rr(ldns_pkt_question(p), 0);
        char *name = ldns_rdf2str(ldns_rr_owner(rr));
        char *type = ldns_rr_type2str(ldns_rr_get_type(rr));

        snprintf(text, space, "%s %s%s%s%s%s", name, type, ldns_pkt_cd(p) ? " +cd" : "",
                 ldns_pkt_ad(p) ? " +ad" : "",
                 ldns_pkt_edns(p) && ldns_pkt_edns_do(p) ? " +do" : "",
                 ldns_pkt_edns(p) ? "" : " +noedns");
        /* Whatever the client sent along: a question of ours carries nothing else. */
        good = ldns_pkt_rd(p) && !ldns_pkt_aa(p) && !ldns_pkt_tc(p) && !ldns_pkt_ra(p) &&
               ldns_pkt_get_opcode(p) == LDNS_PACKET_QUERY && ldns_pkt_ancount(p) == 0 &&
               ldns_pkt_nscount(p) == 0 && ldns_rr_get_class(rr) == LDNS_RR_CLASS_IN &&
               (!ldns_pkt_edns(p) ||
                (ldns_pkt_edns_udp_size(p) == 1232 && ldns_pkt_edns_data(p) == NULL));
        free(name);
        free(type);
    }
    ldns_pkt_free(p);
    return good;
}
