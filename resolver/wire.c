#include "wire.h"

#include <assert.h>
#include <stddef.h>
#include <string.h>

#define LABEL_MAX     63
#define POINTER       0xc0
#define RECORD_SIZE   10 /* type, class, TTL, RDLENGTH: what stands between owner and RDATA */
#define OPT_FIXED     11 /* root owner and the above */
#define QDCOUNT_SHIFT 48 /* in the four counts of the header as one word */
#define DO_BIT        0x8000
#define COOKIE_MIN    16 /* client's and shortest server's cookie together (RFC 7873 4) */
#define COOKIE_MAX    40

/* ---- reading ---- */

/* The first question: an uncompressed name, type, class.  False: it cannot be read. */
static bool read_question(struct wire_query *q, struct dname_cut *cut, size_t size)
{
    const uint8_t *name = q->packet + WIRE_HEADER_SIZE;
    size_t left = size - WIRE_HEADER_SIZE;

    if (!dname_cut(cut, name, left) || left - cut->size < 4)
        return false;
    q->name_size = cut->size;
    q->type = wire_get16(name + cut->size);
    q->class = wire_get16(name + cut->size + 2);
    q->question_end = (uint16_t)(WIRE_HEADER_SIZE + cut->size + 4);
    return true;
}

size_t wire_skip_name(const uint8_t *message, size_t size, size_t at)
{
    size_t end = 0;     /* behind the name where it began; 0 until the first pointer */
    size_t lowest = at; /* pointers lead backwards only, so a walk ends */
    size_t length = 0;  /* of the name, uncompressed */
    unsigned pointers = 0;

    for (;;) {
        if (at >= size)
            return 0;
        size_t octet = message[at];
        if (octet == 0)
            return length + 1 > WIRE_NAME_MAX ? 0 : end != 0 ? end : at + 1;
        if (octet <= LABEL_MAX) {
            length += octet + 1;
            at += octet + 1;
            if (length >= WIRE_NAME_MAX)
                return 0;
            continue;
        }
        if (octet < POINTER || size - at < 2 || pointers++ == WIRE_POINTERS_MAX)
            return 0;
        size_t target = wire_get16(message + at) & WIRE_POINTER_REACH;
        if (target >= lowest)
            return 0;
        if (end == 0)
            end = at + 2;
        at = lowest = target;
    }
}

/* Offset behind the record whose owner ends at 'fixed'. */
static size_t skip_rest(const uint8_t *message, size_t size, size_t fixed)
{
    if (fixed == 0 || size - fixed < RECORD_SIZE)
        return 0;
    size_t rdata_size = wire_get16(message + fixed + 8);
    fixed += RECORD_SIZE;
    return size - fixed < rdata_size ? 0 : fixed + rdata_size;
}

size_t wire_skip_record(const uint8_t *message, size_t size, size_t at)
{
    return skip_rest(message, size, wire_skip_name(message, size, at));
}

static bool read_cookie(struct wire_query *q, const uint8_t *data, size_t size)
{
    if (size != WIRE_COOKIE_CLIENT && (size < COOKIE_MIN || size > COOKIE_MAX))
        return false;
    q->cookie = true;
    memcpy(q->client_cookie, data, WIRE_COOKIE_CLIENT);
    return true;
}

/* 'at' is behind the owner of an OPT record that lies wholly within the packet. */
static bool read_opt(struct wire_query *q, const uint8_t *at)
{
    size_t left = wire_get16(at + 8);

    q->edns = true;
    q->udp_size = wire_get16(at + 2);
    q->version = at[5];
    q->dnssec_ok = (wire_get16(at + 6) & DO_BIT) != 0;
    at += RECORD_SIZE;
    while (left > 0) {
        if (left < 4)
            return false;
        size_t size = wire_get16(at + 2);
        if (left - 4 < size)
            return false;
        switch (wire_get16(at)) {
        case WIRE_OPTION_NSID:
            q->nsid = true;
            break;
        case WIRE_OPTION_KEEPALIVE:
            q->keepalive = true;
            break;
        case WIRE_OPTION_COOKIE:
            if (!read_cookie(q, at + 4, size))
                return false;
            break;
        default:
            break;
        }
        at += 4 + size;
        left -= 4 + size;
    }
    return true;
}

/* Walks the records of all three sections: one OPT at most, owned by the root, in the last. */
static bool read_records(struct wire_query *q, size_t size, size_t at)
{
    const uint8_t *packet = q->packet;
    bool good = true;

    if (wire_get32(packet + 6) == 0 && wire_get16(packet + 10) == 0)
        return at == size;
    for (size_t section = 0; section < 3; section++) {
        for (unsigned n = wire_get16(packet + 6 + 2 * section); n > 0; n--) {
            size_t fixed = wire_skip_name(packet, size, at);
            size_t end = skip_rest(packet, size, fixed);
            if (end == 0)
                return false;
            if (wire_get16(packet + fixed) == WIRE_OPT) {
                good = good && section == 2 && !q->edns && packet[at] == 0;
                /* Also what is wrong of it tells that the client speaks EDNS. */
                good = read_opt(q, packet + fixed) && good;
            }
            at = end;
        }
    }
    return good && at == size;
}

/* Behind the first question, where there is something, and what is no plain query. */
APART static enum wire_verdict decode_rest(struct wire_query *out, size_t size, unsigned questions)
{
    size_t at = out->question_end;

    for (unsigned n = 1; n < questions && at != 0; n++) { /* only to find the OPT behind them */
        at = wire_skip_name(out->packet, size, at);
        at = at != 0 && size - at >= 4 ? at + 4 : 0;
    }
    bool good = at != 0 && read_records(out, size, at) && questions == 1;
    if (out->flags & WIRE_OPCODE_BITS)
        return WIRE_OPCODE;
    if (!good)
        return WIRE_MALFORMED;
    return out->version > 0 ? WIRE_VERSION : WIRE_GOOD;
}

/* One question and one record: an OPT, if it is a query of today. */
APART static enum wire_verdict decode_edns(struct wire_query *out, size_t size)
{
    const uint8_t *owner = out->packet + out->question_end, *opt = owner + 1;
    size_t left = size - out->question_end;

    if (left < OPT_FIXED || *owner != 0 || wire_get16(opt) != WIRE_OPT ||
        wire_get16(opt + 8) != left - OPT_FIXED)
        return decode_rest(out, size, 1);
    if (!read_opt(out, opt))
        return WIRE_MALFORMED;
    return out->version > 0 ? WIRE_VERSION : WIRE_GOOD;
}

enum wire_verdict wire_decode(struct wire_query *out, struct dname_cut *cut, const uint8_t *packet,
                              size_t size)
{
    const uint64_t one_question = UINT64_C(1) << QDCOUNT_SHIFT;

    if (size < WIRE_HEADER_SIZE)
        return WIRE_RUNT;
    if (packet[2] & WIRE_FLAG_QR >> 8)
        return WIRE_RESPONSE;
    memset(out, 0, sizeof *out);
    out->packet = packet;
    out->flags = wire_get16(packet + 2);
    out->question_end = WIRE_HEADER_SIZE;
    uint64_t counts = wire_get64(packet + 4);
    if (counts >> QDCOUNT_SHIFT > 0 && !read_question(out, cut, size))
        return out->flags & WIRE_OPCODE_BITS ? WIRE_OPCODE : WIRE_MALFORMED;
    /* Most have one question and nothing else, or an OPT. */
    if (!(out->flags & WIRE_OPCODE_BITS)) {
        if (counts == one_question && size == out->question_end)
            return WIRE_GOOD;
        if (counts == one_question + 1)
            return decode_edns(out, size);
    }
    return decode_rest(out, size, (unsigned)(counts >> QDCOUNT_SHIFT));
}

/* ---- writing ---- */

size_t wire_limit(const struct wire_query *query, bool tcp, size_t ours)
{
    if (tcp)
        return WIRE_MESSAGE_MAX;
    if (!query->edns || query->udp_size <= WIRE_UDP_MIN)
        return WIRE_UDP_MIN;
    return query->udp_size < ours ? query->udp_size : ours;
}

void wire_reply_begin_opt(struct wire_reply *r, uint16_t our_udp_size)
{
    uint64_t head = (uint64_t)WIRE_OPT << 40 | (uint64_t)our_udp_size << 24;

    /* The root, type, class, TTL, RDLENGTH. */
    wire_put64(r->opt, head | (r->query->dnssec_ok ? DO_BIT >> 8 : 0));
    memset(r->opt + sizeof head, 0, OPT_FIXED - sizeof head);
    r->opt_size = OPT_FIXED;
    r->limit -= OPT_FIXED;
}

/* Room for an option's data, 0 if not even its head fits. */
static size_t option_room(const struct wire_reply *r)
{
    size_t room = r->limit - r->size;
    size_t left = sizeof r->opt - r->opt_size;

    if (left < room)
        room = left;
    return r->opt_size == 0 || room < 4 ? 0 : room - 4;
}

static uint8_t *add_option(struct wire_reply *r, uint16_t code, size_t size)
{
    uint8_t *at = r->opt + r->opt_size;

    assert(r->size == r->query->question_end); /* records would already stand in its room */
    wire_put16(at, code);
    wire_put16(at + 2, (uint16_t)size);
    r->opt_size = (uint16_t)(r->opt_size + 4 + size);
    r->limit -= 4 + size;
    return at + 4;
}

void wire_reply_option(struct wire_reply *r, enum wire_option code, const void *data, size_t size)
{
    if (size == 0 || option_room(r) < size)
        return;
    memcpy(add_option(r, (uint16_t)code, size), data, size);
}

/* Octets of 'text' to send so that at most 'room' are used and no UTF-8 character is cut in two. */
static size_t cut_text(const char *text, size_t room)
{
    size_t size = strlen(text);

    if (size <= room)
        return size;
    while (room > 0 && ((uint8_t)text[room] & 0xc0) == 0x80)
        room--;
    return room;
}

/* A document's words may hold anything, and who is told shows them on a terminal. */
static void put_text(uint8_t *at, const char *text, size_t size)
{
    for (size_t i = 0; i < size; i++)
        at[i] = (uint8_t)text[i] < ' ' || text[i] == '\x7f' ? ' ' : (uint8_t)text[i];
}

void wire_reply_explain(struct wire_reply *r, enum wire_ede code, const char *text)
{
    enum { EDE_OPTION = 15, CODE_SIZE = 2 };
    size_t room = option_room(r);

    if (room < CODE_SIZE)
        return;
    room -= CODE_SIZE;
    size_t size = cut_text(text, room < WIRE_EDE_TEXT_MAX ? room : WIRE_EDE_TEXT_MAX);
    uint8_t *at = add_option(r, EDE_OPTION, CODE_SIZE + size);
    wire_put16(at, (uint16_t)code);
    put_text(at + CODE_SIZE, text, size);
}

bool wire_reply_put(struct wire_reply *r, enum wire_section section, const uint8_t *records,
                    size_t size, uint16_t count)
{
    if (r->limit - r->size < size) {
        r->flags |= WIRE_FLAG_TC;
        return false;
    }
    memcpy(r->out + r->size, records, size);
    r->size += size;
    r->counts[section] = (uint16_t)(r->counts[section] + count);
    return true;
}

bool wire_reply_record(struct wire_reply *r, enum wire_section section,
                       const struct wire_owner *owner, size_t offset, uint16_t type, uint16_t class,
                       uint32_t ttl, const uint8_t *rdata, size_t rdata_size)
{
    bool reach = owner->at + offset <= WIRE_POINTER_REACH && (offset == 0 || !owner->compressed);
    const uint8_t *name = owner->name + offset;
    size_t name_size = 1;

    if (reach) {
        name_size = 2;
    } else {
        for (const uint8_t *label = name; *label != 0; label += *label + 1)
            name_size += *label + 1U;
    }
    if (r->limit - r->size < name_size + RECORD_SIZE + rdata_size) {
        r->flags |= WIRE_FLAG_TC;
        return false;
    }
    uint8_t *at = r->out + r->size;
    if (reach)
        wire_put16(at, (uint16_t)(POINTER << 8 | (owner->at + offset)));
    else
        memcpy(at, name, name_size);
    at += name_size;
    wire_put16(at, type);
    wire_put16(at + 2, class);
    wire_put32(at + 4, ttl);
    wire_put16(at + 8, (uint16_t)rdata_size);
    memcpy(at + RECORD_SIZE, rdata, rdata_size);
    r->size += name_size + RECORD_SIZE + rdata_size;
    r->counts[section]++;
    return true;
}

bool wire_reply_soa(struct wire_reply *r, enum wire_section section, const struct wire_owner *owner,
                    size_t offset, uint32_t serial, uint32_t ttl)
{
    /* Nobody is to transfer from the one or to write to the other: both below "invalid". */
    static const uint8_t names[] = "\5pldns\7invalid\0\6nobody\7invalid";
    enum { REFRESH = 3600, RETRY = 600, EXPIRE = 86400 };
    uint8_t rdata[sizeof names + 20];
    uint8_t *at = rdata + sizeof names;

    memcpy(rdata, names, sizeof names);
    wire_put32(at, serial);
    wire_put32(at + 4, REFRESH);
    wire_put32(at + 8, RETRY);
    wire_put32(at + 12, EXPIRE);
    wire_put32(at + 16, ttl);
    return wire_reply_record(r, section, owner, offset, WIRE_SOA, WIRE_IN, ttl, rdata,
                             sizeof rdata);
}

/* Few have options. */
static void finish_opt(struct wire_reply *r)
{
    uint8_t *at = r->out + r->size;

    r->opt[5] = (uint8_t)(r->rcode >> 4);
    if (r->opt_size > OPT_FIXED) {
        wire_put16(r->opt + 9, (uint16_t)(r->opt_size - OPT_FIXED));
        memcpy(at, r->opt, r->opt_size);
    } else {
        memcpy(at, r->opt, OPT_FIXED);
    }
    r->size += r->opt_size;
}

size_t wire_reply_finish(struct wire_reply *r)
{
    uint8_t *out = r->out;
    uint64_t head = (uint64_t)r->flags << 48 | (uint64_t)r->questions << 32 |
                    (uint32_t)r->counts[WIRE_ANSWER] << 16 | r->counts[WIRE_AUTHORITY];

    wire_put64(out + 2, head | (uint64_t)(r->rcode & 0xfu) << 48);
    wire_put16(out + 10, r->opt_size > 0);
    if (r->opt_size > 0)
        finish_opt(r);
    return r->size;
}
