/* Diagnosis by dig: the class CHAOS, type TXT (docs/answers.md "Diagnosis by dig"). */
#ifndef PLDNS_CHAOS_H
#define PLDNS_CHAOS_H

#include "config.h"
#include "table.h"
#include "wire.h"

struct chaos_facts { /* lent for the call */
    const struct config *config;
    const struct table *table;
    const char *view;      /* that the client is in, "" = none */
    bool divided;          /* there are views: what is told of all documents is not for everyone */
    const char *upstreams; /* where the name would be sent: "10.0.0.2, 10.0.0.3" */
    bool dated;            /* the next two are known */
    uint64_t age_ms;       /* since the table was published */
    uint64_t refused;      /* documents whose newest version is not served */
};

/* Sets the rcode and appends the answer to the question in 'reply'. */
void chaos_write(struct wire_reply *, const struct chaos_facts *);

#endif
