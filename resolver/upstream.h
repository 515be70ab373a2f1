/* One server that questions are forwarded to: its sockets, how fast it is, and whether it is there.
 *
 * Speed is a smoothed round-trip time with its variation (RFC 6298); how long to wait for a reply
 * follows from it.  A server that left a question unanswered is doubted until it says anything:
 * others are asked first meanwhile, and one jittered probe at a time (the root's NS) with back-off
 * up to UPSTREAM_PROBE_MAX_MS finds out when it is back. */
#ifndef PLDNS_UPSTREAM_H
#define PLDNS_UPSTREAM_H

#include "config.h"
#include "pipeline.h"
#include "portpool.h"
#include "stats.h"

#define UPSTREAM_WAIT_LEAST_MS 50   /* a reply is waited for at least so long … */
#define UPSTREAM_WAIT_MAX_MS   1000 /* … and at most so long before the next one is asked */
#define UPSTREAM_WAIT_FIRST_MS 300  /* of a server that has never answered */
#define UPSTREAM_WAIT_TCP_MS   700  /* a connection takes two round trips and sends again itself */

#define UPSTREAM_PROBE_FIRST_MS 200
#define UPSTREAM_PROBE_MAX_MS   4500  /* so that a recovery is seen within 5 s */
#define UPSTREAM_DOWN_AFTER     3     /* unanswered in a row: worth a line in the log */
#define UPSTREAM_FRESH_MS       15000 /* one not heard of for so long is probed while others work */

/* Refused so often in a row, and lately: nobody listens, and who is not refused is not waited for
 * either, because hosts send few ICMP messages a second. */
#define UPSTREAM_REFUSALS   3
#define UPSTREAM_REFUSED_MS 10000
/* So many connections in a row that end with questions on them: it is doubted. */
#define UPSTREAM_ENDS 2

struct upstream;

/* A question on its way; part of the asker's own struct. */
struct upstream_ask {
    struct upstream *upstream; /* NULL: not on its way */
    void *owner;               /* the asker's own notes */
    const void *about;         /* fetched from memory before a reply is read; or NULL */
    unsigned index;
    bool edns;
    bool tcp;
    bool unanswered; /* counted as such */
    uint64_t sent_at;
    struct portpool_ask datagram;
    struct pipeline_ask stream;
};

enum upstream_event {
    UPSTREAM_READY,   /* the connection stands: upstream_write() the message now */
    UPSTREAM_REPLY,   /* the id fits; nothing else has been looked at */
    UPSTREAM_UNSENT,  /* it could not be sent, as it turned out: this ask is over */
    UPSTREAM_ERROR,   /* nobody listens there, as ICMP says; a reply may come all the same */
    UPSTREAM_CLOSED,  /* the connection ended: this ask is over */
    UPSTREAM_SPENT,   /* the same, just after it had answered others: to be asked again at once */
    UPSTREAM_REFUSED, /* no connection could be made: this ask is over */
    UPSTREAM_FLOODED, /* so many wrong replies that the question should be asked over TCP */
};

/* REPLY: says whether it was the asker's (its question); if not, it counts as wrong and the wait
 * goes on.  May drop any ask. */
typedef bool upstream_fn(struct upstream_ask *, enum upstream_event, const uint8_t *message,
                         size_t size, uint64_t now);

/* 'server' is copied.  The configuration's trust (which a server that speaks TLS needs) and its
 * loop are lent for as long as this lives.  'hear' as of portpool_new(). */
struct upstream *upstream_new(struct network *, const struct config_upstream *server,
                              const struct config *, struct stats *, upstream_fn *,
                              network_socket_fn *hear);
/* Nothing may be on its way. */
void upstream_free(struct upstream *);
/* True if a question goes there over TCP or TLS: because it is wanted so, or always. */
bool upstream_over_tcp(const struct upstream *, bool wanted);
const struct config_upstream *upstream_server(const struct upstream *);

/* Sends a message of question.h.  'room' holds two octets and the message behind them, in
 * QUESTION_MAX octets: its id is written here (see upstream_id), and over TLS it is filled up. Over
 * TCP (or TLS) if 'tcp' or if the server is to be spoken to so; when the connection has to be made
 * first, READY comes, and nothing is kept till then.  False: it did not go. */
MUST_USE bool upstream_send(struct upstream *, struct upstream_ask *, uint8_t *room, size_t size,
                            bool tcp, uint64_t now);
/* The same over UDP to a server that is spoken to so.  The message alone, best in 'room' of the
 * network. */
MUST_USE bool upstream_post(struct upstream *, struct upstream_ask *, uint8_t *message, size_t size,
                            uint64_t now);
/* After READY.  False: it did not go, the ask is over. */
MUST_USE bool upstream_write(struct upstream_ask *, uint8_t *room, size_t size);
/* As portpool_find() says, of an ask with an owner; the socket is held. */
struct upstream_ask *upstream_meet(struct portpool_socket *, const uint8_t *message, size_t size);
/* No callback comes after; fine if it is not on its way. */
void upstream_drop(struct upstream_ask *);
uint16_t upstream_id(const struct upstream_ask *);

/* What the asker found: a reply that was right, an overdue one.  (ERROR and REFUSED are counted as
 * overdue already.) */
void upstream_heard(struct upstream_ask *, uint64_t now);
void upstream_overdue(struct upstream_ask *, uint64_t now);

/* Ends the probes: that it was doubted is not followed up.  For those who do not go on asking. */
void upstream_let_be(struct upstream *);

/* True if questions sent there come back to us: it is not to be asked. */
bool upstream_loops(const struct upstream *, uint64_t now);
/* True if it left something unanswered and has not been heard since. */
bool upstream_doubted(const struct upstream *);
/* True if nobody has listened there lately (see UPSTREAM_REFUSALS), as far as is known, or no route
 * has led there. */
bool upstream_refuses(const struct upstream *, uint64_t now);
/* Smoothed round-trip time in milliseconds; a guess as long as it is not known. */
uint64_t upstream_round_trip(const struct upstream *);
/* How long to wait for a reply, when 'overdue' replies to the same question have not come in time;
 * 'tcp' as upstream_over_tcp() says. */
uint64_t upstream_wait(const struct upstream *, unsigned overdue, bool tcp, uint64_t now);
/* For people. */
#define UPSTREAM_TEXT 128
struct upstream_state {
    char text[UPSTREAM_TEXT]; /* as configured; of a longer one the beginning */
    bool doubted;             /* as upstream_doubted() says */
    bool measured;            /* so that there is a round trip */
    uint64_t round_trip_us;   /* smoothed */
    uint64_t queries;         /* sent there, probes included … */
    uint64_t replies;         /* … to which a reply came that was theirs, good or not … */
    uint64_t unanswered;      /* … and that were overdue, refused, lost on the way out, or on a
                                 connection that ended */
};
void upstream_read(const struct upstream *, struct upstream_state *out);

/* To be called when a question comes that may concern it: probes it if it was not heard for long.
 */
void upstream_touch(struct upstream *, uint64_t now);

#endif
