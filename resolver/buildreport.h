/* What one run of the builder came to.  Owns all it points to. */
#ifndef PLDNS_BUILDREPORT_H
#define PLDNS_BUILDREPORT_H

#include "arena.h"
#include "catalog.h"

struct buildreport {
    uint64_t generation;
    struct catalog_change change;
    bool built;                       /* a new table was published */
    bool patched;                     /* it is laid over an older one, and could be made whole */
    size_t refused;                   /* documents whose newest version is not served */
    size_t unreadable;                /* documents that could not be read */
    char *degraded;                   /* why the directory could not be read, or NULL */
    char *being_written;              /* documents that were left alone for it, one a line */
    uint64_t look_again;              /* … until then, monotonic ms; UINT64_MAX: there are none */
    char *complaints;                 /* errors of all refused documents, one a line; "" if none */
    struct catalog_entry *documents;  /* by name */
    struct arena names;               /* of them */
    struct error_list *complaints_of; /* theirs */
    size_t length;
    uint64_t next_expiry; /* monotonic ms: the next tombstone ends; UINT64_MAX if there is none */
    uint64_t took_ms;
    uint64_t fingerprint;  /* source_dir_seen() */
    bool read;             /* the directory was read; else the table was only built again */
    struct wanted *wanted; /* what the documents want found out, if they are others than before */
};
/* What the catalog holds, and 'change' that came of it; the rest is the caller's to fill in. */
struct buildreport *buildreport_of(const struct catalog *, const struct catalog_change *);
void buildreport_free(struct buildreport *);

#endif
