/* What forwarding needs of the world: sockets towards upstreams and timers, behind function
 * pointers. The real one (network_event.h) stands on libevent; scenario tests script another one
 * with a fake clock, so that they drive the real forward.c and query.c.
 *
 * Callbacks never come from inside the call that caused them; one socket's callback may close that
 * socket.  'now' is monotonic milliseconds. */
#ifndef PLDNS_NETWORK_H
#define PLDNS_NETWORK_H

#include "error.h"
#include <stdint.h>
#include <sys/socket.h>

struct network;
struct network_socket;

/* What a timer of the network begins with. */
#define NETWORK_NEVER UINT64_MAX
struct network_timer {
    uint64_t due;   /* when it runs out; NETWORK_NEVER: it is not set */
    uint64_t wakes; /* when the network looks at 'due' by itself; NETWORK_NEVER: not at all */
};

enum network_event {
    NETWORK_CONNECTED, /* stream only */
    NETWORK_DATA,      /* one datagram, or some octets of the stream */
    NETWORK_UNSENT, /* this datagram of ours could not be sent, as it turned out; errno says why */
    NETWORK_CLOSED, /* stream ended or failed: only close() is left to do; datagram socket:
                       asynchronous error (ICMP), the socket is as good as before */
};

typedef void network_socket_fn(void *arg, enum network_event, const uint8_t *data, size_t size,
                               uint64_t now);
typedef void network_timer_fn(void *arg, uint64_t now);

/* What an asker lets its datagram socket know; lent as long as that lives. */
struct network_awaited {
    unsigned count;    /* datagrams that are still waited for: while it is 0, one that comes may be
                          left lying until the next */
    bool many;         /* when it is opened: the asker has others, and leaves the last that are to
                          be had to who has few */
    const void *about; /* what the next one is likely to be about: fetched from memory before it is
                          read; or NULL */
};

/* Octets in which a question has room. */
#define NETWORK_ROOM 384

struct network {
    /* Where the next datagram is best written, in NETWORK_ROOM octets: from here it is sent without
     * being copied.  Another place after each send. */
    uint8_t *room;
    size_t data_room; /* octets that may be written over where a datagram's data stand; 0: none */
    /* A datagram socket on a random port, connected to 'to' (so only that peer is heard).  NULL: no
     * socket to be had (descriptors, ports); errno says why.  '*awaited', lent as long as the
     * socket lives, is how many datagrams are still waited for: while it is 0, one that comes may
     * be left lying until the next. */
    struct network_socket *(*datagram)(struct network *, const struct sockaddr *to,
                                       network_socket_fn *, void *arg,
                                       const struct network_awaited *);
    /* A TCP connection being made; NETWORK_CONNECTED or NETWORK_CLOSED follows.  NULL as above. */
    struct network_socket *(*stream)(struct network *, const struct sockaddr *to,
                                     network_socket_fn *, void *arg);
    /* False: not sent (errno).  A stream keeps what it cannot send at once, also before it is
     * connected, up to a named limit.  A datagram may leave a little later, with others, and
     * NETWORK_UNSENT tell of it. */
    bool (*send)(struct network_socket *, const uint8_t *data, size_t size);
    /* No callback comes after. */
    void (*close)(struct network_socket *);

    struct network_timer *(*timer)(struct network *, network_timer_fn *, void *arg);
    void (*timer_set)(struct network_timer *, uint64_t now, uint64_t delay_ms); /* replaces */
    void (*timer_clear)(struct network_timer *);
    void (*timer_free)(struct network_timer *);

    /* Random octets (ids, letter case, choice of socket); scripted in tests. */
    void (*random)(struct network *, void *out, size_t size);
};

/* timer_set() for timers that are set all the time: one that is looked at early enough only takes
 * down when it is due. */
static inline void network_timer_set(struct network *n, struct network_timer *t, uint64_t now,
                                     uint64_t at)
{
    if (t->wakes <= at)
        t->due = at;
    else
        n->timer_set(t, now, at - now);
}

/* timer_clear() of the same. */
static inline void network_timer_clear(struct network_timer *t)
{
    t->due = NETWORK_NEVER;
}

#endif
