#include "catalogimage.h"

#include <stdlib.h>
#include <string.h>

#include "alloc.h"
#include "catalogjudge.h"
#include "catalogshelf.h"
#include "tableimage.h"

/* Raised whenever anything below it is written otherwise. */
#define FORMAT 10

/* At the beginning of the shelf. */
struct head {
    char magic[16];
    struct digest stamp;
    uint64_t place, size; /* of the directory, with which an image ends */
    struct digest directory;
};
_Static_assert(sizeof(struct head) <= SHELF_PAGE, "its page has room for it");

static const char magic[16] = "pldns image 1\n";

/* ---- writing ---- */

bool catalogimage_begin(struct shelf *shelf)
{
    static const uint8_t page[SHELF_PAGE];
    uint64_t place;

    return shelf_put(shelf, page, sizeof(page), SHELF_PAGE, &place) != NULL;
}

static void tell_errors(struct packing *packing, const struct error_list *errors)
{
    packing_number(packing, errors->length);
    for (size_t i = 0; i < errors->length; i++) {
        const struct error *e = &errors->items[i];
        packing_number(packing, e->warning);
        packing_text(packing, e->file);
        packing_number(packing, e->line);
        packing_number(packing, e->column);
        packing_text(packing, e->text);
    }
}

static void tell_sum(struct packing *packing, const struct catalog_version *version)
{
    packing_number(packing, version->summed);
    if (version->summed) {
        packing_bytes(packing, version->sum.bytes, sizeof(version->sum.bytes));
    }
}

static bool tell_documents(struct catalog *catalog, struct packing *packing, struct shelf *shelf)
{
    size_t served = 0;

    for (size_t i = 0; i < catalog->length; i++) {
        const struct catalog_document *entry = catalog->entries[i];
        const struct catalog_version *versions[] = {entry->served, entry->newest};
        served += entry->served != NULL;
        for (size_t v = 0; v < ARRAY_LENGTH(versions); v++) {
            struct document *document = versions[v] != NULL ? versions[v]->document : NULL;
            if (document != NULL && !document_shelve(document, shelf)) {
                return false;
            }
        }
    }
    packing_number(packing, served);
    for (size_t i = 0; i < catalog->length; i++) {
        const struct catalog_version *version = catalog->entries[i]->served;
        if (version != NULL) {
            document_tell(version->document, packing);
            tell_sum(packing, version);
            packing_number(packing, catalogentry_wants(version));
            tell_errors(packing, &version->errors);
        }
    }
    return true;
}

static bool tell_ledger(struct catalog *catalog, struct packing *packing, struct shelf *shelf)
{
    const struct packing *told = &catalog->ledger_told;

    if (catalog->shelf != shelf || told->size == 0) {
        return ledger_shelve(catalog->ledger, packing, shelf);
    }
    packing_bytes(packing, told->bytes, told->size);
    return true;
}

static bool tell_tables(struct catalog *catalog, struct packing *packing, struct shelf *shelf,
                        struct table_options *options)
{
    size_t length;
    struct document **documents = catalog_served(catalog, &length);
    struct tableset *set = catalogtables_plain(catalog->tables, documents, length, options);
    bool good = true;

    packing_number(packing, set->length);
    for (size_t i = 0; good && i < set->length; i++) {
        good = tableimage_write(set->tables[i], packing, shelf);
    }
    tableset_free(set);
    free(documents);
    return good;
}

static bool write_head(const struct packing *directory, struct shelf *shelf,
                       const struct digest *stamp)
{
    struct head head = {.stamp = *stamp, .size = directory->size};

    memcpy(head.magic, magic, sizeof(magic));
    digest_of(&head.directory, directory->bytes, directory->size);
    return shelf_put(shelf, directory->bytes, directory->size, 1, &head.place) != NULL &&
           shelf_write_over(shelf, 0, &head, sizeof(head));
}

bool catalogimage_write(struct catalog *catalog, struct shelf *shelf, const struct digest *stamp,
                        struct table_options *options, const void *note, size_t size)
{
    struct packing packing = {0};

    packing_number(&packing, FORMAT);
    packing_bytes(&packing, &catalog->key, sizeof(catalog->key));
    packing_bytes(&packing, &catalog->sum_key, sizeof(catalog->sum_key));
    packing_bytes(&packing, &options->key, sizeof(options->key));
    packing_number(&packing, size);
    packing_bytes(&packing, note, size);
    bool good = tell_documents(catalog, &packing, shelf) && tell_ledger(catalog, &packing, shelf) &&
                tell_tables(catalog, &packing, shelf, options) &&
                write_head(&packing, shelf, stamp);
    free(packing.bytes);
    if (good) {
        catalogshelf_use(catalog, shelf);
        catalog->has_image = true;
        catalog->since_image = 0;
    }
    shelf_rest(shelf);
    return good;
}

bool catalogimage_is_due(const struct catalog *catalog)
{
    size_t all = 0;

    for (size_t i = 0; i < catalog->length && catalog->has_image; i++) {
        const struct catalog_version *version = catalog->entries[i]->served;
        all += version != NULL ? version->document->length : 0;
    }
    return catalog->ledger != NULL &&
           (!catalog->has_image || catalog->since_image > all / CATALOGTABLES_PATCH_PART);
}

/* ---- reading ---- */

uint64_t catalogimage_size(const void *page, const struct digest *stamp, const char **why)
{
    struct head head;

    *why = "it is no image";
    memcpy(&head, page, sizeof(head));
    if (memcmp(head.magic, magic, sizeof(magic)) != 0) {
        return 0;
    }
    *why = "another program or configuration wrote it";
    if (memcmp(&head.stamp, stamp, sizeof(*stamp)) != 0) {
        return 0;
    }
    *why = "it is damaged";
    return head.place <= UINT64_MAX - head.size ? head.place + head.size : 0;
}

static const uint8_t *find_directory(const struct shelf *shelf, const struct digest *stamp,
                                     struct head *head, const char **why)
{
    const void *page = shelf_at(shelf, 0, SHELF_PAGE);
    struct digest digest;

    *why = "it is no image";
    if (page == NULL || catalogimage_size(page, stamp, why) == 0) {
        return NULL;
    }
    memcpy(head, page, sizeof(*head));
    const uint8_t *bytes = shelf_at(shelf, head->place, head->size);
    if (bytes == NULL) {
        return NULL;
    }
    digest_of(&digest, bytes, head->size);
    return memcmp(&digest, &head->directory, sizeof(digest)) == 0 ? bytes : NULL;
}

static void take_key(struct unpacking *unpacking, struct hash_key *key)
{
    *key = (struct hash_key){0};
    const uint8_t *bytes = unpacking_bytes(unpacking, sizeof(*key));

    if (bytes != NULL) {
        memcpy(key, bytes, sizeof(*key));
    }
}

static void take_errors(struct unpacking *unpacking, struct error_list *errors)
{
    for (size_t left = unpacking_length(unpacking); left > 0 && !unpacking->broken; left--) {
        bool warning = unpacking_number(unpacking) != 0;
        const char *file = unpacking_text(unpacking);
        unsigned line = (unsigned)unpacking_number(unpacking);
        unsigned column = (unsigned)unpacking_number(unpacking);
        (warning ? error_warn : error_add)(errors, file, line, column, "%s",
                                           unpacking_text(unpacking));
    }
}

static void take_sum(struct unpacking *unpacking, struct catalog_version *version)
{
    const uint8_t *bytes =
        unpacking_number(unpacking) != 0 ? unpacking_bytes(unpacking, DIGEST_SUM_SIZE) : NULL;

    version->summed = bytes != NULL;
    if (bytes != NULL) {
        memcpy(version->sum.bytes, bytes, sizeof(version->sum.bytes));
    }
}

static void take_documents(struct unpacking *unpacking, struct shelf *shelf,
                           struct catalog *catalog)
{
    for (size_t left = unpacking_length(unpacking); left > 0 && !unpacking->broken; left--) {
        struct document *document = document_told(unpacking, shelf);
        if (document == NULL) {
            return;
        }
        struct catalog_version *version = alloc_array(1, sizeof(*version));
        version->document = document;
        version->digest = document->digest;
        take_sum(unpacking, version);
        document->wants = unpacking_number(unpacking) != 0;
        take_errors(unpacking, &version->errors);
        struct catalog_document *entry = catalog_find(catalog, document->name);
        catalogentry_set(entry, &entry->served, version);
    }
}

static void take_tables(struct unpacking *unpacking, const struct shelf *shelf,
                        struct catalog *catalog, uint64_t generation)
{
    size_t length = unpacking_number(unpacking), count = view_count(catalog->views), read = 0;
    size_t documents_length;
    struct document **documents = catalog_served(catalog, &documents_length);
    struct table **tables = alloc_array(count, sizeof(struct table *));

    while (read < count && length == count && !unpacking->broken) {
        tables[read] = tableimage_read(unpacking, shelf, generation);
        read += tables[read] != NULL;
    }
    if (read == count) {
        catalogtables_take(catalog->tables, tables, documents, documents_length);
    } else {
        unpacking->broken = true;
        while (read > 0) {
            table_free(tables[--read]);
        }
    }
    free(documents);
    free(tables);
}

bool catalogimage_read(struct catalog *catalog, struct shelf *shelf, const struct digest *stamp,
                       uint64_t generation, struct catalogimage_told *told, const char **why)
{
    struct head head;
    struct hash_key sum_key;
    const uint8_t *bytes = find_directory(shelf, stamp, &head, why);

    if (bytes == NULL) {
        return false;
    }
    struct unpacking unpacking = unpacking_of(bytes, head.size);
    unpacking.broken = unpacking_number(&unpacking) != FORMAT;
    take_key(&unpacking, &catalog->key);
    take_key(&unpacking, &sum_key);
    take_key(&unpacking, &told->key);
    told->note_size = unpacking_number(&unpacking);
    told->note = unpacking_bytes(&unpacking, told->note_size);
    take_documents(&unpacking, shelf, catalog);
    if (!unpacking.broken) {
        catalog->ledger = ledger_on_shelf(&catalog->key, catalog->views, &unpacking, shelf);
    }
    if (!unpacking.broken) {
        take_tables(&unpacking, shelf, catalog, generation);
    }
    if (!unpacking.broken) {
        catalog->sum_key = sum_key;
        catalogshelf_use(catalog, shelf);
        catalog->has_image = true;
        shelf_rest(shelf);
        return true;
    }
    catalog_forget(catalog);
    return false;
}
