/* private to table and tablebuild: how a table lies in memory.
 *
 * A million attachments fit because indices have 32 bits and what repeats (texts, answers, zone
 * sets) is kept once. */
#ifndef PLDNS_TABLELAYOUT_H
#define PLDNS_TABLELAYOUT_H

#include "nametree.h"
#include "table.h"
#include "verdict.h"
#include "yamldoc.h"

#define TABLE_LINE_MASK ((1u << 26) - 1)

/* Stands in the records of the name tree, right behind its node. */
struct table_rule {
    uint32_t answer;     /* place in the records, if the verdict is VERDICT_ANSWER */
    uint32_t background; /* place in 'backgrounds', counted in items */
    uint32_t connection; /* text */
    uint32_t line : 26, regional_fallback : 1;
    uint32_t verdict : 2; /* enum verdict_kind */
    uint32_t role : 2;    /* enum nametree_role */
    uint32_t implied : 1; /* see domain.h */
};
_Static_assert(sizeof(struct table_rule) == 16, "it shares its last four octets");
/* What stands on a line takes more than one octet. */
_Static_assert(YAMLDOC_SIZE_MAX <= TABLE_LINE_MASK + 1, "a line number fits 26 bits");
_Static_assert(sizeof(struct table_rule) % NAMETREE_UNIT == 0, "rules stand behind each other");

/* What many rules have in common; all are texts. */
struct table_background {
    uint32_t cluster, zone, document, state, message;
};

/* The zones that may stand left of a root. */
struct table_check {
    uint32_t node;
    uint32_t zones; /* place in 'zones' */
};

/* At a check's place in 'zones': */
struct table_zones {
    uint32_t strict; /* 0: names of other zones get all addresses */
    uint32_t length;
    uint32_t texts[];
};

/* What is to be said of a rule besides its answer; few rules have one. */
struct table_note {
    uint32_t rule; /* its place */
    uint32_t text;
};

struct table {
    /* What is not masked in 'names' is looked up in there; NULL: all is in 'names'. */
    struct table *base;
    unsigned holders;
    struct nametree names;
    uint8_t *texts, *zones;
    struct table_background *backgrounds;
    size_t texts_size, zones_size, backgrounds_size; /* octets */
    struct table_check *checks;                      /* by node */
    struct table_note *notes;                        /* by rule */
    struct dname *search_suffixes;
    size_t checks_length, notes_length, search_suffixes_length;
    size_t owners, connections, documents, bytes;
    uint64_t generation;
    struct digest digest;
};

#define TABLE_NODE_UNITS ((uint32_t)(sizeof(struct nametree_node) / NAMETREE_UNIT))
#define TABLE_RULE_UNITS ((uint32_t)(sizeof(struct table_rule) / NAMETREE_UNIT))

static inline const struct nametree_node *table_node(const struct table *table, uint32_t place)
{
    return nametree_record(&table->names, place);
}

/* The table, or its base, that holds what 'record' points at. */
static inline const struct table *table_part(const struct table *table, const void *record)
{
    const uint8_t *at = record, *from = table->names.memory;

    return table->base == NULL || (at >= from && at < from + table->names.size) ? table
                                                                                : table->base;
}

/* Only for nodes whose flags say that there is such a rule. */
static inline const struct table_rule *table_own_rule(const struct nametree_node *node)
{
    return (const void *)(node + 1);
}

static inline const struct table_rule *table_star_rule(const struct nametree_node *node)
{
    return table_own_rule(node) + (node->flags & NAMETREE_RULE ? 1 : 0);
}

static inline uint32_t table_rule_place(const struct table *table, const struct table_rule *rule)
{
    return (uint32_t)((size_t)((const uint8_t *)rule - table->names.memory) / NAMETREE_UNIT);
}

/* The place of the node that it stands behind. */
static inline uint32_t table_rule_node(const struct table *table, const struct table_rule *rule)
{
    return table_rule_place(table, rule) - TABLE_NODE_UNITS -
           (rule->role == NAMETREE_STAR_SECOND ? TABLE_RULE_UNITS : 0);
}

/* True if its owner is not its node, but that node's child "*". */
static inline bool table_rule_is_star(const struct table_rule *rule)
{
    return rule->role == NAMETREE_STAR_ALONE || rule->role == NAMETREE_STAR_SECOND;
}

/* The owner of a rule that stands in this table itself, not in its base. */
void table_owner(const struct table *, const struct table_rule *, struct dname *out);

/* True if a patch's base is not asked for this name. */
bool table_masks(const struct table *, const uint8_t *name);

#endif
