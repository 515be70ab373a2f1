#include "nodejson.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "alloc.h"
#include "amount.h"
#include "output.h"

/* The fields that are numbers; whatever else looks like one is a text that needs no quotes. */
static bool is_number(const char *key)
{
    static const char *const keys[] = {"ttl", "port", "rise", "fall", "totalSize"};

    for (size_t i = 0; key != NULL && i < ARRAY_LENGTH(keys); i++) {
        if (strcmp(keys[i], key) == 0) {
            return true;
        }
    }
    return false;
}

static json_t *scalar(const struct yamldoc_node *node)
{
    int64_t number;

    if (yamldoc_is_null(node)) {
        return json_null();
    }
    if (node->plain && (strcmp(node->text, "true") == 0 || strcmp(node->text, "false") == 0)) {
        return json_boolean(node->text[0] == 't');
    }
    if (node->plain && is_number(node->key) && amount_integer(node->text, &number)) {
        return json_integer(number);
    }
    json_t *text = json_stringn(node->text, node->size);
    return text != NULL ? text : output_string(node->text);
}

json_t *nodejson_read(const struct yamldoc_node *node)
{
    if (node->kind == YAMLDOC_SCALAR) {
        return scalar(node);
    }
    json_t *value = node->kind == YAMLDOC_LIST ? json_array() : json_object();
    for (const struct yamldoc_node *child = node->child; child != NULL; child = child->next) {
        if (node->kind == YAMLDOC_LIST) {
            (void)json_array_append_new(value, nodejson_read(child));
        } else {
            (void)json_object_set_new(value, child->key, nodejson_read(child));
        }
    }
    return value;
}

/* JSON that is YAML, too: what YAML does not allow, or takes for a line break, is escaped. */
static char *dump(const json_t *value)
{
    static const char delete[] = "\\u007f"; /* which jansson takes for ASCII like any other */
    char *text = json_dumps(value, JSON_COMPACT | JSON_ENCODE_ANY | JSON_ENSURE_ASCII), *to;

    assert(text != NULL);
    char *safe = to = alloc_array(strlen(text) + 1, sizeof(delete) - 1);
    for (const char *at = text; *at != '\0'; at++) {
        if (*at == '\x7f') {
            memcpy(to, delete, sizeof(delete) - 1);
            to += sizeof(delete) - 1;
        } else {
            *to++ = *at;
        }
    }
    *to = '\0';
    free(text);
    return safe;
}

static struct yamldoc *write_value(const json_t *value, struct error_list *errors)
{
    char *text = dump(value);
    struct yamldoc *doc = yamldoc_parse("value", text, strlen(text), errors);

    free(text);
    return doc;
}

struct yamldoc *nodejson_write(const json_t *value)
{
    struct error_list errors = {0};
    struct yamldoc *doc = write_value(value, &errors);

    assert(doc != NULL);
    error_clear(&errors);
    return doc;
}

bool nodejson_fits(const json_t *value, char *why, size_t size)
{
    struct error_list errors = {0};
    struct yamldoc *doc = write_value(value, &errors);
    bool fits = doc != NULL;

    (void)snprintf(why, size, "%s", errors.length > 0 ? errors.items[0].text : "");
    error_clear(&errors);
    yamldoc_free(doc);
    return fits;
}
