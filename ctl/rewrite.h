/* Changes to one document: to its text where it stands, and to what it means.  The two are compared
 * at the end, so that a text of unusual form is refused rather than spoilt. */
#ifndef PLDNS_REWRITE_H
#define PLDNS_REWRITE_H

#include "yamldoc.h"
#include <jansson.h>

struct rewrite;

/* NULL: it does not parse; 'errors' says why.  'bytes' are lent until rewrite_free(). */
struct rewrite *rewrite_open(const char *file, const char *bytes, size_t size,
                             struct error_list *errors);
void rewrite_free(struct rewrite *);

struct rewrite_place { /* a connection in the document */
    const struct yamldoc_node *node;
    const struct yamldoc_node *map, *list; /* that hold it; NULL: it is a root itself */
    json_t *value;                         /* what it means; lent */
    json_t *values;                        /* the list's; NULL: it is a root itself */
    size_t root, item;
    bool started;
};

/* The next connection, from a place that is all zero: the first one.  False: there are no more. */
bool rewrite_next(const struct rewrite *, struct rewrite_place *at);
/* The connection with that id. */
bool rewrite_find(const struct rewrite *, const char *id, struct rewrite_place *out);

/* A map below a connection: 'node' and 'value' are the same one. */
void rewrite_append(struct rewrite *, const struct yamldoc_node *, json_t *value, const char *key,
                    json_t *item);
/* null removes a key.  Takes over 'changes'. */
void rewrite_merge(struct rewrite *, const struct yamldoc_node *, json_t *value, json_t *changes);
void rewrite_remove(struct rewrite *, const struct yamldoc_node *, json_t *value, const char *key,
                    size_t item);
void rewrite_remove_connection(struct rewrite *, const struct rewrite_place *);

/* The new text, the caller's to free(); NULL: its form defeats us. */
char *rewrite_finish(struct rewrite *, size_t *size);

/* The child of a map, and the item of a list, as they stand in the text. */
const struct yamldoc_node *rewrite_child(const struct yamldoc_node *map, const char *key);
const struct yamldoc_node *rewrite_item(const struct yamldoc_node *list, size_t number);

#endif
