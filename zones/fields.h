/* The fields of one map of a document, found in one pass, read strictly.
 *
 * Complaints carry the whole path ("attachedDomains[1].uniqueName: …").  It is put together when
 * there is something to complain about, never before: documents of a million attachments are mostly
 * right. */
#ifndef PLDNS_FIELDS_H
#define PLDNS_FIELDS_H

#include "arena.h"
#include "state.h"
#include "yamldoc.h"

#define FIELDS_MAX 20 /* known fields of one map */

struct fields {
    const struct yamldoc *doc;
    struct arena *arena; /* of what is read; its texts stay in 'doc' */
    struct error_list *errors;
    const struct fields *parent; /* NULL = the root of a document */
    unsigned parent_field;       /* this map is the parent's field, or an item of it */
    struct yamldoc_node *map;
    const char *const *known;            /* names, NULL-terminated */
    struct yamldoc_node *at[FIELDS_MAX]; /* values in the order of 'known'; NULL = absent or null */
};

/* Opens the root of a document.  False: it is no map; a complaint was added.  Unknown fields are
 * complained about here. */
MUST_USE bool fields_open(struct fields *, const struct yamldoc *, struct arena *,
                          struct error_list *, struct yamldoc_node *map, const char *const *known);

/* The same for a map inside 'parent': 'map' is its field or an item of that field's list. */
MUST_USE bool fields_enter(struct fields *, const struct fields *parent, unsigned field,
                           struct yamldoc_node *map, const char *const *known);

/* Complaints about a field, or about 'item' of its list (NULL = the field itself).  An absent field
 * is complained about at its map. */
void fields_error(const struct fields *, unsigned field, const struct yamldoc_node *item,
                  const char *format, ...) PRINTF_LIKE(4, 5);
void fields_warn(const struct fields *, unsigned field, const struct yamldoc_node *item,
                 const char *format, ...) PRINTF_LIKE(4, 5);

/* Readers.  An absent field leaves '*out' as it is, so put the default there first.  False: it is
 * wrong; a complaint was added. */
bool fields_text(const struct fields *, unsigned field, const char **out);
bool fields_item_text(const struct fields *, unsigned field, const struct yamldoc_node *item,
                      const char **out);
bool fields_integer(const struct fields *, unsigned field, int64_t least, int64_t most,
                    int64_t *out);
bool fields_duration(const struct fields *, unsigned field, uint64_t least_ms, uint64_t most_ms,
                     uint64_t *out_ms);
/* The word's place in 'words' (NULL-terminated); absent counts as wrong if 'required'. */
bool fields_word(const struct fields *, unsigned field, const char *const *words, bool required,
                 unsigned *out);
/* A state word and what it means; unknown words mean 'unknown', with a warning. */
bool fields_state(const struct fields *, unsigned field, enum state unknown, const char **word,
                  enum state *out);
/* The list's items: first one and number. */
bool fields_list(const struct fields *, unsigned field, struct yamldoc_node **first,
                 size_t *length);
/* A text that is not used: only its kind is checked. */
bool fields_unused_text(const struct fields *, unsigned field);

#endif
