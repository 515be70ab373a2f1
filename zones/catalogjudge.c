#include "catalogjudge.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "alloc.h"
#include "claims.h"

static bool is_usable(const struct catalog_version *version)
{
    return version != NULL && version->document != NULL;
}

/* The best version that is worse than 'after' (NULL: the best of all), or NULL. */
static struct catalog_version *next_choice(const struct catalog *catalog,
                                           const struct catalog_document *entry,
                                           const struct catalog_version *after)
{
    struct catalog_version *const choices[] = {entry->newest, entry->standing};
    bool passed = after == NULL;

    if (!entry->offered && !catalog->failing) {
        return NULL; /* removed */
    }
    for (size_t i = 0; i < ARRAY_LENGTH(choices); i++) {
        if (passed && choices[i] != after && is_usable(choices[i])) {
            return choices[i];
        }
        passed |= choices[i] == after;
    }
    return NULL;
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
        entry->chosen = next_choice(catalog, entry, NULL);
        entry->accepted = entry->chosen == entry->standing;
        *same &= entry->accepted;
        error_clear(&entry->conflicts);
    }
}

/* The claims of what stands, but for 'except'. */
static struct claims *claims_standing(const struct catalog *catalog,
                                      const struct catalog_document *except)
{
    struct claims *claims = claims_new(&catalog->key, catalog->views);

    for (size_t i = 0; i < catalog->length; i++) {
        struct catalog_document *entry = catalog->entries[i];
        if (entry != except && entry->standing != NULL && entry->accepted) {
            bool good = claims_add(claims, entry->standing->document, &entry->conflicts);
            assert(good); /* they stood together before */
        }
    }
    return claims;
}

/* Judges one document that would change.  True: it was sent back to an older version, so that all
 * must be judged again from what stands, which is the first 'standing' in 'claims'. */
static bool judge_one(const struct catalog *catalog, struct catalog_document *entry,
                      struct claims *claims, size_t standing)
{
    entry->accepted = claims_add(claims, entry->chosen->document, &entry->conflicts);
    struct catalog_version *older =
        entry->accepted ? NULL : next_choice(catalog, entry, entry->chosen);
    if (older == NULL) {
        return false; /* a newcomer that is refused leaves no trace */
    }
    entry->chosen = older;
    claims_take_back(claims, standing);
    if (older == entry->standing) {
        entry->accepted = claims_add(claims, older->document, &entry->conflicts);
    }
    return true;
}

/* Judges what would change: documents that are served before newcomers, each kind by name. */
static bool judge_changed(struct catalog *catalog, struct claims *claims)
{
    size_t standing = claims_length(claims);

    for (unsigned newcomers = 0; newcomers < 2; newcomers++) {
        for (size_t i = 0; i < catalog->length; i++) {
            struct catalog_document *entry = catalog->entries[i];
            if (entry->chosen == NULL || entry->chosen == entry->standing ||
                (entry->standing == NULL) != newcomers) {
                continue;
            }
            if (judge_one(catalog, entry, claims, standing)) {
                return true;
            }
        }
    }
    return false;
}

/* Who was sent back may have been in the way only of others who were sent back too.  True: a
 * refused version fits after all and stands now.  Otherwise each refusal has its reasons told. */
static bool promote_one(struct catalog *catalog, struct claims **claims)
{
    for (size_t i = 0; i < catalog->length; i++) {
        struct catalog_document *entry = catalog->entries[i];
        const struct document *old = entry->standing != NULL ? entry->standing->document : NULL;
        if (!is_usable(entry->newest) || entry->newest == entry->standing ||
            next_choice(catalog, entry, NULL) == NULL) {
            continue;
        }
        error_clear(&entry->conflicts);
        if (!claims_would_fit(*claims, entry->newest->document, old, &entry->conflicts)) {
            continue;
        }
        claims_free(*claims);
        *claims = claims_standing(catalog, entry);
        if (claims_add(*claims, entry->newest->document, &entry->conflicts)) {
            entry->standing = entry->newest;
            entry->accepted = true;
            return true;
        }
        if (old != NULL) {
            entry->accepted = claims_add(*claims, old, &entry->conflicts);
        }
    }
    return false;
}

/* The long way, which finds out who contradicts whom. */
static void judge_all(struct catalog *catalog)
{
    struct claims *claims = claims_standing(catalog, NULL);

    while (judge_changed(catalog, claims)) {
        /* ends, for each turn uses up a version */
    }
    for (size_t i = 0; i < catalog->length; i++) {
        struct catalog_document *entry = catalog->entries[i];
        entry->standing = entry->accepted ? entry->chosen : NULL;
    }
    while (promote_one(catalog, &claims)) {
        /* ends, for each turn brings a document to its newest version */
    }
    claims_free(claims);
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
            documentchange_add(&catalog->changes, document_of(old), document_of(new));
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

/* Tries in the ledger what differs of all documents.  False: something new contradicts. */
static bool exchange(struct catalog *catalog, version_fn *from, version_fn *to)
{
    const struct documentchange_list *changes = &catalog->changes;
    bool good = true;

    list_changes(catalog, from, to);
    for (size_t i = 0; i < changes->length; i++) {
        if (changes->items[i].before != NULL) {
            ledger_remove(catalog->ledger, changes->items[i].before);
        }
    }
    if (catalogtables_wait(catalog->tables) && !is_apart(catalog)) {
        catalogtables_spoil(catalog->tables);
    }
    ledger_expect(catalog->ledger, count_after(changes));
    for (size_t i = 0; i < changes->length; i++) {
        if (changes->items[i].after != NULL) {
            good &= ledger_add(catalog->ledger, changes->items[i].after);
        }
    }
    return good;
}

static void settle(struct catalog *catalog)
{
    if (ledger_settle(catalog->ledger)) {
        catalog->ledger_told.size = 0;
    }
}

static void step_back(struct catalog *catalog)
{
    documentchange_clear(&catalog->changes);
    catalogentry_set(catalog->early, &catalog->early->newest, catalog->early->served);
}

bool catalogjudge_run(struct catalog *catalog)
{
    bool same;

    begin(catalog, &same);
    if (same) {
        return false;
    }
    if (catalog->ledger == NULL) {
        catalog->key = make_key(catalog);
        catalog->ledger = ledger_new(&catalog->key, catalog->views);
    }
    if (exchange(catalog, served, chosen) && /* nearly always */
        (catalog->early == NULL || ledger_stays(catalog->ledger))) {
        settle(catalog);
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
    judge_all(catalog);
    (void)exchange(catalog, served, standing);
    settle(catalog);
    return true;
}
