#include "digest.h"

#include <assert.h>
#include <openssl/evp.h>

void digest_of(struct digest *digest, const void *bytes, size_t size)
{
    unsigned length = 0;
    int done = EVP_Digest(bytes, size, digest->bytes, &length, EVP_sha256(), NULL);

    /* SHA-256 of bytes in memory fails only if the library itself is broken. */
    assert(done == 1 && length == DIGEST_SIZE);
    (void)done;
}

char *digest_to_text(const struct digest *digest, char text[DIGEST_TEXT])
{
    static const char hex[] = "0123456789abcdef";

    for (size_t i = 0; i < DIGEST_SIZE; i++) {
        text[2 * i] = hex[digest->bytes[i] >> 4];
        text[2 * i + 1] = hex[digest->bytes[i] & 15];
    }
    text[DIGEST_TEXT - 1] = '\0';
    return text;
}
