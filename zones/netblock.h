/* Client ranges: "10.0.0.0/8", "fd00::/8", "192.0.2.1", and the words "loopback" (127.0.0.0/8,
 * ::1), "private" (RFC 1918, RFC 4193, RFC 6598, link local of both families) and "any".
 * IPv4-mapped IPv6 addresses (::ffff:a.b.c.d) match as the IPv4 address they carry. */
#ifndef PLDNS_NETBLOCK_H
#define PLDNS_NETBLOCK_H

#include "error.h"
#include <stdint.h>
#include <sys/socket.h>

#define NETBLOCK_LIST_MAX 4096

struct netblock {
    uint8_t address[16]; /* IPv4 as mapped address */
    uint8_t bits;        /* prefix length in the 128 bits */
};

struct netblock_list {
    struct netblock *items; /* owned */
    size_t length;
};

/* Adds what 'text' means to the list.  False: 'why' says what is wrong; the list is unchanged. */
MUST_USE bool netblock_add(struct netblock_list *, const char *text, const char **why);

/* True if the address (AF_INET or AF_INET6) lies in one of the ranges. */
bool netblock_contains(const struct netblock_list *, const struct sockaddr *);

/* The address as a range of its own.  False: it is of another family. */
MUST_USE bool netblock_of(struct netblock *out, const struct sockaddr *);

/* The range of 'bits' around the range 'from', which is no larger. */
void netblock_shorten(const struct netblock *from, unsigned bits, struct netblock *out);

void netblock_clear(struct netblock_list *);

#endif
