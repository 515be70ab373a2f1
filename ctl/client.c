#include "client.h"

#include <curl/curl.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/un.h>

#include "alloc.h"

#define URL_MAX 8192

struct address {
    const char *socket; /* path, or NULL */
    char base[256];     /* "http://127.0.0.1:8053" */
};

static bool read_address(const char *text, struct address *out, char *why)
{
    *out = (struct address){0};
    if (strncmp(text, "unix:", 5) == 0 || text[0] == '/') {
        out->socket = text[0] == '/' ? text : text + 5;
        (void)snprintf(out->base, sizeof(out->base), "http://pldnsd");
        if (out->socket[0] != '/' ||
            strlen(out->socket) >= sizeof(((struct sockaddr_un *)0)->sun_path)) {
            (void)snprintf(why, CLIENT_WHY_SIZE,
                           "--server %s: wants unix: and an absolute path of at most 107 octets",
                           text);
            return false;
        }
        return true;
    }
    const char *host = strncmp(text, "http://", 7) == 0 ? text + 7 : text;
    size_t length = strlen(host);
    while (length > 0 && host[length - 1] == '/') {
        length--;
    }
    if (length == 0 || length > sizeof(out->base) - 8 || strstr(host, "://") != NULL ||
        strcspn(host, "/?#@ ") < length) {
        (void)snprintf(why, CLIENT_WHY_SIZE, "--server %s: wants unix:/path or http://address:port",
                       text);
        return false;
    }
    (void)snprintf(out->base, sizeof(out->base), "http://%.*s", (int)length, host);
    return true;
}

/* Appends to a terminated text; false: no room. */
static bool append(char *text, size_t size, const char *more)
{
    size_t used = strlen(text), length = strlen(more);

    if (length >= size - used) {
        return false;
    }
    memcpy(text + used, more, length + 1);
    return true;
}

static bool make_url(CURL *curl, const struct address *address,
                     const struct client_request *request, char url[URL_MAX])
{
    bool ok, first = true;

    url[0] = '\0';
    ok = append(url, URL_MAX, address->base) && append(url, URL_MAX, request->path);
    for (size_t i = 0; ok && i < CLIENT_QUERY_MAX && request->query[i].name != NULL; i++) {
        const struct client_pair *pair = &request->query[i];

        if (pair->value == NULL) {
            continue;
        }
        char *value = curl_easy_escape(curl, pair->value, 0);
        ok = value != NULL && append(url, URL_MAX, first ? "?" : "&") &&
             append(url, URL_MAX, pair->name) && append(url, URL_MAX, "=") &&
             append(url, URL_MAX, value);
        curl_free(value);
        first = false;
    }
    return ok;
}

static size_t on_bytes(char *bytes, size_t one, size_t length, void *arg)
{
    struct client_reply *reply = arg;

    (void)one; /* always 1 */
    if (length > CLIENT_REPLY_MAX - reply->size) {
        return 0; /* ends the transfer with CURLE_WRITE_ERROR */
    }
    if (reply->size + length >= reply->room) { /* doubled: else a large reply is copied too often */
        reply->room = 2 * (reply->size + length + 1);
        reply->body = alloc_resize(reply->body, reply->room, 1);
    }
    memcpy(reply->body + reply->size, bytes, length);
    reply->size += length;
    reply->body[reply->size] = '\0';
    return length;
}

static const char *advice(long system_error, bool is_socket)
{
    switch (system_error) {
    case ENOENT:
        return "is pldnsd running, and is this its admin.listen?";
    case ECONNREFUSED:
        return is_socket ? "nobody listens behind it: pldnsd has ended; start it"
                         : "nobody listens there: is pldnsd running, with this admin.listen?";
    case EACCES:
    case EPERM:
        return "this user may not open it: run as root or as pldnsd's user or group";
    default:
        return "is pldnsd running, and is this its admin.listen?";
    }
}

static enum client_result judge(CURL *curl, CURLcode code, const struct options *options,
                                const struct address *address, char *why)
{
    long system_error = 0, sent = 0;

    (void)curl_easy_getinfo(curl, CURLINFO_OS_ERRNO, &system_error);
    (void)curl_easy_getinfo(curl, CURLINFO_REQUEST_SIZE, &sent);
    switch (code) {
    case CURLE_OK:
        return CLIENT_ANSWERED;
    case CURLE_OPERATION_TIMEDOUT:
        (void)snprintf(why, CLIENT_WHY_SIZE, "no answer in time from pldnsd at %s",
                       options->server);
        return CLIENT_TIMEOUT;
    case CURLE_COULDNT_CONNECT:
    case CURLE_COULDNT_RESOLVE_HOST:
        (void)snprintf(why, CLIENT_WHY_SIZE,
                       "cannot reach pldnsd at %s: %s\n  %s\n  another address: --server ADDR or "
                       "PLDNSCTL_SERVER",
                       options->server,
                       system_error != 0 ? strerror((int)system_error) : curl_easy_strerror(code),
                       advice(system_error, address->socket != NULL));
        return CLIENT_UNREACHABLE;
    case CURLE_URL_MALFORMAT:
        (void)snprintf(why, CLIENT_WHY_SIZE, "--server %s: wants unix:/path or http://address:port",
                       options->server);
        return CLIENT_MISUSED;
    case CURLE_WRITE_ERROR:
        (void)snprintf(why, CLIENT_WHY_SIZE, "the reply of %s is larger than %u MiB",
                       options->server, CLIENT_REPLY_MAX >> 20);
        return CLIENT_BROKEN;
    default:
        (void)snprintf(why, CLIENT_WHY_SIZE, "pldnsd at %s hung up%s: %s", options->server,
                       sent > 0 ? " during the answer" : "", curl_easy_strerror(code));
        return CLIENT_BROKEN;
    }
}

static void set_up(CURL *curl, const struct address *address, const struct client_request *request,
                   const char *url, struct client_reply *out)
{
    uint64_t ms = request->timeout_ms == 0 ? CLIENT_TIMEOUT_MS : request->timeout_ms;

    (void)curl_easy_setopt(curl, CURLOPT_URL, url);
    (void)curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "http");
    (void)curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
    (void)curl_easy_setopt(curl, CURLOPT_PROXY, ""); /* http_proxy is not meant for us */
    (void)curl_easy_setopt(curl, CURLOPT_TIMEOUT_MS, (long)ms);
    (void)curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT_MS, (long)ms);
    (void)curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, on_bytes);
    (void)curl_easy_setopt(curl, CURLOPT_WRITEDATA, out);
    if (address->socket != NULL) {
        (void)curl_easy_setopt(curl, CURLOPT_UNIX_SOCKET_PATH, address->socket);
    }
    if (request->post) {
        (void)curl_easy_setopt(curl, CURLOPT_POST, 1L);
        (void)curl_easy_setopt(curl, CURLOPT_POSTFIELDSIZE, 0L);
        (void)curl_easy_setopt(curl, CURLOPT_POSTFIELDS, "");
    }
}

enum client_result client_try(const struct options *options, const struct client_request *request,
                              struct client_reply *out, char why[CLIENT_WHY_SIZE])
{
    struct address address;
    char url[URL_MAX];
    enum client_result result = CLIENT_MISUSED;

    *out = (struct client_reply){.body = alloc_array(1, 1)};
    CURL *curl = curl_easy_init();
    if (curl == NULL) {
        (void)snprintf(why, CLIENT_WHY_SIZE, "libcurl does not start");
        goto out;
    }
    if (!read_address(options->server, &address, why)) {
        goto out;
    }
    if (!make_url(curl, &address, request, url)) {
        (void)snprintf(why, CLIENT_WHY_SIZE, "an argument is too long");
        goto out;
    }
    set_up(curl, &address, request, url, out);
    result = judge(curl, curl_easy_perform(curl), options, &address, why);
    if (result == CLIENT_ANSWERED) {
        (void)curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &out->status);
        out->json = json_loadb(out->body, out->size, JSON_REJECT_DUPLICATES, NULL);
    }
out:
    curl_easy_cleanup(curl);
    if (result != CLIENT_ANSWERED) {
        client_reply_clear(out);
    }
    return result;
}

void client_reply_clear(struct client_reply *reply)
{
    json_decref(reply->json);
    free(reply->body);
    *reply = (struct client_reply){0};
}

enum exitcode client_failed(const struct command_call *call, enum client_result result,
                            const char *why)
{
    static const enum exitcode codes[] = {
        [CLIENT_ANSWERED] = EXITCODE_FINE,   [CLIENT_UNREACHABLE] = EXITCODE_UNREACHABLE,
        [CLIENT_TIMEOUT] = EXITCODE_TIMEOUT, [CLIENT_BROKEN] = EXITCODE_UNREACHABLE,
        [CLIENT_MISUSED] = EXITCODE_WRONG,
    };
    /* The first line is the error, what follows is advice. */
    const char *end = strchr(why, '\n');
    int length = end == NULL ? (int)strlen(why) : (int)(end - why);

    output_error(&call->output, "%.*s", length, why);
    if (end != NULL) {
        fprintf(stderr, "%s\n", end + 1);
    }
    return codes[result];
}

enum exitcode client_odd(const struct command_call *call, struct client_reply *reply)
{
    const char *said = json_string_value(json_object_get(reply->json, "error"));
    bool ours = reply->status >= 400 && reply->status < 500;

    output_error(&call->output, "pldnsd at %s answered HTTP %ld: %.200s", call->options->server,
                 reply->status, said == NULL ? reply->body : said);
    client_reply_clear(reply);
    return ours ? EXITCODE_WRONG : EXITCODE_UNREACHABLE;
}

enum exitcode client_ask(const struct command_call *call, const struct client_request *request,
                         struct client_reply *out)
{
    char why[CLIENT_WHY_SIZE];
    struct client_request timed = *request;

    if (timed.timeout_ms == 0) {
        timed.timeout_ms = call->options->timeout_ms;
    }
    enum client_result result = client_try(call->options, &timed, out, why);
    if (result != CLIENT_ANSWERED) {
        return client_failed(call, result, why);
    }
    bool expected = out->status == 200 || out->status == 409 || out->status == 408;
    if (expected && out->json != NULL) {
        return EXITCODE_FINE;
    }
    return client_odd(call, out);
}
