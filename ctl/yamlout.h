/* A JSON value as YAML.
 *
 * Every text that could be taken for something else is put in double quotes with YAML's own
 * escapes, so any YAML 1.1 or 1.2 reader gets back the value that went in. */
#ifndef PLDNS_YAMLOUT_H
#define PLDNS_YAMLOUT_H

#include <jansson.h>
#include <stdio.h>

void yamlout_print(FILE *, const json_t *value);

#endif
