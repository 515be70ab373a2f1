#include "nodejson.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

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

struct yamldoc *nodejson_write(const json_t *value)
{
    struct error_list errors = {0};
    char *text = json_dumps(value, JSON_COMPACT | JSON_ENCODE_ANY);

    assert(text != NULL);
    struct yamldoc *doc = yamldoc_parse("value", text, strlen(text), &errors);
    free(text);
    error_clear(&errors);
    return doc;
}
