#include "yamldoc.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <yaml.h>

#include "alloc.h"
#include "arena.h"
#include "octetmark.h"
#include "surrogates.h"

/* A two-byte item ("[]") costs a whole node; without this bound the largest input could ask for
 * gigabytes.  Real documents have a value every 20 bytes or more. */
#define VALUES_MAX (YAMLDOC_SIZE_MAX / 16)

/* libyaml compares every tag directive with all before it.  Here tags are refused anyway, and
 * nobody writes the word so often. */
#define TAG_WORDS_MAX 16

/* Up to here comparing all keys of a map with each other is faster than sorting them. */
#define FEW_KEYS 12

struct yamldoc {
    struct arena arena;
    char *file;
    struct yamldoc_node **roots;
    size_t length;
};

/* A node of yamldoc_parse_marked(). */
struct marked_node {
    struct yamldoc_node node;
    struct yamldoc_span span;
};

/* A list or map that is not complete yet. */
struct frame {
    struct yamldoc_node *node;
    struct yamldoc_node **tail; /* where the next child goes */
    const char *key;            /* in a map: read already, its value comes next; else NULL */
    unsigned key_line, key_column;
    uint32_t key_start, key_end; /* when spans are kept */
    uint32_t end;                /* of the latest child */
};

struct builder {
    struct yamldoc *doc;
    struct error_list *errors;
    size_t errors_before;
    size_t values;
    unsigned depth;
    struct frame frames[YAMLDOC_DEPTH_MAX];
    struct arena_recent recent;
    const struct octetmark *marks; /* NULL: no spans are kept */
    size_t skipped;                /* characters in front of what libyaml sees */
    struct surrogates joined;      /* what it sees instead, maybe */
};

static unsigned line_of(const yaml_mark_t *mark)
{
    return (unsigned)mark->line + 1;
}

static unsigned column_of(const struct builder *b, const yaml_mark_t *mark)
{
    size_t line = mark->index - mark->column; /* where it begins */

    return (unsigned)(surrogates_origin(&b->joined, mark->index) -
                      surrogates_origin(&b->joined, line)) +
           1;
}

#define COMPLAIN(builder, mark, ...)                                                               \
    error_add((builder)->errors, (builder)->doc->file, line_of(mark), column_of(builder, mark),    \
              __VA_ARGS__)

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
        if (parser->problem_value >= 0)
            error_add(b->errors, b->doc->file, line, column, "not YAML: %s (0x%02x)", problem,
                      (unsigned)parser->problem_value);
        else
            error_add(b->errors, b->doc->file, line, column, "not YAML: %s", problem);
        return;
    }
    if (parser->context != NULL)
        COMPLAIN(b, &parser->problem_mark, "not YAML: %s, %s that began at line %u", problem,
                 parser->context, line_of(&parser->context_mark));
    else
        COMPLAIN(b, &parser->problem_mark, "not YAML: %s", problem);
}

/* ---- spans ---- */

static struct yamldoc_span *span_of(struct yamldoc_node *node)
{
    return &((struct marked_node *)(void *)node)->span;
}

const struct yamldoc_span *yamldoc_span(const struct yamldoc_node *node)
{
    return &((const struct marked_node *)(const void *)node)->span;
}

static uint32_t octet_of(const struct builder *b, const yaml_mark_t *mark)
{
    return octetmark_of(b->marks, b->skipped + surrogates_origin(&b->joined, mark->index));
}

static void mark_node(struct builder *b, struct yamldoc_node *node, const yaml_event_t *event)
{
    struct yamldoc_span *span = span_of(node);

    span->start = octet_of(b, &event->start_mark);
    span->end = octet_of(b, &event->end_mark);
    span->flow = (event->type == YAML_SEQUENCE_START_EVENT &&
                  event->data.sequence_start.style == YAML_FLOW_SEQUENCE_STYLE) ||
                 (event->type == YAML_MAPPING_START_EVENT &&
                  event->data.mapping_start.style == YAML_FLOW_MAPPING_STYLE);
    if (b->depth > 0) {
        struct frame *top = &b->frames[b->depth - 1];
        span->key_start = top->key_start;
        span->key_end = top->key_end;
        top->end = span->end;
    }
}

/* The end of a block is told by what follows it, comments and empty lines between: its last child's
 * end is meant. */
static void mark_end(struct builder *b, const yaml_event_t *event)
{
    struct frame *top = &b->frames[b->depth - 1];
    struct yamldoc_span *span = span_of(top->node);

    span->end = span->flow ? octet_of(b, &event->end_mark) : top->end;
    if (b->depth > 1)
        top[-1].end = span->end;
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
    struct yamldoc_node *node =
        arena_room(&b->doc->arena, 1, b->marks == NULL ? sizeof *node : sizeof(struct marked_node));
    *node = (struct yamldoc_node){
        .kind = kind,
        .line = line_of(&event->start_mark),
        .column = column_of(b, &event->start_mark),
    };
    if (b->marks != NULL)
        mark_node(b, node, event);
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
    if (b->marks != NULL)
        b->frames[b->depth - 1].end = span_of(node)->start;
    return true;
}

/* False: there is nothing to close, which libyaml does not let happen. */
static bool close_node(struct builder *b, const yaml_event_t *event)
{
    if (b->depth == 0)
        return false;
    const struct yamldoc_node *node = b->frames[b->depth - 1].node;
    if (node->kind == YAMLDOC_MAP)
        check_keys(b, node);
    if (b->marks != NULL)
        mark_end(b, event);
    b->depth--;
    return true;
}

static bool take_key(struct builder *b, const yaml_event_t *event)
{
    struct frame *top = &b->frames[b->depth - 1];
    const char *text = (const char *)event->data.scalar.value;
    size_t size = event->data.scalar.length;

    bool plain = event->data.scalar.style == YAML_PLAIN_SCALAR_STYLE;

    if (!plain && memchr(text, '\0', size) != NULL)
        COMPLAIN(b, &event->start_mark, "a key holds a NUL character");
    if (plain && text[0] == '<' && strcmp(text, "<<") == 0)
        COMPLAIN(b, &event->start_mark,
                 "merge keys ('<<') are not supported: write the fields out");
    top->key = arena_keep(&b->doc->arena, &b->recent, text, size);
    top->key_line = line_of(&event->start_mark);
    top->key_column = column_of(b, &event->start_mark);
    if (b->marks != NULL) {
        top->key_start = octet_of(b, &event->start_mark);
        top->key_end = octet_of(b, &event->end_mark);
    }
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
    node->text = arena_text(&b->doc->arena, event->data.scalar.value, node->size);
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
    case YAML_SEQUENCE_END_EVENT:
        return close_node(b, event);
    case YAML_ALIAS_EVENT:
        COMPLAIN(b, &event->start_mark,
                 "aliases ('*') are not supported: write the value out, or "
                 "put it in quotes if it is a text");
        return false;
    default:
        return true;
    }
}

/* Lists and maps mostly have nothing that is to be freed. */
static bool is_empty(const yaml_event_t *event)
{
    switch (event->type) {
    case YAML_SEQUENCE_START_EVENT:
        return event->data.sequence_start.anchor == NULL && event->data.sequence_start.tag == NULL;
    case YAML_MAPPING_START_EVENT:
        return event->data.mapping_start.anchor == NULL && event->data.mapping_start.tag == NULL;
    default:
        return event->type == YAML_SEQUENCE_END_EVENT || event->type == YAML_MAPPING_END_EVENT;
    }
}

/* Without a byte order mark: libyaml takes that for a column, which no line of a block below has.
 */
static void build(struct builder *b, const char *bytes, size_t size)
{
    size_t bom = yamldoc_bom(bytes, size);
    yaml_parser_t parser;
    yaml_event_t event;
    bool more = true;

    if (yaml_parser_initialize(&parser) == 0) {
        error_add(b->errors, b->doc->file, 0, 0, "no memory to read it");
        return;
    }
    yaml_parser_set_encoding(&parser, YAML_UTF8_ENCODING);
    b->skipped = bom > 0;
    bytes += bom;
    size -= bom;
    surrogates_join(&b->joined, bytes, size);
    if (b->joined.bytes != NULL) {
        bytes = b->joined.bytes;
        size = b->joined.size;
    }
    yaml_parser_set_input_string(&parser, (const unsigned char *)bytes, size);
    while (more) {
        if (yaml_parser_parse(&parser, &event) == 0) {
            complain_parser(b, &parser, bytes, size);
            break;
        }
        more = event.type != YAML_STREAM_END_EVENT && take_event(b, &event);
        if (event.type == YAML_SCALAR_EVENT || !is_empty(&event))
            yaml_event_delete(&event);
    }
    yaml_parser_delete(&parser);
    surrogates_free(&b->joined);
}

static bool has_many_tag_words(const char *bytes, size_t size)
{
    static const char word[] = "%TAG";
    const char *end = bytes + size;
    unsigned found = 0;

    while (found <= TAG_WORDS_MAX &&
           (bytes = memchr(bytes, word[0], (size_t)(end - bytes))) != NULL) {
        found += (size_t)(end - bytes) >= strlen(word) && memcmp(bytes, word, strlen(word)) == 0;
        bytes++;
    }
    return found > TAG_WORDS_MAX;
}

static struct yamldoc *parse(const char *file, const void *bytes, size_t size, bool marked,
                             struct error_list *errors)
{
    struct octetmark marks = {0};

    if (size > YAMLDOC_SIZE_MAX) {
        error_add(errors, file, 0, 0, "has %zu bytes; at most %u are read", size, YAMLDOC_SIZE_MAX);
        return NULL;
    }
    if (size >= 2 && (memcmp(bytes, "\xfe\xff", 2) == 0 || memcmp(bytes, "\xff\xfe", 2) == 0)) {
        error_add(errors, file, 1, 1, "is written in UTF-16 or UTF-32; only UTF-8 is read");
        return NULL;
    }
    if (size > 0 && has_many_tag_words(bytes, size)) {
        error_add(errors, file, 0, 0, "has '%%TAG' more than %d times; tags are not supported",
                  TAG_WORDS_MAX);
        return NULL;
    }
    struct yamldoc *doc = alloc_array(1, sizeof *doc);
    struct builder builder = {.doc = doc, .errors = errors, .errors_before = errors->errors};
    doc->file = alloc_string(file);
    if (marked) {
        octetmark_open(&marks, bytes, size);
        builder.marks = &marks;
    }
    build(&builder, bytes, size);
    octetmark_close(&marks);
    if (errors->errors > builder.errors_before) {
        yamldoc_free(doc);
        return NULL;
    }
    return doc;
}

struct yamldoc *yamldoc_parse(const char *file, const void *bytes, size_t size,
                              struct error_list *errors)
{
    return parse(file, bytes, size, false, errors);
}

struct yamldoc *yamldoc_parse_marked(const char *file, const void *bytes, size_t size,
                                     struct error_list *errors)
{
    return parse(file, bytes, size, true, errors);
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
