#include "catalogearly.h"

#include <stdlib.h>

#include "catalogjudge.h"

/* Nothing is refused, nothing is missing: all that is served is what the source had last. */
static bool is_well(const struct catalog *catalog)
{
    bool well = catalog->degraded == NULL && catalog->ledger != NULL;

    for (size_t i = 0; i < catalog->length && well; i++) {
        well = catalog->entries[i]->newest != NULL &&
               catalog->entries[i]->newest == catalog->entries[i]->served;
    }
    return well;
}

/* What names of endpoints lead to is found out after a reload. */
static bool is_complete(const struct catalog_version *version)
{
    return version->document != NULL && !version->document->wants;
}

bool catalogearly_knows(const struct catalog *catalog, const char *name)
{
    const struct catalog_document *entry = catalog_known(catalog, name);

    return entry != NULL && entry->served != NULL;
}

bool catalogearly_take(struct catalog *catalog, const char *name, struct catalog_reading *reading,
                       uint64_t now, struct catalog_change *out)
{
    struct catalog_document *entry = catalog_known(catalog, name);
    struct catalog_version *version = catalogentry_take(entry, reading, catalog->shelf);

    if (version == NULL) {
        return false;
    }
    catalogentry_set(entry, &entry->foreseen, version);
    if (!is_complete(version) || !is_well(catalog) || catalogentry_wants(entry->served)) {
        return false;
    }
    for (size_t i = 0; i < catalog->length; i++) {
        catalog->entries[i]->offered = true;
    }
    catalogentry_set(entry, &entry->newest, version);
    catalog->early = entry;
    catalog_finish(catalog, now, out);
    catalog->early = NULL;
    return entry->served == version;
}

void catalogearly_drop(struct catalog_reading *reading)
{
    if (reading != NULL && reading->version != NULL) {
        catalogentry_drop(reading->version);
    }
    free(reading);
}

void catalogearly_join(struct catalog_change *change, struct catalog_change *early)
{
    change->changed = change->changed || early->changed;
    change->accepted += early->accepted;
    change->names_added += early->names_added;
    change->names_moved += early->names_moved;
    change->names_removed += early->names_removed;
    *early = (struct catalog_change){0};
}
