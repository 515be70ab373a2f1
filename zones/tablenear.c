/* The near miss: what the asker of a name that is not owned may have meant.  Part of table. */
#include "table.h"

#include <string.h>

#include "tablelayout.h"
#include "zoneid.h"

/* Two names must agree in at least so many labels before one of them passes for a slip of the
 * other: "shop.example.com" is no slip of "mail.example.com". */
#define NEAR_LABELS_MIN 3
/* Nearer than any likeness of two labels: what was asked for stands above what is owned. */
#define NEAR_ABOVE UINT8_MAX

/* Names that differ in the last character of one label, as "use1-az1" and "use1-az2" or "db-1" and
 * "db-2", are looked up one by one: of names with so many labels, which is more than real ones
 * have. */
#define TWIN_LABELS_MAX 16
static const char twin_ends[] = "0123456789abcdefghijklmnopqrstuvwxyz";

/* Visits the nodes of the table and of its base until one is enough; false: it ended before, for
 * there are more than TABLE_NEAR_NAMES_MAX. */
typedef bool see_fn(void *arg, const struct table *part, uint32_t place);

static bool see_nodes(const struct table *table, see_fn *see, void *arg)
{
    const struct table *const parts[] = {table, table->base};
    unsigned left = TABLE_NEAR_NAMES_MAX;

    for (size_t i = 0; i < ARRAY_LENGTH(parts) && parts[i] != NULL; i++) {
        uint32_t cursor = 0, place;
        while ((place = nametree_next(&parts[i]->names, &cursor)) != NAMETREE_NONE) {
            if (left-- == 0) {
                return false;
            }
            if (see(arg, parts[i], place)) {
                return true;
            }
        }
    }
    return true;
}

/* ---- the rule that stands for an owned name ---- */

struct search {
    const struct table *table;
    struct dname root, found; /* found: size 0 as long as nothing is */
};

static bool see_rule(struct search *search, const struct table *part, const struct table_rule *rule)
{
    struct dname owner;

    table_owner(part, rule, &owner);
    if (part != search->table && table_masks(search->table, owner.wire)) {
        return false;
    }
    search->found = owner;
    return true;
}

static bool see_below(void *arg, const struct table *part, uint32_t place)
{
    struct search *search = arg;
    const struct nametree_node *node = table_node(part, place);
    uint8_t name[DNAME_MAX];

    if (!(node->flags & (NAMETREE_RULE | NAMETREE_STAR_RULE))) {
        return false;
    }
    nametree_name(&part->names, place, name);
    if (!dname_under(name, search->root.wire, NULL)) {
        return false;
    }
    /* What is a copy is found where it comes from. */
    return (node->flags & NAMETREE_RULE && table_own_rule(node)->role == NAMETREE_OWN &&
            see_rule(search, part, table_own_rule(node))) ||
           (node->flags & NAMETREE_STAR_RULE && see_rule(search, part, table_star_rule(node)));
}

/* The rule that best stands for a node of a part: its own, its star's, else any below it.  In a
 * large table the node's own name has to do for the last. */
static bool owner_for(const struct table *table, const struct table *part, uint32_t place,
                      struct dname *out)
{
    const struct nametree_node *node = table_node(part, place);
    struct search search = {.table = table};

    if (node->flags & NAMETREE_RULE) {
        table_owner(part, table_own_rule(node), out);
        return true;
    }
    if (node->flags & NAMETREE_STAR_RULE) {
        table_owner(part, table_star_rule(node), out);
        return true;
    }
    search.root.size = (uint8_t)nametree_name(&part->names, place, search.root.wire);
    bool all = see_nodes(table, see_below, &search);
    *out = all ? search.found : search.root;
    return out->size != 0;
}

/* ---- what is looked up ---- */

static bool is_owned(const struct table *table, const uint8_t *name, struct table_match *match)
{
    table_find(table, name, match);
    switch (match->outcome) {
    case TABLE_NOT_OWNED:
    case TABLE_DETACHED:
    case TABLE_FENCED:
    case TABLE_SEARCH:
        return false;
    default:
        return true;
    }
}

/* What stands for the owned name that was matched. */
static bool owner_of(const struct table *table, const uint8_t *name,
                     const struct table_match *match, struct dname *out)
{
    if (match->rule != NULL) {
        const struct table *part = table_part(table, match->rule);
        return owner_for(table, part, table_rule_node(part, match->rule), out);
    }
    const uint8_t *root = name + match->root_offset;
    const struct table *part =
        table->base != NULL && !table_masks(table, root) ? table->base : table;
    return owner_for(table, part, nametree_find(&part->names, root), out);
}

/* An owned name with something behind it: the longest beginning that is owned. */
static bool near_prefix(const struct table *table, const struct dname *qname, struct dname *out)
{
    uint8_t name[DNAME_MAX];
    size_t ends[DNAME_LABELS_MAX], labels = 0;
    struct table_match match;

    for (size_t at = 0; qname->wire[at] != 0; at += 1u + qname->wire[at]) {
        ends[labels++] = at;
    }
    while (labels-- > 1) {
        memcpy(name, qname->wire, ends[labels]);
        name[ends[labels]] = 0;
        if (is_owned(table, name, &match)) {
            return owner_of(table, name, &match, out);
        }
    }
    return false;
}

/* Below a host that is attached alone; the deepest counts. */
static bool near_host(const struct table *table, const struct dname *qname, struct dname *out)
{
    struct table_match match;

    for (const uint8_t *name = qname->wire; *name != 0; name += 1u + *name) {
        if (is_owned(table, name, &match)) {
            return owner_of(table, name, &match, out);
        }
    }
    return false;
}

/* A name that differs in one label from what was asked for. */
static bool is_twin(const struct table *table, const struct dname *twin, struct dname *out)
{
    struct table_match match;

    return is_owned(table, twin->wire, &match) &&
           dname_labels(twin->wire + match.root_offset) > NEAR_LABELS_MIN &&
           owner_of(table, twin->wire, &match, out);
}

/* In another cloud, if the label that begins at 'at' is one's. */
static bool near_cloud(const struct table *table, const struct dname *qname, size_t at,
                       struct dname *out)
{
    const uint8_t *label = qname->wire + at;
    struct dname tail, twin;
    const char *own = NULL;

    for (enum cloud cloud = CLOUD_AWS; cloud <= CLOUD_GCP && own == NULL; cloud++) {
        const char *one = zoneid_cloud_label(cloud);
        own = strlen(one) == *label && memcmp(one, label + 1, *label) == 0 ? one : NULL;
    }
    if (own == NULL ||
        !dname_from_wire(&tail, label + 1 + *label, dname_size(label) - 1u - *label)) {
        return false;
    }
    for (enum cloud cloud = CLOUD_AWS; cloud <= CLOUD_GCP; cloud++) {
        const char *other = zoneid_cloud_label(cloud);
        if (other == own || !dname_prepend(&twin, (const uint8_t *)other, strlen(other), &tail) ||
            at + twin.size > DNAME_MAX) {
            continue;
        }
        memmove(twin.wire + at, twin.wire, twin.size);
        memcpy(twin.wire, qname->wire, at);
        twin.size = (uint8_t)(at + twin.size);
        if (is_twin(table, &twin, out)) {
            return true;
        }
    }
    return false;
}

/* One label off by its last character, or in another cloud. */
static bool near_twin(const struct table *table, const struct dname *qname, struct dname *out)
{
    if (dname_labels(qname->wire) > TWIN_LABELS_MAX) {
        return false;
    }
    for (size_t at = 0; qname->wire[at] != 0; at += 1u + qname->wire[at]) {
        struct dname twin = *qname;
        uint8_t *last = &twin.wire[at + twin.wire[at]];
        for (const char *end = twin_ends; *end != '\0'; end++) {
            *last = (uint8_t)*end;
            if (is_twin(table, &twin, out)) {
                return true;
            }
        }
    }
    for (size_t at = 0; qname->wire[at] != 0; at += 1u + qname->wire[at]) {
        if (near_cloud(table, qname, at, out)) {
            return true;
        }
    }
    return false;
}

/* ---- what is compared ---- */

/* Octets that two labels have in common at both ends. */
static unsigned likeness(const uint8_t *a, const uint8_t *b)
{
    unsigned least = *a < *b ? *a : *b, front = 0, back = 0;

    while (front < least && a[1 + front] == b[1 + front]) {
        front++;
    }
    while (back < least - front && a[*a - back] == b[*b - back]) {
        back++;
    }
    return front + back;
}

/* How near 'name' or a suffix of it is to 'owned': 0 = not; else the more the nearer. */
static unsigned nearness(const uint8_t *name, const uint8_t *owned)
{
    unsigned labels = dname_labels(name), owned_labels = dname_labels(owned);
    unsigned score = 0, different = 0;

    if (dname_under(owned, name, NULL)) {
        return labels >= NEAR_LABELS_MIN ? NEAR_ABOVE : 0;
    }
    if (labels < owned_labels || owned_labels <= NEAR_LABELS_MIN) {
        return 0;
    }
    for (; labels > owned_labels; labels--) {
        name += 1u + *name;
    }
    for (; *name != 0; name += 1u + *name, owned += 1u + *owned) {
        if (*name != *owned || memcmp(name, owned, 1u + *name) != 0) {
            different++;
            score = 1 + likeness(name, owned);
        }
    }
    return different == 1 ? score : 0;
}

struct nearest {
    const struct table *table;
    const uint8_t *name;
    const struct table *part; /* where it stands */
    uint32_t place;           /* NAMETREE_NONE: there is none */
    unsigned score;
};

static bool see_node(void *arg, const struct table *part, uint32_t place)
{
    struct nearest *nearest = arg;
    uint8_t owned[DNAME_MAX];

    if (!(table_node(part, place)->flags & (NAMETREE_ROOT | NAMETREE_POINT))) {
        return false;
    }
    nametree_name(&part->names, place, owned);
    unsigned score = nearness(nearest->name, owned);
    if (score > nearest->score && (part == nearest->table || !table_masks(nearest->table, owned))) {
        nearest->part = part;
        nearest->place = place;
        nearest->score = score;
    }
    return nearest->score == NEAR_ABOVE;
}

bool table_near(const struct table *table, const uint8_t *qname, struct dname *owner)
{
    struct dname name;
    struct nearest nearest = {.table = table, .name = name.wire, .place = NAMETREE_NONE};

    name.size = (uint8_t)dname_fold(name.wire, qname);
    if (near_prefix(table, &name, owner) || near_host(table, &name, owner)) {
        return true;
    }
    /* The most alike of some names only would mislead. */
    if (!see_nodes(table, see_node, &nearest) && nearest.score != NEAR_ABOVE) {
        return near_twin(table, &name, owner);
    }
    return nearest.place != NAMETREE_NONE && owner_for(table, nearest.part, nearest.place, owner);
}
