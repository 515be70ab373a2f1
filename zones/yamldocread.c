#include "yamldoc.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "amount.h"
#include "spelling.h"

/* ---- fields of a map ---- */

bool yamldoc_is_null(const struct yamldoc_node *node)
{
    static const char *const words[] = {"null", "Null", "NULL"};

    if (node->kind != YAMLDOC_SCALAR || !node->plain)
        return false;
    if (node->size < 4)
        return node->size == 0 || (node->size == 1 && node->text[0] == '~');
    for (size_t i = 0; i < ARRAY_LENGTH(words) && node->size == 4; i++) {
        if (memcmp(node->text, words[i], 4) == 0)
            return true;
    }
    return false;
}

struct yamldoc_node *yamldoc_get(struct yamldoc_node *map, const char *key)
{
    if (map->kind != YAMLDOC_MAP)
        return NULL;
    for (struct yamldoc_node *child = map->child; child != NULL; child = child->next) {
        if (strcmp(child->key, key) == 0) {
            child->used = true;
            return yamldoc_is_null(child) ? NULL : child;
        }
    }
    return NULL;
}

size_t yamldoc_bom(const void *bytes, size_t size)
{
    return size >= 3 && memcmp(bytes, "\xef\xbb\xbf", 3) == 0 ? 3 : 0;
}

const char *yamldoc_nearest(const char *word, const char *const *known)
{
    return spelling_nearest(word, known);
}

void yamldoc_unknown(const struct yamldoc *doc, const struct yamldoc_node *map, const char *path,
                     const char *const *known, struct error_list *errors)
{
    if (map->kind != YAMLDOC_MAP)
        return;
    for (const struct yamldoc_node *child = map->child; child != NULL; child = child->next) {
        if (child->used)
            continue;
        /* Nobody reads suggestion number 100,000: a full list is only counted on. */
        const char *near =
            errors->length < ERROR_LIST_MAX ? spelling_nearest_field(child->key, known) : NULL;
        if (near != NULL)
            error_add(errors, yamldoc_file(doc), child->key_line, child->key_column,
                      "%s%.80s: unknown field; did you mean '%s'?", path, child->key, near);
        else
            error_add(errors, yamldoc_file(doc), child->key_line, child->key_column,
                      "%s%.80s: unknown field", path, child->key);
    }
}

/* ---- typed values ---- */

char *yamldoc_what(const struct yamldoc_node *node, char text[YAMLDOC_WHAT_MAX])
{
    if (node->kind == YAMLDOC_LIST)
        return strcpy(text, "a list");
    if (node->kind == YAMLDOC_MAP)
        return strcpy(text, "a map");
    if (yamldoc_is_null(node))
        return strcpy(text, "nothing");
    snprintf(text, YAMLDOC_WHAT_MAX, "'%.80s'%s", node->text, node->size > 80 ? "…" : "");
    return text;
}

static bool is_text(const struct yamldoc_node *node)
{
    return node->kind == YAMLDOC_SCALAR &&
           (node->plain || memchr(node->text, '\0', node->size) == NULL);
}

/* Always false, so that readers end with it. */
PRINTF_LIKE(5, 6)
static bool complain_value(const struct yamldoc *doc, const struct yamldoc_node *node,
                           const char *path, struct error_list *errors, const char *format, ...)
{
    char what[YAMLDOC_WHAT_MAX], wanted[160];
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(wanted, sizeof wanted, format, arguments);
    va_end(arguments);
    error_add(errors, yamldoc_file(doc), node->line, node->column, "%s: wants %s, has %s", path,
              wanted, yamldoc_what(node, what));
    return false;
}

bool yamldoc_integer(const struct yamldoc *doc, const struct yamldoc_node *node, const char *path,
                     int64_t least, int64_t most, int64_t *out, struct error_list *errors)
{
    if (is_text(node) && amount_integer(node->text, out) && *out >= least && *out <= most)
        return true;
    return complain_value(doc, node, path, errors, "an integer from %" PRId64 " to %" PRId64, least,
                          most);
}

bool yamldoc_boolean(const struct yamldoc *doc, const struct yamldoc_node *node, const char *path,
                     bool *out, struct error_list *errors)
{
    if (is_text(node) && node->plain) {
        *out = strcmp(node->text, "true") == 0;
        if (*out || strcmp(node->text, "false") == 0)
            return true;
    }
    return complain_value(doc, node, path, errors, "true or false");
}

bool yamldoc_duration(const struct yamldoc *doc, const struct yamldoc_node *node, const char *path,
                      uint64_t least_ms, uint64_t most_ms, uint64_t *out_ms,
                      struct error_list *errors)
{
    char least[AMOUNT_TEXT], most[AMOUNT_TEXT];

    if (is_text(node) && amount_duration(node->text, out_ms) && *out_ms >= least_ms &&
        *out_ms <= most_ms)
        return true;
    return complain_value(
        doc, node, path, errors, "a duration from %s to %s (such as 500ms, 5s, 2m)",
        amount_duration_text(least_ms, least), amount_duration_text(most_ms, most));
}

bool yamldoc_bytes(const struct yamldoc *doc, const struct yamldoc_node *node, const char *path,
                   uint64_t least, uint64_t most, uint64_t *out, struct error_list *errors)
{
    char from[AMOUNT_TEXT], to[AMOUNT_TEXT];

    if (is_text(node) && amount_bytes(node->text, out) && *out >= least && *out <= most)
        return true;
    return complain_value(doc, node, path, errors, "a size from %s to %s (such as 64KiB, 16MiB)",
                          amount_bytes_text(least, from), amount_bytes_text(most, to));
}

bool yamldoc_string(const struct yamldoc *doc, const struct yamldoc_node *node, const char *path,
                    const char **out, struct error_list *errors)
{
    if (!is_text(node))
        return complain_value(doc, node, path, errors,
                              node->kind == YAMLDOC_SCALAR ? "a text without NUL characters"
                                                           : "a text");
    if (yamldoc_is_null(node))
        return complain_value(doc, node, path, errors, "a text");
    *out = node->text;
    return true;
}
