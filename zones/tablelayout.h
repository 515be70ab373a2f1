/* private to table and tablebuild: how a table lies in memory.
 *
 * A million attachments fit because indices have 32 bits and what repeats (texts, answers, zone
 * sets) is kept once. */
#ifndef PLDNS_TABLELAYOUT_H
#define PLDNS_TABLELAYOUT_H

#include "nametree.h"
#include "table.h"
#include "yamldoc.h"

#define TABLE_LINE_MASK ((1u << 27) - 1)

struct table_rule {
    uint32_t answer;     /* place in 'answers', if the outcome is TABLE_ANSWER */
    uint32_t background; /* place in 'backgrounds', counted in items */
    uint32_t connection; /* text */
    uint32_t node : 28, outcome : 4;
    uint32_t line : 27, regional_fallback : 1, star : 1, copy : 1; /* copy: counts for no name */
};
_Static_assert(YAMLDOC_SIZE_MAX < TABLE_LINE_MASK, "a line number fits 27 bits");
_Static_assert(NAMETREE_NODES_MAX <= 1u << 28, "a node number fits 28 bits");

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

struct table {
    struct nametree names;
    struct table_rule *rules;
    uint8_t *answers, *texts, *zones;
    struct table_background *backgrounds;
    struct table_check *checks; /* by node */
    struct dname *search_suffixes;
    size_t rules_length, owners, checks_length, search_suffixes_length;
    size_t connections, documents, bytes;
    uint64_t generation;
    struct digest digest;
};

#endif
