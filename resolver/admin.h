/* The admin address: health, metrics, status, reload, wait, explain, flush over HTTP, on a unix
 * socket or on loopback.
 *
 * Everything is bounded: connections, request sizes, time.  A socket file left by a dead process is
 * replaced, one that somebody serves is refused. */
#ifndef PLDNS_ADMIN_H
#define PLDNS_ADMIN_H

#include "service.h"

struct event_base;
struct admin;

/* Binds all of config->admin.  NULL: 'errors' says which address failed, and why. */
MUST_USE struct admin *admin_new(struct event_base *, const struct service *, struct error_list *);
void admin_free(struct admin *);

/* A run has ended: who waits may be served now. */
void admin_reloaded(struct admin *);

#endif
