/* Documents divided among views: each view gets those that have a connection for it, with these
 * connections alone. */
#ifndef PLDNS_VIEWSPLIT_H
#define PLDNS_VIEWSPLIT_H

#include "document.h"
#include "view.h"

struct viewsplit;

/* All is lent until viewsplit_free(). */
struct viewsplit *viewsplit_new(const struct view_list *, struct document *const *documents,
                                size_t length);
/* The same of what is not to be looked into: names, digests and numbers of connections.  Who sees
 * how much of a document is noted in it when it is divided for the first time. */
struct viewsplit *viewsplit_closed(const struct view_list *, struct document *const *documents,
                                   size_t length);
void viewsplit_free(struct viewsplit *);

/* In the order given.  A document without connections is seen by nobody: it counts for number 0. */
struct document *const *viewsplit_documents(const struct viewsplit *, unsigned view,
                                            size_t *length);

#endif
