/* A scripted world for what stands on network.h: no sockets, its own clock, its own dice.
 *
 * The code under test sends; the test takes what was sent, in order, and says what comes back and
 * how much time passes.  Nothing happens by itself: callbacks come only out of fake_network_pass(),
 * _deliver(), _octets() and _break(). */
#ifndef FAKE_NETWORK_H
#define FAKE_NETWORK_H

#include "network.h"

struct fake_network;

/* One message that was sent.  The bytes live until fake_network_free(). */
struct fake_sent {
    size_t socket; /* which one: counts from 0 in the order of opening */
    bool stream;
    char to[64];            /* "192.0.2.1:53", "[2001:db8::1]:53" */
    uint64_t at;            /* when, milliseconds */
    const uint8_t *message; /* without the length prefix of a stream */
    size_t size;
};

enum fake_connect {
    FAKE_CONNECT_ACCEPTED, /* the default: connected at the next fake_network_pass() */
    FAKE_CONNECT_REFUSED,
    FAKE_CONNECT_SILENT,
    FAKE_CONNECT_SLOW,   /* connected after FAKE_SLOW_MS */
    FAKE_CONNECT_SLOWER, /* connected after FAKE_SLOWER_MS */
};
#define FAKE_SLOW_MS   100
#define FAKE_SLOWER_MS 900

struct fake_network *fake_network_new(uint64_t now);
/* Fails an assertion if a socket or a timer is left. */
void fake_network_free(struct fake_network *);
struct network *fake_network_of(struct fake_network *);
uint64_t fake_network_now(const struct fake_network *);

/* Lets time go on: connections are made or refused, timers run in their order.  0 is fine. */
void fake_network_pass(struct fake_network *, uint64_t ms);
/* The same while the process is stopped: nothing runs before the next fake_network_pass(). */
void fake_network_stop(struct fake_network *, uint64_t ms);

/* The oldest message not taken yet.  False: none. */
MUST_USE bool fake_network_take(struct fake_network *, struct fake_sent *out);
/* The same of those sent to one address. */
MUST_USE bool fake_network_take_to(struct fake_network *, const char *to, struct fake_sent *out);
/* How many are not taken. */
size_t fake_network_waiting(const struct fake_network *);
void fake_network_forget(struct fake_network *); /* takes all */

/* The peer of that socket sends a message (a stream: with its length in front).  Nothing happens if
 * the socket has been closed meanwhile. */
void fake_network_deliver(struct fake_network *, const struct fake_sent *, const void *message,
                          size_t size);
/* Bare octets of a stream. */
void fake_network_octets(struct fake_network *, const struct fake_sent *, const void *octets,
                         size_t size);
/* NETWORK_CLOSED: the stream ends; on a datagram socket an ICMP error. */
void fake_network_break(struct fake_network *, const struct fake_sent *);
bool fake_network_is_open(const struct fake_network *, const struct fake_sent *);

void fake_network_connect(struct fake_network *,
                          enum fake_connect); /* of streams made from now on */
/* The same for streams to one address ("192.0.2.1:53"), before what is said for all. */
void fake_network_connect_to(struct fake_network *, const char *to, enum fake_connect);
/* The next so many calls fail with that errno. */
void fake_network_fail_sockets(struct fake_network *, unsigned times, int error);
/* Of datagrams it is told in the next fake_network_pass() … */
void fake_network_fail_sends(struct fake_network *, unsigned times, int error);
/* … or to the sender, as when the real network has no room for more. */
void fake_network_fail_sends_at_once(struct fake_network *, unsigned times, int error);

size_t fake_network_opened(const struct fake_network *); /* sockets ever */
size_t fake_network_open(const struct fake_network *);   /* sockets now */
size_t fake_network_timers(const struct fake_network *); /* timers set */

#endif
