/* Replies that leave by one UDP socket, a batch at a time.
 *
 * A client that has many questions on the way from one port (a forwarder, a load generator) gets
 * replies of one length as one long datagram, which the kernel cuts up again on the way out or at
 * the receiver (UDP_SEGMENT, udp(7)): the way through the network's layers is most of what an
 * answer costs, and is gone once for all of them.  Each reply arrives by itself, as ever.
 *
 * Fewer than BUNDLE_LEAST are not joined: what stubs ask stays one packet each for whoever looks at
 * the wire in between. */
#ifndef PLDNS_BUNDLE_H
#define PLDNS_BUNDLE_H

#include "error.h"

#include <netinet/in.h>
#include <stdint.h>
#include <sys/socket.h>
#include <sys/uio.h>

#define BUNDLE_BATCH 32
#define BUNDLE_LEAST 4
#define BUNDLE_SIZE                                                                                \
    1232 /* octets of the longest that are joined: a longer one may not fit a link */

struct bundle_group {
    uint8_t first, last, count;
};

/* Room for the work on one batch; all zero is fine. */
struct bundle {
    struct bundle_group groups[BUNDLE_BATCH];
    uint8_t next[BUNDLE_BATCH]; /* of the same group */
    unsigned length;            /* of 'groups' */
    struct mmsghdr heads[BUNDLE_BATCH];
    struct iovec parts[BUNDLE_BATCH];
    struct bundle_group *of[BUNDLE_BATCH]; /* whose head it is */
    _Alignas(struct cmsghdr) uint8_t control[BUNDLE_BATCH][CMSG_SPACE(sizeof(uint16_t))];
};

/* True if the kernel can cut up what this socket sends. */
bool bundle_is_possible(int fd);

/* Sends the replies: at most BUNDLE_BATCH, one part each, which stand in one array in their order.
 * One that cannot be sent (full buffers, a firewall, an address that is gone) is lost, as on the
 * wire; those behind it are not.  'possible' is what bundle_is_possible() said of the socket; it
 * becomes false if the kernel thinks better of it. */
void bundle_send(struct bundle *, int fd, bool *possible, struct mmsghdr *heads, unsigned length);

#endif
