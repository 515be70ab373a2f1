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

size_t answer_size(const struct answer *answer)
{
    return sizeof(*answer) + answer_address_octets(answer) +
           (answer->preferred ? sizeof(struct answer_preferred) : 0);
}

/* Those of one family, behind each other; returns how many, and how many of them are preferred. */
static unsigned put_family(uint8_t *at, bool v6, const struct connection_address *addresses,
                           unsigned length, unsigned preferred, uint8_t *first)
{
    unsigned count = 0, mine = 0;
    size_t octets = v6 ? AAAA_OCTETS : A_OCTETS;

    for (unsigned i = 0; i < length; i++) {
        if (addresses[i].v6 == v6) {
            memcpy(at + count * octets, addresses[i].bytes, octets);
            count++;
            mine += i < preferred;
        }
    }
    /* All preferred is none preferred: sets that say the same shall be the same bytes. */
    *first = (uint8_t)(mine == count ? 0 : mine);
    return count;
}

void answer_encode(struct answer *out, uint32_t ttl, const struct connection_address *addresses,
                   unsigned length, unsigned preferred)
{
    struct answer_preferred first;

    assert(length <= ANSWER_RECORDS_MAX && preferred <= length && ttl <= CONNECTION_TTL_MAX);
    *out = (struct answer){.ttl = (uint16_t)ttl};
    out->a_count = put_family(out->addresses, false, addresses, length, preferred, &first.a) & 0x7f;
    out->aaaa_count = put_family(out->addresses + answer_address_octets(out), true, addresses,
                                 length, preferred, &first.aaaa) &
                      0x7f;
    if (first.a + first.aaaa > 0) {
        out->preferred = 1;
        memcpy(out->addresses + answer_address_octets(out), &first, sizeof(first));
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

/* Those of the own zone first. */
APART static void write_preferred(const struct answer *answer, struct head head, unsigned most,
                                  uint32_t turn, uint8_t *out, bool v6)
{
    struct answer_preferred all = answer_preferred(answer);
    const uint8_t *addresses = answer->addresses + (v6 ? answer->a_count * A_OCTETS : 0);
    size_t octets = v6 ? AAAA_OCTETS : A_OCTETS;
    unsigned length = v6 ? answer->aaaa_count : answer->a_count;
    unsigned preferred = v6 ? all.aaaa : all.a, first = preferred < most ? preferred : most;

    out = write_run(out, head, addresses, preferred, octets, turn, first);
    write_run(out, head, addresses + preferred * octets, length - preferred, octets, turn,
              most - first);
}

/* 'octets' is a constant where it is inlined: a copy is a store. */
static inline unsigned write_all(const struct answer *answer, unsigned type,
                                 const uint8_t *addresses, unsigned all, size_t octets,
                                 uint32_t turn, uint8_t *out, size_t space)
{
    struct head head = make_head(type, answer->ttl, (unsigned)octets);
    unsigned fit = (unsigned)(space / (HEAD_SIZE + octets)), most = all < fit ? all : fit;

    if (answer->preferred) {
        write_preferred(answer, head, most, turn, out, type == ANSWER_AAAA);
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
        return write_all(answer, ANSWER_A, addresses, answer->a_count, A_OCTETS, turn, out, space);
    }
    if (qtype == ANSWER_AAAA) {
        addresses += (size_t)answer->a_count * A_OCTETS;
        return write_all(answer, ANSWER_AAAA, addresses, answer->aaaa_count, AAAA_OCTETS, turn, out,
                         space);
    }
    return 0;
}
