/* Datagram sockets towards one server: a large set of random ports, steadily renewed.
 *
 * Each question goes out of a socket chosen at random, under a random id.  While the pool is not
 * full each question opens a port of its own; a port serves at most so many questions and so long,
 * then another takes its place and the old one only waits for what it still owes.  So does one that
 * finds no way out, for the host may have another address by now.  A reply counts only on the
 * socket that asked: the kernel sees to address and port, the id leads to the question through an
 * array, and the asker checks the rest.
 *
 * Bounded: PORTPOOL_SIZE sockets besides those that wait for their last replies, PORTPOOL_SLOTS
 * questions on each. */
#ifndef PLDNS_PORTPOOL_H
#define PLDNS_PORTPOOL_H

#include "network.h"
#include "stats.h"

#define PORTPOOL_SIZE 640
/* A pool that has so many leaves the last sockets that are to be had to other pools: a busy one
 * would have them all, and no other server could be asked. */
#define PORTPOOL_FEW 4
/* Of a full pool so many are drawn from, and after so many questions one leaves them for one that
 * was not among them: those that are used often stay near the processor, and still 2,000 questions
 * use over 500 different ports. */
#define PORTPOOL_WINDOW 256
#define PORTPOOL_STEP   5
#define PORTPOOL_SLOTS  32
/* A port of a full pool serves so many questions, one of a pool that may not grow so few: 2,000
 * questions see 500 ports either way. */
#define PORTPOOL_USES       1024
#define PORTPOOL_USES_SMALL 3
#define PORTPOOL_AGE_MS     30000
/* So many wrong replies while one question waits: somebody is guessing. */
#define PORTPOOL_WRONG_MAX 10

struct portpool;
struct portpool_socket;

/* A question on its way; part of the asker's own struct. */
struct portpool_ask {
    struct portpool_socket *socket; /* NULL: not on its way */
    uint16_t id;
    uint32_t wrong; /* of the socket when it went out */
};

enum portpool_event {
    PORTPOOL_REPLY,   /* the id fits */
    PORTPOOL_UNSENT,  /* it could not be sent, as it turned out (errno says why): it is over */
    PORTPOOL_ERROR,   /* ICMP says that nobody listens there; replies may come all the same */
    PORTPOOL_FLOODED, /* PORTPOOL_WRONG_MAX wrong replies: better ask over TCP */
};

/* REPLY: says whether it was the asker's; if not, it counts as wrong.  May drop any ask. */
typedef bool portpool_fn(void *arg, struct portpool_ask *, enum portpool_event,
                         const uint8_t *message, size_t size, uint64_t now);

/* 'to' is lent: each socket is for who stands there when it is opened.  Replies thrown away are
 * counted in 'stats'.  'hear' is what the sockets tell (with the portpool_socket): portpool_hear(),
 * or who sees to usual replies himself, as below. */
struct portpool *portpool_new(struct network *, const struct sockaddr *to, struct stats *,
                              portpool_fn *, void *arg, network_socket_fn *hear);
/* Nothing may be on its way. */
void portpool_free(struct portpool *);

/* Writes an id into the first two octets of 'message' and sends it.  'about' is what will be
 * fetched from memory before the reply is read (the asker's notes; NULL is fine).  False: it did
 * not go. */
MUST_USE bool portpool_send(struct portpool *, struct portpool_ask *, const void *about,
                            uint8_t *message, size_t size, uint64_t now);
/* No callback comes after; a late reply is dropped. */
void portpool_drop(struct portpool_ask *);

network_socket_fn portpool_hear;
/* The short way of a reply, by name instead of by way of 'portpool_fn': the question on that socket
 * whose id the message has, or NULL, which is portpool_hear()'s business … */
struct portpool_ask *portpool_find(const struct portpool_socket *, const uint8_t *message,
                                   size_t size);
/* … the socket is held while it is dealt with … */
void portpool_hold(struct portpool_socket *);
/* … and let go when it is known whether the reply was the asker's. */
void portpool_let_go(struct portpool_socket *, bool ours, uint64_t now);

/* Those there are serve no new question any more, if others are to be had. */
void portpool_renew(struct portpool *);

/* Closes old sockets that wait for nothing.  To be called every few seconds. */
void portpool_sweep(struct portpool *, uint64_t now);
size_t portpool_sockets(const struct portpool *); /* open ones, the leaving ones included */

#endif
