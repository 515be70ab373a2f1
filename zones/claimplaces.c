#include "claimplaces.h"

#include <stdlib.h>

#include "alloc.h"
#include "dname.h"
#include "domain.h"

/* One owner name, root or host. */
struct item {
    uint64_t hash;
    uint32_t order; /* of those with one hash the last counts */
    uint32_t place; /* the line of an owner name, the number of a root's domain */
};

/* Of one connection, by their hashes; made when it is asked for. */
struct list {
    struct item *items; /* NULL: not made yet */
    uint32_t length, space;
};

struct claimplaces {
    struct hash_key key;
    struct document_reading reading;
    struct list *lists; /* one per connection */
};

struct claimplaces *claimplaces_new(const struct document *document, const struct hash_key *key)
{
    struct claimplaces *places = alloc_array(1, sizeof(*places));

    places->key = *key;
    document_open(&places->reading, document);
    places->lists = alloc_array(places->reading.length, sizeof(*places->lists));
    return places;
}

void claimplaces_free(struct claimplaces *places)
{
    if (places == NULL) {
        return;
    }
    for (size_t i = 0; i < places->reading.length; i++) {
        free(places->lists[i].items);
    }
    free(places->lists);
    document_close(&places->reading);
    free(places);
}

const struct connection *claimplaces_connection(const struct claimplaces *places, uint32_t number)
{
    return &places->reading.connections[number];
}

/* ---- the lists ---- */

#define FIRST_ITEMS 16

struct listing {
    const struct claimplaces *places;
    struct list *list;
};

static void add(const struct listing *listing, enum claim_kind kind, const struct dname *name,
                uint32_t place)
{
    struct list *list = listing->list;
    uint64_t hash = claim_hash(&listing->places->key, VIEW_NONE, kind, name->wire, name->size);

    if (list->length == list->space) {
        list->space = list->space == 0 ? FIRST_ITEMS : 2 * list->space;
        list->items = alloc_resize(list->items, list->space, sizeof(*list->items));
    }
    list->items[list->length] = (struct item){hash, list->length, place};
    list->length++;
}

static void add_rule(void *arg, const struct domain_rule *rule)
{
    if (!rule->implied) {
        add(arg, CLAIM_OWNER, &rule->owner, rule->line);
    }
}

static void add_root(void *arg, const struct domain_root *root)
{
    add(arg, root->subtree ? CLAIM_TREE : CLAIM_POINT, &root->name,
        (uint32_t)(root->domain - root->connection->domains));
}

static int compare(const void *a, const void *b)
{
    const struct item *left = a, *right = b;

    if (left->hash != right->hash) {
        return left->hash < right->hash ? -1 : 1;
    }
    return left->order < right->order ? -1 : 1;
}

static const struct list *list_of(struct claimplaces *places, uint32_t number)
{
    struct listing listing = {places, &places->lists[number]};
    struct list *list = listing.list;

    if (list->items == NULL) {
        const struct connection *connection = claimplaces_connection(places, number);
        domain_rules(connection, add_rule, &listing);
        domain_roots(connection, add_root, &listing);
        if (list->length > 0) {
            qsort(list->items, list->length, sizeof(*list->items), compare);
        }
    }
    return list;
}

/* The last with this hash, or NULL. */
static const struct item *find(const struct list *list, uint64_t hash)
{
    uint32_t first = 0, end = list->length; /* between them stands the first one above it */

    while (first < end) {
        uint32_t middle = first + (end - first) / 2;
        if (list->items[middle].hash <= hash) {
            first = middle + 1;
        } else {
            end = middle;
        }
    }
    return first > 0 && list->items[first - 1].hash == hash ? &list->items[first - 1] : NULL;
}

/* ---- lines ---- */

static unsigned line_of_target(const struct connection *connection, enum claim_kind kind,
                               const uint8_t *wire)
{
    for (unsigned i = connection->endpoints_length; i > 0; i--) {
        const struct connection_endpoint *endpoint = &connection->endpoints[i - 1];
        if (endpoint->target != NULL && dname_is_in(endpoint->target, wire, kind != CLAIM_TARGET)) {
            return endpoint->line;
        }
    }
    return connection->line;
}

unsigned claimplaces_line(struct claimplaces *places, uint32_t number, enum claim_kind kind,
                          const uint8_t *wire)
{
    const struct connection *connection = claimplaces_connection(places, number);

    if (kind == CLAIM_ID) {
        return connection->line;
    }
    if (kind == CLAIM_TARGET || kind == CLAIM_ABOVE_TARGET) {
        return line_of_target(connection, kind, wire);
    }
    uint64_t hash = claim_hash(&places->key, VIEW_NONE, kind, wire, dname_size(wire));
    const struct item *item = find(list_of(places, number), hash);
    if (item == NULL) {
        return connection->line;
    }
    if (kind == CLAIM_OWNER) {
        return item->place;
    }
    return claim_line(
        &(struct claim){.kind = kind, .bytes = wire, .domain = &connection->domains[item->place]});
}
