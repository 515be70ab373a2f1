/* What systemd is told, on a socket of our own. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cmocka.h>

#include "build.h"
#include "systemd.h"

static int notified = -1;
static char told[1024];

static const char *next(void)
{
    ssize_t n = recv(notified, told, sizeof told - 1, MSG_DONTWAIT);

    told[n > 0 ? n : 0] = '\0';
    return told;
}

static void words(void **state)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    char path[] = "/tmp/pldns-notify-XXXXXX";

    (void)state;
    assert_non_null(mkdtemp(path));
    snprintf(address.sun_path, sizeof address.sun_path, "%s/socket", path);
    notified = socket(AF_UNIX, SOCK_DGRAM, 0);
    assert_int_equal(bind(notified, (struct sockaddr *)&address, sizeof address), 0);
    setenv("NOTIFY_SOCKET", address.sun_path, 1);
    systemd_ready("Generation 1");
    next();
#ifdef HAVE_SYSTEMD
    assert_string_equal(told, "READY=1\nSTATUS=Generation 1");
    systemd_status("Generation 2");
    assert_string_equal(next(), "STATUS=Generation 2");
    systemd_reloading(123456);
    assert_string_equal(next(), "RELOADING=1\nMONOTONIC_USEC=123456");
    systemd_watchdog();
    assert_string_equal(next(), "WATCHDOG=1");
    systemd_stopping();
    assert_non_null(strstr(next(), "STOPPING=1"));
    assert_int_equal(systemd_watchdog_ms(), 0);
    setenv("WATCHDOG_USEC", "30000000", 1);
    assert_int_equal(systemd_watchdog_ms(), 15000);
    unsetenv("WATCHDOG_USEC");
#else
    assert_string_equal(told, "");
#endif
    unsetenv("NOTIFY_SOCKET");
    systemd_ready("nobody listens");
    assert_string_equal(next(), "");
    close(notified);
    unlink(address.sun_path);
    rmdir(path);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {cmocka_unit_test(words)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
