#include "catalog.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "alloc.h"
#include "catalogjudge.h"
#include "namechange.h"

/* ---- entries ---- */

/* Where the entry of this name is, or would be. */
static bool look_up(const struct catalog *catalog, const char *name, size_t *at)
{
    size_t low = 0, high = catalog->length;

    /* Sources tell their documents in order, so the place is most often the end. */
    if (high > 0 && strcmp(catalog->entries[high - 1]->name, name) < 0) {
        low = high;
    }
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        int order = strcmp(catalog->entries[middle]->name, name);
        if (order == 0) {
            *at = middle;
            return true;
        }
        if (order < 0) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    *at = low;
    return false;
}

struct catalog_document *catalog_known(const struct catalog *catalog, const char *name)
{
    size_t at;

    return look_up(catalog, name, &at) ? catalog->entries[at] : NULL;
}

struct catalog_document *catalog_find(struct catalog *catalog, const char *name)
{
    size_t low = catalog->next;
    bool known = low < catalog->length && strcmp(catalog->entries[low]->name, name) == 0;

    known = known || look_up(catalog, name, &low);
    catalog->next = low + 1;
    if (known) {
        return catalog->entries[low];
    }
    if (catalog->length == catalog->space) {
        catalog->space = 2 * catalog->space + 16;
        catalog->entries =
            alloc_resize(catalog->entries, catalog->space, sizeof(struct catalog_document *));
    }
    memmove(catalog->entries + low + 1, catalog->entries + low,
            (catalog->length - low) * sizeof(struct catalog_document *));
    catalog->length++;
    return catalog->entries[low] = catalogentry_new(name);
}

struct document **catalog_served(const struct catalog *catalog, size_t *length)
{
    struct document **documents = alloc_array(catalog->length, sizeof(struct document *));

    *length = 0;
    for (size_t i = 0; i < catalog->length; i++) {
        if (catalog->entries[i]->served != NULL) {
            documents[(*length)++] = catalog->entries[i]->served->document;
        }
    }
    return documents;
}

/* ---- the catalog ---- */

struct catalog *catalog_new(uint64_t hold_ms)
{
    struct catalog *catalog = alloc_array(1, sizeof(*catalog));

    catalog->hold_ms = hold_ms;
    catalog->tables = catalogtables_new(NULL);
    return catalog;
}

void catalog_set_views(struct catalog *catalog, const struct view_list *views)
{
    assert(catalog->length == 0 && catalog->tombstones.length == 0);
    catalog->views = catalog->tombstones.views = views;
    catalogtables_free(catalog->tables);
    catalog->tables = catalogtables_new(views);
}

void catalog_free(struct catalog *catalog)
{
    if (catalog == NULL) {
        return;
    }
    catalog_forget(catalog);
    free(catalog->entries);
    catalogtables_free(catalog->tables);
    free(catalog->ledger_told.bytes);
    shelf_drop(catalog->shelf);
    tombstone_clear(&catalog->tombstones);
    free(catalog->degraded);
    free(catalog);
}

/* ---- out of an image ---- */

void catalog_forget(struct catalog *catalog)
{
    for (size_t i = 0; i < catalog->length; i++) {
        catalogentry_free(catalog->entries[i]);
    }
    catalog->length = 0;
    catalogtables_spoil(catalog->tables);
    ledger_free(catalog->ledger);
    catalog->ledger = NULL;
    catalog->ledger_told.size = 0;
}

void catalog_set_sum_key(struct catalog *catalog, const struct hash_key *key)
{
    catalog->sum_key = *key;
}

void catalog_set_accepted(struct catalog *catalog, struct halfwritten_source source)
{
    catalog->accepted = source;
}

/* ---- a reload begins ---- */

void catalog_begin(struct catalog *catalog)
{
    size_t bytes = 0;

    catalog->failing = catalog->well = false;
    for (size_t i = 0; i < catalog->length; i++) {
        catalog->entries[i]->offered = false;
        bytes += catalogentry_bytes(catalog->entries[i]);
    }
    atomic_store(&catalog->bytes, bytes);
}

/* What will not be handed out goes at once: all documents that are new may be read before the first
 * of them is offered. */
static void forget_bytes(struct catalog *catalog, const struct catalog_document *entry,
                         struct catalog_version *version)
{
    bool replaces = entry != NULL && entry->served != NULL;
    size_t before = atomic_fetch_add(&catalog->bytes, version->size);

    if (before + version->size > (replaces ? CATALOG_BYTES_MAX : CATALOG_BYTES_NEW_MAX)) {
        atomic_fetch_sub(&catalog->bytes, version->size);
        free(version->bytes);
        version->bytes = NULL;
    }
}

struct catalog_reading *catalog_read(struct catalog *catalog, const char *name, void *bytes,
                                     size_t size)
{
    struct catalog_reading *reading = alloc_array(1, sizeof(*reading));
    const struct catalog_document *entry = catalog_known(catalog, name);

    if (catalogentry_identify(entry, &catalog->sum_key, bytes, size, &reading->identity)) {
        free(bytes);
    } else {
        reading->version =
            catalogentry_read(name, bytes, size, &reading->identity.digest,
                              entry != NULL ? entry->served : NULL, &catalog->accepted);
        forget_bytes(catalog, entry, reading->version);
    }
    return reading;
}

enum catalog_offer catalog_offer_reading(struct catalog *catalog, const char *name,
                                         struct catalog_reading *reading)
{
    struct catalog_document *entry = catalog_find(catalog, name);
    struct digest digest = reading->identity.digest;
    struct catalog_version *new = catalogentry_take(entry, reading, catalog->shelf);

    entry->offered = true;
    catalogentry_set(entry, &entry->newest, new != NULL ? new : catalogentry_known(entry, &digest));
    if (new == NULL) {
        return CATALOG_UNCHANGED;
    }
    return new->document != NULL ? CATALOG_PARSED : CATALOG_REFUSED;
}

enum catalog_offer catalog_offer(struct catalog *catalog, const char *name, const void *bytes,
                                 size_t size)
{
    return catalog_offer_reading(catalog, name,
                                 catalog_read(catalog, name, alloc_copy(bytes, size), size));
}

bool catalog_offer_same(struct catalog *catalog, const char *name)
{
    struct catalog_document *entry = catalog_find(catalog, name);

    entry->offered = entry->newest != NULL;
    return entry->offered;
}

void catalog_offer_standing(struct catalog *catalog, const char *name)
{
    struct catalog_document *entry = catalog_known(catalog, name);

    if (entry != NULL) {
        entry->offered = true;
    }
}

void catalog_offer_unreadable(struct catalog *catalog, const char *name, const char *why)
{
    struct catalog_document *entry = catalog_find(catalog, name);
    struct catalog_version *version = alloc_array(1, sizeof(*version));

    entry->offered = true;
    error_add(&version->errors, name, 0, 0, "cannot be read: %s", why);
    catalogentry_set(entry, &entry->newest, version);
}

bool catalog_offer_digest(struct catalog *catalog, const char *name, const struct digest *digest)
{
    struct catalog_document *entry = catalog_find(catalog, name);
    struct catalog_version *version = catalogentry_known(entry, digest);

    if (version == NULL) {
        return false;
    }
    entry->offered = true;
    catalogentry_set(entry, &entry->newest, version);
    return true;
}

/* What was refused is no business of this process, unless nothing else is left of a document: where
 * the source cannot tell more of it, it is missed. */
static void forget_newest(struct catalog *catalog)
{
    for (size_t i = 0; i < catalog->length; i++) {
        struct catalog_document *entry = catalog->entries[i];
        entry->restored = entry->served != NULL;
        if (entry->restored) {
            catalogentry_kept(entry);
            catalogentry_set(entry, &entry->newest, NULL);
            error_clear(&entry->complaints);
            entry->told = false;
        }
    }
    catalog->well = false;
}

void catalog_restored(struct catalog *catalog)
{
    uint64_t hold_ms = catalog->hold_ms;
    struct catalog_change change;

    catalog->hold_ms = 0; /* what was detached then is known from then */
    catalog_finish(catalog, 0, &change);
    catalog->hold_ms = hold_ms;
    forget_newest(catalog);
}

void catalog_restore_detached(struct catalog *catalog, const char *text, size_t size,
                              const struct tombstone_moment *now, size_t *damaged)
{
    *damaged = tombstone_read(&catalog->tombstones, text, size, now, catalog->hold_ms);
    if (catalog->ledger != NULL) { /* what had to be let go is told with the next reload */
        catalog->tombstones.let_go += tombstone_settle(&catalog->tombstones, catalog->ledger);
    }
    catalogtables_restored(catalog->tables, catalog->ledger, &catalog->tombstones);
}

void catalog_source_failed(struct catalog *catalog, const char *why)
{
    char *copy = alloc_string(why);

    catalog->failing = true;
    free(catalog->degraded);
    catalog->degraded = copy;
}

/* ---- a reload ends ---- */

static void compare_names(struct catalog *catalog, uint64_t now, size_t names_before,
                          struct catalog_change *out)
{
    struct namechange names = {.key = catalog->key, .views = catalog->views};
    const struct documentchange_list *changes = &catalog->changes;
    uint64_t tombstones = catalog->tombstones.changes;
    bool only_new = true;

    for (size_t i = 0; i < changes->length; i++) {
        const struct document *before = changes->items[i].before;
        if (before == NULL) {
            continue;
        }
        only_new = false;
        namechange_add(&names, before, false);
        if (catalog->hold_ms > 0) {
            tombstone_add(&catalog->tombstones, before, catalog->ledger, now + catalog->hold_ms);
        }
    }
    for (size_t i = 0; i < changes->length && !only_new; i++) {
        if (changes->items[i].after != NULL) {
            namechange_add(&names, changes->items[i].after, true);
        }
    }
    out->names_not_held = tombstone_settle(&catalog->tombstones, catalog->ledger);
    out->changed = catalog->tombstones.changes != tombstones;
    namechange_count(&names, &out->names_added, &out->names_moved, &out->names_removed);
    if (only_new) {
        out->names_added = ledger_names(catalog->ledger) - names_before;
    }
}

static size_t connections_of(const struct catalog_version *version)
{
    return version != NULL ? version->document->length : 0;
}

static void settle_entry(struct catalog *catalog, struct catalog_document *entry,
                         struct catalog_change *out)
{
    bool changed = entry->standing != entry->served;

    if (changed) {
        out->changed = true;
        out->wants |= catalogentry_wants(entry->served) || catalogentry_wants(entry->standing);
        catalog->since_image += connections_of(entry->served) + connections_of(entry->standing);
        entry->restored = false;
        catalogentry_set(entry, &entry->served, entry->standing);
    }
    if (entry->served != NULL && entry->served == entry->newest) {
        out->accepted += changed;
        entry->restored = false;
    }
    out->refused += entry->newest != NULL && entry->newest != entry->served;
    if (catalog->early == NULL) {
        catalogentry_set(entry, &entry->foreseen, NULL);
    }
    entry->standing = entry->chosen = NULL;
    catalogentry_tell(entry);
}

void catalog_finish(struct catalog *catalog, uint64_t now, struct catalog_change *out)
{
    size_t length = 0, names = catalog->ledger != NULL ? ledger_names(catalog->ledger) : 0;
    bool well = !catalog->failing;

    *out = (struct catalog_change){0};
    if (catalogjudge_run(catalog)) {
        compare_names(catalog, now, names, out);
        documentchange_clear(&catalog->changes);
    }
    for (size_t i = 0; i < catalog->length; i++) {
        struct catalog_document *entry = catalog->entries[i];
        bool gone = !entry->offered && !catalog->failing;
        bool was_served = entry->served != NULL;
        settle_entry(catalog, entry, out);
        if (gone || (entry->newest == NULL && entry->served == NULL)) {
            out->removed += was_served;
            out->refused -= entry->newest != NULL && entry->newest != entry->served;
            catalogentry_free(entry);
        } else {
            catalog->entries[length++] = entry;
            well = well && entry->newest != NULL && entry->newest == entry->served;
        }
    }
    catalog->length = length;
    catalog->well = well && catalog->ledger != NULL;
    if (!catalog->failing) {
        free(catalog->degraded);
        catalog->degraded = NULL;
    }
}

bool catalog_expire(struct catalog *catalog, uint64_t now)
{
    return tombstone_expire(&catalog->tombstones, now);
}

uint64_t catalog_next_expiry(const struct catalog *catalog)
{
    return tombstone_next(&catalog->tombstones);
}

char *catalog_detached(const struct catalog *catalog, const struct tombstone_moment *now,
                       size_t *size)
{
    return tombstone_write(&catalog->tombstones, now, size);
}

uint64_t catalog_detached_changes(const struct catalog *catalog)
{
    return catalog->tombstones.changes;
}

struct wanted *catalog_wanted(const struct catalog *catalog)
{
    struct document **documents = alloc_array(catalog->length, sizeof(struct document *));
    size_t length = 0;

    for (size_t i = 0; i < catalog->length; i++) {
        const struct catalog_version *version = catalog->entries[i]->served;
        if (catalogentry_wants(version)) {
            documents[length++] = version->document;
        }
    }
    struct wanted *wanted = wanted_of(documents, length);
    free(documents);
    return wanted;
}

struct tableset *catalog_build_set(struct catalog *catalog, struct table_options *options)
{
    size_t length;
    struct document **documents = catalog_served(catalog, &length);
    struct tableset *set = catalogtables_build(catalog->tables, documents, length, catalog->ledger,
                                               &catalog->tombstones, options);

    free(documents);
    return set;
}

void catalog_learned(struct catalog *catalog, const struct learned_facts *before,
                     const struct learned_facts *after)
{
    catalogtables_learned(catalog->tables, before, after);
}

void catalog_join(struct catalog *catalog)
{
    catalogtables_join(catalog->tables);
}

bool catalog_patched(const struct catalog *catalog)
{
    return catalogtables_patched(catalog->tables);
}

/* ---- what the catalog holds ---- */

size_t catalog_length(const struct catalog *catalog)
{
    return catalog->length;
}

void catalog_entry(const struct catalog *catalog, size_t i, struct catalog_entry *out)
{
    static const struct digest none;
    const struct catalog_document *entry = catalog->entries[i];

    *out = (struct catalog_entry){
        .name = entry->name,
        .served = entry->served != NULL,
        .refused = entry->newest != NULL && entry->newest != entry->served,
        .restored = entry->restored,
        .served_digest = entry->served != NULL ? entry->served->digest : none,
        .offered_digest = entry->newest != NULL ? entry->newest->digest : none,
        .connections = entry->served != NULL ? entry->served->document->length : 0,
        .complaints = &entry->complaints,
    };
}

bool catalog_degraded(const struct catalog *catalog, const char **why)
{
    if (why != NULL) {
        *why = catalog->degraded;
    }
    return catalog->degraded != NULL;
}

const void *catalog_unkept(const struct catalog *catalog, size_t i, size_t *size)
{
    const struct catalog_version *served = catalog->entries[i]->served;

    if (served == NULL) {
        return NULL;
    }
    *size = served->size;
    return served->bytes;
}

void catalog_kept(struct catalog *catalog, size_t i)
{
    catalogentry_kept(catalog->entries[i]);
}
