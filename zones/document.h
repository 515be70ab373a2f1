/* One attachment document: bytes → checked connections, or every complaint about it. */
#ifndef PLDNS_DOCUMENT_H
#define PLDNS_DOCUMENT_H

#include "arena.h"
#include "connection.h"
#include "digest.h"
#include "documentpack.h"
#include "section.h"

/* How much of a document the views see, those that see any of it. */
struct document_seen {
    size_t length;
    struct document_share {
        unsigned view, connections;
    } shares[];
};

/* A document is in memory whole, or at rest: packed, in memory or on a shelf. */
struct document {
    const char *name; /* file name without directory, or etcd key */
    struct digest digest;
    const struct connection *connections; /* NULL: it is at rest; see document_open() */
    size_t length;
    size_t warnings; /* how many complaints that did not refuse it */
    /* Whether no two of its connections have names at, above or below each other; found out when
     * it is asked for (documentchange.c). */
    enum document_apart { DOCUMENT_APART_UNKNOWN, DOCUMENT_APART, DOCUMENT_NOT_APART } apart;
    bool wants; /* wanted_any(); set by who parsed it */
    /* What its answers look to besides itself (learned.c); NULL until it is asked for. */
    uint32_t *looks_to;
    size_t looks_to_length;
    struct document_seen *seen; /* by views (viewsplit.c); NULL until it is asked for */
    uint64_t sum[2];            /* document_sum(); 0 until it is asked for */
    struct document_private {
        struct yamldoc *yaml;  /* its texts, and … */
        struct arena arena;    /* … all else above; neither when at rest */
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

/* A document's connections one after the other, whether it is at rest or not; each is lent until
 * the next, its texts for as long as the document.  Any number of threads may read one document at
 * a time. */
struct document_walk {
    struct arena arena; /* what is lent, and what was kept */
    const char *kept;   /* private, as all that follows */
    const struct connection *next;
    size_t left;
    bool packed;
    struct documentpack_reading reading;
    struct connection connection;
};
void document_begin(struct document_walk *, const struct document *);
const struct connection *document_next(struct document_walk *); /* NULL: no more */
/* What the connection lent last points to is good for as long as the walk's arena. */
void document_keep(struct document_walk *);
void document_end(struct document_walk *);

/* All of them at once, for who goes to and fro between them. */
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

/* What it adds to the digest of all documents of a table: its name under its digest as a key.  Two
 * words, each to be added up. */
const uint64_t *document_sum(struct document *);

/* A document of that name and digest that has no connections, until it is given some. */
struct document *document_part(const struct document *);

struct document *document_hold(struct document *);
void document_release(struct document *); /* NULL is fine; the last holder frees */

#endif
