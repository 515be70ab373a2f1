/* The tables of one generation: one for each view, and one for "no view" (see view.h).
 *
 * Immutable like the tables in it, and published as a whole: a client's table and everybody else's
 * change at one moment.  Without views it holds one table. */
#ifndef PLDNS_TABLESET_H
#define PLDNS_TABLESET_H

#include "table.h"
#include "view.h"

struct tableset {
    const struct view_list *views; /* NULL = there are none */
    size_t length;                 /* view_count() */
    size_t documents;              /* served: one may be in several tables */
    bool large;                    /* some table is so large that a batch is worth fetching for */
    struct table *tables[];        /* by number of the view */
};

/* Takes over the view_count() tables.  'views' (may be NULL) is lent for as long as the set lives.
 */
struct tableset *tableset_new(const struct view_list *views, struct table *const *tables,
                              size_t documents);
/* A set of this table alone. */
struct tableset *tableset_of(struct table *);
/* NULL is fine.  Returns the octets of memory that were given back: tables may be held by others.
 */
size_t tableset_free(struct tableset *);

/* The view of a client, and its table.  Inline: without views, nothing but two loads stands between
 * a query and its table. */
static inline unsigned tableset_view(const struct tableset *set, const struct sockaddr *client)
{
    return set->views == NULL ? VIEW_NONE : view_of_client(set->views, client);
}

static inline const struct table *tableset_table(const struct tableset *set, unsigned view)
{
    return set->tables[view];
}

/* True if the name is not owned in every view: some client's question for it would be forwarded, so
 * we may ask for it on our own account, too. */
bool tableset_lets_out(const struct tableset *, const uint8_t *name);

/* Of all tables: sums; the generation is the same in all. */
uint64_t tableset_generation(const struct tableset *);
struct digest tableset_digest(const struct tableset *);
size_t tableset_names(const struct tableset *);
size_t tableset_connections(const struct tableset *);
size_t tableset_bytes(const struct tableset *);

#endif
