#include "answer.h"

#include <assert.h>
#include <endian.h>
#include <string.h>

#define CLASS_IN 1

#define A_OCTETS    4
#define AAAA_OCTETS 16
#define HEAD_SIZE   12 /* all of a record but the address */

_Static_assert(HEAD_SIZE + A_OCTETS == ANSWER_A_SIZE, "a record is its head and the address");
_Static_assert(HEAD_SIZE + AAAA_OCTETS == ANSWER_AAAA_SIZE, "a record is its head and the address");

size_t answer_size(unsigned a_count, unsigned aaaa_count)
{
    return sizeof(struct answer) + (size_t)a_count * A_OCTETS + (size_t)aaaa_count * AAAA_OCTETS;
}

void answer_encode(struct answer *out, uint32_t ttl, const struct connection_address *addresses,
                   unsigned length, unsigned preferred)
{
    uint8_t *at = out->addresses;

    assert(length <= ANSWER_RECORDS_MAX && preferred <= length);
    *out = (struct answer){.ttl = ttl};
    for (unsigned i = 0; i < length; i++) {
        if (!addresses[i].v6) {
            memcpy(at, addresses[i].bytes, A_OCTETS);
            at += A_OCTETS;
            out->a_count++;
            out->a_preferred = (uint8_t)(out->a_preferred + (i < preferred));
        }
    }
    for (unsigned i = 0; i < length; i++) {
        if (addresses[i].v6) {
            memcpy(at, addresses[i].bytes, AAAA_OCTETS);
            at += AAAA_OCTETS;
            out->aaaa_count++;
            out->aaaa_preferred = (uint8_t)(out->aaaa_preferred + (i < preferred));
        }
    }
    /* All preferred is none preferred: sets that say the same shall be the same bytes. */
    if (out->a_preferred == out->a_count) {
        out->a_preferred = 0;
    }
    if (out->aaaa_preferred == out->aaaa_count) {
        out->aaaa_preferred = 0;
    }
}

/* What stands before the address in every record of a set. */
struct head {
    uint64_t first; /* pointer, type, class, upper half of the TTL */
    uint32_t rest;  /* the lower half, RDLENGTH */
};

static struct head make_head(unsigned type, uint32_t ttl, unsigned octets)
{
    return (struct head){
        .first =
            htobe64(UINT64_C(0xc00c) << 48 | (uint64_t)type << 32 | CLASS_IN << 16 | ttl >> 16),
        .rest = htobe32(ttl << 16 | octets),
    };
}

/* Addresses, beginning at a place that depends on 'turn' and going round. */
static inline uint8_t *write_run(uint8_t *out, struct head head, const uint8_t *addresses,
                                 unsigned length, size_t octets, uint32_t turn, unsigned most)
{
    const uint8_t *end = addresses + length * octets;
    const uint8_t *address = addresses + (length > 1 ? turn % length : 0) * octets;

    for (; most > 0; most--) {
        memcpy(out, &head.first, sizeof(head.first));
        memcpy(out + sizeof(head.first), &head.rest, sizeof(head.rest));
        memcpy(out + HEAD_SIZE, address, octets);
        out += HEAD_SIZE + octets;
        address += octets;
        address = address == end ? addresses : address;
    }
    return out;
}

/* Those of the own zone first.  'octets' is a constant where it is inlined: a copy is a store. */
static inline unsigned write_all(const struct answer *answer, unsigned type,
                                 const uint8_t *addresses, unsigned all, unsigned preferred,
                                 size_t octets, uint32_t turn, uint8_t *out, size_t space)
{
    struct head head = make_head(type, answer->ttl, (unsigned)octets);
    unsigned fit = (unsigned)(space / (HEAD_SIZE + octets)), most = all < fit ? all : fit;

    if (preferred > 0) {
        unsigned first = preferred < most ? preferred : most;
        out = write_run(out, head, addresses, preferred, octets, turn, first);
        write_run(out, head, addresses + preferred * octets, all - preferred, octets, turn,
                  most - first);
    } else {
        write_run(out, head, addresses, all, octets, turn, most);
    }
    return most;
}

unsigned answer_write(const struct answer *answer, uint16_t qtype, uint32_t turn, uint8_t *out,
                      size_t space)
{
    const uint8_t *addresses = answer->addresses;

    if (qtype == ANSWER_A) {
        return write_all(answer, ANSWER_A, addresses, answer->a_count, answer->a_preferred,
                         A_OCTETS, turn, out, space);
    }
    if (qtype == ANSWER_AAAA) {
        addresses += (size_t)answer->a_count * A_OCTETS;
        return write_all(answer, ANSWER_AAAA, addresses, answer->aaaa_count, answer->aaaa_preferred,
                         AAAA_OCTETS, turn, out, space);
    }
    return 0;
}
