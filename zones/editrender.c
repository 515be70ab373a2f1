#include "editrender.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "alloc.h"

void editrender_add(struct editrender *r, const char *bytes, size_t size)
{
    if (r->size + size > r->space) {
        r->space = 2 * (r->size + size);
        r->text = alloc_resize(r->text, r->space, 1);
    }
    if (size > 0)
        memcpy(r->text + r->size, bytes, size);
    r->size += size;
}

static void add(struct editrender *r, const char *text)
{
    editrender_add(r, text, strlen(text));
}

void editrender_blanks(struct editrender *r, size_t number)
{
    while (number-- > 0)
        editrender_add(r, " ", 1);
}

/* ---- scalars ---- */

/* True if any reader takes it for a text without quotes: no number, date, boolean or indicator
 * begins with a letter and goes on like this. */
static bool is_plain(const char *text, size_t size)
{
#define LETTERS "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
    static const char *const words[] = {"y",   "n",    "yes",   "no",  "on",
                                        "off", "true", "false", "null"};

    for (size_t i = 0; i < ARRAY_LENGTH(words); i++) {
        if (strcasecmp(text, words[i]) == 0)
            return false;
    }
    return size > 0 && strspn(text, LETTERS) > 0 && strspn(text, LETTERS "0123456789_-./") == size;
#undef LETTERS
}

/* Octets of a character that must be escaped in double quotes, and its number: control characters,
 * what YAML takes for a line break or a byte order mark, and what is no character.  0: it stands
 * for itself. */
static size_t special(const unsigned char *at, size_t left, unsigned *point)
{
    *point = *at;
    if (*at < 0x20 || *at == 0x7f)
        return 1;
    if (left >= 2 && *at == 0xc2 && at[1] < 0xa0) {
        *point = at[1];
        return 2;
    }
    if (left < 3 || (*at != 0xe2 && *at != 0xef))
        return 0;
    *point = (*at & 0x0fu) << 12 | (at[1] & 0x3fu) << 6 | (at[2] & 0x3fu);
    return *point == 0x2028 || *point == 0x2029 || *point == 0xfeff || *point >= 0xfffe ? 3 : 0;
}

static void add_quoted(struct editrender *r, const char *text, size_t size)
{
    const unsigned char *at = (const unsigned char *)text;

    add(r, "\"");
    for (size_t i = 0; i < size;) {
        char escaped[8];
        unsigned point;
        size_t length = special(at + i, size - i, &point);

        if (length > 0) {
            snprintf(escaped, sizeof escaped, "\\u%04x", point);
            add(r, escaped);
            i += length;
            continue;
        }
        if (text[i] == '"' || text[i] == '\\')
            add(r, "\\");
        editrender_add(r, text + i++, 1);
    }
    add(r, "\"");
}

static void add_text(struct editrender *r, const char *text, size_t size, bool json)
{
    if (!json && is_plain(text, size))
        editrender_add(r, text, size);
    else
        add_quoted(r, text, size);
}

static void add_scalar(struct editrender *r, const struct yamldoc_node *node, bool json)
{
    if (yamldoc_is_null(node))
        add(r, "null");
    else if (node->plain)
        editrender_add(r, node->text, node->size);
    else
        add_text(r, node->text, node->size, json);
}

void editrender_key(struct editrender *r, const char *key, bool json)
{
    add_text(r, key, strlen(key), json);
}

/* ---- in brackets ---- */

void editrender_flow(struct editrender *r, const struct yamldoc_node *node, bool json)
{
    if (node->kind == YAMLDOC_SCALAR) {
        add_scalar(r, node, json);
        return;
    }
    add(r, node->kind == YAMLDOC_LIST ? "[" : "{");
    for (const struct yamldoc_node *child = node->child; child != NULL; child = child->next) {
        if (child != node->child)
            add(r, ", ");
        if (node->kind == YAMLDOC_MAP) {
            editrender_key(r, child->key, json);
            add(r, ": ");
        }
        editrender_flow(r, child, json);
    }
    add(r, node->kind == YAMLDOC_LIST ? "]" : "}");
}

static void add_line(struct editrender *r, const char *indent, size_t indent_size, size_t deeper)
{
    add(r, "\n");
    editrender_add(r, indent, indent_size);
    editrender_blanks(r, deeper);
}

static void add_lines(struct editrender *r, const struct yamldoc_node *node, const char *indent,
                      size_t indent_size, size_t step, size_t deeper)
{
    if (node->kind == YAMLDOC_SCALAR || node->size == 0) {
        editrender_flow(r, node, true);
        return;
    }
    add(r, node->kind == YAMLDOC_LIST ? "[" : "{");
    for (const struct yamldoc_node *child = node->child; child != NULL; child = child->next) {
        if (child != node->child)
            add(r, ",");
        add_line(r, indent, indent_size, deeper + step);
        if (node->kind == YAMLDOC_MAP) {
            editrender_key(r, child->key, true);
            add(r, ": ");
        }
        add_lines(r, child, indent, indent_size, step, deeper + step);
    }
    add_line(r, indent, indent_size, deeper);
    add(r, node->kind == YAMLDOC_LIST ? "]" : "}");
}

void editrender_lines(struct editrender *r, const struct yamldoc_node *node, const char *indent,
                      size_t indent_size, size_t step)
{
    add_lines(r, node, indent, indent_size, step, 0);
}

/* ---- in blocks ---- */

void editrender_block(struct editrender *r, const struct yamldoc_node *node, size_t indent)
{
    if (node->kind == YAMLDOC_SCALAR || node->size == 0) {
        editrender_flow(r, node, false);
        add(r, "\n");
        return;
    }
    for (const struct yamldoc_node *child = node->child; child != NULL; child = child->next) {
        if (child != node->child)
            editrender_blanks(r, indent);
        if (node->kind == YAMLDOC_LIST) {
            add(r, "- ");
            editrender_block(r, child, indent + EDITRENDER_STEP);
        } else {
            editrender_key(r, child->key, false);
            add(r, ":");
            editrender_value(r, child, indent);
        }
    }
}

/* A list of plain values reads well in one line: addresses, zones. */
static bool is_short(const struct yamldoc_node *node)
{
    if (node->kind != YAMLDOC_LIST || node->size > 4)
        return node->size == 0;
    for (const struct yamldoc_node *child = node->child; child != NULL; child = child->next) {
        if (child->kind != YAMLDOC_SCALAR)
            return false;
    }
    return true;
}

void editrender_value(struct editrender *r, const struct yamldoc_node *node, size_t indent_of_key)
{
    if (node->kind == YAMLDOC_SCALAR || is_short(node)) {
        add(r, " ");
        editrender_flow(r, node, false);
        add(r, "\n");
        return;
    }
    add(r, "\n");
    editrender_blanks(r, indent_of_key + EDITRENDER_STEP);
    editrender_block(r, node, indent_of_key + EDITRENDER_STEP);
}
