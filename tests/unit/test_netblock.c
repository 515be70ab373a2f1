/* Client ranges: what is taken, what is refused, who is inside. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <arpa/inet.h>
#include <netinet/in.h>

#include <cmocka.h>

#include "netblock.h"

static const struct {
    const char *range, *address;
    bool inside;
} cases[] = {
    {"10.0.0.0/8", "10.255.0.1", true},
    {"10.0.0.0/8", "11.0.0.0", false},
    {"10.0.0.0/8", "::ffff:10.1.2.3", true},
    {"10.0.0.0/8", "::10.1.2.3", false},
    {"10.0.0.0/8", "a00::1", false},
    {"192.0.2.1", "192.0.2.1", true},
    {"192.0.2.1", "192.0.2.2", false},
    {"192.0.2.0/31", "192.0.2.1", true},
    {"192.0.2.0/31", "192.0.2.2", false},
    {"172.16.0.0/12", "172.31.255.255", true},
    {"172.16.0.0/12", "172.32.0.0", false},
    {"0.0.0.0/0", "203.0.113.9", true},
    {"0.0.0.0/0", "2001:db8::1", false},
    {"::/0", "203.0.113.9", true},
    {"::/80", "203.0.113.9", true},
    {"::/81", "203.0.113.9", false},
    {"8000::/1", "203.0.113.9", false},
    {"fd00::/8", "fdff::1", true},
    {"fd00::/8", "fc00::1", false},
    {"2001:db8::/33", "2001:db8:7fff::", true},
    {"2001:db8::/33", "2001:db8:8000::", false},
    {"::ffff:10.0.0.0/104", "10.9.9.9", true},
    {"loopback", "127.1.2.3", true},
    {"loopback", "::1", true},
    {"loopback", "::2", false},
    {"loopback", "::ffff:127.0.0.1", true},
    {"private", "10.0.0.1", true},
    {"private", "172.20.0.1", true},
    {"private", "192.168.9.9", true},
    {"private", "100.127.0.1", true},
    {"private", "100.128.0.1", false},
    {"private", "169.254.169.254", true},
    {"private", "fd12::1", true},
    {"private", "fe80::1", true},
    {"private", "fec0::1", false},
    {"private", "127.0.0.1", false},
    {"private", "8.8.8.8", false},
    {"any", "8.8.8.8", true},
    {"any", "2001:db8::1", true},
};

static bool contains(const struct netblock_list *list, const char *text)
{
    struct sockaddr_in in = {.sin_family = AF_INET};
    struct sockaddr_in6 in6 = {.sin6_family = AF_INET6};

    if (inet_pton(AF_INET, text, &in.sin_addr) == 1) {
        return netblock_contains(list, (const struct sockaddr *)(const void *)&in);
    }
    assert_int_equal(inet_pton(AF_INET6, text, &in6.sin6_addr), 1);
    return netblock_contains(list, (const struct sockaddr *)(const void *)&in6);
}

static void test_contains(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LENGTH(cases); i++) {
        struct netblock_list list = {0};
        const char *why;

        assert_true(netblock_add(&list, cases[i].range, &why));
        assert_int_equal(contains(&list, cases[i].address), cases[i].inside);
        netblock_clear(&list);
    }
}

static const char *const bad[] = {
    "",
    "10",
    "10.0.0.0/",
    "10.0.0.0/33",
    "10.0.0.0/-1",
    "10.0.0.0/8x",
    "10.0.0.1/8",
    "10.0.0.0/08888",
    "fd00::1/8",
    "fd00::/129",
    "::1/",
    "localhost",
    "Any",
    " 10.0.0.0/8",
    "10.0.0.0 /8",
    "1.2.3.4.5",
    "fe80::1%lo",
    "/8",
    "0000:0000:0000:0000:0000:0000:0000:0000:0000:0000:0000:0000:0000",
};

static void test_refused(void **state)
{
    struct netblock_list list = {0};
    const char *why;

    (void)state;
    assert_true(netblock_add(&list, "loopback", &why));
    for (size_t i = 0; i < ARRAY_LENGTH(bad); i++) {
        why = NULL;
        assert_false(netblock_add(&list, bad[i], &why));
        assert_non_null(why);
        assert_int_equal(list.length, 2);
    }
    netblock_clear(&list);
    assert_int_equal(list.length, 0);
    assert_false(contains(&list, "127.0.0.1"));
}

static void test_limit(void **state)
{
    struct netblock_list list = {0};
    const struct sockaddr other = {.sa_family = AF_UNIX};
    const char *why;

    (void)state;
    while (list.length < NETBLOCK_LIST_MAX - 1) {
        assert_true(netblock_add(&list, "192.0.2.1", &why));
    }
    assert_false(netblock_add(&list, "loopback", &why)); /* two ranges: all or nothing */
    assert_int_equal(list.length, NETBLOCK_LIST_MAX - 1);
    assert_true(netblock_add(&list, "any", &why));
    assert_false(netblock_add(&list, "any", &why));
    assert_false(netblock_contains(&list, &other));
    netblock_clear(&list);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_contains),
        cmocka_unit_test(test_refused),
        cmocka_unit_test(test_limit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
