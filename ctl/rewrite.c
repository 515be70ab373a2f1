#include "rewrite.h"

#include <stdlib.h>
#include <string.h>

#include "alloc.h"
#include "edit.h"
#include "nodejson.h"

struct rewrite {
    char *file;
    struct edit *edit;
    json_t *roots;           /* what all documents of the file mean, one by one */
    struct yamldoc **values; /* of what is put in */
    size_t length;
};

static json_t *roots_of(const struct yamldoc *tree)
{
    json_t *roots = json_array();
    struct yamldoc_node *root;

    for (size_t i = 0; (root = yamldoc_root(tree, i)) != NULL; i++) {
        (void)json_array_append_new(roots, nodejson_read(root));
    }
    return roots;
}

struct rewrite *rewrite_open(const char *file, const char *bytes, size_t size,
                             struct error_list *errors)
{
    struct edit *edit = edit_open(file, bytes, size, errors);

    if (edit == NULL) {
        return NULL;
    }
    struct rewrite *rewrite = alloc_array(1, sizeof(*rewrite));
    *rewrite = (struct rewrite){
        .file = alloc_string(file), .edit = edit, .roots = roots_of(edit_tree(edit))};
    return rewrite;
}

void rewrite_free(struct rewrite *rewrite)
{
    if (rewrite == NULL) {
        return;
    }
    edit_free(rewrite->edit);
    json_decref(rewrite->roots);
    for (size_t i = 0; i < rewrite->length; i++) {
        yamldoc_free(rewrite->values[i]);
    }
    free(rewrite->values);
    free(rewrite->file);
    free(rewrite);
}

const struct yamldoc_node *rewrite_child(const struct yamldoc_node *map, const char *key)
{
    const struct yamldoc_node *child = map->kind == YAMLDOC_MAP ? map->child : NULL;

    while (child != NULL && strcmp(child->key, key) != 0) {
        child = child->next;
    }
    return child;
}

const struct yamldoc_node *rewrite_item(const struct yamldoc_node *list, size_t number)
{
    const struct yamldoc_node *item = list->child;

    while (item != NULL && number-- > 0) {
        item = item->next;
    }
    return item;
}

/* ---- the connections ---- */

/* To the root behind, or the first one. */
static bool next_root(const struct rewrite *rewrite, struct rewrite_place *at)
{
    const struct yamldoc *tree = edit_tree(rewrite->edit);
    size_t root = at->started ? at->root + 1 : 0;

    for (; yamldoc_root(tree, root) != NULL; root++) {
        const struct yamldoc_node *map = yamldoc_root(tree, root);
        json_t *value = json_array_get(rewrite->roots, root);

        *at = (struct rewrite_place){.started = true, .root = root};
        at->list = rewrite_child(map, "privateLinkConnections");
        if (at->list == NULL && map->kind == YAMLDOC_MAP) {
            at->node = map;
            at->value = value;
            return true;
        }
        if (at->list != NULL && at->list->kind == YAMLDOC_LIST && at->list->child != NULL) {
            at->map = map;
            at->node = at->list->child;
            at->values = json_object_get(value, "privateLinkConnections");
            at->value = json_array_get(at->values, 0);
            return true;
        }
    }
    return false;
}

bool rewrite_next(const struct rewrite *rewrite, struct rewrite_place *at)
{
    do {
        if (at->map != NULL && at->node->next != NULL) {
            at->node = at->node->next;
            at->value = json_array_get(at->values, ++at->item);
        } else if (!next_root(rewrite, at)) {
            return false;
        }
    } while (at->node->kind != YAMLDOC_MAP);
    return true;
}

bool rewrite_find(const struct rewrite *rewrite, const char *id, struct rewrite_place *out)
{
    *out = (struct rewrite_place){0};
    while (rewrite_next(rewrite, out)) {
        const char *found =
            json_string_value(json_object_get(out->value, "privateLinkConnectionId"));

        if (found != NULL && strcmp(found, id) == 0) {
            return true;
        }
    }
    return false;
}

/* ---- changes ---- */

static const struct yamldoc_node *put(struct rewrite *rewrite, const json_t *value)
{
    struct yamldoc *doc = nodejson_write(value);

    rewrite->values = alloc_resize(rewrite->values, rewrite->length + 1, sizeof(*rewrite->values));
    rewrite->values[rewrite->length++] = doc;
    return yamldoc_root(doc, 0);
}

void rewrite_append(struct rewrite *rewrite, const struct yamldoc_node *node, json_t *value,
                    const char *key, json_t *item)
{
    json_t *list = json_object_get(value, key);

    edit_append(rewrite->edit, node, key, put(rewrite, item));
    if (!json_is_array(list)) {
        list = json_array();
        (void)json_object_set_new(value, key, list);
    }
    (void)json_array_append(list, item);
}

void rewrite_merge(struct rewrite *rewrite, const struct yamldoc_node *node, json_t *value,
                   json_t *changes)
{
    const char *key;
    json_t *one;

    edit_merge(rewrite->edit, node, put(rewrite, changes));
    json_object_foreach(changes, key, one)
    {
        if (json_is_null(one)) {
            (void)json_object_del(value, key);
        } else {
            (void)json_object_set(value, key, one);
        }
    }
    json_decref(changes);
}

void rewrite_remove(struct rewrite *rewrite, const struct yamldoc_node *node, json_t *value,
                    const char *key, size_t item)
{
    const struct yamldoc_node *list = rewrite_child(node, key);

    edit_remove(rewrite->edit, node, list, rewrite_item(list, item));
    (void)json_array_remove(json_object_get(value, key), item);
}

void rewrite_remove_connection(struct rewrite *rewrite, const struct rewrite_place *place)
{
    json_t *root = json_array_get(rewrite->roots, place->root);

    if (place->map != NULL) {
        rewrite_remove(rewrite, place->map, root, "privateLinkConnections", place->item);
        return;
    }
    edit_remove_root(rewrite->edit, place->node);
    (void)json_array_set_new(rewrite->roots, place->root, json_null());
}

/* Empty documents between two '---' mean nothing; how many there are does not matter. */
static json_t *without_nulls(const json_t *roots)
{
    json_t *kept = json_array(), *one;
    size_t i;

    json_array_foreach(roots, i, one)
    {
        if (!json_is_null(one)) {
            (void)json_array_append(kept, one);
        }
    }
    return kept;
}

char *rewrite_finish(struct rewrite *rewrite, size_t *size)
{
    struct error_list errors = {0};
    char *text = edit_finish(rewrite->edit, size);
    struct yamldoc *tree = yamldoc_parse(rewrite->file, text, *size, &errors);
    json_t *found = tree != NULL ? roots_of(tree) : json_array();
    json_t *left = without_nulls(found), *right = without_nulls(rewrite->roots);

    if (tree == NULL || !json_equal(left, right)) {
        free(text);
        text = NULL;
    }
    json_decref(left);
    json_decref(right);
    json_decref(found);
    yamldoc_free(tree);
    error_clear(&errors);
    return text;
}
