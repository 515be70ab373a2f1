/* Which files of the directory somebody is writing to: changed, and not closed since, as inotify
 * tells it.  What such a file holds may be half of what it is going to hold.
 *
 * A writer may keep its file open for ever: one that has not written for WRITING_PAUSE_MS, or has
 * been at it for WRITING_MOST_MS, is not waited for any longer, until it writes again.  Writers
 * elsewhere are not seen: behind a symbolic link, on another machine.
 *
 * One thread's at a time (the builder's).  Times are monotonic milliseconds. */
#ifndef PLDNS_WRITING_H
#define PLDNS_WRITING_H

#include <stdbool.h>
#include <stdint.h>

#define WRITING_PAUSE_MS 3000
#define WRITING_MOST_MS  15000
/* Files that are known at a time; more are not waited for. */
#define WRITING_FILES_MAX 256

struct writing;

/* Never fails: without inotify nobody is ever waited for.  The directory may come later, and be
 * replaced by another one. */
struct writing *writing_new(const char *path);
void writing_free(struct writing *); /* NULL is fine */

/* Before the directory is read: learns what happened, and who is not waited for any longer; that
 * stays so until the next call. */
void writing_begin(struct writing *, uint64_t now);
/* While it is read, and afterwards: learns what happened meanwhile. */
void writing_learn(struct writing *, uint64_t now);

/* True: the file is not to be read now.  '*end' (may be NULL) is until when, unless it is written
 * to again. */
bool writing_holds(const struct writing *, const char *name, uint64_t *end);

#endif
