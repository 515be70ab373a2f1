#include "targets.h"

#include <stdlib.h>
#include <string.h>

#include "alloc.h"
#include "arena.h"
#include "dname.h"

struct targets {
    struct arena arena;
    struct targets_entry *entries; /* by name */
    size_t length;
};

int targets_compare(const uint8_t *a, const uint8_t *b)
{
    size_t x = dname_size(a), y = dname_size(b);

    return x != y ? (x > y) - (x < y) : memcmp(a, b, x);
}

static int compare_entries(const void *a, const void *b)
{
    const struct targets_entry *x = a, *y = b;

    return targets_compare(x->name, y->name);
}

static int compare_key(const void *key, const void *item)
{
    const struct targets_entry *entry = item;

    return targets_compare(key, entry->name);
}

static bool is_in_order(const struct targets *book)
{
    size_t i = 1;

    while (i < book->length && compare_entries(&book->entries[i - 1], &book->entries[i]) < 0) {
        i++;
    }
    return i >= book->length;
}

struct targets *targets_make(const struct targets_entry *entries, size_t length)
{
    struct targets *book = alloc_array(1, sizeof(*book));

    book->length = length;
    book->entries = arena_array(&book->arena, length, sizeof(*entries));
    for (size_t i = 0; i < length; i++) {
        struct targets_entry *entry = &book->entries[i];
        *entry = entries[i];
        entry->name = arena_copy(&book->arena, entries[i].name, dname_size(entries[i].name));
        struct connection_address *all =
            arena_array(&book->arena, entry->length, sizeof(*entry->addresses));
        for (unsigned a = 0; a < entry->length; a++) {
            all[a] = entries[i].addresses[a];
        }
        entry->addresses = all;
    }
    if (!is_in_order(book)) {
        qsort(book->entries, length, sizeof(*book->entries), compare_entries);
    }
    return book;
}

void targets_free(struct targets *book)
{
    if (book == NULL) {
        return;
    }
    arena_clear(&book->arena);
    free(book);
}

const struct targets_entry *targets_find(const struct targets *book, const uint8_t *name)
{
    if (book == NULL) {
        return NULL;
    }
    return bsearch(name, book->entries, book->length, sizeof(*book->entries), compare_key);
}

const struct targets_entry *targets_entries(const struct targets *book, size_t *length)
{
    *length = book != NULL ? book->length : 0;
    return book != NULL ? book->entries : NULL;
}
