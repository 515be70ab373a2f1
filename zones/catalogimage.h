/* An image of what is in service: accepted documents, who claims what, and the tables, so that a
 * restart neither parses nor judges nor builds what did not change meanwhile.
 *
 * It is a copy of what the documents say and never the only one: an image that is missing, damaged
 * or another program's is left alone.  It lies on the shelf on which the documents rest. */
#ifndef PLDNS_CATALOGIMAGE_H
#define PLDNS_CATALOGIMAGE_H

#include "catalog.h"

/* How long an image is that begins with these SHELF_PAGE octets; not all of it may be there.  0: it
 * is none that catalogimage_read() takes, and 'why' (lent for ever) says why. */
uint64_t catalogimage_size(const void *page, const struct digest *stamp, const char **why);

/* Leaves room for the image's head; first of all on a new shelf.  False: see errno. */
MUST_USE bool catalogimage_begin(struct shelf *);

/* True if there is none, or so much changed since that a new one is worth its while. */
bool catalogimage_is_due(const struct catalog *);

/* Writes the image of what is served, and of who wrote it: 'stamp' stands for everything besides
 * documents that decides what they mean (program, configuration).  'note' is the caller's own.  The
 * documents and the ledger move to the shelf.  Tables are as 'options' make them but for
 * tombstones, targets and health, which the next process finds out itself.  False: see errno. */
MUST_USE bool catalogimage_write(struct catalog *, struct shelf *, const struct digest *stamp,
                                 struct table_options *options, const void *note, size_t size);

struct catalogimage_told { /* by an image that was read */
    struct hash_key key;   /* for all tables from now on */
    const void *note;      /* on the shelf */
    size_t note_size;
};

/* Fills an empty catalog with what was served when the image was written; the tables get this
 * generation.  False: nothing was filled in, 'why' (lent for ever) says why. */
MUST_USE bool catalogimage_read(struct catalog *, struct shelf *, const struct digest *stamp,
                                uint64_t generation, struct catalogimage_told *, const char **why);

#endif
