#include "catalogjudge.h"

#include <stdlib.h>
#include <string.h>

#include "alloc.h"
#include "catalogcontest.h"

static bool is_usable(const struct catalog_version *version)
{
    return version != NULL && version->document != NULL;
}

/* The version to be served if nothing contradicts it, or NULL. */
static struct catalog_version *best_of(const struct catalog *catalog,
                                       const struct catalog_document *entry)
{
    if (!entry->offered && !catalog->failing) {
        return NULL; /* removed */
    }
    /* What stands is; nearly always that is the newest, and need not be looked into. */
    return entry->newest != entry->standing && is_usable(entry->newest) ? entry->newest
                                                                        : entry->standing;
}

/* Nobody outside can choose documents whose names collide under a key that hangs on all of them. */
static struct hash_key make_key(const struct catalog *catalog)
{
    struct digest all;
    struct hash_key key;
    uint8_t *bytes = alloc_array(catalog->length, DIGEST_SIZE);
    size_t size = 0;

    for (size_t i = 0; i < catalog->length; i++) {
        if (is_usable(catalog->entries[i]->chosen)) {
            memcpy(bytes + size, catalog->entries[i]->chosen->digest.bytes, DIGEST_SIZE);
            size += DIGEST_SIZE;
        }
    }
    digest_of(&all, bytes, size);
    memcpy(&key, all.bytes, sizeof(key));
    free(bytes);
    return key;
}

static void begin(struct catalog *catalog, bool *same)
{
    *same = true;
    for (size_t i = 0; i < catalog->length; i++) {
        struct catalog_document *entry = catalog->entries[i];
        entry->standing = entry->served;
        entry->chosen = best_of(catalog, entry);
        entry->accepted = entry->chosen == entry->standing;
        *same &= entry->accepted;
        error_clear(&entry->conflicts);
    }
}

/* ---- the ledger ---- */

typedef struct catalog_version *version_fn(const struct catalog_document *);

static struct catalog_version *served(const struct catalog_document *entry)
{
    return entry->served;
}

static struct catalog_version *standing(const struct catalog_document *entry)
{
    return entry->standing;
}

static struct catalog_version *chosen(const struct catalog_document *entry)
{
    return entry->chosen;
}

static struct document *document_of(const struct catalog_version *version)
{
    return version != NULL ? version->document : NULL;
}

static void list_changes(struct catalog *catalog, version_fn *from, version_fn *to)
{
    documentchange_clear(&catalog->changes);
    for (size_t i = 0; i < catalog->length; i++) {
        const struct catalog_version *old = from(catalog->entries[i]),
                                     *new = to(catalog->entries[i]);
        if (old != new) {
            documentchange_add(&catalog->changes, document_of(old), document_of(new), NULL);
        }
    }
}

/* What a table was built of and what changed since can be looked up apart from each other only as
 * long as neither has to do with the other.  The ledger holds what stays. */
static bool is_apart(const struct catalog *catalog)
{
    const struct documentchange_list *changes = &catalog->changes;
    bool apart = true;

    for (size_t i = 0; i < changes->length && apart; i++) {
        const struct document *both[] = {changes->items[i].before, changes->items[i].after};
        for (size_t v = 0; v < ARRAY_LENGTH(both) && apart; v++) {
            apart = both[v] == NULL || ledger_is_apart(catalog->ledger, both[v]);
        }
    }
    return apart;
}

static size_t count_after(const struct documentchange_list *changes)
{
    size_t connections = 0;

    for (size_t i = 0; i < changes->length; i++) {
        connections += changes->items[i].after != NULL ? changes->items[i].after->length : 0;
    }
    return connections;
}

/* Tries in the ledger what differs of all documents.  False: something new contradicts.  'apart':
 * it has nothing to do with what stays. */
static bool exchange(struct catalog *catalog, version_fn *from, version_fn *to, bool *apart)
{
    const struct documentchange_list *changes = &catalog->changes;
    bool good = true;

    list_changes(catalog, from, to);
    for (size_t i = 0; i < changes->length; i++) {
        if (changes->items[i].before != NULL) {
            ledger_remove(catalog->ledger, changes->items[i].before);
        }
    }
    *apart = !catalogtables_wait(catalog->tables) || is_apart(catalog);
    ledger_expect(catalog->ledger, count_after(changes));
    for (size_t i = 0; i < changes->length; i++) {
        if (changes->items[i].after != NULL) {
            good &= ledger_add(catalog->ledger, changes->items[i].after);
        }
    }
    return good;
}

static void settle(struct catalog *catalog, bool apart)
{
    if (ledger_settle(catalog->ledger)) {
        catalog->ledger_told.size = 0;
    }
    if (!apart) {
        catalogtables_spoil(catalog->tables);
    }
}

static void step_back(struct catalog *catalog)
{
    documentchange_clear(&catalog->changes);
    catalogentry_set(catalog->early, &catalog->early->newest, catalog->early->served);
}

bool catalogjudge_run(struct catalog *catalog)
{
    bool same, apart;

    begin(catalog, &same);
    if (same) {
        return false;
    }
    if (catalog->ledger == NULL) {
        catalog->key = make_key(catalog);
        catalog->ledger = ledger_new(&catalog->key, catalog->views);
    }
    if (exchange(catalog, served, chosen, &apart) && /* nearly always */
        (catalog->early == NULL || ledger_stays(catalog->ledger))) {
        settle(catalog, apart);
        for (size_t i = 0; i < catalog->length; i++) {
            catalog->entries[i]->standing = catalog->entries[i]->chosen;
        }
        return true;
    }
    ledger_undo(catalog->ledger);
    if (catalog->early != NULL) {
        step_back(catalog);
        return false;
    }
    catalogcontest_run(&(struct catalogcontest){catalog->entries, catalog->length, catalog->ledger,
                                                &catalog->key, catalog->views});
    (void)exchange(catalog, served, standing, &apart);
    settle(catalog, apart);
    return true;
}
