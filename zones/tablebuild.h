/* private to table: making one. */
#ifndef PLDNS_TABLEBUILD_H
#define PLDNS_TABLEBUILD_H

#include "table.h"

struct table *tablebuild_run(const struct table_options *, struct document *const *documents,
                             size_t length);
struct table *tablebuild_patch(const struct table_options *, struct document *const *documents,
                               size_t length, const struct table_patch *);

#endif
