/* DNS over TLS towards upstreams (RFC 7858): a network whose streams are encrypted, and made only
 * with the server that is meant (strict profile of RFC 8310): its certificate must lead to an
 * authority that we trust, and be for the name, or for the address if no name is given.
 *
 * A stream is NETWORK_CONNECTED when the handshake is over and the certificate right; whatever goes
 * wrong is NETWORK_CLOSED, and one line of the log.  The last session is kept, so that the next
 * connection to the same server costs less (RFC 8446, 2.2).
 *
 * Bounded: what is not sent at once is kept by the network below, within its limit. */
#ifndef PLDNS_TLS_H
#define PLDNS_TLS_H

#include "network.h"

/* The authorities.  May be used by many networks of many threads. */
struct tls_trust;

/* 'file': certificates in PEM form; "": those of the system.  NULL: 'why' (of 'size' octets) says
 * what is wrong with it. */
MUST_USE struct tls_trust *tls_trust_new(const char *file, char *why, size_t size);
void tls_trust_free(struct tls_trust *);

/* For one server: streams go through 'below', which must live longer, as must the trust; timers and
 * dice are those of 'below'; datagrams it does not have.  'name' is whose certificate it must be,
 * "" = the address's; 'text' is the server as people wrote it, for the log.  Both are copied. */
struct network *tls_network_new(struct network *below, struct tls_trust *, const char *name,
                                const char *text);
/* All streams must be closed. */
void tls_network_free(struct network *);

#endif
