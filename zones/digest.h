/* What bytes are, in few.  Home of OpenSSL in zones/. */
#ifndef PLDNS_DIGEST_H
#define PLDNS_DIGEST_H

#include <stddef.h>
#include <stdint.h>

#include "hash.h"

#define DIGEST_SIZE 32
#define DIGEST_TEXT 65 /* hex and terminator */

/* SHA-256 of a document's bytes: what "the content changed" means. */
struct digest {
    uint8_t bytes[DIGEST_SIZE];
};

void digest_of(struct digest *, const void *bytes, size_t size);
char *digest_to_text(const struct digest *, char text[DIGEST_TEXT]);

/* Some times as fast: GMAC (NIST SP 800-38D).  Under a key that nobody else knows no two different
 * texts have the same, but for one chance in 2^100; under NULL, a key that everybody knows, it
 * tells accidents (a bad disk, half a file) and no forger. */
#define DIGEST_SUM_SIZE 16
struct digest_sum {
    uint8_t bytes[DIGEST_SUM_SIZE];
};
void digest_sum_of(struct digest_sum *, const struct hash_key *key, const void *bytes, size_t size);

#endif
