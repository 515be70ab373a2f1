/* A datagram socket towards one server, as the kernel knows it: on a port that nobody can guess,
 * and warned of what was sent in fragments. */
#ifndef PLDNS_DATAGRAM_H
#define PLDNS_DATAGRAM_H

#include <stdint.h>
#include <sys/socket.h>

#include "error.h"
#include "portrange.h"
#include "random.h"

#define DATAGRAM_USUAL 2048 /* octets; what is longer is rare: we ask for less */
#define DATAGRAM_MAX   65536
/* Octets of what the kernel says besides. */
#define DATAGRAM_CONTROL 128

/* One that came. */
struct datagram {
    const uint8_t *data; /* 'usual', or the large buffer */
    size_t size;
    uint8_t *large;        /* private from here on */
    struct msghdr message; /* what the kernel is told, made once */
    struct iovec parts[2];
    _Alignas(struct cmsghdr) uint8_t control[DATAGRAM_CONTROL];
    uint8_t usual[DATAGRAM_USUAL];
};

enum datagram_result {
    DATAGRAM_CAME,
    DATAGRAM_NONE,
    DATAGRAM_ERROR, /* ICMP says something; the socket is as good as before */
};

/* Binds 'fd' to a random port out of the range and connects it to 'to'.  False: errno says why. */
MUST_USE bool datagram_connect(int fd, const struct sockaddr *to, const struct portrange *,
                               struct random *);

/* Once, before the first is received.  'large': DATAGRAM_MAX octets, where long ones go; several
 * may share them. */
void datagram_prepare(struct datagram *, uint8_t *large);
/* What was put together from fragments, of which a forger may have sent some, says that it is
 * truncated (TC in its DNS header), whatever it said: so it is asked for again over TCP. */
MUST_USE enum datagram_result datagram_receive(int fd, struct datagram *);

/* False: it did not leave; errno says why.  What an earlier datagram brought back (ICMP) is no
 * reason. */
MUST_USE bool datagram_send(int fd, const uint8_t *data, size_t size);

socklen_t datagram_address_size(const struct sockaddr *);

#endif
