/* What the table does with a name, and why, as one line for people: what dig gets in class CHAOS
 * and what `pldnsctl explain` prints. */
#ifndef PLDNS_EXPLAIN_H
#define PLDNS_EXPLAIN_H

#include "special.h"
#include "table.h"

/* 64 addresses, two names and texts from documents, which are cut where they do not fit. */
#define EXPLAIN_TEXT_MAX 8192

struct explain { /* points into the table */
    struct table_match match;
    bool ruled; /* 'why' is filled in */
    struct table_why why;
    struct dname root;    /* the owned root, the fence or the search suffix; owned names only */
    enum special special; /* not owned, and answered here all the same */
    bool is_near;         /* not owned, but 'near' may have been meant */
    struct dname near;
};

/* What a question of that type ("A", "AAAA", …) would find; nothing is near. */
void explain_find(const struct table *, const uint8_t *name, const char *type, struct explain *out);

/* The same, and what is near a name that is not attached: takes far longer (see table_near()). */
void explain_find_near(const struct table *, const uint8_t *name, const char *type,
                       struct explain *out);

/* "owned rule=*.use1-az1.… connection=plc-… zone=use1-az1 state=ACTIVE addresses=10.0.1.5
 * document=kafka.yaml:12 generation=42", "not owned; *.use1-az1.… is attached", "not owned",
 * "built in, never forwarded: NXDOMAIN".  Returns 'text'. */
char *explain_text(const struct table *, const struct explain *, char *text, size_t size);

/* Attached, or not long ago: a fence and a search suffix keep back what is not. */
bool explain_is_owned(const struct explain *);

/* The words for what becomes of it: "owned", "owned, not ready: SERVFAIL", "not owned". */
const char *explain_outcome(const struct explain *);

/* "NOERROR", "NXDOMAIN" or "SERVFAIL"; NULL: others decide. */
const char *explain_rcode(const struct explain *);

/* "10.0.1.5,fd00::1", and how long they may be kept; "" if there are none. */
char *explain_addresses(const struct explain *, char *text, size_t size);
uint32_t explain_ttl(const struct explain *);

/* What a PTR question gets from us: "localhost", or NULL. */
const char *explain_pointer(const struct explain *);

#endif
