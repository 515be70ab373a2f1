/* An upstream's reply: checked octet by octet and indexed, before anything is done with it.
 *
 * Refuses what must be neither cached nor passed on (RFC 1035, RFC 2181, RFC 5452): lying counts,
 * trailing octets, bad compression, RDLENGTH that contradicts a known type, names that break off,
 * records in the answer section that neither the question's name nor the CNAME/DNAME chain from it
 * explains.  Unknown types pass verbatim (RFC 3597). */
#ifndef PLDNS_REPLY_H
#define PLDNS_REPLY_H

#include "dname.h"

#define REPLY_HOPS_MAX    16     /* CNAME hops followed; more is a loop to us */
#define REPLY_RECORDS_MAX 4096   /* records in one message: bounds work and TTL lists */
#define REPLY_SIZE_MAX    65535

struct reply_question {
    const uint8_t *name; /* folded wire name; lent */
    uint8_t name_size;
    uint16_t type, class;
    bool dnssec_ok, checking_disabled, authentic_data; /* DO, CD, AD of the query */
};

struct reply_hop { /* one CNAME (or DNAME) of the chain, in chain order */
    uint16_t owner;      /* offset of the record */
    uint16_t end;        /* offset behind the record */
    uint16_t target;     /* offset of the target name in its RDATA */
    bool dname;
};

struct reply {
    uint8_t rcode;
    bool authoritative, truncated, authentic_data;
    uint16_t answer_count, authority_count; /* as in the header */
    uint16_t answer_end;    /* offset behind the answer section */
    uint16_t authority_end; /* offset behind the authority section */
    uint16_t records_at;    /* offset of the first record: behind the question */
    bool negative;          /* NXDOMAIN, or no record of the asked type at the chain's end */
    bool has_soa;
    uint32_t ttl;           /* seconds to keep it: least TTL of answer records; negative: also
                               min(SOA TTL, MINIMUM), 0 without SOA.  Top bit set counts as 0 */
    unsigned hops_length;
    struct reply_hop hops[REPLY_HOPS_MAX];
};

enum reply_verdict {
    REPLY_GOOD,
    REPLY_NOT_OURS,  /* not a reply, or id/question differ: drop silently, keep waiting */
    REPLY_MALFORMED, /* ours by id and question, but broken */
    REPLY_LOOP,      /* chain loops or is longer than REPLY_HOPS_MAX */
};

/* Checks 'message' as the reply to the question sent with 'id' and the name bytes 'sent' (letter case
 * as sent: compared byte for byte). */
MUST_USE enum reply_verdict reply_check(const uint8_t *message, size_t size, uint16_t id,
                                        const uint8_t *sent, const struct reply_question *,
                                        struct reply *out);

/* Offsets of the TTL fields of the first 'records' records from 'records_at' on (OPT has none);
 * returns how many were written to 'out' (which has room for 'records').  Message checked before. */
size_t reply_ttl_offsets(const uint8_t *message, const struct reply *, unsigned records, uint16_t *out);

/* Reads the possibly compressed name at 'offset'.  False if broken. */
MUST_USE bool reply_name(const uint8_t *message, size_t size, size_t offset, struct dname *out);

#endif
