#include "configaddress.h"
#include "resolvconf.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cmocka.h>

#include "alloc.h"

/* Reads 'text' as a resolv.conf; returns the servers with a blank behind each. */
static const char *read_text(const char *text, size_t size, const struct config *config,
                             size_t *warnings)
{
    static char servers[4096];
    char path[] = "/tmp/pldns-resolvconf-XXXXXX";
    struct config_upstreams out;
    struct error_list errors = {0};
    int fd = mkstemp(path);

    assert_true(fd >= 0);
    assert_int_equal(write(fd, text, size), (ssize_t)size);
    close(fd);
    assert_true(resolvconf_read(path, config, &out, &errors));
    servers[0] = '\0';
    for (size_t i = 0; i < out.length; i++) {
        strcat(servers, out.items[i].text);
        strcat(servers, " ");
    }
    assert_int_equal(errors.errors, 0);
    *warnings = errors.warnings;
    error_clear(&errors);
    free(out.items);
    unlink(path);
    return servers;
}

static const struct {
    const char *text, *servers;
    size_t warnings;
} files[] = {
    {"nameserver 192.0.2.1\n", "192.0.2.1 ", 0},
    {"nameserver 192.0.2.1", "192.0.2.1 ", 0},
    {"# c\nsearch a b\nnameserver\t192.0.2.1 \r\n; x\nnameserver 2001:db8::1\noptions ndots:1\n",
     "192.0.2.1 2001:db8::1 ", 0},
    {"nameserver 192.0.2.1\r\nnameserver 192.0.2.2\r\n", "192.0.2.1 192.0.2.2 ", 0},
    {"", "", 0},
    {"\n\n\n", "", 0},
    {"nameserver 127.0.0.1\nnameserver 192.0.2.1\n", "192.0.2.1 ", 0}, /* ourselves */
    {"nameserver 127.0.0.53\n", "127.0.0.53 ", 0},
    {"nameserver\nnameserver x\nnameserver 192.0.2.1\n", "192.0.2.1 ", 2},
    {"nameserver tcp://192.0.2.1\nnameserver [::2]:53\n", "", 2},
    {"nameserver 192.0.2.1:5353\nnameserver 192.0.2.2\n", "192.0.2.2 ", 1},
    {"nameserver fe80::1%lo\nnameserver fe80::2%1\n", "fe80::1%lo fe80::2%1 ", 0}, /* number 1 */
    {"nameserver fe80::1%nosuch\nnameserver fe80::2%\nnameserver fe80::2%0\n"
     "nameserver fe80::2%1x\nnameserver fe80::2%99999999999\nnameserver fe80::2%99999999\n",
     "", 6},
    {" nameserver 192.0.2.1\n#nameserver 192.0.2.2\nnameservers 192.0.2.3\n", "192.0.2.1 ", 0},
    {"nameserver 192.0.2.1 192.0.2.2\n", "192.0.2.1 ", 0},
};

static void test_files(void **state)
{
    union config_address listen = {.v4 = {.sin_family = AF_INET}};
    struct config config = {.listen = &listen, .listen_length = 1};

    (void)state;
    listen.v4.sin_port = htons(53);
    listen.v4.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    for (size_t i = 0; i < ARRAY_LENGTH(files); i++) {
        size_t warnings;

        assert_string_equal(read_text(files[i].text, strlen(files[i].text), &config, &warnings),
                            files[i].servers);
        assert_int_equal(warnings, files[i].warnings);
    }
}

static void test_any_octets(void **state)
{
    struct config config = {0};
    char text[2048];
    size_t warnings, size = 0;

    (void)state;
    memcpy(text, "nameserver \0\xff\n\0nameserver 192.0.2.1\n", 36);
    read_text(text, 36, &config, &warnings);
    for (unsigned i = 0; i < 40; i++) /* more than are taken */
        size += (size_t)snprintf(text + size, sizeof text - size, "nameserver 192.0.2.%u\n", i + 1);
    read_text(text, size, &config, &warnings);
    assert_int_equal(warnings, 40 - CONFIG_UPSTREAMS_MAX);
}

static void test_no_file(void **state)
{
    struct config config = {0};
    struct config_upstreams out;
    struct error_list errors = {0};

    (void)state;
    assert_false(resolvconf_read("/nonexistent/resolv.conf", &config, &out, &errors));
    assert_int_equal(errors.errors, 1);
    error_clear(&errors);
}

static void test_ours(void **state)
{
    static const struct {
        const char *listen, *upstream;
        bool ours;
    } rows[] = {
        {"127.0.0.1", "127.0.0.1", true},  {"127.0.0.1", "127.0.0.1:54", false},
        {"127.0.0.1", "127.0.0.2", false}, {"0.0.0.0", "127.0.0.2", true},
        {"0.0.0.0", "192.0.2.1", false},   {"127.0.0.1", "0.0.0.0", true},
        {"192.0.2.1", "0.0.0.0", false},   {"127.0.0.1", "tcp://127.0.0.1", true},
        {"::1", "[::1]:53", true},         {"::1", "127.0.0.1", false},
        {"::", "[2001:db8::1]:53", false}, {"::", "[::1]:53", true},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LENGTH(rows); i++) {
        struct config_upstream listen, upstream;
        struct config config = {.listen = &listen.address, .listen_length = 1};
        const char *why;

        assert_true(configaddress_upstream(rows[i].listen, &listen, &why));
        assert_true(configaddress_upstream(rows[i].upstream, &upstream, &why));
        if (resolvconf_is_ours(&config, &upstream) != rows[i].ours)
            fail_msg("%s, listening on %s", rows[i].upstream, rows[i].listen);
    }
}

/* For the rest of this program, as RestrictAddressFamilies= of our unit has it. */
static bool deny_netlink(void)
{
    struct sock_filter steps[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_socket, 0, 3),
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, args)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, AF_NETLINK, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EAFNOSUPPORT),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
    struct sock_fprog program = {.len = ARRAY_LENGTH(steps), .filter = steps};

    return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 &&
           prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) == 0;
}

/* Where nobody may ask for the list of addresses it is the same.  The last test. */
static void test_ours_without_list(void **state)
{
    if (!deny_netlink())
        skip();
    assert_int_equal(socket(AF_NETLINK, SOCK_RAW, 0), -1);
    test_ours(state);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_files),
        cmocka_unit_test(test_any_octets),
        cmocka_unit_test(test_no_file),
        cmocka_unit_test(test_ours),
        cmocka_unit_test(test_ours_without_list),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
