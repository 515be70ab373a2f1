#include "catalogshelf.h"

#include "catalogjudge.h"

void catalogshelf_use(struct catalog *catalog, struct shelf *shelf)
{
    shelf_hold(shelf);
    shelf_drop(catalog->shelf);
    catalog->shelf = shelf;
}

struct shelf *catalogshelf_new(const struct catalog *catalog)
{
    return catalog->shelf != NULL && !catalog->has_image ? shelf_hold(catalog->shelf) : NULL;
}

void catalogshelf_rest(struct catalog *catalog)
{
    struct packing *told = &catalog->ledger_told;

    if (catalog->shelf == NULL) {
        return;
    }
    if (catalog->ledger != NULL && !ledger_is_shelved(catalog->ledger)) {
        told->size = 0;
        if (!ledger_shelve(catalog->ledger, told, catalog->shelf)) {
            told->size = 0; /* it stays in memory */
        }
    }
    if (catalog->ledger != NULL) {
        ledger_rest(catalog->ledger);
    }
    catalogtables_rest(catalog->tables);
    shelf_rest(catalog->shelf);
}

void catalogshelf_leave(struct catalog *catalog, const struct shelf *shelf)
{
    shelf = shelf != NULL ? shelf : catalog->shelf;
    for (size_t i = 0; shelf != NULL && i < catalog->length; i++) {
        const struct catalog_document *entry = catalog->entries[i];
        struct catalog_version *const versions[] = {entry->served, entry->newest, entry->foreseen};
        for (size_t v = 0; v < ARRAY_LENGTH(versions); v++) {
            if (versions[v] != NULL && versions[v]->document != NULL &&
                versions[v]->document->own.shelf == shelf) {
                document_unshelve(versions[v]->document);
            }
        }
    }
    if (catalog->ledger != NULL) {
        ledger_unshelve(catalog->ledger);
        catalog->ledger_told.size = 0;
    }
    if (catalog->shelf == shelf) {
        shelf_drop(catalog->shelf);
        catalog->shelf = NULL;
        catalog->has_image = false;
    }
}
