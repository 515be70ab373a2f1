/* Server cookies against the examples of RFC 9018, appendix A. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <arpa/inet.h>
#include <netinet/in.h>

#include <cmocka.h>

#include "cookie.h"

static void from_hex(uint8_t *out, const char *hex)
{
    for (; *hex != 0; hex += 2) {
        unsigned octet;
        assert_int_equal(sscanf(hex, "%2x", &octet), 1);
        *out++ = (uint8_t)octet;
    }
}

static void examples_of_rfc_9018(void **state)
{
    static const struct {
        const char *secret, *client, *address, *cookie;
        uint32_t seconds;
    } rows[] = {
        {"e5e973e5a6b2a43f48e7dc849e37bfcf", "2464c4abcf10c957", "198.51.100.100",
         "010000005cf79f111f8130c3eee29480", 1559731985},
        {"e5e973e5a6b2a43f48e7dc849e37bfcf", "2464c4abcf10c957", "198.51.100.100",
         "010000005cf7a871d4a564a1442aca77", 1559734385},
        {"e5e973e5a6b2a43f48e7dc849e37bfcf", "fc93fc62807ddb86", "203.0.113.203",
         "010000005cf7a9acf73a7810aca2381e", 1559734700},
        {"dd3bdf9344b678b185a6f5cb60fca715", "22681ab97d52c298",
         "2001:db8:220:1:59de:d0f4:8769:82b8", "010000005cf7c57926556bd0934c72f8", 1559741817},
        {"445536bcd2513298075a5d379663c962", "22681ab97d52c298",
         "2001:db8:220:1:59de:d0f4:8769:82b8", "010000005cf7c609a6bb79d16625507a", 1559741961},
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        uint8_t secret[16], client[8], wanted[16], cookie[16];
        struct sockaddr_in6 v6 = {.sin6_family = AF_INET6};
        struct sockaddr_in v4 = {.sin_family = AF_INET};
        bool is_v6 = strchr(rows[i].address, ':') != NULL;
        from_hex(secret, rows[i].secret);
        from_hex(client, rows[i].client);
        from_hex(wanted, rows[i].cookie);
        assert_int_equal(is_v6 ? inet_pton(AF_INET6, rows[i].address, &v6.sin6_addr)
                               : inet_pton(AF_INET, rows[i].address, &v4.sin_addr),
                         1);
        cookie_make(secret, client, rows[i].seconds,
                    is_v6 ? (const struct sockaddr *)&v6 : (const struct sockaddr *)&v4, cookie);
        assert_memory_equal(cookie, wanted, sizeof cookie);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(examples_of_rfc_9018)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
