#include "answer.h"

#include <assert.h>
#include <string.h>

#define TYPE_A    1
#define TYPE_AAAA 28

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

/* A run of addresses, beginning at a place that depends on 'turn' and going round. */
struct run {
    const uint8_t *addresses;
    unsigned length, octets;
};

static uint8_t *write_run(uint8_t *out, const uint8_t *head, const struct run *run, uint32_t turn,
                          unsigned most)
{
    unsigned from = run->length > 1 ? turn % run->length : 0;

    for (unsigned i = 0; i < run->length && i < most; i++) {
        const uint8_t *address = run->addresses + (size_t)from * run->octets;
        memcpy(out, head, HEAD_SIZE);
        out += HEAD_SIZE;
        if (run->octets == A_OCTETS) { /* a store, not a call */
            memcpy(out, address, A_OCTETS);
        } else {
            memcpy(out, address, AAAA_OCTETS);
        }
        out += run->octets;
        from = from + 1 == run->length ? 0 : from + 1;
    }
    return out;
}

size_t answer_write(const struct answer *answer, uint16_t qtype, uint32_t turn, uint8_t *out,
                    size_t space, unsigned *count, unsigned *total)
{
    struct run own = {.addresses = answer->addresses, .octets = A_OCTETS};
    unsigned all = 0;

    if (qtype == TYPE_A) {
        all = answer->a_count;
        own.length = answer->a_preferred;
    } else if (qtype == TYPE_AAAA) {
        own.addresses += (size_t)answer->a_count * A_OCTETS;
        own.octets = AAAA_OCTETS;
        all = answer->aaaa_count;
        own.length = answer->aaaa_preferred;
    }
    unsigned most = (unsigned)(space / (HEAD_SIZE + own.octets));
    *total = all;
    *count = all < most ? all : most;
    if (*count == 0) {
        return 0;
    }
    const uint8_t head[HEAD_SIZE] = {
        0xc0,
        0x0c,
        0,
        (uint8_t)qtype,
        0,
        1, /* IN */
        (uint8_t)(answer->ttl >> 24),
        (uint8_t)(answer->ttl >> 16),
        (uint8_t)(answer->ttl >> 8),
        (uint8_t)answer->ttl,
        0,
        (uint8_t)own.octets,
    };
    struct run others = own;
    others.addresses += (size_t)own.length * own.octets;
    others.length = all - own.length;
    uint8_t *at = own.length > 0 ? write_run(out, head, &own, turn, *count) : out;
    if (*count > own.length) {
        at = write_run(at, head, &others, turn, *count - own.length);
    }
    return (size_t)(at - out);
}
