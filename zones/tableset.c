#include "tableset.h"

#include <stdlib.h>

#include "alloc.h"

struct tableset *tableset_new(const struct view_list *views, struct table *const *tables,
                              size_t documents)
{
    size_t length = view_count(views);
    struct tableset *set = alloc_array(1, sizeof(*set) + length * sizeof(set->tables[0]));

    set->views = length > 1 ? views : NULL;
    set->length = length;
    set->documents = documents;
    for (size_t i = 0; i < length; i++) {
        set->tables[i] = tables[i];
        set->large |= table_is_large(tables[i]);
    }
    return set;
}

struct tableset *tableset_of(struct table *table)
{
    return tableset_new(NULL, &table, table_documents(table));
}

size_t tableset_free(struct tableset *set)
{
    size_t bytes = 0;

    if (set == NULL) {
        return 0;
    }
    for (size_t i = 0; i < set->length; i++) {
        bytes += table_free(set->tables[i]);
    }
    free(set);
    return bytes;
}

bool tableset_lets_out(const struct tableset *set, const uint8_t *name)
{
    for (size_t i = 0; i < set->length; i++) {
        struct table_match match;
        table_find(set->tables[i], name, &match);
        if (match.outcome == TABLE_NOT_OWNED) {
            return true;
        }
    }
    return false;
}

uint64_t tableset_generation(const struct tableset *set)
{
    return table_generation(set->tables[VIEW_NONE]);
}

struct digest tableset_digest(const struct tableset *set)
{
    struct digest digest = *table_digest(set->tables[VIEW_NONE]);

    if (set->length > 1) {
        struct digest *all = alloc_array(set->length, sizeof(*all));
        for (size_t i = 0; i < set->length; i++) {
            all[i] = *table_digest(set->tables[i]);
        }
        digest_of(&digest, all, set->length * sizeof(*all));
        free(all);
    }
    return digest;
}

static size_t sum(const struct tableset *set, size_t (*of)(const struct table *))
{
    size_t all = 0;

    for (size_t i = 0; i < set->length; i++) {
        all += of(set->tables[i]);
    }
    return all;
}

size_t tableset_names(const struct tableset *set)
{
    return sum(set, table_names);
}

size_t tableset_connections(const struct tableset *set)
{
    return sum(set, table_connections);
}

size_t tableset_bytes(const struct tableset *set)
{
    return sum(set, table_bytes);
}
