/* Replies of the admin address.  Each ends its request. */
#ifndef PLDNS_ADMINREPLY_H
#define PLDNS_ADMINREPLY_H

#include "error.h"
#include <jansson.h>

struct evhttp_request;

/* Takes the reference over. */
void adminreply_json(struct evhttp_request *, int status, json_t *);
/* {"error": "…"} */
void adminreply_error(struct evhttp_request *, int status, const char *format, ...)
    PRINTF_LIKE(3, 4);
void adminreply_text(struct evhttp_request *, int status, const char *type, const char *text);

#endif
