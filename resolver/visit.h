/* One query while it is worked on, and its plain stages: those that know nothing but the query and
 * the configuration.
 *
 * A stage is a function that takes the visit and says how it goes on.  query.c has the list of all
 * of them and those that know tables, caches and upstreams. */
#ifndef PLDNS_VISIT_H
#define PLDNS_VISIT_H

#include "cache.h"
#include "config.h"
#include "reply.h"
#include "stats.h"
#include "table.h"
#include "wire.h"

struct query_item;
struct query_desk;
struct table;
struct tableset;

enum visit_step {
    VISIT_NEXT,   /* not mine: the next stage */
    VISIT_DONE,   /* the reply is ready for wire_reply_finish() */
    VISIT_SILENT, /* no reply */
    VISIT_WAIT,   /* an upstream was asked */
};

/* What all visits of a batch see: not kept across a wait. */
struct visit_moment {
    const struct tableset *set;
    uint64_t now; /* clock_ms() */
};

struct visit {
    struct query_desk *desk; /* query.c's own */
    struct query_item *item; /* the same */
    const struct config *config;
    struct stats *stats;
    const uint8_t *cookie_secret;
    const struct questionhash *hash; /* of questions */
    uint64_t port_marks;             /* visit_port_marks() */
    const struct visit_moment *moment;
    const union config_ip *from;
    const struct table *table; /* of this moment, the one that the client sees … */
    unsigned view;             /* … because it is in this view */
    bool tcp;
    bool read;       /* plain_read() said so */
    bool foreign;    /* and looked up there: not ours */
    bool failed;     /* the cache remembers a failure of it */
    const char *how; /* for the query log */
    struct wire_query wire;
    struct dname_cut cut; /* of its name; behind a wait not known until it is needed */
    struct wire_reply reply;
    struct reply_question question; /* from visit_question() on */
    struct cache_note note;         /* of it, from the same time on */
    uint8_t folded[WIRE_NAME_MAX];
    struct table_look *look; /* of the name, from the table's stage on */
};

typedef enum visit_step visit_stage(struct visit *);

/* In the order in which a query meets them. */
visit_stage visit_shun, visit_admit, visit_refuse_class, visit_refuse_type, visit_answer_any,
    visit_answer_special, visit_want_recursion, visit_break_loop;

/* The stage behind the first: fills in 'wire' and 'cut', and begins the reply in 'out', which has
 * 'space' octets and may be the packet. */
enum visit_step visit_decode(struct visit *, const uint8_t *packet, size_t size, uint8_t *out,
                             size_t space);

/* Bit n: one of the ports with the upper six bits n is 0 or one that we listen on: clients' ports
 * lie far above those of servers. */
uint64_t visit_port_marks(const struct config *);
static inline unsigned visit_port_place(in_port_t port)
{
    return ntohs(port) >> 10;
}

/* True if visit_shun() would have to look closer.  The port of IPv6 stands at the same
 * place. */
static inline bool visit_may_be_ours(const struct visit *v, const union config_ip *from)
{
    return v->port_marks >> visit_port_place(from->v4.sin_port) & 1;
}

/* Finds the table that the client sees; nothing in a visit knows another's. */
void visit_see(struct visit *);

/* Header, question and options: everything a reply needs before anything is decided.
 * visit_decode() does it for a fresh query; 'wire' must be filled in. */
void visit_start(struct visit *, uint8_t *out, size_t space);
/* Fills 'question' and 'folded' from 'wire'. */
void visit_question(struct visit *);

/* VISIT_DONE with that rcode and a word for the log, or with SERVFAIL and why. */
enum visit_step visit_refuse(struct visit *, enum wire_rcode, const char *how);
enum visit_step visit_fail(struct visit *, enum wire_ede, const char *why);

/* Counts, logs, completes the reply; returns its size. */
size_t visit_finish(struct visit *);

#endif
