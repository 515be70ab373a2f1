#include "viewread.h"

#include <stdio.h>

/* Each level of a path adds less than another STEP. */
#define PATH_ROOM 128
#define STEP      32

struct reading {
    const struct yamldoc *doc;
    struct view_list *out;
    struct error_list *errors;
};

static void complain(const struct reading *r, const struct yamldoc_node *node, const char *path,
                     const char *text)
{
    error_add(r->errors, yamldoc_file(r->doc), node->line, node->column, "%s: %s", path, text);
}

typedef bool add_fn(struct view_list *, unsigned view, const char *text, char *why);

/* False: it is no list. */
static bool read_texts(const struct reading *r, const struct yamldoc_node *list, const char *path,
                       unsigned view, add_fn *add)
{
    char inside[PATH_ROOM + 3 * STEP], why[VIEW_WHY];
    size_t i = 0;

    if (list->kind != YAMLDOC_LIST) {
        complain(r, list, path, "wants a list, as in [a, b]");
        return false;
    }
    for (const struct yamldoc_node *item = list->child; item != NULL; item = item->next) {
        const char *text;
        snprintf(inside, sizeof inside, "%s[%zu]", path, i++);
        if (yamldoc_string(r->doc, item, inside, &text, r->errors) && !add(r->out, view, text, why))
            complain(r, item, inside, why);
    }
    return true;
}

static unsigned read_name(const struct reading *r, const struct yamldoc_node *node,
                          const char *path)
{
    char inside[PATH_ROOM + 2 * STEP], why[VIEW_WHY];
    const char *name;
    size_t before = r->out->length;

    snprintf(inside, sizeof inside, "%s.name", path);
    if (!yamldoc_string(r->doc, node, inside, &name, r->errors))
        return VIEW_NONE;
    unsigned view = view_add(r->out, name, why);
    if (view == VIEW_NONE) {
        complain(r, node, inside, why);
    } else if (r->out->length == before) {
        snprintf(why, sizeof why, "'%s' is there twice", name);
        complain(r, node, inside, why);
        return VIEW_NONE;
    }
    return view;
}

static void read_view(const struct reading *r, struct yamldoc_node *node, const char *path)
{
    static const char *const keys[] = {"name", "clients", "clusterIds", NULL};
    char inside[PATH_ROOM + 2 * STEP];

    if (node->kind != YAMLDOC_MAP) {
        complain(r, node, path,
                 "wants a map, as in {name: a, clients: [10.1.0.0/16], clusterIds: [\"1081\"]}");
        return;
    }
    struct yamldoc_node *name = yamldoc_get(node, "name");
    struct yamldoc_node *clients = yamldoc_get(node, "clients");
    struct yamldoc_node *clusters = yamldoc_get(node, "clusterIds");
    snprintf(inside, sizeof inside, "%s.", path);
    yamldoc_unknown(r->doc, node, inside, keys, r->errors);
    if (name == NULL || clients == NULL || clusters == NULL) {
        complain(r, node, path, "wants a name, clients and clusterIds");
        return;
    }
    unsigned view = read_name(r, name, path);
    if (view == VIEW_NONE)
        return;
    snprintf(inside, sizeof inside, "%s.clients", path);
    if (read_texts(r, clients, inside, view, view_add_clients) && clients->size == 0)
        complain(r, clients, inside, "wants at least one network");
    snprintf(inside, sizeof inside, "%s.clusterIds", path);
    (void)read_texts(r, clusters, inside, view, view_add_cluster);
}

void viewread_list(const struct yamldoc *doc, struct yamldoc_node *list, const char *path,
                   struct view_list *out, struct error_list *errors)
{
    struct reading r = {doc, out, errors};
    char inside[PATH_ROOM + STEP];
    size_t i = 0;

    if (list->kind != YAMLDOC_LIST) {
        complain(&r, list, path, "wants a list of {name, clients, clusterIds}");
        return;
    }
    for (struct yamldoc_node *item = list->child; item != NULL; item = item->next) {
        snprintf(inside, sizeof inside, "%s[%zu]", path, i++);
        read_view(&r, item, inside);
    }
}

void viewread_file(const char *file, const void *bytes, size_t size, struct view_list *out,
                   struct error_list *errors)
{
    struct yamldoc *doc = yamldoc_parse(file, bytes, size, errors);
    struct yamldoc_node *root = doc != NULL ? yamldoc_root(doc, 0) : NULL, *at = NULL;

    if (root != NULL && root->kind == YAMLDOC_MAP)
        at = yamldoc_get(root, "attachments");
    if (at != NULL && at->kind == YAMLDOC_MAP)
        at = yamldoc_get(at, "views");
    if (at != NULL)
        viewread_list(doc, at, "attachments.views", out, errors);
    yamldoc_free(doc);
}
