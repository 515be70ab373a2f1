/* Whom of some servers a question goes to next, for one question.
 *
 * The one with the fewest tries and then the best round trip; a doubted one counts as tried before.
 * Who has nothing good to say, or refused SELECTION_REFUSALS_MAX times, is out. */
#ifndef PLDNS_SELECTION_H
#define PLDNS_SELECTION_H

#include <limits.h>

#include "upstream.h"

#define SELECTION_REFUSALS_MAX 3

/* Of one server. */
struct selection_place {
    uint8_t tries;
    uint8_t overdue;   /* waits in a row that ran out, of one transport */
    uint8_t closed;    /* connections that ended while one waited on them */
    uint8_t refused;   /* nobody listens there */
    bool finished;     /* it has said its last word, and it was no good */
    bool over_tcp;     /* asked so from now on … */
    bool without_edns; /* … and so */
};

struct selection {                     /* part of the asker's struct */
    struct upstream *const *upstreams; /* lent */
    size_t length;
    struct selection_place places[CONFIG_UPSTREAMS_MAX]; /* 'length' of them are used */
};

void selection_begin(struct selection *, struct upstream *const *upstreams, size_t length);

/* The place of whom to ask; SELECTION_NONE: nobody is left. */
#define SELECTION_NONE UINT_MAX
MUST_USE unsigned selection_next(const struct selection *, uint64_t now);

/* True if everybody who is not out was tried that often. */
bool selection_is_tried(const struct selection *, unsigned times);

#endif
