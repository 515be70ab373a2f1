#include "systemd.h"

#include "build.h"

#ifdef HAVE_SYSTEMD

#include <inttypes.h>
#include <systemd/sd-daemon.h>

void systemd_ready(const char *status)
{
    (void)sd_notifyf(0, "READY=1\nSTATUS=%s", status);
}

void systemd_reloading(uint64_t now_us)
{
    (void)sd_notifyf(0, "RELOADING=1\nMONOTONIC_USEC=%" PRIu64, now_us);
}

void systemd_stopping(void)
{
    (void)sd_notify(0, "STOPPING=1\nSTATUS=Draining");
}

uint64_t systemd_watchdog_ms(void)
{
    uint64_t us;

    return sd_watchdog_enabled(0, &us) > 0 ? us / 2000 : 0;
}

void systemd_watchdog(void)
{
    (void)sd_notify(0, "WATCHDOG=1");
}

#else

void systemd_ready(const char *status)
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

#endif
