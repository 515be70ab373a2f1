#include "yamldoc.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <yaml.h>

#include "alloc.h"
#include "amount.h"
#include "arena.h"
#include "spelling.h"

/* A two-byte item ("[]") costs a whole node; without this bound the largest input could ask for
 * gigabytes.  Real documents have a value every 20 bytes or more. */
#define VALUES_MAX (YAMLDOC_SIZE_MAX / 16)

/* Up to here comparing all keys of a map with each other is faster than sorting them. */
#define FEW_KEYS 12

struct yamldoc {
    struct arena arena;
    char *file;
    struct yamldoc_node **roots;
    size_t length;
};

/* A list or map that is not complete yet. */
struct frame {
    struct yamldoc_node *node;
    struct yamldoc_node **tail; /* where the next child goes */
    const char *key;            /* in a map: read already, its value comes next; else NULL */
    unsigned key_line, key_column;
};

struct builder {
    struct yamldoc *doc;
    struct error_list *errors;
    size_t errors_before;
    size_t values;
    unsigned depth;
    struct frame frames[YAMLDOC_DEPTH_MAX];
    struct arena_recent recent;
};

static unsigned line_of(const yaml_mark_t *mark)
{
    return (unsigned)mark->line + 1;
}

static unsigned column_of(const yaml_mark_t *mark)
{
    return (unsigned)mark->column + 1;
}

#define COMPLAIN(builder, mark, ...)                                                               \
    error_add((builder)->errors, (builder)->doc->file, line_of(mark), column_of(mark), __VA_ARGS__)

/* ---- what libyaml says ---- */

/* The reader's complaints (bad UTF-8, control characters) come with a byte offset only. */
static void find_place(const char *bytes, size_t size, size_t offset, unsigned *line,
                       unsigned *column)
{
    *line = 1;
    *column = 1;
    for (size_t i = 0; i < size && i < offset; i++) {
        if (bytes[i] == '\n') {
            ++*line;
            *column = 1;
        } else if (((unsigned char)bytes[i] & 0xc0) != 0x80) {
            ++*column;
        }
    }
}

static void complain_parser(struct builder *b, const yaml_parser_t *parser, const void *bytes,
                            size_t size)
{
    const char *problem = parser->problem != NULL ? parser->problem : "it cannot be read";

    if (parser->error == YAML_READER_ERROR) {
        unsigned line, column;
        find_place(bytes, size, parser->problem_offset, &line, &column);
        error_add(b->errors, b->doc->file, line, column, "not YAML: %s (0x%02x)", problem,
                  (unsigned)parser->problem_value);
        return;
    }
    if (parser->context != NULL)
        COMPLAIN(b, &parser->problem_mark, "not YAML: %s, %s that began at line %u", problem,
                 parser->context, line_of(&parser->context_mark));
    else
        COMPLAIN(b, &parser->problem_mark, "not YAML: %s", problem);
}

/* ---- the tree ---- */

static int compare_keys(const void *a, const void *b)
{
    const struct yamldoc_node *const *left = a, *const *right = b;
    int order = strcmp((*left)->key, (*right)->key);

    if (order == 0) /* the first one written stays first */
        order = (*left)->key_line != (*right)->key_line
                    ? ((*left)->key_line < (*right)->key_line ? -1 : 1)
                    : ((*left)->key_column < (*right)->key_column ? -1 : 1);
    return order;
}

static void complain_twice(struct builder *b, const struct yamldoc_node *first,
                           const struct yamldoc_node *again)
{
    error_add(b->errors, b->doc->file, again->key_line, again->key_column,
              "'%.80s': written twice in one map, first at line %u", again->key, first->key_line);
}

static void check_many_keys(struct builder *b, const struct yamldoc_node *map)
{
    struct yamldoc_node **sorted = alloc_array(map->size, sizeof *sorted);
    size_t length = 0;

    for (struct yamldoc_node *child = map->child; child != NULL; child = child->next)
        sorted[length++] = child;
    qsort(sorted, length, sizeof *sorted, compare_keys);
    for (size_t i = 1, first = 0; i < length; i++) {
        if (strcmp(sorted[first]->key, sorted[i]->key) == 0)
            complain_twice(b, sorted[first], sorted[i]);
        else
            first = i;
    }
    free(sorted);
}

static void check_keys(struct builder *b, const struct yamldoc_node *map)
{
    if (map->size > FEW_KEYS) {
        check_many_keys(b, map);
        return;
    }
    for (const struct yamldoc_node *again = map->child; again != NULL; again = again->next) {
        for (const struct yamldoc_node *first = map->child; first != again; first = first->next) {
            if (first->key[0] == again->key[0] && strcmp(first->key, again->key) == 0) {
                complain_twice(b, first, again);
                break;
            }
        }
    }
}

static void add_root(struct yamldoc *doc, struct yamldoc_node *node)
{
    /* Room grows in powers of two: it is full exactly when the length is one. */
    if ((doc->length & (doc->length - 1)) == 0)
        doc->roots = alloc_resize(doc->roots, doc->length == 0 ? 1 : doc->length * 2,
                                  sizeof(struct yamldoc_node *));
    doc->roots[doc->length++] = node;
}

static bool is_awaiting_key(const struct builder *b)
{
    if (b->depth == 0)
        return false;
    const struct frame *top = &b->frames[b->depth - 1];
    return top->node->kind == YAMLDOC_MAP && top->key == NULL;
}

/* Puts a new node where it belongs.  NULL: the document has too many. */
static struct yamldoc_node *add_node(struct builder *b, enum yamldoc_kind kind,
                                     const yaml_event_t *event)
{
    if (b->values++ == VALUES_MAX) {
        COMPLAIN(b, &event->start_mark, "more than %u values in one document", VALUES_MAX);
        return NULL;
    }
    struct yamldoc_node *node = arena_array(&b->doc->arena, 1, sizeof *node);
    node->kind = kind;
    node->line = line_of(&event->start_mark);
    node->column = column_of(&event->start_mark);
    if (b->depth == 0) {
        add_root(b->doc, node);
        return node;
    }
    struct frame *top = &b->frames[b->depth - 1];
    node->key = top->key;
    node->key_line = top->key_line;
    node->key_column = top->key_column;
    top->key = NULL;
    *top->tail = node;
    top->tail = &node->next;
    top->node->size++;
    return node;
}

static bool open_node(struct builder *b, enum yamldoc_kind kind, const yaml_event_t *event)
{
    if (b->depth == YAMLDOC_DEPTH_MAX) {
        COMPLAIN(b, &event->start_mark, "nested deeper than %d levels", YAMLDOC_DEPTH_MAX);
        return false;
    }
    if (is_awaiting_key(b)) {
        COMPLAIN(b, &event->start_mark, "a key must be a text");
        return false;
    }
    struct yamldoc_node *node = add_node(b, kind, event);
    if (node == NULL)
        return false;
    b->frames[b->depth++] = (struct frame){.node = node, .tail = &node->child};
    return true;
}

static bool take_key(struct builder *b, const yaml_event_t *event)
{
    struct frame *top = &b->frames[b->depth - 1];
    const char *text = (const char *)event->data.scalar.value;
    size_t size = event->data.scalar.length;

    if (memchr(text, '\0', size) != NULL)
        COMPLAIN(b, &event->start_mark, "a key holds a NUL character");
    if (event->data.scalar.style == YAML_PLAIN_SCALAR_STYLE && strcmp(text, "<<") == 0)
        COMPLAIN(b, &event->start_mark,
                 "merge keys ('<<') are not supported: write the fields out");
    top->key = arena_keep(&b->doc->arena, &b->recent, text, size);
    top->key_line = line_of(&event->start_mark);
    top->key_column = column_of(&event->start_mark);
    return true;
}

static bool take_scalar(struct builder *b, const yaml_event_t *event)
{
    if (is_awaiting_key(b))
        return take_key(b, event);
    struct yamldoc_node *node = add_node(b, YAMLDOC_SCALAR, event);
    if (node == NULL)
        return false;
    node->plain = event->data.scalar.style == YAML_PLAIN_SCALAR_STYLE;
    node->size = event->data.scalar.length;
    node->text =
        arena_keep(&b->doc->arena, &b->recent, (const char *)event->data.scalar.value, node->size);
    return true;
}

static void refuse_extras(struct builder *b, const yaml_event_t *event, const void *anchor,
                          const void *tag)
{
    if (anchor != NULL)
        COMPLAIN(b, &event->start_mark, "anchors ('&') are not supported: write the value out");
    if (tag != NULL)
        COMPLAIN(b, &event->start_mark, "tags ('!') are not supported");
}

/* False: stop here. */
static bool take_event(struct builder *b, const yaml_event_t *event)
{
    switch (event->type) {
    case YAML_SCALAR_EVENT:
        refuse_extras(b, event, event->data.scalar.anchor, event->data.scalar.tag);
        return take_scalar(b, event);
    case YAML_SEQUENCE_START_EVENT:
        refuse_extras(b, event, event->data.sequence_start.anchor, event->data.sequence_start.tag);
        return open_node(b, YAMLDOC_LIST, event);
    case YAML_MAPPING_START_EVENT:
        refuse_extras(b, event, event->data.mapping_start.anchor, event->data.mapping_start.tag);
        return open_node(b, YAMLDOC_MAP, event);
    case YAML_MAPPING_END_EVENT:
        check_keys(b, b->frames[b->depth - 1].node);
        b->depth--;
        return true;
    case YAML_SEQUENCE_END_EVENT:
        b->depth--;
        return true;
    case YAML_ALIAS_EVENT:
        COMPLAIN(b, &event->start_mark,
                 "aliases ('*') are not supported: write the value out, or "
                 "put it in quotes if it is a text");
        return false;
    default:
        return true;
    }
}

static void build(struct builder *b, const void *bytes, size_t size)
{
    yaml_parser_t parser;
    yaml_event_t event;
    bool more = true;

    if (yaml_parser_initialize(&parser) == 0) {
        error_add(b->errors, b->doc->file, 0, 0, "no memory to read it");
        return;
    }
    yaml_parser_set_encoding(&parser, YAML_UTF8_ENCODING);
    yaml_parser_set_input_string(&parser, bytes, size);
    while (more) {
        if (yaml_parser_parse(&parser, &event) == 0) {
            complain_parser(b, &parser, bytes, size);
            break;
        }
        more = event.type != YAML_STREAM_END_EVENT && take_event(b, &event);
        yaml_event_delete(&event);
    }
    yaml_parser_delete(&parser);
}

struct yamldoc *yamldoc_parse(const char *file, const void *bytes, size_t size,
                              struct error_list *errors)
{
    if (size > YAMLDOC_SIZE_MAX) {
        error_add(errors, file, 0, 0, "has %zu bytes; at most %u are read", size, YAMLDOC_SIZE_MAX);
        return NULL;
    }
    struct yamldoc *doc = alloc_array(1, sizeof *doc);
    struct builder builder = {.doc = doc, .errors = errors, .errors_before = errors->errors};
    doc->file = alloc_string(file);
    build(&builder, bytes, size);
    if (errors->errors > builder.errors_before) {
        yamldoc_free(doc);
        return NULL;
    }
    return doc;
}

void yamldoc_free(struct yamldoc *doc)
{
    if (doc == NULL)
        return;
    arena_clear(&doc->arena);
    free(doc->roots);
    free(doc->file);
    free(doc);
}

const char *yamldoc_file(const struct yamldoc *doc)
{
    return doc->file;
}

struct yamldoc_node *yamldoc_root(const struct yamldoc *doc, size_t i)
{
    return i < doc->length ? doc->roots[i] : NULL;
}

/* ---- fields of a map ---- */

bool yamldoc_is_null(const struct yamldoc_node *node)
{
    static const char *const words[] = {"", "~", "null", "Null", "NULL"};

    if (node->kind != YAMLDOC_SCALAR || !node->plain || node->size > 4)
        return false;
    for (size_t i = 0; i < ARRAY_LENGTH(words); i++) {
        if (strcmp(node->text, words[i]) == 0)
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
            errors->length < ERROR_LIST_MAX ? spelling_nearest(child->key, known) : NULL;
        if (near != NULL)
            error_add(errors, doc->file, child->key_line, child->key_column,
                      "%s%.80s: unknown field; did you mean '%s'?", path, child->key, near);
        else
            error_add(errors, doc->file, child->key_line, child->key_column,
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
    return node->kind == YAMLDOC_SCALAR && memchr(node->text, '\0', node->size) == NULL;
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
    error_add(errors, doc->file, node->line, node->column, "%s: wants %s, has %s", path, wanted,
              yamldoc_what(node, what));
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
    *out = node->text;
    return true;
}
