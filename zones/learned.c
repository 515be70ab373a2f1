#include "learned.h"

#include <stdlib.h>
#include <string.h>

#include "alloc.h"
#include "dname.h"
#include "hash.h"

/* Moments are told in whole seconds and reckoned anew each time: one more is the same. */
#define SAME_SECONDS 1

/* ---- hashes ---- */

/* Who foresees them wins nothing: what is concerned without need is built without need. */
static const struct hash_key known_key = {0, 0};

static uint32_t hash_name(const uint8_t *name)
{
    return (uint32_t)hash_bytes(&known_key, name, dname_size(name));
}

static uint32_t hash_address(const struct connection_address *address)
{
    return (uint32_t)hash_bytes(&known_key, address->bytes, address->v6 ? 16 : 4);
}

static void add(struct learned *learned, uint32_t hash)
{
    if (learned->length == learned->space) {
        learned->space = 2 * learned->space + 16;
        learned->hashes = alloc_resize(learned->hashes, learned->space, sizeof(*learned->hashes));
    }
    learned->hashes[learned->length++] = hash;
}

static int compare_hashes(const void *a, const void *b)
{
    const uint32_t *x = a, *y = b;

    return (*x > *y) - (*x < *y);
}

/* In order again, and each but once. */
static void settle(struct learned *learned)
{
    size_t length = 0;

    if (learned->length > 0) {
        qsort(learned->hashes, learned->length, sizeof(*learned->hashes), compare_hashes);
    }
    for (size_t i = 0; i < learned->length; i++) {
        if (length == 0 || learned->hashes[length - 1] != learned->hashes[i]) {
            learned->hashes[length++] = learned->hashes[i];
        }
    }
    learned->length = length;
}

static bool has(const struct learned *learned, uint32_t hash)
{
    return learned->length > 0 && bsearch(&hash, learned->hashes, learned->length,
                                          sizeof(*learned->hashes), compare_hashes) != NULL;
}

void learned_clear(struct learned *learned)
{
    free(learned->hashes);
    *learned = (struct learned){0};
}

/* ---- from one moment to another ---- */

static bool is_same_moment(uint64_t a, uint64_t b)
{
    return (a == 0) == (b == 0) && (a > b ? a - b : b - a) <= SAME_SECONDS;
}

static bool is_same_address(const struct connection_address *a, const struct connection_address *b)
{
    return a->v6 == b->v6 && memcmp(a->bytes, b->bytes, a->v6 ? 16 : 4) == 0;
}

static bool is_same_entry(const struct targets_entry *a, const struct targets_entry *b)
{
    bool same = a->length == b->length && a->v4_told == b->v4_told &&
                strcmp(a->trouble, b->trouble) == 0 &&
                is_same_moment(a->trouble_since, b->trouble_since);

    for (unsigned i = 0; i < a->length && same; i++) {
        same = is_same_address(&a->addresses[i], &b->addresses[i]);
    }
    return same;
}

static void add_targets(struct learned *learned, const struct targets *before,
                        const struct targets *after)
{
    size_t old_length, new_length, o = 0, n = 0;
    const struct targets_entry *old = targets_entries(before, &old_length),
                               *new = targets_entries(after, &new_length);

    while (o < old_length || n < new_length) {
        int order = o == old_length   ? 1
                    : n == new_length ? -1
                                      : targets_compare(old[o].name, new[n].name);
        if (order != 0 || !is_same_entry(&old[o], &new[n])) {
            add(learned, hash_name(order <= 0 ? old[o].name : new[n].name));
        }
        o += order <= 0;
        n += order >= 0;
    }
}

static void add_health(struct learned *learned, const struct health *before,
                       const struct health *after)
{
    size_t old_length, new_length, o = 0, n = 0;
    const struct health_entry *old = health_entries(before, &old_length),
                              *new = health_entries(after, &new_length);

    while (o < old_length || n < new_length) {
        int order = o == old_length   ? 1
                    : n == new_length ? -1
                                      : health_compare(&old[o].key, &new[n].key);
        if (order != 0 || !is_same_moment(old[o].since, new[n].since)) {
            add(learned, hash_address(order <= 0 ? &old[o].key.address : &new[n].key.address));
        }
        o += order <= 0;
        n += order >= 0;
    }
}

/* Connections know the name, not the addresses behind it. */
static void add_names_of_addresses(struct learned *learned, const struct targets *book)
{
    struct learned names = {0};
    size_t length;
    const struct targets_entry *entries = targets_entries(book, &length);

    for (size_t i = 0; i < length; i++) {
        bool concerned = false;
        for (unsigned a = 0; a < entries[i].length && !concerned; a++) {
            concerned = has(learned, hash_address(&entries[i].addresses[a]));
        }
        if (concerned) {
            add(&names, hash_name(entries[i].name));
        }
    }
    learned_join(learned, &names);
    learned_clear(&names);
}

void learned_add(struct learned *learned, const struct learned_facts *before,
                 const struct learned_facts *after)
{
    size_t length = learned->length;

    add_health(learned, before->health, after->health);
    if (learned->length > length) {
        settle(learned);
        add_names_of_addresses(learned, after->targets);
    }
    add_targets(learned, before->targets, after->targets);
    settle(learned);
}

void learned_join(struct learned *learned, const struct learned *other)
{
    for (size_t i = 0; i < other->length; i++) {
        add(learned, other->hashes[i]);
    }
    if (other->length > 0) {
        settle(learned);
    }
}

/* ---- who is concerned ---- */

typedef void hash_fn(void *arg, uint32_t hash);

/* All that the connection's answers look to. */
static void each_hash(const struct connection *connection, hash_fn *each, void *arg)
{
    for (unsigned i = 0; i < connection->endpoints_length; i++) {
        const struct connection_endpoint *endpoint = &connection->endpoints[i];
        if (endpoint->target != NULL) {
            each(arg, hash_name(endpoint->target));
        }
        for (unsigned a = 0; a < endpoint->length && connection->health.on; a++) {
            each(arg, hash_address(&endpoint->addresses[a]));
        }
    }
}

struct search {
    const struct learned *learned;
    bool found;
};

static void find(void *arg, uint32_t hash)
{
    struct search *search = arg;

    search->found = search->found || has(search->learned, hash);
}

bool learned_concerns(const struct learned *learned, const struct connection *connection)
{
    struct search search = {.learned = learned};

    each_hash(connection, find, &search);
    return search.found;
}

static void note(void *arg, uint32_t hash)
{
    add(arg, hash);
}

static void note_all(struct document *document)
{
    struct document_walk walk;
    const struct connection *connection;
    struct learned all = {0};

    document_begin(&walk, document);
    while (document->wants && (connection = document_next(&walk)) != NULL) {
        each_hash(connection, note, &all);
    }
    document_end(&walk);
    settle(&all);
    document->looks_to = alloc_resize(all.hashes, all.length, sizeof(*all.hashes));
    document->looks_to_length = all.length;
}

bool learned_concerns_any(const struct learned *learned, struct document *document)
{
    bool found = false;

    if (!document->wants || learned->length == 0) {
        return false;
    }
    if (document->looks_to == NULL) {
        note_all(document);
    }
    for (size_t i = 0; i < document->looks_to_length && !found; i++) {
        found = has(learned, document->looks_to[i]);
    }
    return found;
}
