/* Ready-made answer records of a rule, encoded once when the table is built.
 *
 * Every record's owner is the compression pointer C0 0C: the question's name (RFC 1035 4.1.4), which
 * is what wildcard synthesis wants.  Records of one family have one size, so a set is rotated by
 * copying two runs. */
#ifndef PLDNS_ANSWER_H
#define PLDNS_ANSWER_H

#include "connection.h"

#define ANSWER_A_SIZE      16 /* pointer, type, class, TTL, RDLENGTH, 4 octets */
#define ANSWER_AAAA_SIZE   28
#define ANSWER_RECORDS_MAX 64 /* in one rule, both families together */

struct answer {
    uint32_t ttl;
    uint8_t a_count, aaaa_count;
    uint8_t a_preferred, aaaa_preferred; /* the first so many belong to our own zone: rotated among
                                            themselves and always first; 0 = no preference */
    uint8_t records[]; /* A records, then AAAA records */
};

/* Bytes a set of so many addresses takes. */
size_t answer_size(unsigned a_count, unsigned aaaa_count);

/* Encodes into 'out' (answer_size() bytes).  'addresses' in order, own zone's first; duplicates must
 * have been removed by the caller. */
void answer_encode(struct answer *out, uint32_t ttl, const struct connection_address *addresses,
                   unsigned length, unsigned preferred);

/* Copies the records of 'qtype' (1 or 28; others have none) to 'out', starting at a place that
 * depends on 'turn', as many whole ones as fit in 'space' bytes.  '*count' is how many were written,
 * '*total' how many there are.  Returns the bytes written. */
size_t answer_write(const struct answer *, uint16_t qtype, uint32_t turn, uint8_t *out, size_t space,
                    unsigned *count, unsigned *total);

#endif
