#include "documents.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "alloc.h"
#include "catalog.h"

struct text {
    char *name, *text;
    size_t size;
};

struct documents {
    struct text items[DOCUMENTS_MAX];
    size_t length;
    bool changed;
    const struct config *config;
    struct catalog *catalog;
    uint64_t generation;
};

struct documents *documents_new(void)
{
    return alloc_array(1, sizeof(struct documents));
}

static void clear(struct text *t)
{
    free(t->name);
    free(t->text);
}

void documents_free(struct documents *d)
{
    for (size_t i = 0; i < d->length; i++)
        clear(&d->items[i]);
    if (d->catalog != NULL)
        catalog_free(d->catalog);
    free(d);
}

bool documents_remove(struct documents *d, const char *name)
{
    for (size_t i = 0; i < d->length; i++) {
        if (strcmp(d->items[i].name, name) == 0) {
            clear(&d->items[i]);
            d->items[i] = d->items[--d->length];
            return d->changed = true;
        }
    }
    return false;
}

void documents_put(struct documents *d, const char *name, const char *text, size_t size)
{
    bool replaced = documents_remove(d, name);

    (void)replaced;
    assert(d->length < DOCUMENTS_MAX);
    d->items[d->length++] =
        (struct text){.name = alloc_string(name), .text = alloc_copy(text, size), .size = size};
    d->changed = true;
}

bool documents_changed(const struct documents *d)
{
    return d->changed;
}

void documents_open(struct documents *d, const struct config *config)
{
    d->config = config;
    d->catalog = catalog_new(config->attachments.detach_hold_ms);
    catalog_set_views(d->catalog, &config->attachments.views);
}

void documents_read(struct documents *d, uint64_t now, struct error_list *errors)
{
    struct catalog_change change;
    struct catalog_entry entry;

    catalog_begin(d->catalog);
    for (size_t i = 0; i < d->length; i++)
        (void)catalog_offer(d->catalog, d->items[i].name, d->items[i].text, d->items[i].size);
    catalog_finish(d->catalog, now, &change);
    for (size_t i = 0; i < catalog_length(d->catalog); i++) {
        catalog_entry(d->catalog, i, &entry);
        for (size_t n = 0; entry.refused && n < entry.complaints->length; n++) {
            const struct error *e = &entry.complaints->items[n];
            error_add(errors, e->file, e->line, e->column, "%s", e->text);
        }
    }
    d->changed = false;
}

struct tableset *documents_build(struct documents *d)
{
    struct table_options options = {
        .generation = ++d->generation,
        .zone = d->config->zone,
        .fences = d->config->fence.items,
        .fences_length = d->config->fence.length,
        .search_suffixes = d->config->search_suffixes.items,
        .search_suffixes_length = d->config->search_suffixes.length,
    };

    return catalog_build_set(d->catalog, &options);
}

uint64_t documents_next_expiry(const struct documents *d)
{
    return catalog_next_expiry(d->catalog);
}

bool documents_expire(struct documents *d, uint64_t now)
{
    return catalog_expire(d->catalog, now);
}
