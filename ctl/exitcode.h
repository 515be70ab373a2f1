/* How pldnsctl ends: scripts and probes go by these numbers, so they never change. */
#ifndef PLDNS_EXITCODE_H
#define PLDNS_EXITCODE_H

enum exitcode {
    EXITCODE_FINE = 0,
    EXITCODE_NO = 1,          /* it worked, and the answer is no: refused, not owned, warnings */
    EXITCODE_WRONG = 2,       /* wrong use, or bad input such as a document with errors */
    EXITCODE_UNREACHABLE = 3, /* the daemon cannot be asked */
    EXITCODE_TIMEOUT = 4,     /* waited as long as allowed */
};

#endif
