/* The admin address's sockets: what stands at the path already decides. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "adminsocket.h"

static char folder[64];
static union config_address address;

static int set_up(void **unused)
{
    char text[128];
    const char *why;

    (void)unused;
    strcpy(folder, "/tmp/pldns-admin-XXXXXX");
    if (mkdtemp(folder) == NULL)
        return 1;
    snprintf(text, sizeof text, "unix:%s/run/admin.sock", folder);
    return !configaddress_admin(text, &address, &why);
}

static int tear_down(void **unused)
{
    char command[128];

    (void)unused;
    snprintf(command, sizeof command, "rm -rf %s", folder);
    return system(command);
}

static void opens_and_goes(void **unused)
{
    struct error_list errors = {0};
    struct stat status;

    (void)unused;
    int s = adminsocket_open(&address, &errors);
    assert_true(s >= 0);
    assert_int_equal(stat(address.path.sun_path, &status), 0);
    assert_int_equal(status.st_mode & 07777, 0660);
    assert_int_equal(adminsocket_open(&address, &errors), -1);
    assert_non_null(strstr(errors.items[0].text, "another process serves it"));
    error_clear(&errors);
    adminsocket_remove(&address, s);
    assert_int_equal(access(address.path.sun_path, F_OK), -1);
}

static void left_behind_is_replaced(void **unused)
{
    struct error_list errors = {0};

    (void)unused;
    int s = adminsocket_open(&address, &errors);
    close(s); /* as a killed process does: the file stays */
    s = adminsocket_open(&address, &errors);
    assert_true(s >= 0);
    adminsocket_remove(&address, s);
}

static void another_ones_socket_stays(void **unused)
{
    struct error_list errors = {0};

    (void)unused;
    int old = adminsocket_open(&address, &errors);
    unlink(address.path.sun_path);
    int fresh = adminsocket_open(&address, &errors);
    assert_true(fresh >= 0);
    adminsocket_remove(&address, old);
    assert_int_equal(access(address.path.sun_path, F_OK), 0);
    adminsocket_remove(&address, fresh);
}

static void a_file_stays(void **unused)
{
    struct error_list errors = {0};

    (void)unused;
    int s = adminsocket_open(&address, &errors); /* makes the directory */
    adminsocket_remove(&address, s);
    FILE *f = fopen(address.path.sun_path, "w");
    assert_non_null(f);
    fclose(f);
    assert_int_equal(adminsocket_open(&address, &errors), -1);
    assert_non_null(strstr(errors.items[0].text, "no socket"));
    assert_int_equal(access(address.path.sun_path, F_OK), 0);
    error_clear(&errors);
}

static void a_taken_port(void **unused)
{
    struct error_list errors = {0};
    union config_address tcp = {.v4 = {.sin_family = AF_INET}};
    socklen_t size = sizeof tcp.v4;

    (void)unused;
    tcp.v4.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    int s = adminsocket_open(&tcp, &errors);
    assert_true(s >= 0);
    assert_int_equal(getsockname(s, &tcp.any, &size), 0);
    assert_int_equal(adminsocket_open(&tcp, &errors), -1);
    assert_non_null(strstr(errors.items[0].text, "Address already in use"));
    error_clear(&errors);
    adminsocket_remove(&tcp, s);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
    static const struct CMUnitTest tests[] = {
        TEST(opens_and_goes),
        TEST(left_behind_is_replaced),
        TEST(another_ones_socket_stays),
        TEST(a_file_stays),
        TEST(a_taken_port),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
