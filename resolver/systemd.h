/* What systemd is told: readiness, reloads, the end, and that the control loop still turns. Without
 * libsystemd, or when not started by systemd, all of it does nothing. */
#ifndef PLDNS_SYSTEMD_H
#define PLDNS_SYSTEMD_H

#include "error.h"
#include <stdint.h>

/* 'status' is one line for "systemctl status"; it may change when readiness does not. */
void systemd_ready(const char *status);
void systemd_status(const char *status);
void systemd_reloading(uint64_t now_us); /* monotonic; systemd_ready() ends it */
void systemd_stopping(void);

/* How many sockets it has passed to us, numbered from '*first' on; the next call finds none. */
int systemd_sockets(int *first);

/* How often systemd wants to hear of us: half of its limit, in milliseconds; 0 = not at all. */
uint64_t systemd_watchdog_ms(void);
void systemd_watchdog(void);

#endif
