/* What a rule says, decided from the states of its connection, domain and endpoints.
 *
 * In this order: gone (connection, domain, name), not ready (the same), the zone, the endpoints.
 *
 * Addresses that do not answer their health check are left out as long as enough are left, counted
 * for each family alone, because A and AAAA are answers of their own. */
#ifndef PLDNS_VERDICT_H
#define PLDNS_VERDICT_H

#include "answer.h"
#include "domain.h"
#include "health.h"
#include "targets.h"

enum verdict_kind {
    VERDICT_ANSWER,
    VERDICT_NOT_READY, /* also: usable, but there is no address */
    VERDICT_GONE,
};

/* A name that a rule's addresses come from. */
struct verdict_target {
    const uint8_t *name;
    const struct targets_entry *entry; /* NULL: nothing is known of it */
};

struct verdict {
    enum verdict_kind kind;
    bool regional_fallback; /* written for a zone without endpoint: it has all addresses */
    bool a_waits;           /* no address is IPv4, and a name may still turn out to have some */
    const char *state, *message; /* of what decided; live as long as the document */
    unsigned length, preferred;  /* addresses; the first so many are the own zone's */
    struct connection_address addresses[ANSWER_RECORDS_MAX]; /* no two are equal */
    unsigned targets_length;
    struct verdict_target targets[CONNECTION_ENDPOINTS_MAX];
    /* Addresses that do not answer: first those left out, then those given all the same, because
     * too few would be left. */
    unsigned withdrawn_length, sick_length;
    const struct health_entry *sick[ANSWER_RECORDS_MAX];
};

struct verdict_facts {    /* what is known besides the documents; all lent */
    const char *own_zone; /* the resolver's, "" = none */
    const struct targets *targets;
    const struct health *health;
};

void verdict_of(struct verdict *, const struct domain_rule *, const struct verdict_facts *);

/* True if any endpoint names a zone; otherwise zone labels mean nothing. */
bool verdict_is_zoned(const struct connection *);

#endif
