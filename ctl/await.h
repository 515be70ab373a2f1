/* Asking the daemon until it says yes or no.
 *
 * One that does not run yet, that restarts, or that says "not yet" or "ask again" is asked again
 * until time is over. */
#ifndef PLDNS_AWAIT_H
#define PLDNS_AWAIT_H

#include "client.h"

struct await { /* all lent for the call */
    const struct command_call *call;
    struct client_request request;
    bool told;           /* the daemon is told how long ("timeout") and ends the wait by itself */
    const char *lacking; /* "it is not served yet" */
    uint64_t end;        /* await_end() */
};

/* The moment so many milliseconds from now. */
uint64_t await_end(uint64_t ms);

/* EXITCODE_FINE: '*out' is a reply whose status is 200 or 409.  Else it was said why:
 * EXITCODE_TIMEOUT, or EXITCODE_UNREACHABLE if the daemon could never be asked. */
MUST_USE enum exitcode await_reply(const struct await *, struct client_reply *out);

#endif
