/* Connections whose clients have been answered and will hang up, most of them: they ask once.
 *
 * To be told of that, a connection is put into epoll and taken out again right away, a tenth of all
 * that it costs.  So while connections come thick and fast one that has been answered is not
 * watched at once but stands aside, until some more have come or HANGUPS_MS are over.  Then it is
 * looked at: if its client has gone, that was all; if not, it is watched from then on.
 *
 * How many come before it is looked at follows from what was found: more when clients were still
 * there, fewer when all had gone.  If many stay, or one was found to have asked again, nobody
 * stands aside for HANGUPS_REST_MS.  When connections come one by one, nobody does. */
#ifndef PLDNS_HANGUPS_H
#define PLDNS_HANGUPS_H

#include "error.h"
#include "idlelist.h"

#include <stdbool.h>

#define HANGUPS_MOST    128  /* connections that stand aside */
#define HANGUPS_MS      2    /* as long as that; libevent's clock may add some */
#define HANGUPS_REST_MS 1000 /* how long nobody stands aside when that was wrong */

struct event_base;
struct hangups;

enum hangups_found {
    HANGUPS_GONE,  /* its client hung up, and it is closed */
    HANGUPS_QUIET, /* it is watched now */
    HANGUPS_ASKED, /* the same, and something was there to be read */
};

/* Looks at a connection that stands aside no more. */
typedef enum hangups_found hangups_look_fn(void *arg, struct idlelist_entry *, uint64_t now);

/* NULL: libevent could not. */
MUST_USE struct hangups *hangups_new(struct event_base *, hangups_look_fn *, void *arg);
/* Nobody may stand aside any more. */
void hangups_free(struct hangups *);

/* A new connection was answered.  True: it stands aside from now on; others may be looked at when
 * the event base comes round.  False: it is to be watched. */
MUST_USE bool hangups_expect(struct hangups *, struct idlelist_entry *, uint64_t now);
/* It is closed while it stands aside. */
void hangups_remove(struct hangups *, struct idlelist_entry *);
/* Looks at all, so that those who have gone do not count any more. */
void hangups_look(struct hangups *, uint64_t now);

#endif
