#include "keeper.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "alloc.h"
#include "clock.h"
#include "slurp.h"
#include "yamldoc.h"

struct keeper {
    struct statedir *state;
    const char *directory;
    uint64_t detached; /* catalog_detached_changes() when they were kept last */
};

struct keeper *keeper_new(struct statedir *state, const char *directory)
{
    struct keeper *k = alloc_array(1, sizeof *k);

    k->state = state;
    k->directory = directory;
    return k;
}

void keeper_free(struct keeper *k)
{
    free(k);
}

/* ---- back ---- */

static void restore(void *arg, const char *name, const void *bytes, size_t size)
{
    catalog_restore(arg, name, bytes, size);
}

static void restore_detached(struct keeper *k, struct catalog *catalog)
{
    size_t size;
    char *text = statedir_detached(k->state, &size);

    if (text != NULL)
        catalog_restore_detached(catalog, text, size, clock_ms(), clock_wall_us() / 1000);
    free(text);
    k->detached = UINT64_MAX; /* what has ended meanwhile goes */
}

void keeper_restore(struct keeper *k, struct catalog *catalog)
{
    statedir_each(k->state, restore, catalog);
    restore_detached(k, catalog);
}

/* ---- there ---- */

/* The bytes of a served document from the directory again: its accepted bytes are gone from memory
 * when an earlier try to keep them failed. */
static void keep_from_source(struct keeper *k, const struct catalog_entry *entry, int folder)
{
    struct digest digest;
    char *bytes;
    size_t size;
    const char *why;

    if (!slurp_file(folder, entry->name, YAMLDOC_SIZE_MAX, &bytes, &size, NULL, &why))
        return;
    digest_of(&digest, bytes, size);
    if (memcmp(&digest, &entry->served_digest, sizeof digest) == 0)
        statedir_put(k->state, entry->name, bytes, size);
    free(bytes);
}

static void put_detached(struct keeper *k, const struct catalog *catalog)
{
    size_t size;
    char *text = catalog_detached(catalog, clock_ms(), clock_wall_us() / 1000, &size);

    statedir_put_detached(k->state, text, size);
    free(text);
}

void keeper_keep(struct keeper *k, const struct catalog *catalog)
{
    size_t length = catalog_length(catalog), size;
    uint64_t detached = catalog_detached_changes(catalog);
    const char **names = alloc_array(length, sizeof *names);
    int folder = open(k->directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    struct catalog_entry entry;

    statedir_begin(k->state);
    if (detached != k->detached)
        put_detached(k, catalog);
    for (size_t i = 0; i < length; i++) {
        catalog_entry(catalog, i, &entry);
        names[i] = entry.name;
        const void *bytes = catalog_newly_accepted(catalog, i, &size);
        if (bytes != NULL)
            statedir_put(k->state, entry.name, bytes, size);
        else if (entry.served && !entry.restored && folder >= 0 &&
                 !statedir_holds(k->state, entry.name, &entry.served_digest))
            keep_from_source(k, &entry, folder);
    }
    /* While the directory cannot be read nobody knows what was removed from it. */
    if (!catalog_degraded(catalog, NULL))
        statedir_keep_only(k->state, names, length);
    if (statedir_commit(k->state)) /* else see note_trouble() */
        k->detached = detached;
    if (folder >= 0)
        close(folder);
    free(names);
}
