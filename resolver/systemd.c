#include "systemd.h"

#include "build.h"

#ifdef HAVE_SYSTEMD

#include <dlfcn.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <systemd/sd-daemon.h>

/* The library brings five more with it, a megabyte that a sidecar would pay for nothing: it is
 * loaded where systemd asks to be told. */
#define LIBRARY   "libsystemd.so.0"
#define STATE_MAX 512

/* 'function' is a pointer to a pointer to a function, as POSIX has it for dlsym(). */
static bool find(const char *variable, const char *name, void *function)
{
    static void *library;

    if (getenv(variable) == NULL)
        return false;
    if (library == NULL)
        library = dlopen(LIBRARY, RTLD_NOW | RTLD_LOCAL);
    void *found = library == NULL ? NULL : dlsym(library, name);
    memcpy(function, &found, sizeof found);
    return found != NULL;
}

static void notify(const char *state)
{
    __typeof__(sd_notify) *tell;

    if (find("NOTIFY_SOCKET", "sd_notify", &tell))
        (void)tell(0, state);
}

void systemd_ready(const char *status)
{
    char state[STATE_MAX];

    snprintf(state, sizeof state, "READY=1\nSTATUS=%s", status);
    notify(state);
}

void systemd_status(const char *status)
{
    char state[STATE_MAX];

    snprintf(state, sizeof state, "STATUS=%s", status);
    notify(state);
}

void systemd_reloading(uint64_t now_us)
{
    char state[STATE_MAX];

    snprintf(state, sizeof state, "RELOADING=1\nMONOTONIC_USEC=%" PRIu64, now_us);
    notify(state);
}

void systemd_stopping(void)
{
    notify("STOPPING=1\nSTATUS=Draining");
}

uint64_t systemd_watchdog_ms(void)
{
    __typeof__(sd_watchdog_enabled) *ask;
    uint64_t us;

    return find("WATCHDOG_USEC", "sd_watchdog_enabled", &ask) && ask(0, &us) > 0 ? us / 2000 : 0;
}

void systemd_watchdog(void)
{
    notify("WATCHDOG=1");
}

int systemd_sockets(int *first)
{
    __typeof__(sd_listen_fds) *ask;
    int length = find("LISTEN_FDS", "sd_listen_fds", &ask) ? ask(1) : 0;

    *first = SD_LISTEN_FDS_START;
    return length > 0 ? length : 0;
}

#else

void systemd_ready(const char *status)
{
    (void)status;
}

void systemd_status(const char *status)
{
    (void)status;
}

void systemd_reloading(uint64_t now_us)
{
    (void)now_us;
}

void systemd_stopping(void)
{
}

uint64_t systemd_watchdog_ms(void)
{
    return 0;
}

void systemd_watchdog(void)
{
}

int systemd_sockets(int *first)
{
    *first = 0;
    return 0;
}

#endif
