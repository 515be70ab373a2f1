/* What the table does with a name, and why, as one line for people: what dig gets in class CHAOS
 * and what `pldnsctl explain` prints. */
#ifndef PLDNS_EXPLAIN_H
#define PLDNS_EXPLAIN_H

#include "table.h"

/* 64 addresses, two names and texts from documents, which are cut where they do not fit. */
#define EXPLAIN_TEXT_MAX 8192

struct explain { /* points into the table */
    struct table_match match;
    bool ruled; /* 'why' is filled in */
    struct table_why why;
    struct dname root; /* the owned root, the fence or the search suffix; owned names only */
    bool is_near;      /* not owned, but 'near' may have been meant */
    struct dname near;
};

void explain_find(const struct table *, const uint8_t *name, struct explain *out);

/* "owned rule=*.use1-az1.… connection=plc-… zone=use1-az1 state=ACTIVE addresses=10.0.1.5
 * document=kafka.yaml:12 generation=42", "not owned; *.use1-az1.… is attached", "not owned".
 * Returns 'text'. */
char *explain_text(const struct table *, const struct explain *, char *text, size_t size);

/* The first words of it: "owned", "owned, not ready: SERVFAIL", "not owned". */
const char *explain_outcome(enum table_outcome);

/* "10.0.1.5,fd00::1" */
char *explain_addresses(const struct answer *, char *text, size_t size);

#endif
