/* The answer records of a rule: decided once when the table is built, written per query.
 *
 * Every record's owner is the compression pointer C0 0C: the question's name (RFC 1035 4.1.4),
 * which is what wildcard synthesis wants.  All records of a family differ in nothing but the
 * address, so only addresses are kept, and what says how many: a quarter of the memory, and writing
 * the rest costs no more than copying it. */
#ifndef PLDNS_ANSWER_H
#define PLDNS_ANSWER_H

#include "connection.h"

#define ANSWER_A           1 /* types */
#define ANSWER_AAAA        28
#define ANSWER_A_SIZE      16 /* pointer, type, class, TTL, RDLENGTH, 4 octets */
#define ANSWER_AAAA_SIZE   28
#define ANSWER_RECORDS_MAX 64 /* in one rule, both families together */

struct answer {
    uint16_t ttl;
    uint8_t a_count : 7;
    uint8_t a_waits : 1; /* there is no A, and whether there is any is not known yet */
    uint8_t aaaa_count : 7;
    uint8_t preferred : 1; /* behind the addresses stands a struct answer_preferred */
    uint8_t addresses[];   /* 4 octets each, then 16 octets each */
};
_Static_assert(CONNECTION_TTL_MAX <= UINT16_MAX, "a TTL fits");
_Static_assert(ANSWER_RECORDS_MAX < 1 << 7, "a number of records fits");

/* The first so many belong to our own zone: rotated among themselves and always first; 0 = no
 * preference.  Few answers have one. */
struct answer_preferred {
    uint8_t a, aaaa;
};

#define ANSWER_SIZE_MAX                                                                            \
    (sizeof(struct answer) + ANSWER_RECORDS_MAX * 16 + sizeof(struct answer_preferred))

static inline size_t answer_address_octets(const struct answer *answer)
{
    return 4u * answer->a_count + 16u * answer->aaaa_count;
}

static inline struct answer_preferred answer_preferred(const struct answer *answer)
{
    const uint8_t *at = answer->addresses + answer_address_octets(answer);

    return answer->preferred ? (struct answer_preferred){at[0], at[1]}
                             : (struct answer_preferred){0, 0};
}

/* Bytes it takes; it wants an alignment of 4. */
size_t answer_size(const struct answer *);

/* Fills 'out' (ANSWER_SIZE_MAX bytes are always enough).  'addresses' in order, the first
 * 'preferred' of them our own zone's; at most ANSWER_RECORDS_MAX, duplicates removed by the caller.
 */
void answer_encode(struct answer *out, uint32_t ttl, const struct connection_address *addresses,
                   unsigned length, unsigned preferred);

/* How many records of 'qtype' (1 or 28; others have none) there are. */
static inline unsigned answer_count(const struct answer *answer, uint16_t qtype)
{
    return qtype == ANSWER_A ? answer->a_count : qtype == ANSWER_AAAA ? answer->aaaa_count : 0;
}

/* What each of them takes. */
static inline size_t answer_record_size(uint16_t qtype)
{
    return qtype == ANSWER_A ? ANSWER_A_SIZE : ANSWER_AAAA_SIZE;
}

/* Copies the records of 'qtype' to 'out', starting at a place that depends on 'turn', as many whole
 * ones as fit in 'space' bytes.  Returns how many were written. */
unsigned answer_write(const struct answer *, uint16_t qtype, uint32_t turn, uint8_t *out,
                      size_t space);

#endif
