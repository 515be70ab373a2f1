/* Connections per client. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "peers.h"

static struct sockaddr_in v4(unsigned last)
{
    return (struct sockaddr_in){.sin_family = AF_INET,
                                .sin_port = (in_port_t)last, /* does not matter */
                                .sin_addr.s_addr = htonl(0x0a000000 | last)};
}

static void each_client_has_its_share(void **state)
{
    struct hash_key key = {1, 2};
    struct peers *peers = peers_new(&key, 8);
    struct sockaddr_in a = v4(1), b = v4(2);
    struct sockaddr_in6 c = {.sin6_family = AF_INET6};
    unsigned has;
    struct peer *first = peers_enter(peers, (struct sockaddr *)&a, 3, &has);

    (void)state;
    /* The same four octets, another family. */
    c.sin6_addr.s6_addr[0] = 10;
    c.sin6_addr.s6_addr[3] = 1;
    for (unsigned i = 1; i < 3; i++) {
        assert_ptr_equal(peers_enter(peers, (struct sockaddr *)&a, 3, &has), first);
        assert_int_equal(has, i + 1);
    }
    assert_null(peers_enter(peers, (struct sockaddr *)&a, 3, &has));
    a.sin_port = 99;
    assert_null(peers_enter(peers, (struct sockaddr *)&a, 3, &has));
    assert_non_null(peers_enter(peers, (struct sockaddr *)&b, 3, &has));
    assert_non_null(peers_enter(peers, (struct sockaddr *)&c, 3, &has));
    peers_leave(peers, first);
    assert_ptr_equal(peers_enter(peers, (struct sockaddr *)&a, 3, &has), first);
    peers_free(peers);
}

static void all_are_counted_together(void **state)
{
    struct hash_key key = {1, 2};
    struct peers *peers = peers_new(&key, 4);
    struct sockaddr_in a = v4(1), b = v4(2);
    unsigned has;
    struct peer *first = peers_enter(peers, (struct sockaddr *)&a, 2, &has);

    (void)state;
    assert_non_null(peers_enter(peers, (struct sockaddr *)&a, 2, &has));
    assert_non_null(peers_enter(peers, (struct sockaddr *)&b, 2, &has));
    assert_null(
        peers_enter(peers, (struct sockaddr *)&a, 2, &has)); /* who is refused does not count */
    assert_int_equal(peers_length(peers), 3);
    peers_leave(peers, first);
    assert_int_equal(peers_length(peers), 2);
    peers_free(peers);
}

static void clients_come_and_go(void **state)
{
    struct hash_key key = {1, 2};
    struct peers *peers = peers_new(&key, 4);
    struct peer *held[4];
    unsigned has;

    (void)state;
    for (unsigned i = 0; i < 1000; i++) {
        struct sockaddr_in in = v4(i);
        if (i >= 4) {
            assert_null(peers_enter(peers, (struct sockaddr *)&in, 1, &has)); /* all places taken */
            peers_leave(peers, held[i % 4]);
        }
        held[i % 4] = peers_enter(peers, (struct sockaddr *)&in, 1, &has);
        assert_non_null(held[i % 4]);
    }
    peers_free(peers);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_client_has_its_share),
        cmocka_unit_test(all_are_counted_together),
        cmocka_unit_test(clients_come_and_go),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
