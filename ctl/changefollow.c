/* Waiting until what was written is served.  Part of change. */
#include "change.h"

#include <string.h>
#include <sys/stat.h>

#include "await.h"

#define FOLLOW_MS 30000
#define DONE_SIZE 512

/* "a.yaml is written": who does not hear of it would do it again. */
static const char *done(const struct change *change, char text[DONE_SIZE])
{
    const struct change_item *first = change->items;

    if (change->length == 0) {
        (void)snprintf(text, DONE_SIZE, "there was nothing to write");
    } else if (change->length > 1) {
        (void)snprintf(text, DONE_SIZE, "%zu documents are written", change->length);
    } else {
        (void)snprintf(text, DONE_SIZE, "%s is %s", first->name,
                       first->bytes != NULL ? "written" : "removed");
    }
    return text;
}

static enum exitcode not_followed(const struct change *change, enum exitcode code)
{
    char text[DONE_SIZE];

    if (change->length > 0) {
        output_error(&change->folder->call->output, "%s all the same", done(change, text));
    }
    return code;
}

/* The daemon's directory as it is known to it; in a container that may be another one here. */
static bool is_ours(const struct folder *folder, const json_t *status)
{
    const char *directory = json_string_value(json_object_get(status, "directory"));
    struct stat here, there;

    return directory != NULL && stat(folder->path, &here) == 0 && stat(directory, &there) == 0 &&
           here.st_dev == there.st_dev && here.st_ino == there.st_ino;
}

/* True: a daemon serves this directory.  A daemon that was named must answer, and so must one that
 * listens: that nobody does is known at once. */
static bool find_daemon(const struct change *change, uint64_t ms, enum exitcode *code)
{
    const struct folder *folder = change->folder;
    const struct command_call *call = folder->call;
    struct client_request request = {.path = "/api/status", .timeout_ms = ms};
    struct client_reply reply;
    char why[CLIENT_WHY_SIZE], text[DONE_SIZE];
    bool named = (call->options->given & OPTIONS_SERVER) != 0;

    enum client_result result = client_try(call->options, &request, &reply, why);
    if (result != CLIENT_ANSWERED) {
        bool told = named || result == CLIENT_TIMEOUT;

        *code = told ? not_followed(change, client_failed(call, result, why)) : EXITCODE_FINE;
        return false;
    }
    bool ours = is_ours(folder, reply.json);
    if (!ours && named) {
        output_error(&call->output, "%s, but pldnsd at %s does not serve %s", done(change, text),
                     call->options->server, folder->path);
        *code = EXITCODE_NO;
    }
    client_reply_clear(&reply);
    return ours;
}

static enum exitcode wait_for(const struct change *change, const struct change_item *item,
                              uint64_t end)
{
    const struct command_call *call = change->folder->call;
    struct await await = {.call = call, .end = end};
    char lacking[DONE_SIZE];
    struct client_reply reply;

    if (item->bytes == NULL) { /* what is gone cannot be waited for, but looked for */
        await.request = (struct client_request){.path = "/api/reload", .post = true};
    } else {
        await.request =
            (struct client_request){.path = "/api/wait", .query = {{"document", item->name}}};
        await.told = true;
    }
    (void)snprintf(lacking, sizeof(lacking), "%s is %s", item->name,
                   item->bytes == NULL ? "removed, and may be served yet"
                                       : "written and not served yet");
    await.lacking = lacking;
    enum exitcode code = await_reply(&await, &reply);
    if (code != EXITCODE_FINE) {
        return code == EXITCODE_TIMEOUT ? code : not_followed(change, code);
    }
    if (reply.status == 409 && item->bytes != NULL) {
        const char *said = json_string_value(json_object_get(reply.json, "error"));

        output_error(&call->output, "pldnsd refuses what was written: %s",
                     said != NULL ? said : item->name);
        code = EXITCODE_NO;
    }
    client_reply_clear(&reply);
    return code;
}

/* The names of the documents whose newest version is served. */
static json_t *read_served(const struct change *change)
{
    struct client_request request = {.path = "/api/status"};
    struct client_reply reply;
    char why[CLIENT_WHY_SIZE];
    json_t *names = json_object(), *one;
    size_t i;

    if (client_try(change->folder->call->options, &request, &reply, why) != CLIENT_ANSWERED) {
        return names;
    }
    json_array_foreach(json_object_get(reply.json, "documents"), i, one)
    {
        const char *name = json_string_value(json_object_get(one, "name"));
        const char *state = json_string_value(json_object_get(one, "state"));

        if (name != NULL && state != NULL && strcmp(state, "accepted") == 0) {
            (void)json_object_set_new(names, name, json_true());
        }
    }
    client_reply_clear(&reply);
    return names;
}

/* Whom we wait for has the whole directory looked at: the others need not be asked for, then. */
static enum exitcode wait_for_all(const struct change *change, uint64_t end)
{
    enum exitcode code = EXITCODE_FINE;
    json_t *served = NULL;

    for (size_t i = 0; code == EXITCODE_FINE && i < change->length; i++) {
        const struct change_item *item = &change->items[i];

        if (item->bytes == NULL || json_object_get(served, item->name) == NULL) {
            code = wait_for(change, item, end);
        }
        if (code == EXITCODE_FINE && served == NULL && i + 1 < change->length) {
            served = read_served(change);
        }
    }
    json_decref(served);
    return code;
}

enum exitcode change_follow(const struct change *change)
{
    struct folder *folder = change->folder;
    const struct options *options = folder->call->options;
    uint64_t ms = options->timeout_ms != 0 ? options->timeout_ms : FOLLOW_MS;
    uint64_t end = await_end(ms);
    enum exitcode code = EXITCODE_FINE;

    folder_unlock(folder);
    if ((options->given & OPTIONS_NO_WAIT) == 0 && find_daemon(change, ms, &code)) {
        code = wait_for_all(change, end);
    }
    return code;
}
