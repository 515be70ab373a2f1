#include "digest.h"

#include <assert.h>
#include <stdbool.h>

/* The library's plain functions, which it would rather have replaced by those of its providers: to
 * find a provider's digest the configuration of the whole system is read and tables of all digests
 * there are get made, which takes as long as everything else until the first answer. */
#define OPENSSL_SUPPRESS_DEPRECATED
#include <openssl/aes.h>
#include <openssl/modes.h>
#include <openssl/sha.h>

_Static_assert(DIGEST_SIZE == SHA256_DIGEST_LENGTH, "it is SHA-256");
_Static_assert(sizeof(struct hash_key) == 128 / 8, "a key of AES-128");

void digest_of(struct digest *digest, const void *bytes, size_t size)
{
    SHA256_CTX context;
    int done = SHA256_Init(&context) && SHA256_Update(&context, bytes, size) &&
               SHA256_Final(digest->bytes, &context);

    /* SHA-256 of bytes in memory fails only if the library itself is broken. */
    assert(done == 1);
    (void)done;
}

static void encrypt(const uint8_t in[16], uint8_t out[16], const void *key)
{
    AES_encrypt(in, out, key);
}

void digest_sum_of(struct digest_sum *sum, const struct hash_key *key, const void *bytes,
                   size_t size)
{
    static const struct hash_key known;
    static const uint8_t nonce[12];
    const uint8_t *secret = (const uint8_t *)(key != NULL ? key : &known);
    AES_KEY aes;
    bool done = AES_set_encrypt_key(secret, 8 * sizeof(*key), &aes) == 0;
    GCM128_CONTEXT *gcm = done ? CRYPTO_gcm128_new(&aes, encrypt) : NULL;

    assert(gcm != NULL); /* as above, or there is no memory */
    CRYPTO_gcm128_setiv(gcm, nonce, sizeof(nonce));
    done = CRYPTO_gcm128_aad(gcm, bytes, size) == 0;
    CRYPTO_gcm128_tag(gcm, sum->bytes, sizeof(sum->bytes));
    CRYPTO_gcm128_release(gcm);
    assert(done); /* nobody has 2^61 octets */
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
