#include "tablelayout.h"

bool table_is_foreign(const struct table *table, const struct dname_cut *cut)
{
    unsigned depth = cut->labels + 1u;

    return !nametree_depth_below(&table->names, &depth) && table->base == NULL && !cut->marked &&
           table->search_suffixes_length == 0;
}

/* The rule of the name, or of the star above it: NULL if that is not all that is to be said. */
static inline const struct table_rule *plain_rule(const struct nametree_node *node,
                                                  const uint8_t *below)
{
    const unsigned mask = NAMETREE_OWNED | NAMETREE_ZONED | NAMETREE_STAR | NAMETREE_STAR_RULE;
    const unsigned star = NAMETREE_OWNED | NAMETREE_STAR | NAMETREE_STAR_RULE;

    if (below == NULL) {
        return node->flags & NAMETREE_OWNED && node->flags & NAMETREE_RULE ? table_own_rule(node)
                                                                           : NULL;
    }
    return (node->flags & mask) == star && !dname_is_wildcard(below) ? table_star_rule(node) : NULL;
}

/* In one piece and in the processor's registers: so no struct table_look. */
IN_ONE_PIECE bool table_plain(const struct table *table, const uint8_t *qname,
                              const struct dname_cut *cut, const struct answer **answer)
{
    const struct nametree *names = &table->names;
    unsigned labels = cut->labels, depth = labels + 1;
    uint8_t room[NAMETREE_STEP + DNAME_MAX], *folded = room + NAMETREE_STEP;

    if (table->base != NULL || cut->marked || !nametree_depth_below(names, &depth)) {
        return false;
    }
    const uint8_t *at = &cut->at[labels - depth];
    uint8_t size = (uint8_t)(cut->size - *at);
    uint64_t key = nametree_key_alone(&names->seed, qname + *at, size, folded);
    uint32_t place = nametree_place(names, folded, size, key);
    if (place == NAMETREE_NONE) {
        return false;
    }
    const struct table_rule *rule =
        plain_rule(table_node(table, place), *at > 0 ? qname + at[-1] : NULL);
    if (rule == NULL || rule->verdict != VERDICT_ANSWER || rule->regional_fallback) {
        return false;
    }
    *answer = nametree_record(names, rule->answer);
    return true;
}
