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

/* What of a range is IPv4, as the kernel writes addresses. */
struct netblock_v4 {
    in_addr_t address, mask;
};

struct netblock_list { /* all owned */
    struct netblock *items;
    struct netblock_range *ranges; /* one for each item */
    struct netblock_v4 *v4;        /* one for each in which IPv4 addresses lie */
    size_t length, v4_length;
};

/* Adds what 'text' means to the list.  False: 'why' says what is wrong; the list is unchanged. */
MUST_USE bool netblock_add(struct netblock_list *, const char *text, const char **why);

/* private: the same of an address that is not of family AF_INET. */
bool netblock_contains_v6(const struct netblock_list *, const struct sockaddr *);

/* True if the address lies in one of the ranges. */
static inline bool netblock_contains(const struct netblock_list *list,
                                     const struct sockaddr *address)
{
    if (address->sa_family != AF_INET) {
        return netblock_contains_v6(list, address);
    }
    in_addr_t v4 = ((const struct sockaddr_in *)(const void *)address)->sin_addr.s_addr;
    for (size_t i = 0; i < list->v4_length; i++) {
        if (((v4 ^ list->v4[i].address) & list->v4[i].mask) == 0) {
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
