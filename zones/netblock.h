/* Client ranges: "10.0.0.0/8", "fd00::/8", "192.0.2.1", and the words "loopback" (127.0.0.0/8,
 * ::1), "private" (RFC 1918, RFC 4193, RFC 6598, link local of both families) and "any".
 * IPv4-mapped IPv6 addresses (::ffff:a.b.c.d) match as the IPv4 address they carry. */
#ifndef PLDNS_NETBLOCK_H
#define PLDNS_NETBLOCK_H

#include "error.h"
#include <netinet/in.h>
#include <stdint.h>
#include <sys/socket.h>

#define NETBLOCK_LIST_MAX 4096

struct netblock {
    uint8_t address[16]; /* IPv4 as mapped address */
    uint8_t bits;        /* prefix length in the 128 bits */
};

/* The same for who asks often: an address lies in it if it differs in no bit of the mask. */
struct netblock_range {
    uint64_t high, low, high_mask, low_mask;
};

struct netblock_list {
    struct netblock *items;        /* owned */
    struct netblock_range *ranges; /* owned; one for each item */
    size_t length;
};

/* Adds what 'text' means to the list.  False: 'why' says what is wrong; the list is unchanged. */
MUST_USE bool netblock_add(struct netblock_list *, const char *text, const char **why);

/* private */
bool netblock_halves_v6(const struct sockaddr *, uint64_t *high, uint64_t *low);

/* The address (AF_INET or AF_INET6) as its two halves.  False: it is of another family. */
static inline bool netblock_halves(const struct sockaddr *address, uint64_t *high, uint64_t *low)
{
    if (address->sa_family == AF_INET) {
        const struct sockaddr_in *v4 = (const void *)address;
        *high = 0;
        *low = UINT64_C(0xffff00000000) | ntohl(v4->sin_addr.s_addr);
        return true;
    }
    return netblock_halves_v6(address, high, low);
}

/* True if the address lies in one of the ranges. */
static inline bool netblock_contains(const struct netblock_list *list,
                                     const struct sockaddr *address)
{
    uint64_t high, low;

    if (!netblock_halves(address, &high, &low)) {
        return false;
    }
    for (size_t i = 0; i < list->length; i++) {
        const struct netblock_range *r = &list->ranges[i];

        if ((((high ^ r->high) & r->high_mask) | ((low ^ r->low) & r->low_mask)) == 0) {
            return true;
        }
    }
    return false;
}

/* The address as a range of its own.  False: it is of another family. */
MUST_USE bool netblock_of(struct netblock *out, const struct sockaddr *);

/* The range of 'bits' around the range 'from', which is no larger. */
void netblock_shorten(const struct netblock *from, unsigned bits, struct netblock *out);

void netblock_clear(struct netblock_list *);

#endif
