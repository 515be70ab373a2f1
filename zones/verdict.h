/* What a rule says, decided from the states of its connection, domain and endpoints.
 *
 * In this order: gone (connection, domain, name), not ready (the same), the zone, the endpoints. */
#ifndef PLDNS_VERDICT_H
#define PLDNS_VERDICT_H

#include "answer.h"
#include "domain.h"

enum verdict_kind {
    VERDICT_ANSWER,
    VERDICT_NOT_READY, /* also: usable, but there is no address */
    VERDICT_GONE,
};

struct verdict {
    enum verdict_kind kind;
    bool regional_fallback;      /* written for a zone without endpoint: it has all addresses */
    const char *state, *message; /* of what decided; live as long as the document */
    unsigned length, preferred;  /* addresses; the first so many are the own zone's */
    struct connection_address addresses[ANSWER_RECORDS_MAX]; /* no two are equal */
};

/* 'own_zone': the resolver's, "" = none. */
void verdict_of(struct verdict *, const struct domain_rule *, const char *own_zone);

/* True if any endpoint names a zone; otherwise zone labels mean nothing. */
bool verdict_is_zoned(const struct connection *);

#endif
