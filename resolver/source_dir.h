/* The directory of documents: which files are documents, what they hold, whether they changed.
 *
 * A document is a file named *.yaml, *.yml or *.json that does not start with a dot; symbolic links
 * are followed (a mounted ConfigMap is nothing else). */
#ifndef PLDNS_SOURCE_DIR_H
#define PLDNS_SOURCE_DIR_H

#include "catalogearly.h"
#include "fileset.h"
#include "writing.h"

#define SOURCE_DIR_EARLY_MAX (1u << 20)

struct source_dir; /* remembers how the files stood when they were read; one thread's at a time */

struct source_dir *source_dir_new(const char *path);
void source_dir_free(struct source_dir *);

/* From now on a file that somebody is writing to is not read, and the catalog is told that all
 * stays as it is.  Lent for as long as the source lives. */
void source_dir_heed(struct source_dir *, struct writing *);

/* Reads the directory into the catalog, in name order, between catalog_begin() and
 * catalog_finish(). With 'trust' a file whose inode, size and times are as they were is not read
 * again; a file that was touched so shortly before it was read that its times could not tell is.
 * 'now_us' is the wall clock. False: the directory itself cannot be read; 'why' (lent for ever)
 * says so, nothing was offered. */
MUST_USE bool source_dir_read(struct source_dir *, struct catalog *, bool trust, uint64_t now_us,
                              const char **why);

/* The same after the directory was read, of those files alone of which something was heard, as if
 * all others stood as they stood then: what a change costs does not grow with the documents that
 * there are.  False: it has to be read whole (symbolic links, files that were being written to,
 * another directory in its place), from catalog_begin() on. */
MUST_USE bool source_dir_read_some(struct source_dir *, struct catalog *, const struct fileset *,
                                   uint64_t now_us);

/* Reads one document alone, in advance of a reading, and takes it into the catalog as
 * catalogearly_take() has it.  One that is larger than SOURCE_DIR_EARLY_MAX waits, and so does one
 * that is not served yet. */
MUST_USE bool source_dir_read_early(const struct source_dir *, struct catalog *, const char *name,
                                    uint64_t now, struct catalog_change *out);

/* Documents of the last reading that could not be read: for once, or for ever, nobody can tell. */
size_t source_dir_unreadable(const struct source_dir *);

/* Documents that the last reading left alone, as they were being written to; one a line, "" if
 * there were none.  Lent until the next reading. */
const char *source_dir_being_written(const struct source_dir *);
/* When to read again on their account (monotonic ms), if nothing happens before; UINT64_MAX: not.
 */
uint64_t source_dir_look_again(const struct source_dir *);

/* A fingerprint of what the directory holds, by names, sizes, times and inodes: cheap, and
 * different when anything was touched.  0: the directory cannot be read. */
uint64_t source_dir_fingerprint(const char *path);
/* The fingerprint of what was read last. */
uint64_t source_dir_seen(const struct source_dir *);

#endif
