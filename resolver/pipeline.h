/* TCP connections towards one server: kept, shared by many questions at a time, answered in any
 * order (RFC 7766).
 *
 * The connection with the fewest questions takes the next one; only when all are busy another is
 * made.  Idle ones are closed after PIPELINE_IDLE_MS; PIPELINE_AGE_MS after its birth a connection
 * takes no new question, so that nobody clings to one far end for ever.
 *
 * Some servers end a connection after one answer, or a few, whatever else was asked on it.  Where
 * that was seen, a connection gets no more questions than it was good for, and there may be
 * PIPELINE_STREAMS_SHORT of them; PIPELINE_SHORT_MS later it is tried again with all.
 *
 * Bounded: PIPELINE_STREAMS_MAX connections that take questions, PIPELINE_SLOTS questions on each,
 * one reply of 64 KiB being put together on each. */
#ifndef PLDNS_PIPELINE_H
#define PLDNS_PIPELINE_H

#include "network.h"
#include "stats.h"

#define PIPELINE_STREAMS_MAX   4
#define PIPELINE_STREAMS_SHORT 16
#define PIPELINE_SHORT_MS      60000
#define PIPELINE_SLOTS         1024
#define PIPELINE_BUSY          32 /* questions on a connection that justify another */
#define PIPELINE_IDLE_MS       60000
#define PIPELINE_AGE_MS        600000
#define PIPELINE_CONNECT_MS    2000
/* Connections that take no question, but wait for last replies or to be connected; the oldest is
 * cut beyond. */
#define PIPELINE_LEAVING_MAX 8
#define PIPELINE_MESSAGE_MAX 65535

struct pipeline;
struct pipeline_stream;

/* A question on its way; part of the asker's own struct. */
struct pipeline_ask {
    struct pipeline_stream *stream; /* NULL: not on its way */
    uint16_t id;
    uint64_t sent_at; /* as long as the connection does not stand: when it was asked */
};

enum pipeline_event {
    PIPELINE_READY,   /* the connection stands: pipeline_write() the message now */
    PIPELINE_REPLY,   /* the id fits */
    PIPELINE_CLOSED,  /* the connection ended: no reply will come, the ask is over */
    PIPELINE_SPENT,   /* the same, just after it had answered others: the server is there */
    PIPELINE_REFUSED, /* no connection could be made: the ask is over */
};

/* REPLY: says whether it was the asker's.  May drop any ask. */
typedef bool pipeline_fn(void *arg, struct pipeline_ask *, enum pipeline_event,
                         const uint8_t *message, size_t size, uint64_t now);

/* 'to' is lent: each connection is made to who stands there by then.  Replies thrown away are
 * counted in 'stats'. */
struct pipeline *pipeline_new(struct network *, const struct sockaddr *to, struct stats *,
                              pipeline_fn *, void *arg);
/* Nothing may be on its way. */
void pipeline_free(struct pipeline *);

/* Finds a connection for a message.  'framed' is two octets of room and the message behind them;
 * length and id are written here.  As long as the connection is only being made nothing is kept:
 * READY says when to write, so that the asker can think again whether the question may leave.
 * Nobody is told anything from inside this call.  False: it did not go. */
MUST_USE bool pipeline_send(struct pipeline *, struct pipeline_ask *, uint8_t *framed, size_t size,
                            uint64_t now);
/* After READY.  False: it did not go, the ask is over. */
MUST_USE bool pipeline_write(struct pipeline_ask *, uint8_t *framed, size_t size);
/* No callback comes after. */
void pipeline_drop(struct pipeline_ask *);
/* The reply is overdue: a connection on which no question was answered since takes no more of them,
 * or none until it is connected. */
void pipeline_doubt(struct pipeline_ask *, uint64_t now);

/* Closes what is idle, old or does not get connected.  To be called every few seconds. */
void pipeline_sweep(struct pipeline *, uint64_t now);
size_t pipeline_streams(const struct pipeline *);

#endif
