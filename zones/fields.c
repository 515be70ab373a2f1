#include "fields.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define PATH_MAX_SIZE 256

/* ---- finding ---- */

/* Most names differ in their first letter. */
static bool is_name(const char *known, const char *key)
{
    return known[0] == key[0] && strcmp(known, key) == 0;
}

/* False: there are others, too. */
static bool take_children(struct fields *fields)
{
    unsigned guess = 0; /* fields mostly come in the known order: the next one is tried first */
    bool all = true;

    for (struct yamldoc_node *child = fields->map->child; child != NULL; child = child->next) {
        unsigned i = guess;
        while (fields->known[i] != NULL && !is_name(fields->known[i], child->key))
            i++;
        if (fields->known[i] == NULL) {
            for (i = 0; i < guess && !is_name(fields->known[i], child->key);)
                i++;
            if (i == guess) {
                all = false;
                continue;
            }
        }
        child->used = true;
        fields->at[i] = yamldoc_is_null(child) ? NULL : child;
        guess = i + 1;
    }
    return all;
}

/* Writes "attachedDomains[1].uniqueName" and returns its length. */
static size_t write_path(const struct fields *fields, unsigned field,
                         const struct yamldoc_node *item, char *path, size_t room)
{
    size_t length = 0;

    path[0] = '\0';
    if (fields->parent != NULL) {
        length = write_path(fields->parent, fields->parent_field, fields->map, path, room);
        length += (size_t)snprintf(path + length, room - length, ".");
    }
    length += (size_t)snprintf(path + length, room - length, "%s", fields->known[field]);
    const struct yamldoc_node *list = fields->at[field];
    if (item != NULL && list != NULL && list->kind == YAMLDOC_LIST && item != list) {
        size_t index = 0;
        for (const struct yamldoc_node *c = list->child; c != NULL && c != item; c = c->next)
            index++;
        length += (size_t)snprintf(path + length, room - length, "[%zu]", index);
    }
    /* Names are our own and three levels deep: they fit. */
    return length;
}

/* A path takes a walk along the lists above: nobody walks for what is not complained about, or for
 * a list of errors that is full and only counts. */
static bool is_path_seen(const struct fields *fields)
{
    return fields->errors->length < ERROR_LIST_MAX;
}

/* The path of the map itself, with the dot that a field's name follows; "" for a root. */
static const char *prefix_of(const struct fields *fields, char path[PATH_MAX_SIZE])
{
    path[0] = '\0';
    if (fields->parent != NULL && is_path_seen(fields)) {
        size_t length =
            write_path(fields->parent, fields->parent_field, fields->map, path, PATH_MAX_SIZE);
        snprintf(path + length, PATH_MAX_SIZE - length, ".");
    }
    return path;
}

static bool open_map(struct fields *fields)
{
    char path[PATH_MAX_SIZE], what[YAMLDOC_WHAT_MAX];
    const struct yamldoc_node *map = fields->map;

    if (map->kind != YAMLDOC_MAP) {
        if (fields->parent != NULL)
            fields_error(fields->parent, fields->parent_field, map, "wants a map, has %s",
                         yamldoc_what(map, what));
        else
            error_add(fields->errors, yamldoc_file(fields->doc), map->line, map->column,
                      "wants a map of fields, has %s", yamldoc_what(map, what));
        return false;
    }
    if (!take_children(fields))
        yamldoc_unknown(fields->doc, map, prefix_of(fields, path), fields->known, fields->errors);
    return true;
}

bool fields_open(struct fields *fields, const struct yamldoc *doc, struct arena *arena,
                 struct error_list *errors, struct yamldoc_node *map, const char *const *known)
{
    *fields =
        (struct fields){.doc = doc, .arena = arena, .errors = errors, .map = map, .known = known};
    return open_map(fields);
}

bool fields_enter(struct fields *fields, const struct fields *parent, unsigned field,
                  struct yamldoc_node *map, const char *const *known)
{
    *fields = (struct fields){.doc = parent->doc,
                              .arena = parent->arena,
                              .errors = parent->errors,
                              .parent = parent,
                              .parent_field = field,
                              .map = map,
                              .known = known};
    return open_map(fields);
}

/* ---- complaining ---- */

typedef void add_fn(struct error_list *, const char *file, unsigned line, unsigned column,
                    const char *format, ...);

__attribute__((format(printf, 5, 0))) static void complain(const struct fields *fields, add_fn *add,
                                                           unsigned field,
                                                           const struct yamldoc_node *item,
                                                           const char *format, va_list arguments)
{
    char path[PATH_MAX_SIZE] = "", text[512] = "";
    const struct yamldoc_node *place = item != NULL ? item : fields->at[field];

    if (place == NULL)
        place = fields->map;
    if (is_path_seen(fields)) {
        write_path(fields, field, item, path, sizeof path);
        vsnprintf(text, sizeof text, format, arguments);
    }
    add(fields->errors, yamldoc_file(fields->doc), place->line, place->column, "%s: %s", path,
        text);
}

void fields_error(const struct fields *fields, unsigned field, const struct yamldoc_node *item,
                  const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    complain(fields, error_add, field, item, format, arguments);
    va_end(arguments);
}

void fields_warn(const struct fields *fields, unsigned field, const struct yamldoc_node *item,
                 const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    complain(fields, error_warn, field, item, format, arguments);
    va_end(arguments);
}

/* ---- reading ---- */

static bool is_text(const struct yamldoc_node *node)
{
    return node->kind == YAMLDOC_SCALAR &&
           (node->plain || memchr(node->text, '\0', node->size) == NULL);
}

/* The path for a complaint. */
static const char *path_of(const struct fields *fields, unsigned field,
                           const struct yamldoc_node *item, char path[PATH_MAX_SIZE])
{
    path[0] = '\0';
    if (is_path_seen(fields))
        write_path(fields, field, item, path, PATH_MAX_SIZE);
    return path;
}

bool fields_item_text(const struct fields *fields, unsigned field, const struct yamldoc_node *item,
                      const char **out)
{
    char path[PATH_MAX_SIZE];

    if (!is_text(item) || yamldoc_is_null(item))
        return yamldoc_string(fields->doc, item, path_of(fields, field, item, path), out,
                              fields->errors);
    *out = item->text;
    return true;
}

bool fields_text(const struct fields *fields, unsigned field, const char **out)
{
    const struct yamldoc_node *node = fields->at[field];

    return node == NULL || fields_item_text(fields, field, node, out);
}

bool fields_unused_text(const struct fields *fields, unsigned field)
{
    const struct yamldoc_node *node = fields->at[field];
    const char *dummy;

    return node == NULL || is_text(node) || fields_item_text(fields, field, node, &dummy);
}

bool fields_integer(const struct fields *fields, unsigned field, int64_t least, int64_t most,
                    int64_t *out)
{
    char path[PATH_MAX_SIZE];
    struct error_list nobody = {0};
    const struct yamldoc_node *node = fields->at[field];

    if (node == NULL || yamldoc_integer(fields->doc, node, "", least, most, out, &nobody))
        return true;
    error_clear(&nobody);
    return yamldoc_integer(fields->doc, node, path_of(fields, field, NULL, path), least, most, out,
                           fields->errors);
}

bool fields_duration(const struct fields *fields, unsigned field, uint64_t least_ms,
                     uint64_t most_ms, uint64_t *out_ms)
{
    char path[PATH_MAX_SIZE];
    struct error_list nobody = {0};
    const struct yamldoc_node *node = fields->at[field];

    if (node == NULL || yamldoc_duration(fields->doc, node, "", least_ms, most_ms, out_ms, &nobody))
        return true;
    error_clear(&nobody);
    return yamldoc_duration(fields->doc, node, path_of(fields, field, NULL, path), least_ms,
                            most_ms, out_ms, fields->errors);
}

static void complain_word(const struct fields *fields, unsigned field, const char *const *words)
{
    char what[YAMLDOC_WHAT_MAX], list[256] = "";
    const struct yamldoc_node *node = fields->at[field];
    const char *near = node != NULL && is_text(node) ? yamldoc_nearest(node->text, words) : NULL;
    size_t length = 0;

    if (near != NULL) {
        fields_error(fields, field, NULL, "unknown word %s; did you mean '%s'?",
                     yamldoc_what(node, what), near);
        return;
    }
    for (size_t i = 0; words[i] != NULL && length < sizeof list; i++)
        length += (size_t)snprintf(list + length, sizeof list - length, "%s%s", i > 0 ? ", " : "",
                                   words[i]);
    if (node == NULL)
        fields_error(fields, field, NULL, "missing; one of %s", list);
    else
        fields_error(fields, field, NULL, "wants one of %s, has %s", list,
                     yamldoc_what(node, what));
}

bool fields_word(const struct fields *fields, unsigned field, const char *const *words,
                 bool required, unsigned *out)
{
    const struct yamldoc_node *node = fields->at[field];

    if (node == NULL && !required)
        return true;
    if (node != NULL && is_text(node)) {
        for (unsigned i = 0; words[i] != NULL; i++) {
            if (strcmp(words[i], node->text) == 0) {
                *out = i;
                return true;
            }
        }
    }
    complain_word(fields, field, words);
    return false;
}

bool fields_state(const struct fields *fields, unsigned field, enum state unknown,
                  const char **word, enum state *out)
{
    bool known;

    if (!fields_text(fields, field, word))
        return false;
    *out = state_of(*word, &known);
    if (known)
        return true;
    *out = unknown;
    fields_warn(fields, field, NULL, "unknown state '%.40s' counts as %s", *word,
                state_name(unknown));
    return true;
}

bool fields_list(const struct fields *fields, unsigned field, struct yamldoc_node **first,
                 size_t *length)
{
    char what[YAMLDOC_WHAT_MAX];
    struct yamldoc_node *node = fields->at[field];

    *first = NULL;
    *length = 0;
    if (node == NULL)
        return true;
    if (node->kind != YAMLDOC_LIST) {
        fields_error(fields, field, NULL, "wants a list, has %s", yamldoc_what(node, what));
        return false;
    }
    *first = node->child;
    *length = node->size;
    return true;
}
