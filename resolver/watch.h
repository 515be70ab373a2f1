/* Watching the directory of documents: says that something may have changed, soon after it did.
 *
 * inotify on the directory itself (renames, in-place writes, deletions, a ConfigMap's ..data swap),
 * on its parent while it is missing, and a look at the fingerprint every WATCH_POLL_MS as a net
 * (network file systems, a watch that was lost).  Bursts are merged; the name of a file
 * that is renamed into the directory after a quiet time is told at once. */
#ifndef PLDNS_WATCH_H
#define PLDNS_WATCH_H

#include "fileset.h"
#include <stdint.h>

#define WATCH_MERGE_MS 20
#define WATCH_QUIET_MS 200
#define WATCH_POLL_MS  10000

struct event_base;
struct watch;

/* Something may have changed of these files, or of any, which may be taken from the set. */
typedef void watch_changed_fn(void *arg, struct fileset *which);
/* A file was renamed into the directory, the first in WATCH_QUIET_MS; 'changed' follows, at most
 * WATCH_MERGE_MS later. */
typedef void watch_arrived_fn(void *arg, const char *name);

/* Never fails: without inotify the poll is left.  'fingerprint' is of what was read last (see
 * source_dir.h), and told again whenever something was read. */
struct watch *watch_new(struct event_base *, const char *path, uint64_t fingerprint,
                        watch_changed_fn *changed, void *arg);
void watch_was_read(struct watch *, uint64_t fingerprint);
void watch_tell_arrivals(struct watch *, watch_arrived_fn *);
void watch_free(struct watch *);

#endif
