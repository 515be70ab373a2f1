/* One attachment document: bytes → checked connections, or every complaint about it. */
#ifndef PLDNS_DOCUMENT_H
#define PLDNS_DOCUMENT_H

#include "arena.h"
#include "connection.h"
#include "digest.h"
#include "section.h"

/* A document is in memory whole, or at rest: packed, in memory or on a shelf. */
struct document {
    const char *name; /* file name without directory, or etcd key */
    struct digest digest;
    const struct connection *connections; /* NULL: it is at rest; see document_open() */
    size_t length;
    size_t warnings; /* how many complaints that did not refuse it */
    struct document_private {
        struct arena arena;    /* holds everything above */
        const uint8_t *packed; /* when at rest: on the shelf, or the document's own */
        size_t size;
        uint64_t place; /* on the shelf */
        struct shelf *shelf;
        unsigned holders; /* only the thread that builds tables touches it */
    } own;
};

/* Parses and checks.  NULL: refused, 'errors' says why (at least one error).  Warnings are added to
 * 'errors' either way.  An empty input is refused; "privateLinkConnections: []" is a valid document
 * without connections.  The caller owns the result. */
MUST_USE struct document *document_parse(const char *name, const void *bytes, size_t size,
                                         struct error_list *errors);
/* The same of bytes whose digest is known. */
MUST_USE struct document *document_parse_known(const char *name, const struct digest *,
                                               const void *bytes, size_t size,
                                               struct error_list *errors);

/* A version that does not tell what is attached to its connections (the API's List leaves that out)
 * is no order to detach it.  False: 'newer' leaves it untold of a connection of which 'older'
 * attaches something; 'errors' then names each. */
MUST_USE bool document_tells(const struct document *newer, const struct document *older,
                             struct error_list *errors);

/* A document's connections for as long as they are used, whether it is at rest or not.  Any number
 * of threads may read one document at a time. */
struct document_reading {
    const struct connection *connections;
    size_t length;
    struct arena arena; /* private */
};
void document_open(struct document_reading *, const struct document *);
void document_close(struct document_reading *);

/* Puts a document to rest: its connections take a fifth of their memory, and have to be opened. */
void document_rest(struct document *);
/* Puts a document that is at rest onto a shelf, which it then holds.  False: the shelf does not
 * take it; it rests in memory as before. */
bool document_shelve(struct document *, struct shelf *);
/* Back into memory, because the shelf is given up. */
void document_unshelve(struct document *);
/* Tells of a document that is on a shelf; and the document told of, NULL: it is not there. */
void document_tell(const struct document *, struct packing *);
struct document *document_told(struct unpacking *, struct shelf *);

struct document *document_hold(struct document *);
void document_release(struct document *); /* NULL is fine; the last holder frees */

#endif
