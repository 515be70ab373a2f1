#include "adminreply.h"

#include <event2/buffer.h>
#include <event2/http.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "jsonmap.h"

/* evhttp sends what there is, also to who asked for the head alone. */
static void put_body(struct evhttp_request *request, const char *text)
{
    char length[24];

    if (evhttp_request_get_command(request) != EVHTTP_REQ_HEAD) {
        (void)evbuffer_add(evhttp_request_get_output_buffer(request), text, strlen(text));
        return;
    }
    snprintf(length, sizeof length, "%zu", strlen(text));
    evhttp_add_header(evhttp_request_get_output_headers(request), "Content-Length", length);
}

void adminreply_text(struct evhttp_request *request, int status, const char *type, const char *text)
{
    struct evkeyvalq *headers = evhttp_request_get_output_headers(request);

    evhttp_add_header(headers, "Content-Type", type);
    evhttp_add_header(headers, "Cache-Control", "no-store");
    evhttp_add_header(headers, "X-Content-Type-Options", "nosniff");
    put_body(request, text);
    evhttp_send_reply(request, status, NULL, NULL);
}

void adminreply_json(struct evhttp_request *request, int status, json_t *value)
{
    char *text = json_dumps(value, JSON_INDENT(2));

    adminreply_text(request, status, "application/json; charset=utf-8", text != NULL ? text : "{}");
    free(text);
    json_decref(value);
}

void adminreply_error(struct evhttp_request *request, int status, const char *format, ...)
{
    char text[1024];
    va_list arguments;

    va_start(arguments, format);
    if (vsnprintf(text, sizeof text, format, arguments) < 0)
        text[0] = '\0';
    va_end(arguments);
    json_t *map = json_object();
    (void)json_object_set_new(map, "error", jsonmap_string(text));
    adminreply_json(request, status, map);
}
