#include "catalogearly.h"

#include <stdlib.h>

#include "catalogjudge.h"

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

/* A reload of this one alone.  Nobody was refused, so nobody can gain by it: all others stay as
 * they are, and need not be looked at. */
static void finish_one(struct catalog *catalog, struct catalog_document *entry, uint64_t now,
                       struct catalog_change *out)
{
    struct catalog_document **entries = catalog->entries;
    size_t length = catalog->length;

    entry->offered = true;
    catalog->entries = &entry;
    catalog->length = 1;
    catalog->early = entry;
    catalog_finish(catalog, now, out);
    catalog->early = NULL;
    catalog->entries = entries;
    catalog->length = length;
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
    if (!is_complete(version) || !catalog->well || catalogentry_wants(entry->served)) {
        return false;
    }
    catalogentry_set(entry, &entry->newest, version);
    finish_one(catalog, entry, now, out);
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
