/* An upstream's reply: checked octet by octet and indexed, before anything is done with it.
 *
 * Refuses what must be neither cached nor passed on (RFC 1035, RFC 2181, RFC 5452): lying counts,
 * trailing octets, bad compression, RDLENGTH that contradicts a known type, names that break off,
 * records in the answer section that neither the question's name nor the CNAME/DNAME chain from it
 * explains.  Unknown types pass verbatim (RFC 3597).
 *
 * The answer section must stand in chain order: a record comes after the CNAME that leads to its
 * owner (RRSIGs may come anywhere behind the record that explains their owner).  So the octets up
 * to the end of a hop hold that hop, those before it, and nothing of what lies behind: that is
 * where a chain is cut.  Another order is malformed, as most stub resolvers could not follow it
 * either; chainorder.h mends it. */
#ifndef PLDNS_REPLY_H
#define PLDNS_REPLY_H

#include <stddef.h>

#include "dname.h"
#include "questionhash.h"

#define REPLY_HOPS_MAX    16   /* CNAME hops followed; more is a loop to us */
#define REPLY_RECORDS_MAX 4096 /* records in one message: bounds work and TTL lists */
#define REPLY_SIZE_MAX    65535
#define REPLY_HEADER_SIZE 12

enum reply_rcode { /* those that mean something here; up to 4095 with EDNS */
                   REPLY_NOERROR = 0,
                   REPLY_FORMERR = 1,
                   REPLY_SERVFAIL = 2,
                   REPLY_NXDOMAIN = 3,
                   REPLY_NOTIMP = 4,
                   REPLY_REFUSED = 5,
                   REPLY_YXDOMAIN = 6,
                   REPLY_BADVERS = 16,
};

struct reply_question {
    const uint8_t *name; /* folded wire name; lent */
    union {
        struct {
            uint16_t type, class;
            uint16_t view; /* of who asks: see view.h */
            uint8_t name_size;
            bool dnssec_ok : 1, checking_disabled : 1; /* DO, CD of the query */
            uint8_t none : 6;                          /* zero */
        };
        uint64_t rest; /* all of this: with the name, what questions differ by */
    };
    uint64_t hash;       /* what reply_question_hash() found; 0: whoever needs it works it out */
    uint64_t foreign;    /* generation of a table in which the name was not owned; 0: of none */
    bool authentic_data; /* AD of the query */
};
_Static_assert(offsetof(struct reply_question, hash) ==
                   offsetof(struct reply_question, rest) + sizeof(uint64_t),
               "nothing but what questions differ by");

uint64_t reply_hash(const struct reply_question *, const struct questionhash *);
/* The same, unless 'hash' is known. */
static inline uint64_t reply_question_hash(const struct reply_question *q,
                                           const struct questionhash *h)
{
    return q->hash != 0 ? q->hash : reply_hash(q, h);
}

struct reply_hop {   /* one CNAME of the chain, in chain order, which is message order */
    uint16_t owner;  /* offset of the record */
    uint16_t end;    /* offset behind the record, and behind its signatures if they come next */
    uint16_t target; /* offset of the target name in its RDATA */
    bool dname;      /* made from the DNAME that stands before it (it must stand there, RFC 6672) */
    uint8_t none;    /* zero: hops are the same where their octets are */
};

struct reply {
    uint16_t rcode;                         /* with the upper bits of EDNS */
    uint16_t answer_count, authority_count; /* as in the header */
    uint16_t records_at;                    /* offset of the first record: behind the question */
    uint16_t answer_end;                    /* offset behind the answer section */
    uint16_t authority_end;                 /* offset behind the authority section */
    uint16_t end;                           /* offset behind the message */
    bool authoritative, authentic_data;
    bool negative; /* NXDOMAIN, or no record of the asked type at the chain's end */
    bool has_soa;  /* in the authority section, of a zone the chain's end is in */
    bool truncated;
    bool referral;        /* "ask those over there": no answer of somebody who resolves for us */
    bool authority_plain; /* only SOA, NS, DS, NSEC, NSEC3 and RRSIG stand in the authority section
                           */
    bool sound; /* every record parses: 'hops' and what stands before their ends may be used, even
                   where the records make no sense together */
    uint8_t stride; /* octets of each record, if all are as REPLY_TTL_AT says; at least 16;
                       0: perhaps not */
    uint8_t hops_length;
    uint32_t ttl;     /* seconds to keep it: least TTL of answer records; negative: also
                         min(SOA TTL, MINIMUM), 0 without SOA; negative or DO: also of
                         authority records.  Top bit set counts as 0 */
    uint32_t longest; /* TTL of any record, as it stands there; an upper bound */
    struct reply_hop hops[REPLY_HOPS_MAX]; /* behind 'hops_length': anything, or not even there */
};

/* Octets of all but the hops: no gaps, and copied as they are. */
#define REPLY_FRONT offsetof(struct reply, hops)
_Static_assert(REPLY_FRONT == 32, "two steps of sixteen octets");

/* Where the TTL of a record stands whose owner is a pointer.  Most replies are nothing but answers
 * of that form and one length, and an OPT. */
#define REPLY_TTL_AT 6

enum reply_verdict {
    REPLY_GOOD,
    REPLY_NOT_OURS,  /* not a reply, or id/question differ: drop silently, keep waiting */
    REPLY_MALFORMED, /* ours by id and question, but broken */
    REPLY_LOOP,      /* chain loops or is longer than REPLY_HOPS_MAX */
};

/* Checks 'message' as the reply to the question sent with 'id' and the name bytes 'sent' (letter
 * case as sent: compared byte for byte).  With TC set only header and question are looked at: what
 * was cut off anywhere is asked for again over TCP, and never used. */
MUST_USE enum reply_verdict reply_check(const uint8_t *message, size_t size, uint16_t id,
                                        const uint8_t *sent, const struct reply_question *,
                                        struct reply *out);

/* The same without the short way that most replies take: so that tests can hold the two against
 * each other. */
MUST_USE enum reply_verdict reply_check_whole(const uint8_t *message, size_t size, uint16_t id,
                                              const uint8_t *sent, const struct reply_question *,
                                              struct reply *out);

/* Forgets what stands behind the first 'hops' hops of a sound message, whatever its verdict and its
 * rcode: what is left only says where to go on.  It is no answer, and not to be kept as one. */
void reply_shorten(const uint8_t *message, struct reply *, unsigned hops);

/* Offsets of the TTL fields of the first 'records' records from 'records_at' on (OPT has none);
 * returns how many were written to 'out' (which has room for 'records').  Message checked before.
 */
size_t reply_ttl_offsets(const uint8_t *message, const struct reply *, unsigned records,
                         uint16_t *out);

/* Makes a checked message what is handed on and kept: id 0, question in lower case, TTLs with the
 * top bit set become 0. */
void reply_normalise(uint8_t *message, const struct reply_question *, const struct reply *);

/* Reads the possibly compressed name at 'offset'.  False if broken. */
MUST_USE bool reply_name(const uint8_t *message, size_t size, size_t offset, struct dname *out);

#endif
