/* DNS messages as bytes: a client's query is read here, and the reply to it is built here.
 *
 * The only parser that strangers' packets meet on the way to an owned answer: by hand, no
 * allocation, bounded by the packet's size, fuzzed against ldns (tests/fuzz/fuzz_codec.c).
 *
 * A reply is built front to back: wire_reply_begin(), then options and the EDE, then records, then
 * wire_reply_finish().  The room of the OPT record is set aside before the first record, so that
 * what does not fit is always a record and never the OPT. */
#ifndef PLDNS_WIRE_H
#define PLDNS_WIRE_H

#include <assert.h>
#include <endian.h>
#include <string.h>

#include "dname.h"

#define WIRE_HEADER_SIZE   12
#define WIRE_NAME_MAX      DNAME_MAX
#define WIRE_QUESTION_MAX  (WIRE_HEADER_SIZE + WIRE_NAME_MAX + 4) /* header and one question */
#define WIRE_UDP_MIN       512 /* what a client without EDNS takes; no EDNS size counts as less */
#define WIRE_MESSAGE_MAX   65535
#define WIRE_POINTERS_MAX  127 /* in one name: one for each label it can have */
#define WIRE_POINTER_REACH 0x3fff
#define WIRE_COOKIE_CLIENT 8
#define WIRE_COOKIE_SERVER 16  /* RFC 9018 */
#define WIRE_EDE_TEXT_MAX  200 /* octets of text in an extended error */
#define WIRE_NSID_MAX      128
/* Fixed part, client's and server's cookie, keepalive, extended error, NSID, each with its four
 * octets of code and length. */
#define WIRE_OPT_MAX                                                                               \
    (11 + 4 + WIRE_COOKIE_CLIENT + WIRE_COOKIE_SERVER + 4 + 2 + 4 + 2 + WIRE_EDE_TEXT_MAX + 4 +    \
     WIRE_NSID_MAX)

enum wire_type {
    WIRE_A = 1,
    WIRE_CNAME = 5,
    WIRE_SOA = 6,
    WIRE_PTR = 12,
    WIRE_HINFO = 13,
    WIRE_TXT = 16,
    WIRE_AAAA = 28,
    WIRE_DNAME = 39,
    WIRE_OPT = 41,
    WIRE_TKEY = 249,
    WIRE_TSIG = 250,
    WIRE_IXFR = 251,
    WIRE_AXFR = 252,
    WIRE_MAILB = 253,
    WIRE_MAILA = 254,
    WIRE_ANY = 255,
};

enum wire_class { WIRE_IN = 1, WIRE_CHAOS = 3 };

enum wire_rcode {
    WIRE_NOERROR = 0,
    WIRE_FORMERR = 1,
    WIRE_SERVFAIL = 2,
    WIRE_NXDOMAIN = 3,
    WIRE_NOTIMP = 4,
    WIRE_REFUSED = 5,
    WIRE_BADVERS = 16,
};

enum wire_ede { /* extended errors in use, RFC 8914 */
                WIRE_EDE_STALE = 3,
                WIRE_EDE_NOT_READY = 14,
                WIRE_EDE_BLOCKED = 15,
                WIRE_EDE_PROHIBITED = 18,
                WIRE_EDE_STALE_NXDOMAIN = 19,
                WIRE_EDE_NOT_SUPPORTED = 21,
                WIRE_EDE_UNREACHABLE = 22,
                WIRE_EDE_NETWORK = 23,
};

enum wire_option { WIRE_OPTION_NSID = 3, WIRE_OPTION_COOKIE = 10, WIRE_OPTION_KEEPALIVE = 11 };

#define WIRE_FLAG_QR     0x8000
#define WIRE_FLAG_AA     0x0400
#define WIRE_FLAG_TC     0x0200
#define WIRE_FLAG_RD     0x0100
#define WIRE_FLAG_RA     0x0080
#define WIRE_FLAG_Z      0x0040
#define WIRE_FLAG_AD     0x0020
#define WIRE_FLAG_CD     0x0010
#define WIRE_OPCODE_BITS 0x7800
#define WIRE_RCODE_BITS  0x000f

/* What a client sent.  Points into the packet: copy the first 'question_end' octets to keep it. */
struct wire_query {
    const uint8_t *packet; /* lent */
    uint16_t flags;        /* the header's second word */
    uint16_t question_end; /* offset behind the question; WIRE_HEADER_SIZE if it cannot be read */
    uint16_t type, class;
    uint8_t name_size; /* of the name at packet + WIRE_HEADER_SIZE; 0 if it cannot be read */
    bool edns;         /* an OPT record came in, so one goes out */
    uint8_t version;
    bool dnssec_ok;
    uint16_t udp_size;
    bool nsid, keepalive, cookie; /* options that were sent */
    uint8_t client_cookie[WIRE_COOKIE_CLIENT];
};

enum wire_verdict {
    WIRE_GOOD,
    WIRE_RUNT,      /* shorter than a header: no reply */
    WIRE_RESPONSE,  /* QR is set: no reply */
    WIRE_OPCODE,    /* not opcode QUERY: NOTIMP */
    WIRE_MALFORMED, /* FORMERR */
    WIRE_VERSION,   /* EDNS version over 0: BADVERS */
};

/* Reads a packet.  Behind RUNT and RESPONSE '*out' is undefined; otherwise it is fit for
 * wire_reply_begin().  '*cut' is the name's, if it can be read. */
MUST_USE enum wire_verdict wire_decode(struct wire_query *out, struct dname_cut *cut,
                                       const uint8_t *packet, size_t size);

static inline const uint8_t *wire_name(const struct wire_query *query)
{
    return query->packet + WIRE_HEADER_SIZE;
}

/* Offset behind the possibly compressed name at 'at', 0 if it is broken. */
size_t wire_skip_name(const uint8_t *message, size_t size, size_t at);
/* Offset behind the record at 'at', 0 if it is broken.  RDATA is not looked into. */
size_t wire_skip_record(const uint8_t *message, size_t size, size_t at);

/* True of a question of class IN for data: the types from TKEY to ANY, and OPT, are none. */
static inline bool wire_is_usual(const struct wire_query *query)
{
    return query->class == WIRE_IN && query->type < WIRE_TKEY && query->type != WIRE_OPT;
}

/* ---- replies ---- */

enum wire_section { WIRE_AUTHORITY, WIRE_ANSWER };

struct wire_reply {
    const struct wire_query *query;
    uint8_t *out;
    size_t size;  /* octets written */
    size_t limit; /* records must end here */
    /* Backwards as in the header: a processor of little endian takes the four as one word. */
    uint16_t counts[2]; /* by section */
    uint16_t questions; /* 1, or 0 if it could not be read */
    uint16_t flags;     /* all but the rcode; WIRE_FLAG_AA, _TC, _AD are the answer's */
    uint16_t rcode;
    uint16_t opt_size;
    uint8_t opt[WIRE_OPT_MAX];
};

/* A name that stands at offset 'at' of the reply: records are owned by it, or by its end, through a
 * pointer.  Where no pointer reaches, the name is written out. */
struct wire_owner {
    const uint8_t *name; /* uncompressed */
    size_t at;
    bool compressed; /* at 'at': its end does not stand behind its beginning */
};

/* The most octets this client takes, 'ours' being our own UDP size. */
size_t wire_limit(const struct wire_query *, bool tcp, size_t ours);

/* Header and question, byte for byte; 'out' may be the packet, where they stand already.  'limit'
 * is at least WIRE_UDP_MIN. */
static inline void wire_reply_begin(struct wire_reply *, const struct wire_query *, uint8_t *out,
                                    size_t limit, uint16_t our_udp_size);

/* An option, before any record; left out if no OPT came in or there is no room for it. */
void wire_reply_option(struct wire_reply *, enum wire_option, const void *data, size_t size);

/* Why, for people (RFC 8914), before any record.  The text is cut to what fits, and blanks take the
 * place of control characters; "" = none. */
void wire_reply_explain(struct wire_reply *, enum wire_ede, const char *text);

/* Appends 'count' whole records of 'size' octets together.  False: no room; TC is set. */
bool wire_reply_put(struct wire_reply *, enum wire_section, const uint8_t *records, size_t size,
                    uint16_t count);

/* Appends one record, owned by what is left of the owner's name behind 'offset' octets. */
bool wire_reply_record(struct wire_reply *, enum wire_section, const struct wire_owner *,
                       size_t offset, uint16_t type, uint16_t class, uint32_t ttl,
                       const uint8_t *rdata, size_t rdata_size);

/* Our SOA: MINIMUM is the TTL. */
bool wire_reply_soa(struct wire_reply *, enum wire_section, const struct wire_owner *,
                    size_t offset, uint32_t serial, uint32_t ttl);

/* Completes header and OPT; returns the reply's size. */
size_t wire_reply_finish(struct wire_reply *);

/* private: the OPT record, if one came in. */
void wire_reply_begin_opt(struct wire_reply *, uint16_t our_udp_size);

static inline void wire_reply_begin(struct wire_reply *r, const struct wire_query *query,
                                    uint8_t *out, size_t limit, uint16_t our_udp_size)
{
    assert(limit >= WIRE_UDP_MIN);
    r->query = query;
    r->out = out;
    r->size = query->question_end;
    r->limit = limit;
    r->rcode = WIRE_NOERROR;
    r->flags = WIRE_FLAG_QR | WIRE_FLAG_RA |
               (query->flags & (WIRE_OPCODE_BITS | WIRE_FLAG_RD | WIRE_FLAG_CD));
    r->questions = query->question_end > WIRE_HEADER_SIZE;
    r->counts[WIRE_ANSWER] = r->counts[WIRE_AUTHORITY] = 0;
    r->opt_size = 0;
    if (out != query->packet)
        memcpy(out, query->packet, query->question_end);
    if (query->edns)
        wire_reply_begin_opt(r, our_udp_size);
}

static inline uint16_t wire_get16(const uint8_t *at)
{
    return (uint16_t)(at[0] << 8 | at[1]);
}

static inline uint32_t wire_get32(const uint8_t *at)
{
    return (uint32_t)at[0] << 24 | (uint32_t)at[1] << 16 | (uint32_t)at[2] << 8 | at[3];
}

static inline uint64_t wire_get64(const uint8_t *at)
{
    uint64_t value;

    memcpy(&value, at, sizeof value);
    return be64toh(value);
}

static inline void wire_put64(uint8_t *at, uint64_t value)
{
    value = htobe64(value);
    memcpy(at, &value, sizeof value);
}

static inline void wire_put16(uint8_t *at, uint16_t value)
{
    at[0] = (uint8_t)(value >> 8);
    at[1] = (uint8_t)value;
}

static inline void wire_put32(uint8_t *at, uint32_t value)
{
    wire_put16(at, (uint16_t)(value >> 16));
    wire_put16(at + 2, (uint16_t)value);
}

#endif
