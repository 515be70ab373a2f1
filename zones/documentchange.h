/* What changed from some versions of documents to others: the connections that went and those that
 * came, as documents that hold nothing else.
 *
 * A document of a thousand connections of which one changed is then as little work for all who
 * follow documents as one of one.  That holds as long as no two connections of either version have
 * names at, above or below each other; otherwise, and if too much changed, the versions are told
 * whole. */
#ifndef PLDNS_DOCUMENTCHANGE_H
#define PLDNS_DOCUMENTCHANGE_H

#include "learned.h"

/* Connections that a list keeps in memory. */
#define DOCUMENTCHANGE_MOST 4096

struct documentchange {
    struct document *before, *after; /* NULL: the document was not there, or is not any more */
    struct document *old, *new;      /* the versions */
};

/* Empty when all its bytes are zero. */
struct documentchange_list {
    struct documentchange *items;
    size_t length, space;
    size_t connections; /* in memory: those of items that were moved are at rest */
    size_t next;        /* private: behind what was moved last */
};

/* Both versions, or one and NULL.  Connections that are the same, but of whose endpoints something
 * became known otherwise, differ, too; 'learned' may be NULL. */
void documentchange_add(struct documentchange_list *, struct document *before,
                        struct document *after, const struct learned *learned);
/* The same at no cost, if 'from', which is at rest, tells what differs between these very versions:
 * that is moved.  False: it does not.  Both lists are by name. */
MUST_USE bool documentchange_move(struct documentchange_list *, struct documentchange_list *from,
                                  const struct document *before, const struct document *after);
/* Puts connections to rest that are kept for the next list; no version is read for them then. */
void documentchange_rest(struct documentchange_list *);
/* Empty again, and its memory given back. */
void documentchange_clear(struct documentchange_list *);

#endif
