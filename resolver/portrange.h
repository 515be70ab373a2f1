/* Which local ports a socket towards an upstream may have: the machine's ephemeral range, without
 * those the administrator reserved for others (ip_local_port_range, ip_local_reserved_ports). */
#ifndef PLDNS_PORTRANGE_H
#define PLDNS_PORTRANGE_H

#include "random.h"

struct portrange {
    uint16_t first, last;
    uint8_t reserved[65536 / 8]; /* one bit each */
};

/* Takes both texts as the kernel writes them; what makes no sense leaves the default range. */
void portrange_set(struct portrange *, const char *range, const char *reserved);

/* Reads both from /proc. */
void portrange_read(struct portrange *);

/* One of them, each as likely as the other. */
uint16_t portrange_draw(const struct portrange *, struct random *);

#endif
