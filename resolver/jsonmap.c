#include "jsonmap.h"

#include <stdlib.h>

#include "alloc.h"

json_t *jsonmap_string(const char *text)
{
    json_t *value = json_string(text);

    if (value != NULL)
        return value;
    char *copy = alloc_string(text);
    for (unsigned char *c = (unsigned char *)copy; *c != '\0'; c++) {
        if (*c >= 0x80)
            *c = '?';
    }
    value = json_string(copy);
    free(copy);
    return value;
}

void jsonmap_set(json_t *map, const char *key, const char *text)
{
    (void)json_object_set_new(map, key, jsonmap_string(text));
}

void jsonmap_set_if(json_t *map, const char *key, const char *text)
{
    if (text[0] != '\0')
        jsonmap_set(map, key, text);
}

void jsonmap_set_number(json_t *map, const char *key, uint64_t value)
{
    (void)json_object_set_new(map, key, json_integer((json_int_t)value));
}

void jsonmap_set_boolean(json_t *map, const char *key, bool value)
{
    (void)json_object_set_new(map, key, json_boolean(value));
}
