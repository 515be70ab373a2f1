#include "pool.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "alloc.h"

#define ITEMS_FIRST 64

void pool_init(struct pool *pool, const struct hash_key *key)
{
    pool_init_in(pool, key, NULL, 0);
}

void pool_init_in(struct pool *pool, const struct hash_key *key, void *memory, size_t space)
{
    *pool = (struct pool){.key = *key, .bytes = memory, .space = space};
}

uint32_t pool_append(struct pool *pool, const void *bytes, size_t size, size_t align)
{
    size_t place = (pool->size + align - 1) & ~(align - 1);

    if (place + size > UINT32_MAX) {
        alloc_resize(NULL, SIZE_MAX, 1); /* no room is left that a place could name: ends here */
    }
    if (place + size > pool->space) {
        pool->space = 2 * (place + size);
        pool->bytes = alloc_resize(pool->bytes, pool->space, 1);
    }
    memset(pool->bytes + pool->size, 0, place - pool->size);
    memcpy(pool->bytes + place, bytes, size);
    pool->size = place + size;
    return (uint32_t)place;
}

/* Never 0, which marks a free item. */
static uint32_t hash_of(const struct pool *pool, const void *bytes, size_t size)
{
    return (uint32_t)(hash_bytes(&pool->key, bytes, size) >> 32) | 1u << 31;
}

/* The item that holds these bytes (or begins with them, which is as good), or the free one where
 * they belong. */
static struct pool_item *find(const struct pool *pool, uint32_t hash, const void *bytes,
                              size_t size)
{
    size_t mask = pool->items_space - 1;

    for (size_t at = hash & mask;; at = (at + 1) & mask) {
        struct pool_item *item = &pool->items[at];
        if (item->hash == 0 || (item->hash == hash && pool->size - item->place >= size &&
                                memcmp(pool->bytes + item->place, bytes, size) == 0)) {
            return item;
        }
    }
}

static void grow(struct pool *pool)
{
    struct pool_item *old = pool->items;
    size_t length = pool->items_space;

    pool->items_space = length == 0 ? ITEMS_FIRST : 2 * length;
    pool->items = alloc_array(pool->items_space, sizeof(*pool->items));
    for (size_t i = 0; i < length; i++) {
        if (old[i].hash == 0) {
            continue;
        }
        size_t at = old[i].hash & (pool->items_space - 1);
        while (pool->items[at].hash != 0) {
            at = (at + 1) & (pool->items_space - 1);
        }
        pool->items[at] = old[i];
    }
    free(old);
}

uint32_t pool_put(struct pool *pool, const void *bytes, size_t size, size_t align)
{
    uint32_t hash = hash_of(pool, bytes, size);

    assert(size > 0 && size <= UINT32_MAX);
    if (2 * pool->items_length >= pool->items_space) {
        grow(pool);
    }
    struct pool_item *item = find(pool, hash, bytes, size);
    if (item->hash == 0) {
        *item = (struct pool_item){pool_append(pool, bytes, size, align), hash};
        pool->items_length++;
    }
    return item->place;
}

uint32_t pool_put_text(struct pool *pool, const char *text)
{
    return pool_put(pool, text, strlen(text) + 1, 1);
}

uint8_t *pool_seal(struct pool *pool, size_t *size)
{
    uint8_t *bytes = alloc_resize(pool->bytes, pool->size, 1);

    *size = pool->size;
    pool->bytes = NULL;
    pool_clear(pool);
    return bytes;
}

void pool_clear(struct pool *pool)
{
    free(pool->bytes);
    free(pool->items);
    *pool = (struct pool){.key = pool->key};
}
