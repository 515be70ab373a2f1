#include "claims.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "alloc.h"
#include "claim.h"
#include "claimplaces.h"
#include "dname.h"

#define FIRST_ITEMS 64

/* A claim is known by its hash and whose it is; the bytes stay in the document.  A collision would
 * refuse a document, not answer wrongly. */
struct item {
    uint64_t hash;
    uint32_t document, connection;
    uint32_t next; /* of the same hash: item + 1, or 0 */
};

/* One document. */
struct mark {
    const struct document *document;
    bool left;
    uint64_t octets;            /* of all that it claims */
    struct claimplaces *places; /* somebody contradicted it: once for all who do */
};

struct claims {
    struct hash_key key;
    const struct view_list *views;
    struct item *items; /* in the order in which they came */
    uint32_t *slots;    /* item + 1, or 0; at most half are taken */
    uint32_t items_length, items_space;
    struct mark *marks; /* by the documents' numbers */
    size_t length, space;
    uint64_t octets;   /* whoever of those that were added stays: never more than this */
    size_t in_the_way; /* of who was refused last */
};

struct claims *claims_new(const struct hash_key *key, const struct view_list *views,
                          uint64_t octets)
{
    struct claims *claims = alloc_array(1, sizeof(*claims));

    claims->key = *key;
    claims->views = views;
    claims->octets = octets;
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
    for (size_t i = 0; i < claims->length; i++) {
        claimplaces_free(claims->marks[i].places);
    }
    free(claims->items);
    free(claims->slots);
    free(claims->marks);
    free(claims);
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
        uint32_t *slot = find_slot(claims, claims->items[i].hash);
        *slot = *slot == 0 ? i + 1 : *slot; /* who came first leads to the others */
    }
}

/* ---- one document ---- */

struct adding {
    struct claims *claims;
    const struct document *document;
    bool asks, puts;
    struct error_list *errors; /* asked: what contradicts it is told here … */
    claims_left_fn *left;      /* … or leaves, and is told to this, if there is one */
    void *arg;
    uint64_t octets, octets_max;
    const struct claim *claim; /* in hand */
    bool refused;
};

static struct claimplaces *places_of(struct claims *claims, const struct item *item)
{
    struct mark *mark = &claims->marks[item->document];

    if (mark->places == NULL) {
        mark->places = claimplaces_new(mark->document, &claims->key);
    }
    return mark->places;
}

static const struct connection *connection_of(struct claims *claims, const struct item *item)
{
    return claimplaces_connection(places_of(claims, item), item->connection);
}

/* True if the document was checked for this contradiction when it was read: one cluster's
 * connections are held against each other then. */
static bool was_checked(const struct adding *adding, const struct item *item)
{
    return item->document == adding->claims->length &&
           strcmp(connection_of(adding->claims, item)->cluster_id,
                  adding->claim->connection->cluster_id) == 0;
}

static uint64_t hash_of(const struct adding *adding, enum claim_kind kind, const uint8_t *bytes,
                        size_t size)
{
    return claim_hash(&adding->claims->key, adding->claim->view, kind, bytes, size);
}

/* The claim of another document, or of another cluster in this one, that this one contradicts; or
 * NULL. */
static const struct item *find_other(const struct adding *adding, uint64_t hash)
{
    const struct claims *claims = adding->claims;

    for (uint32_t at = *find_slot(claims, hash); at != 0; at = claims->items[at - 1].next) {
        const struct item *item = &claims->items[at - 1];
        if (!claims->marks[item->document].left && !was_checked(adding, item)) {
            return item;
        }
    }
    return NULL;
}

/* The same; if others are to leave, they have left then. */
static const struct item *meet_other(const struct adding *adding, uint64_t hash)
{
    const struct item *item = find_other(adding, hash);

    while (item != NULL && adding->left != NULL) {
        adding->claims->marks[item->document].left = true;
        adding->left(adding->arg, item->document);
        item = find_other(adding, hash);
    }
    return item;
}

/* Many may claim a root: who came first is found first, and each stands there once. */
static void put(struct adding *adding, uint64_t hash)
{
    struct claims *claims = adding->claims;
    uint32_t number = (uint32_t)claims->length;

    if (claims->items_length == claims->items_space) {
        grow(claims);
    }
    uint32_t *from = find_slot(claims, hash);
    if (*from != 0) {
        struct item *first = &claims->items[*from - 1];
        const struct item *second = first->next == 0 ? first : &claims->items[first->next - 1];
        if (first->document == number || second->document == number) {
            return;
        }
        from = &first->next;
    }
    claims->items[claims->items_length] = (struct item){hash, number, adding->claim->number, *from};
    *from = ++claims->items_length;
}

/* The last in, the first out. */
static void take_back(struct claims *claims, uint32_t length)
{
    while (claims->items_length > length) {
        const struct item *item = &claims->items[claims->items_length - 1];
        uint32_t *slot = find_slot(claims, item->hash);
        if (*slot == claims->items_length) {
            *slot = 0;
        } else {
            claims->items[*slot - 1].next = item->next;
        }
        claims->items_length--;
    }
}

/* ---- where the other one stands ---- */

struct place {
    const char *document, *connection;
    unsigned line;
};

static struct place place_of(struct claims *claims, const struct item *item, enum claim_kind kind,
                             const uint8_t *wire)
{
    return (struct place){claims->marks[item->document].document->name,
                          connection_of(claims, item)->id,
                          claimplaces_line(places_of(claims, item), item->connection, kind, wire)};
}

/* ---- the claims of a document ---- */

/* False: nothing more is put in, for the document will be taken back. */
static bool spend(struct adding *adding)
{
    adding->octets += claim_octets(adding->claim);
    if (adding->octets > adding->octets_max && !adding->refused) {
        error_add(adding->errors, adding->document->name, claim_line(adding->claim), 0,
                  "the table is full: all its names together would take more than %" PRIu64
                  " octets",
                  CLAIM_OCTETS_MAX);
        adding->refused = true;
    }
    return !adding->refused;
}

/* " in view a", for complaints. */
static const char *in_view(const struct adding *adding, char text[VIEW_NAME_MAX + 16])
{
    unsigned view = adding->claim->view;

    snprintf(text, VIEW_NAME_MAX + 16, "%s%s", view == VIEW_NONE ? "" : " in view ",
             view_name(adding->claims->views, view));
    return text;
}

/* True: a complaint is to say why.  One that would not be kept is only counted, for finding out
 * what it would say takes longer than all else. */
static bool refuse(struct adding *adding, const struct item *other)
{
    bool kept = !error_is_full(adding->errors);

    if (!adding->refused && other->document != adding->claims->length) {
        adding->claims->in_the_way = other->document;
    }
    adding->refused = true;
    if (!kept) {
        error_count(adding->errors);
    }
    return kept;
}

#define COMPLAIN(adding, ...)                                                                      \
    error_add((adding)->errors, (adding)->document->name, claim_line((adding)->claim), 0,          \
              __VA_ARGS__)

static void add_id(struct adding *adding, uint64_t hash)
{
    const struct item *other = meet_other(adding, hash);

    if (other != NULL && refuse(adding, other)) {
        struct place place = place_of(adding->claims, other, CLAIM_ID, NULL);
        COMPLAIN(adding, "privateLinkConnectionId '%s' is used already at %s:%u",
                 (const char *)adding->claim->bytes, place.document, place.line);
    }
}

static void add_owner(struct adding *adding, uint64_t hash)
{
    const uint8_t *wire = adding->claim->bytes;
    const struct item *other = meet_other(adding, hash);
    char text[DNAME_TEXT_MAX], view[VIEW_NAME_MAX + 16];

    if (other != NULL && refuse(adding, other)) {
        struct place place = place_of(adding->claims, other, CLAIM_OWNER, wire);
        COMPLAIN(adding, "'%s' is attached already by %s at %s:%u%s", dname_to_text(wire, text),
                 place.connection, place.document, place.line, in_view(adding, view));
    }
}

static void add_root(struct adding *adding, enum claim_kind below)
{
    const uint8_t *wire = adding->claim->bytes;
    const struct item *other =
        meet_other(adding, hash_of(adding, below, wire, adding->claim->size));
    char text[DNAME_TEXT_MAX];

    if (other != NULL && refuse(adding, other)) {
        struct place place = place_of(adding->claims, other, below, wire);
        COMPLAIN(adding,
                 "'%s' would own the dnsName of %s at %s:%u, which is to be found elsewhere",
                 dname_to_text(wire, text), place.connection, place.document, place.line);
    }
}

/* The root of another document that owns this name, or NULL. */
static const struct item *find_owner(const struct adding *adding, enum claim_kind *kind,
                                     const uint8_t **root)
{
    const uint8_t *name = adding->claim->bytes;
    size_t size = adding->claim->size;

    *kind = CLAIM_TREE;
    for (*root = name; **root != 0; *root += 1u + **root) {
        const struct item *item =
            meet_other(adding, hash_of(adding, CLAIM_TREE, *root, size - (size_t)(*root - name)));
        if (item != NULL) {
            return item;
        }
    }
    *kind = CLAIM_POINT;
    *root = name;
    return meet_other(adding, hash_of(adding, CLAIM_POINT, name, size));
}

static void add_target(struct adding *adding)
{
    enum claim_kind kind;
    const uint8_t *root;
    const struct item *other = find_owner(adding, &kind, &root);
    char text[DNAME_TEXT_MAX];

    if (other != NULL && refuse(adding, other)) {
        struct place place = place_of(adding->claims, other, kind, root);
        COMPLAIN(adding, "dnsName '%s' is owned by '%s', attached by %s at %s:%u",
                 adding->claim->text, dname_to_text(root, text), place.connection, place.document,
                 place.line);
    }
}

static void put_above_target(struct adding *adding)
{
    const uint8_t *name = adding->claim->bytes;

    for (const uint8_t *at = name; *at != 0; at += 1u + *at) {
        put(adding,
            hash_of(adding, CLAIM_ABOVE_TARGET, at, adding->claim->size - (size_t)(at - name)));
    }
}

static void ask(struct adding *adding, uint64_t hash)
{
    switch (adding->claim->kind) {
    case CLAIM_ID:
        add_id(adding, hash);
        break;
    case CLAIM_OWNER:
        add_owner(adding, hash);
        break;
    case CLAIM_TREE:
        add_root(adding, CLAIM_ABOVE_TARGET);
        break;
    case CLAIM_POINT:
        add_root(adding, CLAIM_TARGET);
        break;
    case CLAIM_TARGET:
    default:
        add_target(adding);
        break;
    }
}

static void add(void *arg, const struct claim *claim)
{
    struct adding *adding = arg;

    adding->claim = claim;
    if (claim->kind == CLAIM_IMPLIED) {
        (void)spend(adding);
        return;
    }
    uint64_t hash = hash_of(adding, claim->kind, claim->bytes, claim->size);
    if (adding->asks) {
        ask(adding, hash);
    }
    if (!spend(adding) || !adding->puts) {
        return;
    }
    put(adding, hash);
    if (claim->kind == CLAIM_TARGET) {
        put_above_target(adding);
    }
}

/* The document gets the next number, which counts once it is in as a whole. */
static struct mark *add_each(struct adding *adding)
{
    struct claims *claims = adding->claims;

    if (claims->length == claims->space) {
        claims->space = 2 * claims->space + 16;
        claims->marks = alloc_resize(claims->marks, claims->space, sizeof(*claims->marks));
    }
    struct mark *mark = &claims->marks[claims->length];
    *mark = (struct mark){.document = adding->document};
    claim_each(adding->document, claims->views, add, adding);
    mark->octets = adding->octets;
    return mark;
}

size_t claims_hold(struct claims *claims, const struct document *document)
{
    struct adding adding = {
        .claims = claims, .document = document, .puts = true, .octets_max = UINT64_MAX};

    (void)add_each(&adding);
    return claims->length++;
}

bool claims_add(struct claims *claims, const struct document *document, size_t instead_of,
                struct error_list *errors)
{
    uint64_t own = instead_of == CLAIMS_NONE ? 0 : claims->marks[instead_of].octets;
    struct adding adding = {.claims = claims,
                            .document = document,
                            .asks = true,
                            .puts = true,
                            .errors = errors,
                            .octets_max = own + CLAIM_OCTETS_MAX - claims->octets};
    uint32_t items = claims->items_length;

    claims->in_the_way = CLAIMS_NONE;
    const struct mark *mark = add_each(&adding);

    if (adding.refused) {
        take_back(claims, items);
        claimplaces_free(mark->places);
        return false;
    }
    claims->octets += mark->octets > own ? mark->octets - own : 0;
    claims->length++;
    return true;
}

size_t claims_in_the_way(const struct claims *claims)
{
    return claims->in_the_way;
}

size_t claims_length(const struct claims *claims)
{
    return claims->length;
}

void claims_leave(struct claims *claims, size_t number)
{
    claims->marks[number].left = true;
}

bool claims_has_left(const struct claims *claims, size_t number)
{
    return claims->marks[number].left;
}

void claims_return(struct claims *claims, size_t number, claims_left_fn *left, void *arg)
{
    struct adding adding = {.claims = claims,
                            .document = claims->marks[number].document,
                            .asks = true,
                            .left = left,
                            .arg = arg,
                            .octets_max = UINT64_MAX};

    claim_each(adding.document, claims->views, add, &adding);
    claims->marks[number].left = false;
}
