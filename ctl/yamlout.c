#include "yamlout.h"

#include <inttypes.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <strings.h>

#include "error.h"

/* Words that YAML 1.1 or 1.2 reads as a boolean or as nothing. */
static bool reserved(const char *text)
{
    static const char *const words[] = {"y",   "n",    "yes",   "no",  "on",
                                        "off", "true", "false", "null"};

    for (size_t i = 0; i < ARRAY_LENGTH(words); i++) {
        if (strcasecmp(text, words[i]) == 0) {
            return true;
        }
    }
    return false;
}

/* Plain without quotes only what begins with a letter and has nothing but letters, digits, '_',
 * '-',
 * '.' and '/': no number, no date, no indicator looks like that. */
static bool plain(const char *text, size_t size)
{
#define LETTERS "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
    return size > 0 && strspn(text, LETTERS) > 0 &&
           strspn(text, LETTERS "0123456789_-./") == size && !reserved(text);
#undef LETTERS
}

/* One code point of valid UTF-8 (jansson holds nothing else); '*at' moves behind it. */
static uint32_t next(const unsigned char **at)
{
    unsigned char first = *(*at)++;
    unsigned more = first < 0x80 ? 0 : first < 0xE0 ? 1 : first < 0xF0 ? 2 : 3;
    uint32_t point = more == 0 ? first : first & (0x3Fu >> more);

    while (more-- > 0) {
        point = point << 6 | (*(*at)++ & 0x3Fu);
    }
    return point;
}

static void print_text(FILE *to, const char *text, size_t size)
{
    const unsigned char *at = (const unsigned char *)text, *end = at + size;

    if (plain(text, size)) {
        fputs(text, to);
        return;
    }
    putc('"', to);
    while (at < end) {
        uint32_t point = next(&at);

        if (point == '"' || point == '\\') {
            fprintf(to, "\\%c", (char)point);
        } else if (point >= 0x20 && point < 0x7F) {
            putc((int)point, to);
        } else if (point < 0x100) {
            fprintf(to, "\\x%02" PRIX32, point);
        } else {
            fprintf(to, point < 0x10000 ? "\\u%04" PRIX32 : "\\U%08" PRIX32, point);
        }
    }
    putc('"', to);
}

static void print_indent(FILE *to, unsigned depth)
{
    fprintf(to, "%*s", (int)(2 * depth), "");
}

static void print(FILE *to, const json_t *value, unsigned depth, bool behind_dash);

/* What stands behind "key:" or begins a document: on the same line if it has no children. */
static void print_child(FILE *to, const json_t *value, unsigned depth)
{
    if ((json_is_object(value) && json_object_size(value) > 0) ||
        (json_is_array(value) && json_array_size(value) > 0)) {
        putc('\n', to);
    } else {
        putc(' ', to);
    }
    print(to, value, depth, false);
}

static void print_object(FILE *to, const json_t *value, unsigned depth, bool behind_dash)
{
    const char *key;
    json_t *child;

    json_object_foreach((json_t *)value, key, child)
    {
        if (!behind_dash) {
            print_indent(to, depth);
        }
        behind_dash = false;
        print_text(to, key, strlen(key));
        putc(':', to);
        print_child(to, child, depth + 1);
    }
}

static void print_array(FILE *to, const json_t *value, unsigned depth, bool behind_dash)
{
    size_t i;
    json_t *child;

    json_array_foreach(value, i, child)
    {
        if (!behind_dash) {
            print_indent(to, depth);
        }
        behind_dash = false;
        fputs("- ", to);
        print(to, child, depth + 1, true);
    }
}

static void print(FILE *to, const json_t *value, unsigned depth, bool behind_dash)
{
    switch (json_typeof(value)) {
    case JSON_OBJECT:
        if (json_object_size(value) > 0) {
            print_object(to, value, depth, behind_dash);
            return;
        }
        fputs("{}\n", to);
        return;
    case JSON_ARRAY:
        if (json_array_size(value) > 0) {
            print_array(to, value, depth, behind_dash);
            return;
        }
        fputs("[]\n", to);
        return;
    case JSON_STRING:
        print_text(to, json_string_value(value), json_string_length(value));
        break;
    case JSON_INTEGER:
        fprintf(to, "%" JSON_INTEGER_FORMAT, json_integer_value(value));
        break;
    case JSON_REAL:
        fprintf(to, "%.17g", json_real_value(value));
        break;
    case JSON_TRUE:
        fputs("true", to);
        break;
    case JSON_FALSE:
        fputs("false", to);
        break;
    case JSON_NULL:
        fputs("null", to);
        break;
    }
    putc('\n', to);
}

void yamlout_print(FILE *to, const json_t *value)
{
    print(to, value, 0, false);
}
