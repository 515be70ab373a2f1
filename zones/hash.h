/* A keyed hash for names: fast, and not predictable for who does not know the key.
 *
 * SipHash-1-3 over the folded octets.  The key is drawn once per process (random.h) and handed
 * down; tests use a fixed one. */
#ifndef PLDNS_HASH_H
#define PLDNS_HASH_H

#include <stddef.h>
#include <stdint.h>

struct hash_key {
    uint64_t k0, k1;
};

uint64_t hash_bytes(const struct hash_key *, const void *bytes, size_t size);

#endif
