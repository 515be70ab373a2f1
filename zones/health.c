#include "health.h"

#include <stdlib.h>
#include <string.h>

#include "alloc.h"

struct health {
    size_t length;
    struct health_entry entries[]; /* by key */
};

static int compare_numbers(uint32_t a, uint32_t b)
{
    return (a > b) - (a < b);
}

int health_compare(const struct health_key *a, const struct health_key *b)
{
    const uint32_t left[] = {a->check.port, a->check.interval_ms, a->check.timeout_ms,
                             a->check.rise, a->check.fall};
    const uint32_t right[] = {b->check.port, b->check.interval_ms, b->check.timeout_ms,
                              b->check.rise, b->check.fall};
    int order = compare_numbers(a->address.v6, b->address.v6);

    if (order == 0) {
        order = memcmp(a->address.bytes, b->address.bytes, a->address.v6 ? 16 : 4);
    }
    for (size_t i = 0; i < ARRAY_LENGTH(left) && order == 0; i++) {
        order = compare_numbers(left[i], right[i]);
    }
    return order;
}

static int compare_entries(const void *a, const void *b)
{
    const struct health_entry *x = a, *y = b;

    return health_compare(&x->key, &y->key);
}

static int compare_key(const void *key, const void *item)
{
    const struct health_entry *entry = item;

    return health_compare(key, &entry->key);
}

struct health *health_make(const struct health_entry *entries, size_t length)
{
    struct health *health = alloc_array(1, sizeof(*health) + length * sizeof(*entries));

    health->length = length;
    for (size_t i = 0; i < length; i++) {
        health->entries[i] = entries[i];
    }
    qsort(health->entries, length, sizeof(*entries), compare_entries);
    return health;
}

void health_free(struct health *health)
{
    free(health);
}

const struct health_entry *health_find(const struct health *health, const struct health_key *key)
{
    if (health == NULL || health->length == 0) {
        return NULL;
    }
    return bsearch(key, health->entries, health->length, sizeof(*health->entries), compare_key);
}

const struct health_entry *health_entries(const struct health *health, size_t *length)
{
    *length = health != NULL ? health->length : 0;
    return health != NULL ? health->entries : NULL;
}

unsigned health_least(const struct connection_health *check, unsigned total)
{
    unsigned least = (total * check->min_healthy_percent + 99) / 100;

    return least == 0 ? 1 : least;
}
