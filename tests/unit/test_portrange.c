/* Local ports: the range, what is left out of it, and what makes no sense. */
#include "portrange.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "error.h"

static void test_port_range(void **state)
{
    static const struct {
        const char *range, *reserved;
        unsigned first, last;
    } rows[] = {
        {"32768\t60999\n", "\n", 32768, 60999},
        {"1024 65535", "", 1024, 65535},
        {"", "", 32768, 60999},
        {"9 8", "", 32768, 60999},
        {"0 99999", "", 32768, 60999},
        {"40000 40100", "", 32768, 60999}, /* too few to be random */
        {"1024 65535", "1024-60000,60001", 60002, 65535},
        {"1024 65535", "1-65535", 32768, 60999},
        {"1024 65535", "-5", 1024, 65535},
        {"1024 65535", "70000-80000,5", 1024, 65535},
        {"1024 65535", "1024-1030,1031-60000,60010-65535", 1024,
         65535}, /* so few that none is kept */
        {"0 65535", "", 32768, 60999},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LENGTH(rows); i++) {
        struct portrange range;
        struct random random = {0};

        portrange_set(&range, rows[i].range, rows[i].reserved);
        for (int n = 0; n < 200; n++) {
            uint16_t port = portrange_draw(&range, &random);

            if (port < rows[i].first || port > rows[i].last)
                fail_msg("row %zu: port %u", i, port);
        }
    }
}

static bool is_reserved(const struct portrange *range, unsigned port)
{
    return (range->reserved[port / 8] >> port % 8 & 1) != 0;
}

static void test_reserved_ports(void **state)
{
    struct portrange range;

    (void)state;
    portrange_set(&range, "1024 65535", "30000-30009,40000\n");
    for (unsigned port = 1024; port <= 65535; port++)
        assert_int_equal(is_reserved(&range, port),
                         (port >= 30000 && port <= 30009) || port == 40000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_port_range),
        cmocka_unit_test(test_reserved_ports),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
