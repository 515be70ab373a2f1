/* The state directory: the last accepted version of every document, one file each, what was
 * detached not long ago, and an image of both in service.
 *
 * A change is a batch: begin, put and remove, then commit, which makes it last (temporary files,
 * fsync, rename, fsync of the directory).  Whatever goes wrong here costs the snapshot, never the
 * service: statedir_trouble() says what it is, and the next batch tries again.  Two daemons cannot
 * share one directory: the second keeps nothing.
 *
 * One thread at a time uses a statedir (the builder). */
#ifndef PLDNS_STATEDIR_H
#define PLDNS_STATEDIR_H

#include "digest.h"
#include "error.h"

struct statedir;

/* Makes the directory if it is missing.  Never fails; "" keeps nothing and has no trouble. */
struct statedir *statedir_open(const char *path);
void statedir_close(struct statedir *);

/* Calls 'each' for every document kept, by name; all is lent for the call.  A file that stands as
 * 'marks' says is told by its digest alone ('bytes' NULL); it is read if that was not enough
 * (false).  One that cannot be read has no digest: 'bytes' is a text then, why. */
typedef bool statedir_fn(void *arg, const char *name, const struct digest *, const void *bytes,
                         size_t size);
void statedir_each(struct statedir *, const void *marks, size_t marks_size, statedir_fn *each,
                   void *arg);

/* How the files stand now, and what they hold, for a statedir_each() of another process; the
 * caller's to free(). */
void *statedir_marks(const struct statedir *, size_t *size);

/* Before a batch: tries again to open a directory that could not be opened, or was taken away.
 * True: it is open since now, and nothing of what was kept before need be in it. */
bool statedir_begin(struct statedir *);

/* True if bytes of this digest are kept for 'name', or if nothing is kept at all. */
bool statedir_holds(const struct statedir *, const char *name, const struct digest *);

/* The bytes of this digest that are kept for 'name' if there are more than 'least', the caller's to
 * free(), or NULL.  'state' is a statedir; any number of threads may ask while nothing else is
 * done with it. */
void *statedir_get(const void *state, const char *name, const struct digest *, size_t least,
                   size_t *size);

/* Keeps these bytes for 'name'; bytes that are kept already cost nothing, nor do as many as there
 * was no room for in this batch. */
void statedir_put(struct statedir *, const char *name, const void *bytes, size_t size);

/* True if so many octets need not be put in this batch: for no more of them there was no room. */
bool statedir_has_no_room(const struct statedir *, size_t size);

/* What is served for 'name' cannot be kept, for it is nowhere to be had any more: a trouble until
 * something else is served. */
void statedir_miss(struct statedir *, const char *name);

/* Removes all documents but those of 'names' (sorted by strcmp()). */
void statedir_keep_only(struct statedir *, const char *const *names, size_t length);

/* Keeps the text of what was detached, written at once: before the documents that attached it are
 * removed.  An empty text keeps none. */
void statedir_put_detached(struct statedir *, const char *text, size_t size);

/* That text, the caller's to free().  NULL: there is none, or it cannot be read: '*why' (lent for
 * ever) is then not NULL. */
char *statedir_detached(struct statedir *, size_t *size, const char **why);
/* Leaves the text that there is to whoever wants to look at it: the next one does not replace it.
 * False: errno. */
MUST_USE bool statedir_set_aside_detached(struct statedir *);

/* The directory itself, for an image of what is in service (imagefile.h); -1: it is not to be used.
 */
int statedir_folder(const struct statedir *);
/* True if something of the last batch is not kept because there is no room. */
bool statedir_is_full(const struct statedir *);

/* Makes the batch last.  False: something of it is not kept, see statedir_trouble(). */
bool statedir_commit(struct statedir *);

/* True if all of the last batch is kept but documents whose names are too long for a file: these
 * never are. */
bool statedir_rest_is_kept(const struct statedir *);

/* Why the directory does not hold what it should, NULL if it does.  Lent until the next call. */
const char *statedir_trouble(const struct statedir *);

#endif
