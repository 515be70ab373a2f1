/* pldnsctl create and delete: whole connections. */
#ifndef PLDNS_CREATE_H
#define PLDNS_CREATE_H

#include "command.h"
#include <jansson.h>

command_fn create_connection;
command_fn create_delete;

/* A connection as a YAML document of its own, the caller's to free(). */
char *create_text(const json_t *connection, size_t *size);
/* "plc-1.yaml"; NULL: the id is no file name.  The caller's. */
char *create_file_name(const char *id, const char *ending);

#endif
