/* What two tables answer differently.
 *
 * Names are without number, but only so many of them are told apart: the names in either tree, and
 * for each of these all that stands below it without being in a tree itself.  One of each kind is
 * asked of both tables, so nothing that differs is left out. */
#ifndef PLDNS_TABLEDIFF_H
#define PLDNS_TABLEDIFF_H

#include "table.h"

enum tablediff_kind {
    TABLEDIFF_CHANGED, /* ours before and now, with another answer */
    TABLEDIFF_PRIVATE, /* was forwarded, is ours now: attached */
    TABLEDIFF_PUBLIC,  /* was ours, is forwarded now: detached */
};

enum tablediff_scope {
    TABLEDIFF_NAME,  /* the name itself */
    TABLEDIFF_BELOW, /* all below it that are not listed themselves */
    TABLEDIFF_ZONES, /* the same behind a zone id for which there is no endpoint */
};

struct tablediff {
    enum tablediff_kind kind;
    enum tablediff_scope scope;
    struct dname name;
    struct table_match before, after;
};

typedef void tablediff_fn(void *arg, const struct tablediff *);

/* Calls 'each' for every difference, by name. */
void tablediff_run(const struct table *before, const struct table *after, tablediff_fn *each,
                   void *arg);

#endif
