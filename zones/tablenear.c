/* The near miss: what the asker of a name that is not owned may have meant.  Part of table. */
#include "table.h"

#include <string.h>

#include "tablelayout.h"

/* Two names must agree in at least so many labels before one of them passes for a slip of the
 * other: "shop.example.com" is no slip of "mail.example.com". */
#define NEAR_LABELS_MIN 3
/* Kinds of nearness, above any likeness of two labels. */
#define NEAR_ABOVE UINT8_MAX
#define NEAR_BELOW (NEAR_ABOVE + 1u)

struct search {
    const struct table *table;
    struct dname root, found; /* found: size 0 as long as nothing is */
};

static void see_rule(void *arg, const struct table_rule *rule)
{
    struct search *search = arg;
    struct dname owner;

    if (search->found.size != 0) {
        return;
    }
    table_owner(table_part(search->table, rule), rule, &owner);
    if (dname_under(owner.wire, search->root.wire, NULL)) {
        search->found = owner;
    }
}

/* The rule that best stands for a node of a part: its own, its star's, else any below it. */
static bool owner_for(const struct table *table, const struct table *part, uint32_t place,
                      struct dname *out)
{
    const struct nametree_node *node = table_node(part, place);
    struct search search = {.table = table};

    search.root.size = (uint8_t)nametree_name(&part->names, place, search.root.wire);
    if (node->flags & NAMETREE_RULE) {
        see_rule(&search, table_own_rule(node));
    } else if (node->flags & NAMETREE_STAR_RULE) {
        see_rule(&search, table_star_rule(node));
    } else {
        table_each(table, see_rule, &search);
    }
    *out = search.found;
    return search.found.size != 0;
}

/* An owned name with something behind it: the longest beginning that is owned. */
static bool near_prefix(const struct table *table, const struct dname *qname, struct dname *out)
{
    uint8_t name[DNAME_MAX];
    size_t ends[DNAME_LABELS_MAX], labels = 0;

    for (size_t at = 0; qname->wire[at] != 0; at += 1u + qname->wire[at]) {
        ends[labels++] = at;
    }
    while (labels-- > 1) {
        struct table_match match;
        memcpy(name, qname->wire, ends[labels]);
        name[ends[labels]] = 0;
        table_find(table, name, &match);
        switch (match.outcome) {
        case TABLE_NOT_OWNED:
        case TABLE_DETACHED:
        case TABLE_FENCED:
        case TABLE_SEARCH:
            continue;
        default:
            break;
        }
        if (match.rule != NULL) {
            const struct table *part = table_part(table, match.rule);
            return owner_for(table, part, table_rule_node(part, match.rule), out);
        }
        const uint8_t *root = name + match.root_offset;
        const struct table *part =
            table->base != NULL && !table_masks(table, root) ? table->base : table;
        return owner_for(table, part, nametree_find(&part->names, root), out);
    }
    return false;
}

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

    if (dname_under(name, owned, NULL)) {
        return NEAR_BELOW + owned_labels; /* of a host that is attached alone; the deepest counts */
    }
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
    const struct table *part; /* where it stands */
    uint32_t place;           /* NAMETREE_NONE: there is none */
    unsigned score;
};

static void see_part(const struct table *table, const struct table *part, const uint8_t *name,
                     struct nearest *nearest)
{
    uint32_t cursor = 0, place;

    while ((place = nametree_next(&part->names, &cursor)) != NAMETREE_NONE) {
        uint8_t owned[DNAME_MAX];
        if (!(table_node(part, place)->flags & (NAMETREE_ROOT | NAMETREE_POINT))) {
            continue;
        }
        nametree_name(&part->names, place, owned);
        unsigned score = nearness(name, owned);
        if (score > nearest->score && (part == table || !table_masks(table, owned))) {
            *nearest = (struct nearest){part, place, score};
        }
    }
}

bool table_near(const struct table *table, const uint8_t *qname, struct dname *owner)
{
    struct nearest nearest = {.place = NAMETREE_NONE};
    struct dname name;

    name.size = (uint8_t)dname_fold(name.wire, qname);
    if (near_prefix(table, &name, owner)) {
        return true;
    }
    see_part(table, table, name.wire, &nearest);
    if (table->base != NULL) {
        see_part(table, table->base, name.wire, &nearest);
    }
    return nearest.place != NAMETREE_NONE && owner_for(table, nearest.part, nearest.place, owner);
}
