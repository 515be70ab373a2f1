/* One attachment document: bytes → checked connections, or every complaint about it. */
#ifndef PLDNS_DOCUMENT_H
#define PLDNS_DOCUMENT_H

#include "connection.h"
#include "digest.h"

struct document {
    const char *name; /* file name without directory, or etcd key */
    struct digest digest;
    const struct connection *connections;
    size_t length;
    size_t warnings;  /* how many complaints that did not refuse it */
    void *arena;      /* private: holds everything above */
    unsigned holders; /* private: only the thread that builds tables touches it */
};

/* Parses and checks.  NULL: refused, 'errors' says why (at least one error).  Warnings are added to
 * 'errors' either way.  An empty input is refused; "privateLinkConnections: []" is a valid document
 * without connections.  The caller owns the result. */
MUST_USE struct document *document_parse(const char *name, const void *bytes, size_t size,
                                         struct error_list *errors);

/* A version that does not tell what is attached to its connections (the API's List leaves that out)
 * is no order to detach it.  False: 'newer' leaves it untold of a connection of which 'older'
 * attaches something; 'errors' then names each. */
MUST_USE bool document_tells(const struct document *newer, const struct document *older,
                             struct error_list *errors);

struct document *document_hold(struct document *);
void document_release(struct document *); /* NULL is fine; the last holder frees */

#endif
