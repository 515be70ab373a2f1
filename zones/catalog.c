#include "catalog.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "alloc.h"
#include "catalogjudge.h"
#include "namechange.h"

/* ---- versions and entries ---- */

static void version_free(struct catalog_version *version)
{
    document_release(version->document);
    error_clear(&version->errors);
    free(version->bytes);
    free(version);
}

static void set_version(struct catalog_document *entry, struct catalog_version **place,
                        struct catalog_version *version)
{
    struct catalog_version *old = *place;

    *place = version;
    if (old != NULL && old != entry->newest && old != entry->served && old != entry->kept) {
        version_free(old);
    }
}

static void entry_free(struct catalog_document *entry)
{
    set_version(entry, &entry->newest, NULL);
    set_version(entry, &entry->served, NULL);
    set_version(entry, &entry->kept, NULL);
    error_clear(&entry->conflicts);
    error_clear(&entry->complaints);
    free(entry->name);
    free(entry);
}

static struct catalog_document *find_entry(struct catalog *catalog, const char *name)
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
            return catalog->entries[middle];
        }
        if (order < 0) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    if (catalog->length == catalog->space) {
        catalog->space = 2 * catalog->space + 16;
        catalog->entries =
            alloc_resize(catalog->entries, catalog->space, sizeof(struct catalog_document *));
    }
    memmove(catalog->entries + low + 1, catalog->entries + low,
            (catalog->length - low) * sizeof(struct catalog_document *));
    struct catalog_document *entry = alloc_array(1, sizeof(*entry));
    entry->name = alloc_string(name);
    catalog->entries[low] = entry;
    catalog->length++;
    return entry;
}

/* 'before': what was accepted last, or NULL. */
static struct catalog_version *read_version(const char *name, const void *bytes, size_t size,
                                            const struct digest *digest,
                                            const struct catalog_version *before)
{
    struct catalog_version *version = alloc_array(1, sizeof(*version));

    version->digest = *digest;
    version->document = document_parse(name, bytes, size, &version->errors);
    if (version->document != NULL && before != NULL &&
        !document_tells(version->document, before->document, &version->errors)) {
        document_release(version->document);
        version->document = NULL;
    }
    version->wants = version->document != NULL && wanted_any(version->document);
    return version;
}

/* What was served until now, or by the daemon before this one. */
static const struct catalog_version *version_before(const struct catalog_document *entry)
{
    return entry->served != NULL ? entry->served : entry->kept;
}

static bool has_digest(const struct catalog_version *version, const struct digest *digest)
{
    return version != NULL && memcmp(&version->digest, digest, sizeof(*digest)) == 0;
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
    for (size_t i = 0; i < catalog->length; i++) {
        entry_free(catalog->entries[i]);
    }
    free(catalog->entries);
    catalogtables_free(catalog->tables);
    ledger_free(catalog->ledger);
    tombstone_clear(&catalog->tombstones);
    free(catalog->degraded);
    free(catalog);
}

void catalog_begin(struct catalog *catalog)
{
    catalog->failing = false;
    for (size_t i = 0; i < catalog->length; i++) {
        struct catalog_document *entry = catalog->entries[i];
        entry->offered = false;
    }
    catalog_kept(catalog);
}

enum catalog_offer catalog_offer(struct catalog *catalog, const char *name, const void *bytes,
                                 size_t size)
{
    struct catalog_document *entry = find_entry(catalog, name);
    struct catalog_version *const known[] = {entry->served, entry->newest, entry->kept};
    struct digest digest;

    entry->offered = true;
    digest_of(&digest, bytes, size);
    for (size_t i = 0; i < ARRAY_LENGTH(known); i++) {
        if (has_digest(known[i], &digest)) {
            set_version(entry, &entry->newest, known[i]);
            return CATALOG_UNCHANGED;
        }
    }
    struct catalog_version *version =
        read_version(name, bytes, size, &digest, version_before(entry));
    set_version(entry, &entry->newest, version);
    if (version->document == NULL) {
        return CATALOG_REFUSED;
    }
    version->bytes = alloc_copy(bytes, size);
    version->size = size;
    return CATALOG_PARSED;
}

bool catalog_offer_same(struct catalog *catalog, const char *name)
{
    struct catalog_document *entry = find_entry(catalog, name);

    entry->offered = entry->newest != NULL;
    return entry->offered;
}

void catalog_offer_unreadable(struct catalog *catalog, const char *name, const char *why)
{
    struct catalog_document *entry = find_entry(catalog, name);
    struct catalog_version *version = alloc_array(1, sizeof(*version));

    entry->offered = true;
    error_add(&version->errors, name, 0, 0, "cannot be read: %s", why);
    set_version(entry, &entry->newest, version);
}

void catalog_restore(struct catalog *catalog, const char *name, const void *bytes, size_t size)
{
    struct catalog_document *entry = find_entry(catalog, name);
    struct digest digest;

    digest_of(&digest, bytes, size);
    struct catalog_version *version = read_version(name, bytes, size, &digest, NULL);
    if (version->document == NULL) {
        version_free(version);
        return;
    }
    set_version(entry, &entry->kept, version);
}

void catalog_restore_detached(struct catalog *catalog, const char *text, size_t size, uint64_t now,
                              uint64_t wall)
{
    tombstone_read(&catalog->tombstones, text, size, now, wall, catalog->hold_ms);
}

void catalog_source_failed(struct catalog *catalog, const char *why)
{
    char *copy = alloc_string(why);

    catalog->failing = true;
    free(catalog->degraded);
    catalog->degraded = copy;
}

/* ---- a reload ends ---- */

static void compare_names(struct catalog *catalog, uint64_t now, struct catalog_change *out)
{
    struct namechange names = {.key = catalog->key, .views = catalog->views};
    uint64_t tombstones = catalog->tombstones.changes;

    for (size_t i = 0; i < catalog->length; i++) {
        const struct catalog_document *entry = catalog->entries[i];
        const struct catalog_version *before = version_before(entry);
        if (before == NULL || before == entry->standing) {
            continue;
        }
        if (entry->served != NULL) {
            namechange_add(&names, before->document, false);
        }
        if (catalog->hold_ms > 0) {
            tombstone_add(&catalog->tombstones, before->document, catalog->ledger,
                          now + catalog->hold_ms);
        }
    }
    for (size_t i = 0; i < catalog->length; i++) {
        const struct catalog_document *entry = catalog->entries[i];
        if (entry->standing != NULL && entry->served != entry->standing) {
            namechange_add(&names, entry->standing->document, true);
        }
    }
    tombstone_settle(&catalog->tombstones, catalog->ledger);
    out->changed = catalog->tombstones.changes != tombstones;
    namechange_count(&names, &out->names_added, &out->names_moved, &out->names_removed);
}

static void copy_errors(struct error_list *to, const struct error_list *from)
{
    for (size_t i = 0; i < from->length; i++) {
        const struct error *e = &from->items[i];
        if (e->warning) {
            error_warn(to, e->file, e->line, e->column, "%s", e->text);
        } else {
            error_add(to, e->file, e->line, e->column, "%s", e->text);
        }
    }
}

static void settle_entry(struct catalog_document *entry, struct catalog_change *out)
{
    bool changed = entry->standing != entry->served;

    if (changed) {
        out->changed = true;
        entry->restored = entry->standing != NULL && entry->standing == entry->kept;
        entry->newly = entry->standing != NULL && entry->standing->bytes != NULL;
        set_version(entry, &entry->served, entry->standing);
    }
    if (entry->served != NULL && entry->served == entry->newest) {
        out->accepted += changed;
        entry->restored = false;
    }
    out->refused += entry->newest != NULL && entry->newest != entry->served;
    set_version(entry, &entry->kept, NULL);
    entry->standing = entry->chosen = NULL;
    error_clear(&entry->complaints);
    const struct catalog_version *told = entry->newest != NULL ? entry->newest : entry->served;
    if (told != NULL) {
        copy_errors(&entry->complaints, &told->errors);
    }
    copy_errors(&entry->complaints, &entry->conflicts);
}

void catalog_finish(struct catalog *catalog, uint64_t now, struct catalog_change *out)
{
    size_t length = 0;

    *out = (struct catalog_change){0};
    if (catalogjudge_run(catalog)) {
        compare_names(catalog, now, out);
    }
    for (size_t i = 0; i < catalog->length; i++) {
        struct catalog_document *entry = catalog->entries[i];
        bool gone = !entry->offered && !catalog->failing;
        bool was_served = entry->served != NULL;
        settle_entry(entry, out);
        if (gone || (entry->newest == NULL && entry->served == NULL)) {
            out->removed += was_served;
            out->refused -= entry->newest != NULL && entry->newest != entry->served;
            entry_free(entry);
        } else {
            catalog->entries[length++] = entry;
        }
    }
    catalog->length = length;
    if (!catalog->failing) {
        free(catalog->degraded);
        catalog->degraded = NULL;
    }
}

bool catalog_expire(struct catalog *catalog, uint64_t now)
{
    bool expired = tombstone_expire(&catalog->tombstones, now);

    if (expired) {
        catalogtables_spoil(catalog->tables);
    }
    return expired;
}

uint64_t catalog_next_expiry(const struct catalog *catalog)
{
    return tombstone_next(&catalog->tombstones);
}

char *catalog_detached(const struct catalog *catalog, uint64_t now, uint64_t wall, size_t *size)
{
    return tombstone_write(&catalog->tombstones, now, wall, size);
}

uint64_t catalog_detached_changes(const struct catalog *catalog)
{
    return catalog->tombstones.changes;
}

/* The documents that are served, in an array to be freed. */
static struct document **served(const struct catalog *catalog, size_t *length)
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

struct wanted *catalog_wanted(const struct catalog *catalog)
{
    struct document **documents = alloc_array(catalog->length, sizeof(struct document *));
    size_t length = 0;

    for (size_t i = 0; i < catalog->length; i++) {
        const struct catalog_version *version = catalog->entries[i]->served;
        if (version != NULL && version->wants) {
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
    struct document **documents = served(catalog, &length);
    struct tableset *set =
        catalogtables_build(catalog->tables, documents, length, &catalog->tombstones, options);

    free(documents);
    return set;
}

void catalog_learned(struct catalog *catalog)
{
    catalogtables_spoil(catalog->tables);
}

struct table *catalog_build(struct catalog *catalog, struct table_options *options)
{
    assert(view_count(catalog->views) == 1);
    struct tableset *set = catalog_build_set(catalog, options);
    struct table *table = set->tables[VIEW_NONE];

    set->length = 0; /* the caller's now */
    tableset_free(set);
    return table;
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

const void *catalog_newly_accepted(const struct catalog *catalog, size_t i, size_t *size)
{
    const struct catalog_document *entry = catalog->entries[i];

    if (!entry->newly || entry->served == NULL) {
        return NULL;
    }
    *size = entry->served->size;
    return entry->served->bytes;
}

void catalog_kept(struct catalog *catalog)
{
    for (size_t i = 0; i < catalog->length; i++) {
        struct catalog_document *entry = catalog->entries[i];
        entry->newly = false;
        if (entry->served != NULL) {
            free(entry->served->bytes);
            entry->served->bytes = NULL;
        }
    }
}
