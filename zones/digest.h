/* SHA-256 of a document's bytes: what "the content changed" means.  Home of OpenSSL in zones/. */
#ifndef PLDNS_DIGEST_H
#define PLDNS_DIGEST_H

#include <stddef.h>
#include <stdint.h>

#define DIGEST_SIZE 32
#define DIGEST_TEXT 65 /* hex and terminator */

struct digest {
    uint8_t bytes[DIGEST_SIZE];
};

void digest_of(struct digest *, const void *bytes, size_t size);
char *digest_to_text(const struct digest *, char text[DIGEST_TEXT]);

#endif
