/* Reloads: who asked, the builder thread, publication; and who hears how it went.
 *
 * All triggers (directory, SIGHUP, admin, poll, end of a tombstone) are requests; requests that
 * come during a run wait for the next run, because the documents may have changed meanwhile.  The
 * table is built in a thread of low priority and published by one pointer.  Everything here is
 * called from the control thread. */
#ifndef PLDNS_RELOAD_H
#define PLDNS_RELOAD_H

#include "catalog.h"
#include "config.h"
#include "publish.h"

struct event_base;
struct reload;

struct reload_outcome {
    uint64_t generation;
    struct catalog_change change;
    struct catalog_change recent; /* the same, and what was taken up a moment before (recent.h) … */
    uint64_t recent_ms;           /* … so long ago at most; 0: nothing was */
    size_t refused_now;           /* documents whose newest version is not served */
    bool asked; /* by somebody who is told, not by the directory or the clock alone */
    bool degraded;
    const char *degraded_why;  /* "" if not degraded */
    const char *state_trouble; /* why the state directory lacks something, "" if it does not */
    const char *being_written; /* documents left as they are, as somebody writes to them; lines */
    char *complaints;          /* all lines of refused documents, "" if none */
    uint64_t took_ms;
};

typedef void reload_done_fn(void *arg, const struct reload_outcome *);

/* Changes are laid over the table that there is.  When nothing has changed for so long, the table
 * is built in one piece again, which takes less memory and less time to look something up. */
#define RELOAD_QUIET_MS 60000

/* Loads for the first time, in the calling thread.  NULL: 'errors' says why the daemon must not
 * start (attachments.onStartError).  'quiet_ms' is RELOAD_QUIET_MS but in tests. */
MUST_USE struct reload *reload_new(struct event_base *, const struct config *, struct hash_key,
                                   unsigned quiet_ms, struct error_list *errors);
/* No run begins any more.  False: a table is being built, which reload_free() would wait for;
 * whoever is about to end the process need not. */
MUST_USE bool reload_end(struct reload *);
void reload_free(struct reload *);

struct publish *reload_table(struct reload *); /* of struct tableset: what workers read */

/* 'done' (may be NULL) is called when a run that began after this call has been published. */
void reload_request(struct reload *, reload_done_fn *done, void *arg);
/* The same, and 'done' tells somebody what changed: what is 'recent' now is not for the next one.
 */
void reload_ask(struct reload *, reload_done_fn *done, void *arg);
void reload_forget(struct reload *, void *arg); /* the asker went away */

/* What is known besides the documents: for all tables from now on, and one is built at once.  Taken
 * over. */
void reload_learn(struct reload *, struct targets *, struct health *);

/* What the documents that are served want found out, the caller's to free; NULL: nothing else than
 * when it was taken last. */
struct wanted *reload_take_wanted(struct reload *);

/* 'listener' is called after every run that changed what reload_last() and reload_documents() say,
 * and after all who asked for it were told.  There is one. */
void reload_listen(struct reload *, reload_done_fn *listener, void *arg);

const struct reload_outcome *reload_last(const struct reload *);
/* The documents, for the status; only between runs: NULL while one is running is never returned,
 * the snapshot is made at the end of each run. */
const struct catalog_entry *reload_documents(const struct reload *, size_t *length);

#endif
