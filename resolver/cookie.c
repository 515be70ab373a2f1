#include "cookie.h"

#include <endian.h>
#include <netinet/in.h>
#include <string.h>

#include "octets.h"

/* SipHash-2-4 by Aumasson and Bernstein: RFC 9018 wants these rounds; the table's hash has fewer.
 */
struct sip {
    uint64_t v[4];
};

static uint64_t rotate(uint64_t x, unsigned bits)
{
    return x << bits | x >> (64 - bits);
}

static void sip_rounds(struct sip *s, unsigned rounds)
{
    uint64_t *v = s->v;

    while (rounds-- > 0) {
        v[0] += v[1];
        v[2] += v[3];
        v[1] = rotate(v[1], 13) ^ v[0];
        v[3] = rotate(v[3], 16) ^ v[2];
        v[0] = rotate(v[0], 32);
        v[2] += v[1];
        v[0] += v[3];
        v[1] = rotate(v[1], 17) ^ v[2];
        v[3] = rotate(v[3], 21) ^ v[0];
        v[2] = rotate(v[2], 32);
    }
}

static void sip_word(struct sip *s, uint64_t word)
{
    s->v[3] ^= word;
    sip_rounds(s, 2);
    s->v[0] ^= word;
}

static uint64_t siphash24(const uint8_t *key, const uint8_t *data, size_t size)
{
    uint64_t k0 = octets_word(key), k1 = octets_word(key + 8);
    struct sip s = {{k0 ^ UINT64_C(0x736f6d6570736575), k1 ^ UINT64_C(0x646f72616e646f6d),
                     k0 ^ UINT64_C(0x6c7967656e657261), k1 ^ UINT64_C(0x7465646279746573)}};
    uint64_t last = (uint64_t)size << 56;
    size_t at = 0;

    for (; size - at >= 8; at += 8)
        sip_word(&s, octets_word(data + at));
    for (unsigned shift = 0; at < size; at++, shift += 8)
        last |= (uint64_t)data[at] << shift;
    sip_word(&s, last);
    s.v[2] ^= 0xff;
    sip_rounds(&s, 4);
    return s.v[0] ^ s.v[1] ^ s.v[2] ^ s.v[3];
}

void cookie_make(const uint8_t secret[COOKIE_SECRET_SIZE], const uint8_t client[COOKIE_CLIENT_SIZE],
                 uint32_t seconds, const struct sockaddr *address, uint8_t out[COOKIE_SERVER_SIZE])
{
    enum { VERSION = 1, HEAD = 8 }; /* version, three reserved octets, time stamp */
    uint8_t data[COOKIE_CLIENT_SIZE + HEAD + sizeof(struct in6_addr)];
    uint32_t stamp = htobe32(seconds);
    size_t size = COOKIE_CLIENT_SIZE + HEAD;

    memset(out, 0, HEAD);
    out[0] = VERSION;
    memcpy(out + 4, &stamp, sizeof stamp);
    memcpy(data, client, COOKIE_CLIENT_SIZE);
    memcpy(data + COOKIE_CLIENT_SIZE, out, HEAD);
    if (address->sa_family == AF_INET) {
        memcpy(data + size, &((const struct sockaddr_in *)(const void *)address)->sin_addr, 4);
        size += 4;
    } else {
        memcpy(data + size, &((const struct sockaddr_in6 *)(const void *)address)->sin6_addr, 16);
        size += 16;
    }
    uint64_t hash = htole64(siphash24(secret, data, size));
    memcpy(out + HEAD, &hash, sizeof hash);
}
