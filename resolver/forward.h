/* Questions that are not ours: asked upstream, validated, merged, bounded in time and work.
 *
 * One worker's own.  Policy (docs/how-a-query-travels.md): best smoothed round-trip time first,
 * then the others; a retransmission after that upstream's own measured latency; TC → the same
 * question over TCP; SERVFAIL/REFUSED/malformed → the next upstream; at most FORWARD_SENDS_MAX
 * packets and 'timeout_ms' for one question.  Identical questions in flight are one (name, type,
 * class, DO, CD, view).
 *
 * When nobody answers well, the rcode of who answered badly is passed on as FORWARD_ANSWER: a
 * message of header and question only (SERVFAIL before others; an extended rcode counts as broken).
 */
#ifndef PLDNS_FORWARD_H
#define PLDNS_FORWARD_H

#include "config.h"
#include "network.h"
#include "reply.h"
#include "stats.h"

#define FORWARD_SENDS_MAX   12
#define FORWARD_WAITERS_MAX 1024 /* clients that may wait for one question */

struct forward;
struct upstream_state; /* upstream.h */
struct errand;

enum forward_result {
    FORWARD_ANSWER, /* 'message' and 'reply' are the best an upstream said (any rcode below 16) */
    FORWARD_UNREACHABLE, /* nobody answered in time: SERVFAIL + EDE 22 */
    FORWARD_BROKEN,      /* only broken answers: SERVFAIL + EDE 23 */
    FORWARD_LOOP,        /* the chain loops: SERVFAIL */
    FORWARD_OVERLOADED,  /* over a limit: an old answer or SERVFAIL, at once */
    FORWARD_OWNED,       /* the name became ours while it waited: look it up again */
    FORWARD_ENDED,       /* forward_end() */
};

/* One waiting client: room for it is the asker's, and untouched until it is told or cancels. */
struct forward_job { /* private */
    struct forward_job *next, **link;
    struct forward_jobs *list;
    struct errand *errand; /* NULL: overloaded */
};

struct forward_jobs { /* private */
    struct forward_job *first, **end;
};

/* How a question ended, for all who wait for it; lent for the call. */
struct forward_outcome {
    const struct reply_question *question; /* NULL: OVERLOADED, ENDED */
    enum forward_result result;
    bool keep; /* worth keeping, before anybody is told: ANSWER, UNREACHABLE, BROKEN or LOOP */
    uint8_t *message; /* ANSWER only: question in lower case, id 0; else NULL */
    size_t size;
    size_t room; /* whoever is told last may write over so many octets of 'message' */
    const struct reply *reply;
    uint64_t now;
    struct forward_jobs *jobs; /* private: forward_next() */
};

/* Called once per question, and once for those that are over a limit, never from inside
 * forward_ask(): keeps what is worth it and tells all who wait.  May ask and cancel.  After
 * UNREACHABLE of a question that was late (see below) an ANSWER may still follow.  With ANSWER look
 * at the rcode: SERVFAIL is a failure too. */
typedef void forward_tell_fn(void *arg, const struct forward_outcome *);

/* A reply has come, and if it is good the question will be kept in a moment: the time to fetch from
 * memory what that needs. */
typedef void forward_expect_fn(void *arg, const struct reply_question *);

/* Asked when a client has waited long enough (INQUIRY_LATE_MS), and again when somebody joins the
 * question after that: true if those who wait do better with FORWARD_UNREACHABLE now.  The question
 * goes on to its end all the same. */
typedef bool forward_late_fn(void *arg, const struct reply_question *, uint64_t now);

/* Asked before every single send but the first of a question whose 'foreign' says that the name was
 * looked up just now: true if the name is owned now in the view of who asks, and must
 * not leave. */
typedef bool forward_guard_fn(void *arg, const uint8_t *name, unsigned view);

struct forward_options {
    const struct config *config; /* routes, timeout, letter case, limits: held for ever */
    const struct config_upstreams *upstreams; /* default list; copied */
    struct network *network;
    struct stats *stats;
    unsigned in_flight; /* questions at a time, this worker */
    forward_tell_fn *tell;
    forward_expect_fn *expect; /* NULL: nothing to fetch */
    forward_late_fn *late;     /* NULL: who waits, waits to the end */
    forward_guard_fn *guard;
    void *arg;       /* of tell, expect and late … */
    void *guard_arg; /* … and of the guard */
};

struct forward *forward_new(const struct forward_options *);
/* Ends all questions; who waits is told FORWARD_ENDED, and may not ask again.  Not from inside a
 * callback. */
void forward_end(struct forward *, uint64_t now);
/* The same without telling anybody. */
void forward_free(struct forward *);

/* From now on this is the default list; copied.  Questions on their way keep to the old one. */
void forward_set_upstreams(struct forward *, const struct config_upstreams *, uint64_t now);

/* Never fails: over a limit the job ends with FORWARD_OVERLOADED soon.  Without a job nobody waits
 * (prefetch).  The question is copied. */
void forward_ask(struct forward *, const struct reply_question *, uint64_t now,
                 struct forward_job *);
/* Whom to tell next, who waits no more from then on; NULL: nobody is left. */
static inline struct forward_job *forward_next(const struct forward_outcome *);
/* Nobody is left behind who was told last. */
static inline bool forward_is_last(const struct forward_outcome *outcome)
{
    return outcome->jobs->first == NULL;
}

/* Nobody is told after; the question itself goes on if others wait.  Who was told already, or
 * never asked (all zero bytes), is left as it is. */
void forward_cancel(struct forward_job *);

/* What is asked now for that name (or at and below it) is only for those who wait: it is neither
 * kept nor shared with who asks later. */
void forward_forget(struct forward *, const uint8_t *name, bool subtree);

size_t forward_in_flight(const struct forward *);
/* What is known of each upstream, 'most' at most; returns how many. */
size_t forward_read(const struct forward *, struct upstream_state *out, size_t most);
bool forward_has_upstreams(const struct forward *);

/* Names of the upstreams a question for 'name' would be sent to, for diagnosis: "10.0.0.2, …". */
char *forward_describe(const struct forward *, const uint8_t *name, char *text, size_t size);

static inline struct forward_job *forward_next(const struct forward_outcome *outcome)
{
    struct forward_job *job = outcome->jobs->first;

    if (job == NULL)
        return NULL;
    outcome->jobs->first = job->next;
    if (job->next != NULL)
        job->next->link = job->link;
    else
        outcome->jobs->end = job->link;
    job->link = NULL;
    return job;
}

#endif
