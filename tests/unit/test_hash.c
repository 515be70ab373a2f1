/* SipHash-1-3 against OpenSSL's, which takes the numbers of rounds as parameters. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <openssl/core_names.h>
#include <openssl/evp.h>

#include "hash.h"

static uint64_t reference(EVP_MAC_CTX *mac, const uint8_t key[16], const uint8_t *bytes,
                          size_t size)
{
    unsigned once = 1, three = 3;
    size_t eight = 8, written;
    uint8_t out[8];
    uint64_t value = 0;
    OSSL_PARAM params[] = {
        OSSL_PARAM_construct_size_t(OSSL_MAC_PARAM_SIZE, &eight),
        OSSL_PARAM_construct_uint(OSSL_MAC_PARAM_C_ROUNDS, &once),
        OSSL_PARAM_construct_uint(OSSL_MAC_PARAM_D_ROUNDS, &three),
        OSSL_PARAM_construct_end(),
    };

    assert_int_equal(EVP_MAC_init(mac, key, 16, params), 1);
    assert_int_equal(EVP_MAC_update(mac, bytes, size), 1);
    assert_int_equal(EVP_MAC_final(mac, out, &written, sizeof(out)), 1);
    for (unsigned i = 0; i < 8; i++) {
        value |= (uint64_t)out[i] << (8 * i);
    }
    return value;
}

static void test_siphash(void **state)
{
    EVP_MAC *kind = EVP_MAC_fetch(NULL, "SIPHASH", NULL);
    EVP_MAC_CTX *mac = EVP_MAC_CTX_new(kind);
    uint8_t bytes[255], key[16];
    struct hash_key two = {UINT64_C(0x0706050403020100), UINT64_C(0x0f0e0d0c0b0a0908)};

    (void)state;
    for (unsigned i = 0; i < sizeof(bytes); i++) {
        bytes[i] = (uint8_t)(i * 7);
    }
    for (unsigned i = 0; i < sizeof(key); i++) {
        key[i] = (uint8_t)i;
    }
    for (size_t size = 0; size <= sizeof(bytes); size++) {
        assert_true(hash_bytes(&two, bytes, size) == reference(mac, key, bytes, size));
    }
    two.k1++;
    assert_false(hash_bytes(&two, bytes, 3) == reference(mac, key, bytes, 3));
    EVP_MAC_CTX_free(mac);
    EVP_MAC_free(kind);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_siphash),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
