#include "edit.h"

#include <stdlib.h>
#include <string.h>

#include "alloc.h"
#include "editgap.h"
#include "editrender.h"

/* 'cut' octets at 'at' make room for 'put'. */
struct splice {
    size_t at, cut;
    size_t depth; /* of two that are put in at one place the deeper one comes first */
    size_t number;
    bool lines; /* 'put' begins at the beginning of a line */
    struct editrender put;
};

struct edit {
    struct yamldoc *tree;
    const char *bytes; /* behind a byte order mark: columns are counted from there */
    size_t size, bom;
    bool json; /* the document is JSON, or looks like it */
    bool crlf; /* its lines end in CR and LF, as the first one tells */
    struct splice *splices;
    size_t length;
};

static bool has_crlf(const char *bytes, size_t size)
{
    const char *end = memchr(bytes, '\n', size);

    return end != NULL && end > bytes && end[-1] == '\r';
}

struct edit *edit_open(const char *file, const char *bytes, size_t size, struct error_list *errors)
{
    size_t bom = yamldoc_bom(bytes, size);
    struct yamldoc *tree = yamldoc_parse_marked(file, bytes + bom, size - bom, errors);

    if (tree == NULL)
        return NULL;
    struct edit *edit = alloc_array(1, sizeof *edit);
    *edit = (struct edit){.tree = tree, .bytes = bytes + bom, .size = size - bom, .bom = bom};
    edit->crlf = has_crlf(bytes, size);
    const struct yamldoc_node *root = yamldoc_root(tree, 0);
    edit->json = root != NULL && root->kind != YAMLDOC_SCALAR && yamldoc_span(root)->flow;
    return edit;
}

void edit_free(struct edit *edit)
{
    if (edit == NULL)
        return;
    for (size_t i = 0; i < edit->length; i++)
        free(edit->splices[i].put.text);
    free(edit->splices);
    yamldoc_free(edit->tree);
    free(edit);
}

const struct yamldoc *edit_tree(const struct edit *edit)
{
    return edit->tree;
}

/* ---- places in the text ---- */

static struct editrender *splice(struct edit *edit, size_t at, size_t cut)
{
    edit->splices = alloc_resize(edit->splices, edit->length + 1, sizeof *edit->splices);
    struct splice *s = &edit->splices[edit->length];
    *s = (struct splice){.at = at, .cut = cut, .number = edit->length++};
    return &s->put;
}

static struct editrender *splice_lines(struct edit *edit, size_t at, size_t cut, size_t depth)
{
    struct editrender *put = splice(edit, at, cut);

    edit->splices[edit->length - 1].lines = true;
    edit->splices[edit->length - 1].depth = depth;
    return put;
}

static bool is_blank(char c)
{
    return c == ' ' || c == '\t';
}

static size_t line_start(const struct edit *edit, size_t at)
{
    while (at > 0 && edit->bytes[at - 1] != '\n')
        at--;
    return at;
}

/* Where the line behind 'at' begins; 'at' itself if that is the beginning of a line: a text in
 * lines of its own ends there. */
static size_t line_after(const struct edit *edit, size_t at)
{
    if (at > 0 && edit->bytes[at - 1] == '\n')
        return at;
    while (at < edit->size && edit->bytes[at] != '\n')
        at++;
    return at < edit->size ? at + 1 : at;
}

static bool is_first_of_line(const struct edit *edit, size_t at)
{
    while (at > 0 && is_blank(edit->bytes[at - 1]))
        at--;
    return at == 0 || edit->bytes[at - 1] == '\n';
}

static const struct yamldoc_node *last_of(const struct yamldoc_node *node)
{
    const struct yamldoc_node *child = node->child;

    while (child->next != NULL)
        child = child->next;
    return child;
}

static const struct yamldoc_node *child_of(const struct yamldoc_node *map, const char *key)
{
    const struct yamldoc_node *child = map->child;

    while (child != NULL && strcmp(child->key, key) != 0)
        child = child->next;
    return child;
}

static bool is_in_block(const struct yamldoc_node *node)
{
    return node->kind != YAMLDOC_SCALAR && !yamldoc_span(node)->flow;
}

/* ---- in brackets ---- */

/* How many blanks a level is indented by, told by the first child of the container's last child. */
static size_t step_of(const struct edit *edit, const struct yamldoc_node *last, size_t indent)
{
    if (last->kind == YAMLDOC_SCALAR || last->size == 0)
        return EDITRENDER_STEP;
    size_t begin = editgap_begin(last->child);
    size_t step = begin - line_start(edit, begin);
    return is_first_of_line(edit, begin) && step > indent ? step - indent : EDITRENDER_STEP;
}

/* Opens the place behind the last child.  A comment behind that stays on its line if the child has
 * one of its own; true: what is put in ends with a comma, as the last one does there. */
static bool flow_open(struct edit *edit, const struct yamldoc_node *parent,
                      const struct yamldoc_node *last, struct editrender **put)
{
    size_t end = yamldoc_span(last)->end;
    struct editgap gap = editgap_read(edit->bytes, end, yamldoc_span(parent)->end - 1u);
    bool told = gap.told && is_first_of_line(edit, editgap_begin(last));
    bool closed = told && gap.comma < gap.stop;

    if (*put != NULL)
        editrender_add(*put, ",", closed ? 0 : 1);
    else if (told && gap.comma != EDITGAP_NONE) {
        *put = splice(edit, closed ? gap.stop : gap.comma + 1, 0);
    } else {
        *put = splice(edit, end, 0);
        editrender_add(*put, ",", 1);
        if (told)
            *put = splice(edit, gap.stop, 0);
    }
    return closed;
}

/* Puts a child behind the last one, on a line of its own if that has one. */
static void flow_insert(struct edit *edit, const struct yamldoc_node *parent, const char *key,
                        const struct yamldoc_node *value, struct editrender **put)
{
    const struct yamldoc_node *last = parent->size > 0 ? last_of(parent) : NULL;
    bool closed = last != NULL && flow_open(edit, parent, last, put);

    if (*put == NULL)
        *put = splice(edit, yamldoc_span(parent)->start + 1u, 0);
    else if (last == NULL)
        editrender_add(*put, ", ", 2);
    size_t begin = last != NULL ? editgap_begin(last) : 0, start = line_start(edit, begin);
    bool lines = last != NULL && is_first_of_line(edit, begin);
    if (lines) {
        editrender_add(*put, "\n", 1);
        editrender_add(*put, edit->bytes + start, begin - start);
    } else if (last != NULL) {
        editrender_add(*put, " ", 1);
    }
    if (key != NULL) {
        editrender_key(*put, key, edit->json);
        editrender_add(*put, ": ", 2);
    }
    if (lines && edit->json &&
        (last->kind == YAMLDOC_SCALAR || last->size == 0 ||
         is_first_of_line(edit, editgap_begin(last->child))))
        editrender_lines(*put, value, edit->bytes + start, begin - start,
                         step_of(edit, last, begin - start));
    else
        editrender_flow(*put, value, edit->json);
    editrender_add(*put, ",", closed ? 1 : 0);
}

static void flow_remove(struct edit *edit, const struct yamldoc_node *parent,
                        const struct yamldoc_node *child)
{
    struct editgap_cut cuts[EDITGAP_CUTS];
    size_t length = editgap_remove(edit->bytes, parent, child, cuts);

    for (size_t i = 0; i < length; i++)
        editrender_add(splice(edit, cuts[i].from, cuts[i].to - cuts[i].from), cuts[i].put,
                       strlen(cuts[i].put));
}

static void flow_replace(struct edit *edit, const struct yamldoc_node *old,
                         const struct yamldoc_node *value)
{
    const struct yamldoc_span *span = yamldoc_span(old);
    size_t begin = editgap_begin(old), start = line_start(edit, begin);
    struct editrender *put = splice(edit, span->start, span->end - span->start);

    if (span->start > 0 && edit->bytes[span->start - 1] == ':')
        editrender_add(put, " ", 1);
    if (edit->json && is_first_of_line(edit, begin))
        editrender_lines(put, value, edit->bytes + start, begin - start,
                         step_of(edit, old, begin - start));
    else
        editrender_flow(put, value, edit->json);
}

/* ---- in blocks ---- */

static size_t column_of(const struct yamldoc_node *block)
{
    return block->column - 1u;
}

static void block_insert(struct edit *edit, const struct yamldoc_node *parent, const char *key,
                         const struct yamldoc_node *value, struct editrender **put)
{
    size_t indent = column_of(parent);

    if (*put == NULL)
        *put = splice_lines(edit, line_after(edit, yamldoc_span(parent)->end), 0, indent);
    editrender_blanks(*put, indent);
    if (key != NULL) {
        editrender_key(*put, key, false);
        editrender_add(*put, ":", 1);
        editrender_value(*put, value, indent);
    } else {
        editrender_add(*put, "- ", 2);
        editrender_block(*put, value, indent + EDITRENDER_STEP);
    }
}

/* Where the '-' of a list's item stands: the last one at the list's column before the item. */
static size_t dash_of(const struct edit *edit, const struct yamldoc_node *list,
                      const struct yamldoc_node *item)
{
    size_t first = yamldoc_span(list)->start, at = line_start(edit, yamldoc_span(item)->start);

    while (at > first &&
           !(at + column_of(list) < edit->size && edit->bytes[at + column_of(list)] == '-' &&
             is_first_of_line(edit, at + column_of(list))))
        at = line_start(edit, at - 1);
    return at > first ? at + column_of(list) : first;
}

static void block_remove(struct edit *edit, const struct yamldoc_node *parent,
                         const struct yamldoc_node *child)
{
    size_t begin = parent->kind == YAMLDOC_LIST ? dash_of(edit, parent, child)
                                                : yamldoc_span(child)->key_start;
    size_t to = line_after(edit, yamldoc_span(child)->end);

    if (is_first_of_line(edit, begin))
        begin = line_start(edit, begin);
    else if (child->next != NULL) /* "- first: …": what follows moves up to the '-' */
        to = editgap_begin(child->next);
    (void)splice(edit, begin, to - begin);
}

static size_t behind_colon(const struct edit *edit, const struct yamldoc_node *value)
{
    size_t at = yamldoc_span(value)->key_end;

    while (at < edit->size && edit->bytes[at] != ':')
        at++;
    return at + 1;
}

/* A list or map in lines of its own, in place of a block. */
static void block_for_block(struct edit *edit, const struct yamldoc_node *map,
                            const struct yamldoc_node *old, const struct yamldoc_node *value)
{
    const struct yamldoc_span *span = yamldoc_span(old);
    size_t from = line_start(edit, span->start);
    size_t indent = old->kind == value->kind ? column_of(old) : column_of(map) + EDITRENDER_STEP;
    struct editrender *put =
        splice_lines(edit, from, line_after(edit, span->end) - from, column_of(map));

    editrender_blanks(put, indent);
    editrender_block(put, value, indent);
}

static void block_replace(struct edit *edit, const struct yamldoc_node *map,
                          const struct yamldoc_node *old, const struct yamldoc_node *value)
{
    const struct yamldoc_span *span = yamldoc_span(old);
    bool short_value = value->kind == YAMLDOC_SCALAR || value->size == 0;
    size_t start = span->start, end = span->end;

    if (is_in_block(old) && !short_value) {
        block_for_block(edit, map, old, value);
        return;
    }
    struct editrender *put;
    if (is_in_block(old)) { /* "key: []", and the lines go */
        size_t from = line_start(edit, start);
        put = splice(edit, behind_colon(edit, old), 0);
        editrender_add(put, " ", 1);
        editrender_flow(put, value, false);
        (void)splice(edit, from, line_after(edit, end) - from);
        return;
    }
    while (end > start && (edit->bytes[end - 1] == '\n' || edit->bytes[end - 1] == '\r'))
        end--; /* of a text in lines of its own */
    if (short_value || (span->flow && old->size > 0)) {
        put = splice(edit, start, end - start);
        if (start > 0 && edit->bytes[start - 1] == ':')
            editrender_add(put, " ", 1);
        editrender_flow(put, value, false);
        return;
    }
    while (start > 0 && is_blank(edit->bytes[start - 1]))
        start--;
    (void)splice(edit, start, end - start);
    size_t indent = column_of(map) + EDITRENDER_STEP;
    put = splice_lines(edit, line_after(edit, end), 0, indent);
    editrender_blanks(put, indent);
    editrender_block(put, value, indent);
}

/* ---- what callers want ---- */

static void insert(struct edit *edit, const struct yamldoc_node *parent, const char *key,
                   const struct yamldoc_node *value, struct editrender **put)
{
    if (is_in_block(parent))
        block_insert(edit, parent, key, value, put);
    else
        flow_insert(edit, parent, key, value, put);
}

static void replace(struct edit *edit, const struct yamldoc_node *map,
                    const struct yamldoc_node *old, const struct yamldoc_node *value)
{
    if (is_in_block(map))
        block_replace(edit, map, old, value);
    else
        flow_replace(edit, old, value);
}

static void take_out(struct edit *edit, const struct yamldoc_node *parent,
                     const struct yamldoc_node *child)
{
    if (is_in_block(parent))
        block_remove(edit, parent, child);
    else
        flow_remove(edit, parent, child);
}

void edit_append(struct edit *edit, const struct yamldoc_node *map, const char *key,
                 const struct yamldoc_node *item)
{
    const struct yamldoc_node *list = child_of(map, key);
    struct yamldoc_node only = *item;
    struct yamldoc_node one = {.kind = YAMLDOC_LIST, .size = 1, .child = &only};
    struct editrender *put = NULL;

    only.next = NULL;
    only.key = NULL;
    if (list == NULL)
        insert(edit, map, key, &one, &put);
    else if (list->kind != YAMLDOC_LIST || list->size == 0)
        replace(edit, map, list, &one);
    else
        insert(edit, list, NULL, &only, &put);
}

void edit_merge(struct edit *edit, const struct yamldoc_node *map,
                const struct yamldoc_node *changes)
{
    struct editrender *put = NULL;

    for (const struct yamldoc_node *c = changes->child; c != NULL; c = c->next) {
        const struct yamldoc_node *old = child_of(map, c->key);
        if (old == NULL)
            continue;
        if (yamldoc_is_null(c))
            take_out(edit, map, old);
        else
            replace(edit, map, old, c);
    }
    for (const struct yamldoc_node *c = changes->child; c != NULL; c = c->next) {
        if (child_of(map, c->key) == NULL && !yamldoc_is_null(c))
            insert(edit, map, c->key, c, &put);
    }
}

void edit_remove(struct edit *edit, const struct yamldoc_node *map, const struct yamldoc_node *list,
                 const struct yamldoc_node *item)
{
    static const struct yamldoc_node empty = {.kind = YAMLDOC_LIST};

    if (list->size == 1)
        replace(edit, map, list, &empty);
    else
        take_out(edit, list, item);
}

void edit_remove_root(struct edit *edit, const struct yamldoc_node *root)
{
    const struct yamldoc_span *span = yamldoc_span(root);
    size_t from = is_first_of_line(edit, span->start) ? line_start(edit, span->start) : span->start;

    (void)splice(edit, from, line_after(edit, span->end) - from);
}

static int compare(const void *a, const void *b)
{
    const struct splice *left = a, *right = b;

    if (left->at != right->at)
        return left->at < right->at ? -1 : 1;
    if ((left->cut > 0) != (right->cut > 0))
        return left->cut > 0 ? 1 : -1;
    if (left->depth != right->depth)
        return left->depth > right->depth ? -1 : 1;
    return left->number < right->number ? -1 : 1;
}

/* Adds what is put in, whose lines end as those around. */
static void add_put(const struct edit *edit, struct editrender *out, const char *text, size_t size)
{
    const char *end = text + size;

    for (const char *line; edit->crlf && (line = memchr(text, '\n', (size_t)(end - text))) != NULL;
         text = line + 1) {
        editrender_add(out, text, (size_t)(line - text));
        editrender_add(out, "\r\n", 2);
    }
    editrender_add(out, text, (size_t)(end - text));
}

char *edit_finish(struct edit *edit, size_t *size)
{
    struct editrender out = {0};
    size_t at = 0;

    editrender_add(&out, edit->bytes - edit->bom, edit->bom);
    if (edit->length > 0)
        qsort(edit->splices, edit->length, sizeof *edit->splices, compare);
    for (size_t i = 0; i < edit->length; i++) {
        const struct splice *s = &edit->splices[i];
        size_t from = s->at > at ? s->at : at;

        editrender_add(&out, edit->bytes + at, from - at);
        if (s->lines && out.size > edit->bom && out.text[out.size - 1] != '\n')
            add_put(edit, &out, "\n", 1);
        if (s->put.size > 0)
            add_put(edit, &out, s->put.text, s->put.size);
        at = s->at + s->cut > from ? s->at + s->cut : from;
    }
    editrender_add(&out, edit->bytes + at, edit->size - at);
    *size = out.size;
    editrender_add(&out, "", 1);
    return out.text;
}
