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

void digest_sum_of(struct digest_sum *sum, const struct hash_key *key, const void *bytes,
                   size_t size)
{
    enum { STEP = 1 << 30 }; /* the library counts in int */
    static const struct hash_key known;
    static const uint8_t nonce[12];
    const uint8_t *secret = (const uint8_t *)(key != NULL ? key : &known);
    EVP_CIPHER_CTX *gcm = EVP_CIPHER_CTX_new();
    const uint8_t *at = bytes;
    uint8_t none[EVP_MAX_BLOCK_LENGTH];
    int length,
        done = gcm != NULL && EVP_EncryptInit_ex(gcm, EVP_aes_128_gcm(), NULL, secret, nonce);

    for (size_t left = size, n; done && left > 0; left -= n, at += n) {
        n = left < STEP ? left : STEP;
        done = EVP_EncryptUpdate(gcm, NULL, &length, at, (int)n);
    }
    done = done && EVP_EncryptFinal_ex(gcm, none, &length) &&
           EVP_CIPHER_CTX_ctrl(gcm, EVP_CTRL_GCM_GET_TAG, DIGEST_SUM_SIZE, sum->bytes);
    EVP_CIPHER_CTX_free(gcm);
    assert(done == 1); /* as above */
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
