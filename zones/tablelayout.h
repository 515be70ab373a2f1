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

#define TABLE_LINE_MASK ((1u << 27) - 1)

/* Stands in the records of the name tree behind its node. */
struct table_rule {
    uint32_t answer;     /* place in the records, if the verdict is VERDICT_ANSWER */
    uint32_t background; /* place in 'backgrounds', counted in items */
    uint32_t connection; /* text */
    uint32_t node : 30, verdict : 2;
    uint32_t line : 27, regional_fallback : 1, star : 1;
};
_Static_assert(YAMLDOC_SIZE_MAX < TABLE_LINE_MASK, "a line number fits 27 bits");
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
    uint32_t rule; /* table_note_key() */
    uint32_t text;
};

struct table {
    struct nametree names;
    uint8_t *texts, *zones;
    struct table_background *backgrounds;
    struct table_check *checks; /* by node */
    struct table_note *notes;   /* by rule */
    struct dname *search_suffixes;
    size_t checks_length, notes_length, search_suffixes_length;
    size_t owners, connections, documents, bytes;
    uint64_t generation;
    struct digest digest;
};

#define TABLE_RULE_UNITS ((uint32_t)(sizeof(struct table_rule) / NAMETREE_UNIT))

static inline const struct nametree_node *table_node(const struct table *table, uint32_t place)
{
    return nametree_record(&table->names, place);
}

static inline uint32_t table_note_key(const struct table_rule *rule)
{
    return (uint32_t)rule->node << 1 | rule->star;
}

static inline const struct table_rule *table_own_rule(const struct table *table,
                                                      const struct nametree_node *node)
{
    return nametree_record(&table->names, node->rule);
}

static inline const struct table_rule *table_star_rule(const struct table *table,
                                                       const struct nametree_node *node)
{
    uint32_t behind = node->flags & NAMETREE_RULE ? TABLE_RULE_UNITS : 0;

    return nametree_record(&table->names, node->rule + behind);
}

#endif
