/* Members of a JSON map: what the admin pages are made of. */
#ifndef PLDNS_JSONMAP_H
#define PLDNS_JSONMAP_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

/* Of any bytes: octets that are no UTF-8 become '?', because JSON has no other. */
json_t *jsonmap_string(const char *);

void jsonmap_set(json_t *map, const char *key, const char *text);
/* Nothing, if the text is "". */
void jsonmap_set_if(json_t *map, const char *key, const char *text);
void jsonmap_set_number(json_t *map, const char *key, uint64_t value);
void jsonmap_set_boolean(json_t *map, const char *key, bool value);

#endif
