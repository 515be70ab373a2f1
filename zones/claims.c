#include "claims.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "alloc.h"
#include "dname.h"
#include "domain.h"

#define FIRST_ITEMS 64

enum kind {
    CLAIM_ID,
    CLAIM_OWNER,
    CLAIM_TREE,         /* a root and all below it */
    CLAIM_POINT,        /* a host alone */
    CLAIM_TARGET,       /* an endpoint's dnsName */
    CLAIM_ABOVE_TARGET, /* the same, and every name above it */
};

/* A claim is known by its hash and whose it is; the bytes stay in the document.  Two claims are
 * taken for the same if all 64 bits of a hash are, whose key no author of a document knows: by
 * chance that is not seen in a lifetime, and it would refuse a document, not answer wrongly. */
struct item {
    uint64_t hash;
    uint32_t document, connection;
};

/* What was there before a document was added. */
struct mark {
    const struct document *document;
    uint32_t items;
    uint64_t octets;
};

struct claims {
    struct hash_key key;
    const struct view_list *views;
    struct item *items; /* in the order in which they came */
    uint32_t *slots;    /* item + 1, or 0; at most half are taken */
    uint32_t items_length, items_space;
    struct mark *marks; /* one per document */
    size_t length, space;
    uint64_t octets;
};

struct claims *claims_new(const struct hash_key *key, const struct view_list *views)
{
    struct claims *claims = alloc_array(1, sizeof(*claims));

    claims->key = *key;
    claims->views = views;
    claims->items_space = FIRST_ITEMS;
    claims->items = alloc_array(FIRST_ITEMS, sizeof(*claims->items));
    claims->slots = alloc_array((size_t)2 * FIRST_ITEMS, sizeof(*claims->slots));
    return claims;
}

void claims_free(struct claims *claims)
{
    if (claims == NULL) {
        return;
    }
    free(claims->items);
    free(claims->slots);
    free(claims->marks);
    free(claims);
}

/* Claims of one view are none of another's business: the same name has another hash there. */
static uint64_t hash_claim(const struct claims *claims, unsigned view, enum kind kind,
                           const void *bytes, size_t size)
{
    const struct hash_key key = {claims->key.k0 ^ view, claims->key.k1 ^ (uint64_t)kind};

    return hash_bytes(&key, bytes, size);
}

static uint32_t *find_slot(const struct claims *claims, uint64_t hash)
{
    uint32_t mask = 2 * claims->items_space - 1, at = (uint32_t)hash & mask;

    while (claims->slots[at] != 0 && claims->items[claims->slots[at] - 1].hash != hash) {
        at = (at + 1) & mask;
    }
    return &claims->slots[at];
}

static void grow(struct claims *claims)
{
    claims->items_space *= 2; /* the limit on octets keeps this far below 2^31 */
    claims->items = alloc_resize(claims->items, claims->items_space, sizeof(*claims->items));
    free(claims->slots);
    claims->slots = alloc_array((size_t)2 * claims->items_space, sizeof(*claims->slots));
    for (uint32_t i = 0; i < claims->items_length; i++) {
        *find_slot(claims, claims->items[i].hash) = i + 1;
    }
}

/* ---- one document ---- */

struct adding {
    struct claims *claims;
    const struct document *document;
    const struct document *instead_of; /* whose claims do not count, or NULL */
    struct error_list *errors;
    uint32_t connection;
    unsigned view;
    size_t answer_size; /* at most, of one of the connection's rules */
    bool dry;           /* only asks */
    bool refused;
};

static const struct item *find(const struct claims *claims, uint64_t hash)
{
    uint32_t slot = *find_slot(claims, hash);

    return slot == 0 ? NULL : &claims->items[slot - 1];
}

/* True if the document was checked for this contradiction when it was read: one cluster's
 * connections are held against each other then. */
static bool was_checked(const struct adding *adding, const struct item *item)
{
    const struct connection *connections = adding->document->connections;

    return item->document == adding->claims->length &&
           strcmp(connections[item->connection].cluster_id,
                  connections[adding->connection].cluster_id) == 0;
}

/* The claim of another document, or of another cluster in this one, that this one contradicts; or
 * NULL. */
static const struct item *find_other(const struct adding *adding, uint64_t hash)
{
    const struct claims *claims = adding->claims;
    const struct item *item = find(claims, hash);

    if (item == NULL || was_checked(adding, item) ||
        (item->document < claims->length &&
         claims->marks[item->document].document == adding->instead_of)) {
        return NULL;
    }
    return item;
}

static void put(struct adding *adding, uint64_t hash)
{
    struct claims *claims = adding->claims;

    if (adding->dry) {
        return;
    }
    if (claims->items_length == claims->items_space) {
        grow(claims);
    }
    uint32_t *slot = find_slot(claims, hash);
    if (*slot == 0) { /* who came first keeps it: roots may be claimed by many */
        claims->items[claims->items_length] =
            (struct item){hash, (uint32_t)claims->length, adding->connection};
        *slot = ++claims->items_length;
    }
}

/* ---- where the other one stands ---- */

struct place {
    const char *document, *connection;
    unsigned line;
    const uint8_t *wire; /* looked for */
};

static void see_rule(void *arg, const struct domain_rule *rule)
{
    struct place *place = arg;

    if (dname_equal(rule->owner.wire, place->wire)) {
        place->line = rule->line;
    }
}

static void see_root(void *arg, const struct domain_root *root)
{
    struct place *place = arg;

    if (dname_equal(root->name.wire, place->wire)) {
        place->line = root->domain->line;
        /* A name written out has a line of its own. */
        for (unsigned i = 0; i < root->domain->length && root->domain->root == NULL; i++) {
            const struct connection_name *name = &root->domain->names[i];
            const uint8_t *base =
                dname_is_wildcard(name->wire) ? name->wire + 1 + name->wire[0] : name->wire;
            if (dname_equal(base, place->wire)) {
                place->line = name->line;
            }
        }
    }
}

static bool read_target(const struct connection_endpoint *endpoint, struct dname *out)
{
    return endpoint->target != NULL && dname_from_wire(out, endpoint->target, DNAME_MAX);
}

static void see_targets(struct place *place, const struct connection *connection)
{
    for (unsigned i = 0; i < connection->endpoints_length; i++) {
        struct dname target;
        if (read_target(&connection->endpoints[i], &target) &&
            dname_under(target.wire, place->wire, NULL)) {
            place->line = connection->endpoints[i].line;
        }
    }
}

static struct place place_of(const struct claims *claims, const struct item *item, enum kind kind,
                             const uint8_t *wire)
{
    const struct document *document = claims->marks[item->document].document;
    const struct connection *connection = &document->connections[item->connection];
    struct place place = {document->name, connection->id, connection->line, wire};

    switch (kind) {
    case CLAIM_ID:
        break;
    case CLAIM_OWNER:
        domain_rules(connection, see_rule, &place);
        break;
    case CLAIM_TREE:
    case CLAIM_POINT:
        domain_roots(connection, see_root, &place);
        break;
    case CLAIM_TARGET:
    case CLAIM_ABOVE_TARGET:
        see_targets(&place, connection);
        break;
    }
    return place;
}

/* ---- the claims of a document ---- */

/* Octets of a node with its slot, and of a rule without its answer, rounded up. */
#define NODE_OCTETS 32
#define RULE_OCTETS 64

static size_t count_addresses(const struct connection *connection)
{
    size_t length = 0;

    for (unsigned i = 0; i < connection->endpoints_length; i++) {
        length += connection->endpoints[i].length;
        if (connection->endpoints[i].target != NULL) {
            length += 2 * CONNECTION_ADDRESSES_MAX; /* that its name may have */
        }
    }
    return length < CONNECTION_RULE_MAX ? length : CONNECTION_RULE_MAX;
}

/* What a name may cost: itself, every node above it, and an answer of its own. */
static size_t cost(const struct adding *adding, const uint8_t *name)
{
    return dname_size(name) + NODE_OCTETS * (dname_labels(name) + 1) + RULE_OCTETS +
           adding->answer_size;
}

/* False: nothing more is put in, for the document will be taken back. */
static bool spend(struct adding *adding, size_t octets, unsigned line)
{
    adding->claims->octets += octets;
    if (adding->claims->octets > CLAIMS_OCTETS_MAX && !adding->refused) {
        error_add(adding->errors, adding->document->name, line, 0,
                  "the table is full: all its names together would take more than %" PRIu64
                  " octets",
                  CLAIMS_OCTETS_MAX);
        adding->refused = true;
    }
    return !adding->refused;
}

/* " in view a", for complaints. */
static const char *in_view(const struct adding *adding, char text[VIEW_NAME_MAX + 16])
{
    snprintf(text, VIEW_NAME_MAX + 16, "%s%s", adding->view == VIEW_NONE ? "" : " in view ",
             view_name(adding->claims->views, adding->view));
    return text;
}

static void add_id(struct adding *adding, const struct connection *connection)
{
    uint64_t hash =
        hash_claim(adding->claims, VIEW_NONE, CLAIM_ID, connection->id, strlen(connection->id));
    const struct item *other = find_other(adding, hash);

    if (other != NULL) {
        struct place place = place_of(adding->claims, other, CLAIM_ID, NULL);
        error_add(adding->errors, adding->document->name, connection->line, 0,
                  "privateLinkConnectionId '%s' is used already at %s:%u", connection->id,
                  place.document, place.line);
        adding->refused = true;
    }
    if (spend(adding, NODE_OCTETS, connection->line)) {
        put(adding, hash);
    }
}

static void add_rule(void *arg, const struct domain_rule *rule)
{
    struct adding *adding = arg;
    struct claims *claims = adding->claims;
    uint64_t hash =
        hash_claim(claims, adding->view, CLAIM_OWNER, rule->owner.wire, rule->owner.size);
    const struct item *other = find_other(adding, hash);
    char text[DNAME_TEXT_MAX], view[VIEW_NAME_MAX + 16];

    if (other != NULL) {
        struct place place = place_of(claims, other, CLAIM_OWNER, rule->owner.wire);
        error_add(adding->errors, adding->document->name, rule->line, 0,
                  "'%s' is attached already by %s at %s:%u%s",
                  dname_to_text(rule->owner.wire, text), place.connection, place.document,
                  place.line, in_view(adding, view));
        adding->refused = true;
    }
    if (spend(adding, cost(adding, rule->owner.wire), rule->line)) {
        put(adding, hash);
    }
}

static void add_root(void *arg, const struct domain_root *root)
{
    struct adding *adding = arg;
    const struct claims *claims = adding->claims;
    const uint8_t *wire = root->name.wire;
    enum kind below = root->subtree ? CLAIM_ABOVE_TARGET : CLAIM_TARGET;
    const struct item *other =
        find_other(adding, hash_claim(claims, adding->view, below, wire, root->name.size));
    char text[DNAME_TEXT_MAX];

    if (other != NULL) {
        struct place mine = {.line = root->domain->line, .wire = wire};
        struct place place = place_of(claims, other, below, wire);
        see_root(&mine, root);
        error_add(adding->errors, adding->document->name, mine.line, 0,
                  "'%s' would own the dnsName of %s at %s:%u, which is to be found elsewhere",
                  dname_to_text(wire, text), place.connection, place.document, place.line);
        adding->refused = true;
    }
    if (!adding->refused) {
        put(adding, hash_claim(claims, adding->view, root->subtree ? CLAIM_TREE : CLAIM_POINT, wire,
                               root->name.size));
    }
}

/* The root of another document that owns this name, or NULL. */
static const struct item *find_owner(const struct adding *adding, const struct dname *name,
                                     enum kind *kind, const uint8_t **root)
{
    const struct claims *claims = adding->claims;

    for (const uint8_t *at = name->wire; *at != 0; at += 1u + *at) {
        const struct item *item =
            find_other(adding, hash_claim(claims, adding->view, CLAIM_TREE, at,
                                          name->size - (size_t)(at - name->wire)));
        if (item != NULL) {
            *kind = CLAIM_TREE;
            *root = at;
            return item;
        }
    }
    *kind = CLAIM_POINT;
    *root = name->wire;
    return find_other(adding,
                      hash_claim(claims, adding->view, CLAIM_POINT, name->wire, name->size));
}

static void add_target(struct adding *adding, const struct connection_endpoint *endpoint)
{
    const struct claims *claims = adding->claims;
    struct dname name;
    enum kind kind;
    const uint8_t *root;

    if (!read_target(endpoint, &name)) {
        return;
    }
    const struct item *other = find_owner(adding, &name, &kind, &root);
    if (other != NULL) {
        char text[DNAME_TEXT_MAX];
        struct place place = place_of(claims, other, kind, root);
        error_add(adding->errors, adding->document->name, endpoint->line, 0,
                  "dnsName '%s' is owned by '%s', attached by %s at %s:%u", endpoint->dns_name,
                  dname_to_text(root, text), place.connection, place.document, place.line);
        adding->refused = true;
    }
    if (!spend(adding, cost(adding, name.wire), endpoint->line)) {
        return;
    }
    put(adding, hash_claim(claims, adding->view, CLAIM_TARGET, name.wire, name.size));
    for (const uint8_t *at = name.wire; *at != 0; at += 1u + *at) {
        size_t size = name.size - (size_t)(at - name.wire);
        put(adding, hash_claim(claims, adding->view, CLAIM_ABOVE_TARGET, at, size));
    }
}

static void set_mark(struct claims *claims, const struct document *document)
{
    if (claims->length == claims->space) {
        claims->space = 2 * claims->space + 16;
        claims->marks = alloc_resize(claims->marks, claims->space, sizeof(*claims->marks));
    }
    claims->marks[claims->length] = (struct mark){document, claims->items_length, claims->octets};
}

/* Everything that one view sees. */
static void add_names(struct adding *adding, const struct connection *connection)
{
    domain_rules(connection, add_rule, adding);
    domain_roots(connection, add_root, adding);
    for (unsigned i = 0; i < connection->endpoints_length; i++) {
        add_target(adding, &connection->endpoints[i]);
    }
}

static void add_all(struct adding *adding)
{
    const struct document *document = adding->document;
    const uint16_t *view;

    for (size_t i = 0; i < document->length; i++) {
        const struct connection *connection = &document->connections[i];
        adding->connection = (uint32_t)i;
        adding->answer_size = count_addresses(connection) * sizeof(struct connection_address);
        add_id(adding, connection);
        size_t views = view_of_cluster(adding->claims->views, connection->cluster_id, &view);
        for (; views > 0; views--, view++) {
            adding->view = *view;
            add_names(adding, connection);
        }
    }
}

bool claims_add(struct claims *claims, const struct document *document, struct error_list *errors)
{
    struct adding adding = {.claims = claims, .document = document, .errors = errors};

    set_mark(claims, document);
    add_all(&adding);
    claims->length++;
    if (adding.refused) {
        claims_take_back(claims, claims->length - 1);
    }
    return !adding.refused;
}

bool claims_would_fit(struct claims *claims, const struct document *document,
                      const struct document *instead_of, struct error_list *errors)
{
    struct adding adding = {.claims = claims,
                            .document = document,
                            .instead_of = instead_of,
                            .errors = errors,
                            .dry = true};
    uint64_t octets = claims->octets;

    add_all(&adding);
    claims->octets = octets;
    return !adding.refused;
}

size_t claims_length(const struct claims *claims)
{
    return claims->length;
}

/* Last in, first out: so nothing that stays was ever put behind what goes, and free slots cut no
 * search short. */
void claims_take_back(struct claims *claims, size_t length)
{
    assert(length <= claims->length);
    if (length == claims->length) {
        return;
    }
    const struct mark *mark = &claims->marks[length];
    while (claims->items_length > mark->items) {
        *find_slot(claims, claims->items[claims->items_length - 1].hash) = 0;
        claims->items_length--;
    }
    claims->octets = mark->octets;
    claims->length = length;
}

bool claims_has_root(const struct claims *claims, unsigned view, const uint8_t *wire, bool subtree)
{
    return find(claims, hash_claim(claims, view, subtree ? CLAIM_TREE : CLAIM_POINT, wire,
                                   dname_size(wire))) != NULL;
}
