#include "tableimage.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "alloc.h"
#include "tablelayout.h"

/* The records of the tree have numbers of 32 bits, answers 64-bit ones at most. */
#define ALIGN 8

/* ---- there ---- */

static void tell_tree(const struct nametree *tree, struct packing *packing)
{
    packing_number(packing, tree->slots_length);
    packing_number(packing, tree->index_mask);
    packing_number(packing, tree->depths[0]);
    packing_number(packing, tree->depths[1]);
    packing_bytes(packing, &tree->seed, sizeof(tree->seed));
}

bool tableimage_write(const struct table *table, struct packing *packing, struct shelf *shelf)
{
    assert(table->base == NULL);
    tell_tree(&table->names, packing);
    packing_number(packing, table->owners);
    packing_number(packing, table->connections);
    packing_number(packing, table->documents);
    packing_number(packing, table->bytes);
    packing_bytes(packing, table->digest.bytes, sizeof(table->digest.bytes));
    return section_put(packing, shelf, table->names.memory, table->names.size, ALIGN) &&
           section_put(packing, shelf, table->texts, table->texts_size, ALIGN) &&
           section_put(packing, shelf, table->zones, table->zones_size, ALIGN) &&
           section_put(packing, shelf, table->backgrounds, table->backgrounds_size, ALIGN) &&
           section_put(packing, shelf, table->checks, table->checks_length * sizeof(*table->checks),
                       ALIGN) &&
           section_put(packing, shelf, table->notes, table->notes_length * sizeof(*table->notes),
                       ALIGN) &&
           section_put(packing, shelf, table->search_suffixes,
                       table->search_suffixes_length * sizeof(*table->search_suffixes), ALIGN);
}

/* ---- and back ---- */

static void take_bytes(struct unpacking *unpacking, void *out, size_t size)
{
    const uint8_t *bytes = unpacking_bytes(unpacking, size);

    if (bytes != NULL) {
        memcpy(out, bytes, size);
    }
}

/* A copy of a section. */
static void *take_copy(struct unpacking *unpacking, const struct shelf *shelf, size_t *size)
{
    uint64_t place;
    const void *bytes = section_take(unpacking, shelf, &place, size);

    return bytes != NULL ? alloc_copy(bytes, *size) : NULL;
}

static void *take_items(struct unpacking *unpacking, const struct shelf *shelf, size_t item,
                        size_t *length)
{
    size_t size = 0;
    void *items = take_copy(unpacking, shelf, &size);

    *length = size / item;
    unpacking->broken |= size % item != 0;
    return items;
}

static void take_tree(struct unpacking *unpacking, const struct shelf *shelf, struct nametree *tree)
{
    uint64_t place;
    const void *bytes = section_take(unpacking, shelf, &place, &tree->size);

    if (bytes == NULL || tree->size / sizeof(uint32_t) < tree->slots_length) {
        unpacking->broken = true;
        return;
    }
    tree->memory = memcpy(nametree_memory(tree->size), bytes, tree->size);
    nametree_settle(tree);
}

static void take_tree_told(struct unpacking *unpacking, struct nametree *tree)
{
    tree->slots_length = (uint32_t)unpacking_number(unpacking);
    tree->index_mask = (uint32_t)unpacking_number(unpacking);
    tree->depths[0] = unpacking_number(unpacking);
    tree->depths[1] = unpacking_number(unpacking);
    take_bytes(unpacking, &tree->seed, sizeof(tree->seed));
}

struct table *tableimage_read(struct unpacking *unpacking, const struct shelf *shelf,
                              uint64_t generation)
{
    struct table *table = alloc_array(1, sizeof(*table));

    take_tree_told(unpacking, &table->names);
    table->owners = unpacking_number(unpacking);
    table->connections = unpacking_number(unpacking);
    table->documents = unpacking_number(unpacking);
    table->bytes = unpacking_number(unpacking);
    take_bytes(unpacking, table->digest.bytes, sizeof(table->digest.bytes));
    take_tree(unpacking, shelf, &table->names);
    table->texts = take_copy(unpacking, shelf, &table->texts_size);
    table->zones = take_copy(unpacking, shelf, &table->zones_size);
    table->backgrounds = take_copy(unpacking, shelf, &table->backgrounds_size);
    table->checks = take_items(unpacking, shelf, sizeof(*table->checks), &table->checks_length);
    table->notes = take_items(unpacking, shelf, sizeof(*table->notes), &table->notes_length);
    table->search_suffixes = take_items(unpacking, shelf, sizeof(*table->search_suffixes),
                                        &table->search_suffixes_length);
    table->generation = generation;
    table->holders = 1;
    if (unpacking->broken) {
        table_free(table);
        return NULL;
    }
    return table;
}
