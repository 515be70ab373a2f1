#include "catalogentry.h"

#include <stdlib.h>
#include <string.h>

#include "alloc.h"

struct catalog_document *catalogentry_new(const char *name)
{
    struct catalog_document *entry = alloc_array(1, sizeof(*entry));

    entry->name = alloc_string(name);
    return entry;
}

void catalogentry_free(struct catalog_document *entry)
{
    catalogentry_set(entry, &entry->newest, NULL);
    catalogentry_set(entry, &entry->served, NULL);
    catalogentry_set(entry, &entry->foreseen, NULL);
    error_clear(&entry->conflicts);
    error_clear(&entry->complaints);
    free(entry->name);
    free(entry);
}

struct catalog_version *catalogentry_read(const char *name, void *bytes, size_t size,
                                          const struct digest *digest,
                                          const struct catalog_version *before,
                                          const struct halfwritten_source *accepted)
{
    struct catalog_version *version = alloc_array(1, sizeof(*version));

    version->digest = *digest;
    version->document = document_parse_known(name, digest, bytes, size, &version->errors);
    if (version->document != NULL && before != NULL &&
        (!document_tells(version->document, before->document, &version->errors) ||
         halfwritten_is(accepted, name, &before->digest, bytes, size, &version->errors))) {
        document_release(version->document);
        version->document = NULL;
    }
    if (version->document == NULL) {
        free(bytes);
        return version;
    }
    version->bytes = bytes;
    version->size = size;
    version->document->wants = wanted_any(version->document);
    document_rest(version->document);
    return version;
}

bool catalogentry_wants(const struct catalog_version *version)
{
    return version != NULL && version->document != NULL && version->document->wants;
}

void catalogentry_drop(struct catalog_version *version)
{
    document_release(version->document);
    error_clear(&version->errors);
    free(version->bytes);
    free(version);
}

void catalogentry_set(struct catalog_document *entry, struct catalog_version **place,
                      struct catalog_version *version)
{
    struct catalog_version *old = *place;

    if (old == version) {
        return;
    }
    *place = version;
    entry->told = false;
    if (old != NULL && old != entry->newest && old != entry->served && old != entry->foreseen) {
        catalogentry_drop(old);
    }
}

void catalogentry_tell(struct catalog_document *entry)
{
    const struct catalog_version *told = entry->newest != NULL ? entry->newest : entry->served;
    bool alone = entry->conflicts.length == 0;

    if (entry->told && alone) {
        return;
    }
    entry->told = alone;
    error_clear(&entry->complaints);
    if (told != NULL) {
        error_copy(&entry->complaints, &told->errors, true);
    }
    error_copy(&entry->complaints, &entry->conflicts, true);
}

static size_t bytes_of(const struct catalog_version *version)
{
    return version != NULL && version->bytes != NULL ? version->size : 0;
}

size_t catalogentry_bytes(const struct catalog_document *entry)
{
    return bytes_of(entry->served) + (entry->newest != entry->served ? bytes_of(entry->newest) : 0);
}

void catalogentry_kept(struct catalog_document *entry)
{
    if (entry->served != NULL) {
        free(entry->served->bytes);
        entry->served->bytes = NULL;
    }
}

struct catalog_version *catalogentry_known(const struct catalog_document *entry,
                                           const struct digest *digest)
{
    struct catalog_version *const known[] = {entry->served, entry->newest, entry->foreseen};

    for (size_t i = 0; i < ARRAY_LENGTH(known); i++) {
        if (known[i] != NULL && memcmp(&known[i]->digest, digest, sizeof(*digest)) == 0) {
            return known[i];
        }
    }
    return NULL;
}

static const struct catalog_version *known_sum(const struct catalog_document *entry,
                                               const struct digest_sum *sum)
{
    const struct catalog_version *const known[] = {entry->served, entry->newest, entry->foreseen};

    for (size_t i = 0; i < ARRAY_LENGTH(known); i++) {
        if (known[i] != NULL && known[i]->summed &&
            memcmp(&known[i]->sum, sum, sizeof(*sum)) == 0) {
            return known[i];
        }
    }
    return NULL;
}

bool catalogentry_identify(const struct catalog_document *entry, const struct hash_key *key,
                           const void *bytes, size_t size, struct catalog_identity *out)
{
    const struct catalog_version *known;

    digest_sum_of(&out->sum, key, bytes, size);
    known = entry != NULL ? known_sum(entry, &out->sum) : NULL;
    if (known != NULL) {
        out->digest = known->digest;
        return true;
    }
    digest_of(&out->digest, bytes, size);
    return entry != NULL && catalogentry_known(entry, &out->digest) != NULL;
}

struct catalog_version *catalogentry_take(const struct catalog_document *entry,
                                          struct catalog_reading *reading, struct shelf *shelf)
{
    struct catalog_version *new = reading->version, *version = new;

    if (new == NULL) {
        version = catalogentry_known(entry, &reading->identity.digest);
    } else if (new->document != NULL && shelf != NULL) {
        (void)document_shelve(new->document, shelf);
    }
    version->sum = reading->identity.sum;
    version->summed = true;
    free(reading);
    return new;
}
