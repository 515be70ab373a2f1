/* The answer records of a rule: decided once when the table is built, written per query.
 *
 * Every record's owner is the compression pointer C0 0C: the question's name (RFC 1035 4.1.4),
 * which is what wildcard synthesis wants.  All records of a family differ in nothing but the
 * address, so only addresses are kept: a third of the memory, and writing the rest costs no more
 * than copying it. */
#ifndef PLDNS_ANSWER_H
#define PLDNS_ANSWER_H

#include "connection.h"

#define ANSWER_A           1 /* types */
#define ANSWER_AAAA        28
#define ANSWER_A_SIZE      16 /* pointer, type, class, TTL, RDLENGTH, 4 octets */
#define ANSWER_AAAA_SIZE   28
#define ANSWER_RECORDS_MAX 64 /* in one rule, both families together */

struct answer {
    uint32_t ttl;
    uint8_t a_count, aaaa_count;
    uint8_t a_preferred, aaaa_preferred; /* the first so many belong to our own zone: rotated among
                                            themselves and always first; 0 = no preference */
    uint8_t addresses[];                 /* 4 octets each, then 16 octets each */
};

/* Bytes a set of so many addresses takes: a multiple of 4, the alignment it wants. */
size_t answer_size(unsigned a_count, unsigned aaaa_count);

/* Fills 'out' (answer_size() bytes).  'addresses' in order, the first 'preferred' of them our own
 * zone's; at most ANSWER_RECORDS_MAX, duplicates removed by the caller. */
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
