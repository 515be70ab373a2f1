/* The real network: sockets and timers of one worker on its libevent base.
 *
 * Datagram sockets are bound to ports that we draw ourselves from the operating system's generator;
 * the kernel's own choice is only the last resort.  Datagrams that arrived in fragments are marked
 * as truncated, so that nothing of them is used and the question goes over TCP: a second fragment
 * carries neither id nor port, so it can be forged (we ask for 1232 octets).
 *
 * Bounded: at most 'sockets_max' at a time.  'reserve' descriptors are held back, so that a process
 * whose clients have eaten all others can still ask upstream. */
#ifndef PLDNS_NETWORK_EVENT_H
#define PLDNS_NETWORK_EVENT_H

#include "network.h"
#include "reserve.h"
#include "turn.h"

#define NETWORK_EVENT_RESERVE   RESERVE_MAX /* descriptors held back at most */
#define NETWORK_EVENT_QUEUE_MAX (256 << 10) /* octets one stream keeps unsent */

struct event_base;

/* NULL: no descriptor for it; errno says why. */
struct network *network_event_new(struct event_base *, unsigned sockets_max, unsigned reserve);
/* Datagrams are gathered and leave at its end. */
struct turn *network_event_turn(struct network *);
/* All sockets and timers must be gone, and nobody else puts off anything to its turn. */
void network_event_free(struct network *);

#endif
