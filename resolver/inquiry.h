/* One question's way through its upstreams: whom to ask, how long to wait, what to make of replies.
 *
 * The server with the fewest tries and the best round trip is next (a doubted one counts as tried
 * before); a retransmission follows that server's own latency; a bad answer ends what that server
 * has to say; the first good answer from any of them ends it all, late ones are not heard.  Where
 * nobody listens (as ICMP says, or a reset) the question goes SELECTION_REFUSALS_MAX times, some
 * ten milliseconds apart: one forged ICMP message loses nothing, and when all refuse nobody waits
 * for the deadline.  Never more than INQUIRY_SENDS_MAX messages, never longer than the deadline. */
#ifndef PLDNS_INQUIRY_H
#define PLDNS_INQUIRY_H

#include "reply.h"
#include "route.h"
#include "selection.h"

#define INQUIRY_SENDS_MAX 12
/* Its owner's notes stand before it: so many octets are fetched with it before a reply is read. */
#define INQUIRY_FRONT 128
/* Who waits is told that it takes long after so much (RFC 8767's client response timer), or after
 * nine tenths of a shorter time. */
#define INQUIRY_LATE_MS    1800
#define INQUIRY_LATE_NEVER (UINT64_C(1) << 62) /* longer than anything lasts */
/* The deadline is so much before the end of forward.timeout, or a twentieth of a shorter time:
 * timers run a little late, and the reply is still to be sent. */
#define INQUIRY_MARGIN_MS 20

struct inquiry;

enum inquiry_result {
    INQUIRY_ANSWER,      /* the best that was said: a good answer, or the rcode of a bad one */
    INQUIRY_UNREACHABLE, /* nobody said anything */
    INQUIRY_BROKEN,      /* only what cannot be used */
    INQUIRY_LOOP,        /* only chains that loop */
    INQUIRY_GUARDED,     /* the guard says that the name must not leave */
};

struct inquiry_message {
    uint8_t *octets;
    size_t size, room; /* so many octets may be written over */
};

/* Called once per inquiry that was not stopped, never from inside inquiry_start().  Nothing is on
 * its way any more; message and reply (ANSWER only) are lent for the call. */
typedef void inquiry_done_fn(struct inquiry *, enum inquiry_result, const struct inquiry_message *,
                             const struct reply *, uint64_t now);

/* Called at most once, when the time is nearly over and nobody has answered well.  The inquiry goes
 * on: it may not be stopped here. */
typedef void inquiry_late_fn(struct inquiry *, uint64_t now);

typedef bool inquiry_guard_fn(void *arg, const uint8_t *name, unsigned view);
/* What all inquiries of one forward share. */
struct inquiry_desk {
    const struct config *config;
    struct network *network;
    struct stats *stats;
    inquiry_guard_fn *guard; /* asked before every single send: see inquiry_start() */
    void *guard_arg;
    inquiry_done_fn *done;
    inquiry_late_fn *late; /* NULL: nobody wants to know */
    uint64_t time_ms;      /* from the beginning to the deadline: see INQUIRY_MARGIN_MS */
    uint64_t late_ms; /* when, after the beginning: see INQUIRY_LATE_MS; NULL: long after the end */
    uint8_t message[REPLY_SIZE_MAX]; /* private: what 'done' is lent if there is no other room */
};

struct inquiry { /* part of the owner's struct; private but for 'question' and 'group' */
    struct inquiry_desk *desk;
    struct network_timer *timer;
    struct reply_question question; /* its name is 'name' */
    struct route_group *group;
    const uint8_t *sent; /* so it goes over UDP: 'name' or 'shuffled' */
    uint64_t deadline;
    uint64_t due;  /* when the wait for the last one asked is over */
    uint64_t late; /* when 'late' is to be called; NETWORK_NEVER: not any more */
    bool starting; /* inside inquiry_start(): no callback */
    bool over;     /* ends with 'result' as soon as the timer runs */
    enum inquiry_result result;
    unsigned sends;
    struct upstream_ask *last; /* its wait is what the timer runs for */
    uint32_t refused;          /* a bit for each ask */
    bool broken, looped;
    uint16_t rcode; /* the best of the bad ones; 0: none */
    /* From here on only what is used is written. */
    uint8_t name[DNAME_MAX];                     /* folded; so it goes over TCP */
    uint8_t shuffled[DNAME_MAX];                 /* the same in random letter case */
    struct upstream_ask asks[INQUIRY_SENDS_MAX]; /* 'sends' of them */
    struct selection selection;
};

/* Somebody more waits.  If 'late' was called already it is called again, soon. */
void inquiry_hurry(struct inquiry *, uint64_t now);

/* Once for its memory, before the first start and after the last. */
void inquiry_open(struct inquiry *, struct inquiry_desk *);
void inquiry_close(struct inquiry *);

/* Begins; the question is copied.  Whatever it was before is forgotten.  A question that says of
 * which table its name is no part ('foreign') was looked up just now: the guard is not asked before
 * the first send. */
void inquiry_start(struct inquiry *, const struct reply_question *, struct route_group *,
                   uint64_t now);
/* Ends without a word. */
void inquiry_stop(struct inquiry *);

/* How a reply ended an inquiry. */
struct inquiry_answer {
    struct inquiry *inquiry; /* NULL: not at all, or it ended in another way */
    struct inquiry_message message;
    struct reply reply;
};

/* The short way of UPSTREAM_REPLY: says whether it was the asker's.  With an answer nothing is on
 * its way any more, and 'done' is the caller's to do. */
MUST_USE bool inquiry_meet(struct upstream_ask *, const uint8_t *message, size_t size, uint64_t now,
                           struct inquiry_answer *out);

/* upstream_fn of the servers in the groups. */
bool inquiry_on_upstream(struct upstream_ask *, enum upstream_event, const uint8_t *message,
                         size_t size, uint64_t now);

#endif
