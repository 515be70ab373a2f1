/* Changes to the text of a document that leave the rest as somebody wrote it: comments, order,
 * quotes, indentation, in block and flow style and in JSON.
 *
 * Changes are noted against the text as it was opened, then made all at once.  What is put in
 * follows the style of its surroundings, line ends too.  The caller compares the result with what
 * he wanted: a document of unusual form may defeat any splice, and must then be refused rather than
 * spoilt. */
#ifndef PLDNS_EDIT_H
#define PLDNS_EDIT_H

#include "yamldoc.h"

struct edit;

/* NULL: it does not parse; 'errors' says why.  'bytes' are lent until edit_free(). */
struct edit *edit_open(const char *file, const char *bytes, size_t size, struct error_list *errors);
void edit_free(struct edit *);

/* The document's tree, in which the nodes to be changed are found. */
const struct yamldoc *edit_tree(const struct edit *);

/* Adds an item at the end of the list under 'key', which may be absent, null or empty. */
void edit_append(struct edit *, const struct yamldoc_node *map, const char *key,
                 const struct yamldoc_node *item);

/* Gives the map the keys and values of 'changes': null removes a key.  Once for each map. */
void edit_merge(struct edit *, const struct yamldoc_node *map, const struct yamldoc_node *changes);

/* Takes an item out of a list, which is a value in 'map'. */
void edit_remove(struct edit *, const struct yamldoc_node *map, const struct yamldoc_node *list,
                 const struct yamldoc_node *item);

/* Takes a whole YAML document out; its '---' stays. */
void edit_remove_root(struct edit *, const struct yamldoc_node *root);

/* The new text, terminated, the caller's to free(). */
char *edit_finish(struct edit *, size_t *size);

#endif
