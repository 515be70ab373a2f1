/* What an upstream's answer says of the name of an endpoint, one family of addresses at a time. */
#ifndef PLDNS_TARGETANSWER_H
#define PLDNS_TARGETANSWER_H

#include "forward.h"

enum targetanswer {
    TARGETANSWER_WAITING,
    TARGETANSWER_ADDRESSES,
    TARGETANSWER_NONE, /* the name exists, without addresses of this family */
    TARGETANSWER_NXDOMAIN,
    TARGETANSWER_REFUSED, /* an upstream's SERVFAIL, REFUSED … */
    TARGETANSWER_TIMEOUT,
    TARGETANSWER_BROKEN,
    TARGETANSWER_LOOP,
    TARGETANSWER_OVERLOADED,
    TARGETANSWER_OWNED,   /* its chain leads to or through a name of ours, or a fenced one */
    TARGETANSWER_KEPT,    /* it is such a name itself: not asked for */
    TARGETANSWER_SPECIAL, /* nor is localhost and its like */
};

/* As forward_options.guard. */
typedef bool targetanswer_owned_fn(void *arg, const uint8_t *name, unsigned view);

/* TARGETANSWER_ADDRESSES: there may be some.  'owned' says which names are ours. */
enum targetanswer targetanswer_judge(const struct forward_outcome *, targetanswer_owned_fn *owned,
                                     void *arg);

/* One word for what is wrong, "" if nothing is; static. */
const char *targetanswer_word(enum targetanswer);

#endif
