#include "create.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "alloc.h"
#include "change.h"
#include "draw.h"
#include "edit.h"
#include "listing.h"
#include "nodejson.h"
#include "shape.h"

#define WHY_SIZE 4096

static const char *text_of(const json_t *map, const char *key)
{
    const char *text = json_string_value(json_object_get(map, key));

    return text == NULL ? "" : text;
}

static void set(json_t *map, const char *key, const char *text)
{
    if (text != NULL) {
        (void)json_object_set_new(map, key, output_string(text));
    }
}

char *create_file_name(const char *id, const char *ending)
{
    static const char allowed[] =
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-";
    size_t length = strlen(id);

    if (length == 0 || id[0] == '.' || strspn(id, allowed) != length) {
        return NULL;
    }
    size_t size = length + strlen(ending) + 1;
    char *name = alloc_array(size, 1);
    snprintf(name, size, "%s%s", id, ending);
    return name;
}

/* An empty map in a line of its own, to which the fields are added: so they are written as
 * everywhere else. */
char *create_text(const json_t *connection, size_t *size)
{
    static const char seed[] = "privateLinkConnectionId: x\n";
    struct error_list errors = {0};
    struct edit *edit = edit_open("new", seed, sizeof(seed) - 1, &errors);
    struct yamldoc *value = nodejson_write(connection);

    edit_merge(edit, yamldoc_root(edit_tree(edit), 0), yamldoc_root(value, 0));
    char *text = edit_finish(edit, size);
    edit_free(edit);
    yamldoc_free(value);
    error_clear(&errors);
    return text;
}

/* ---- from options ---- */

/* "use1-az1=10.0.0.1,10.0.0.2" or without zone; zone ids and addresses have no '='. */
static json_t *endpoint_of(const char *text, bool dns)
{
    const char *equals = strchr(text, '=');
    json_t *endpoint = json_object();

    if (equals != NULL) {
        (void)json_object_set_new(endpoint, "zone", json_stringn(text, (size_t)(equals - text)));
        text = equals + 1;
    }
    if (dns) {
        set(endpoint, "dnsName", text);
        return endpoint;
    }
    char *copy = alloc_string(text), *rest = copy, *one;
    json_t *list = json_array();
    while ((one = strsep(&rest, ",")) != NULL) {
        (void)json_array_append_new(list, output_string(one));
    }
    (void)json_object_set_new(endpoint, "addresses", list);
    free(copy);
    return endpoint;
}

static json_t *from_options(const struct command_call *call)
{
    const struct options *o = call->options;
    json_t *map = json_object(), *endpoints = json_array();

    set(map, "privateLinkConnectionId",
        o->id != NULL      ? o->id
        : call->length > 0 ? call->words[0]
                           : NULL);
    set(map, "clusterId", o->cluster);
    set(map, "displayName", o->display_name);
    set(map, "type", o->type);
    if (o->aws_name != NULL || o->aws_region != NULL) {
        json_t *service = json_object();

        set(service, "name", o->aws_name);
        set(service, "region", o->aws_region);
        (void)json_object_set_new(map, "awsEndpointService", service);
    }
    if (o->alicloud_name != NULL) {
        (void)json_object_set_new(map, "alicloudEndpointService",
                                  json_pack("{s:o}", "name", output_string(o->alicloud_name)));
    }
    for (size_t i = 0; i < o->endpoints.length; i++) {
        (void)json_array_append_new(endpoints, endpoint_of(o->endpoints.items[i], false));
    }
    for (size_t i = 0; i < o->endpoints_dns.length; i++) {
        (void)json_array_append_new(endpoints, endpoint_of(o->endpoints_dns.items[i], true));
    }
    if (json_array_size(endpoints) > 0) {
        (void)json_object_set_new(map, "endpoints", endpoints);
    } else {
        json_decref(endpoints);
    }
    return map;
}

/* ---- from a file ---- */

struct draft {
    char id[CONNECTION_ID_MAX + 1];
    const char *ending;
    char *bytes;
    size_t size;
};

static bool complete(const struct command_call *call, const char *name, const char *bytes,
                     size_t size, json_t *more, struct draft *out)
{
    struct error_list errors = {0};
    struct rewrite_place place = {0};
    char line[WHY_SIZE];
    struct rewrite *rewrite = rewrite_open(name, bytes, size, &errors);
    bool ok = rewrite != NULL;

    for (size_t i = 0; !ok && i < errors.length; i++) {
        output_error(&call->output, "%s", error_format(&errors.items[i], line, sizeof(line)));
    }
    error_clear(&errors);
    bool one = ok && rewrite_next(rewrite, &place);
    struct rewrite_place second = place;
    if (ok && (!one || rewrite_next(rewrite, &second))) {
        output_error(&call->output, "%s: wants one connection; 'pldnsctl import' takes more", name);
        ok = false;
    }
    if (ok) {
        char drawn[DRAW_SIZE];

        if (*text_of(place.value, "privateLinkConnectionId") == '\0' &&
            json_object_get(more, "privateLinkConnectionId") == NULL) {
            set(more, "privateLinkConnectionId", draw_id("plc-", drawn));
        }
        rewrite_merge(rewrite, place.node, place.value, json_incref(more));
        (void)snprintf(out->id, sizeof(out->id), "%s",
                       text_of(place.value, "privateLinkConnectionId"));
        out->bytes = rewrite_finish(rewrite, &out->size);
        out->ending = size > 0 && bytes[strspn(bytes, " \t\r\n")] == '{' ? ".json" : ".yaml";
        ok = out->bytes != NULL;
        if (!ok) {
            output_error(&call->output, "%s: its form is unusual; leave out the other options",
                         name);
        }
    }
    rewrite_free(rewrite);
    return ok;
}

static bool from_file(const struct command_call *call, json_t *more, struct draft *out)
{
    struct offline files = {0};
    char why[WHY_SIZE];
    bool ok = false;

    if (!offline_add(&files, call->options->file, OFFLINE_PATHS, why, sizeof(why))) {
        output_error(&call->output, "%s", why);
    } else if (files.length != 1 || files.files[0].trouble != NULL) {
        output_error(&call->output, "%s: %s", call->options->file,
                     files.length == 1 ? files.files[0].trouble : "wants a file");
    } else {
        struct offline_file *file = &files.files[0];
        char *text = alloc_array(file->size + 1, 1);

        memcpy(text, file->bytes == NULL ? "" : file->bytes, file->size);
        ok = complete(call, file->name, text, file->size, more, out);
        free(text);
    }
    offline_clear(&files);
    return ok;
}

static bool from_nothing(const struct command_call *call, json_t *map, struct draft *out)
{
    char drawn[DRAW_SIZE];

    if (call->options->type == NULL) {
        output_error(&call->output, "--type is missing, as AWS_ENDPOINT_SERVICE; or give a "
                                    "document with --file");
        return false;
    }
    json_t *ordered = json_object();
    set(ordered, "privateLinkConnectionId",
        json_object_get(map, "privateLinkConnectionId") != NULL
            ? text_of(map, "privateLinkConnectionId")
            : draw_id("plc-", drawn));
    (void)json_object_update(ordered, map);
    set(ordered, "state", "ACTIVE");
    (void)json_object_set_new(ordered, "attachedDomains", json_array());
    (void)snprintf(out->id, sizeof(out->id), "%s", text_of(ordered, "privateLinkConnectionId"));
    out->bytes = create_text(ordered, &out->size);
    out->ending = ".yaml";
    json_decref(ordered);
    return true;
}

/* ---- create ---- */

static void tell(const struct command_call *call, const struct change *change, const char *id)
{
    const struct change_item *item = &change->items[0];
    struct error_list errors = {0};
    struct rewrite_place place;
    struct rewrite *rewrite = rewrite_open(item->name, item->bytes, item->size, &errors);
    bool dry = (call->options->given & OPTIONS_DRY_RUN) != 0;

    if (call->output.format == OPTIONS_TABLE && dry) {
        output_text(stdout, item->name);
        puts(":");
        (void)fwrite(item->bytes, 1, item->size, stdout);
    } else if (call->output.format == OPTIONS_TABLE) {
        printf("private link connection %s created in %s\n", id, item->name);
    } else if (rewrite != NULL && rewrite_find(rewrite, id, &place)) {
        json_t *names = shape_names(item->name, item->bytes, item->size, id);

        shape_fill(place.value, names);
        json_decref(names);
        output_value(&call->output, json_incref(place.value));
    }
    rewrite_free(rewrite);
    error_clear(&errors);
    (void)fflush(stdout);
}

static enum exitcode put(struct folder *folder, struct draft *draft)
{
    const struct command_call *call = folder->call;
    struct change change = {.folder = folder};
    char *name = create_file_name(draft->id, draft->ending);
    enum exitcode code = EXITCODE_WRONG;

    if (name == NULL) {
        output_error(&call->output, "'%s' is no id: it wants letters, digits, '-', '_' and '.'",
                     draft->id);
        free(draft->bytes);
        return code;
    }
    change_put(&change, name, NULL, draft->bytes, draft->size);
    code = change_judge(&change);
    if (code == EXITCODE_FINE && (call->options->given & OPTIONS_DRY_RUN) == 0) {
        code = change_write(&change);
        code = code == EXITCODE_FINE ? change_follow(&change) : code;
    }
    if (code == EXITCODE_FINE) {
        tell(call, &change, draft->id);
    }
    change_clear(&change);
    free(name);
    return code;
}

enum exitcode create_connection(const struct command_call *call)
{
    struct folder folder;
    struct folder_found found;
    struct draft draft = {.id = ""};
    enum exitcode code = EXITCODE_WRONG;

    if (call->length > 0 && call->options->id != NULL && folder_id(call) == NULL) {
        return code;
    }
    json_t *map = from_options(call);
    bool ok = call->options->file != NULL ? from_file(call, map, &draft)
                                          : from_nothing(call, map, &draft);
    json_decref(map);
    if (!ok) {
        free(draft.bytes);
        return code;
    }
    code = folder_open(&folder, call, (call->options->given & OPTIONS_DRY_RUN) == 0);
    if (code != EXITCODE_FINE) {
        free(draft.bytes);
        return code;
    }
    if (folder_find_id(&folder, draft.id, &found)) {
        output_error(&call->output, "connection '%s' is there already, in %s:%u", draft.id,
                     found.file->name, found.place.node->line);
        rewrite_free(found.rewrite);
        free(draft.bytes);
        code = EXITCODE_NO;
    } else {
        code = put(&folder, &draft);
    }
    folder_close(&folder);
    return code;
}

/* ---- delete ---- */

/* Only a person can be asked; a script that means it says --force. */
static bool is_confirmed(const struct command_call *call, const struct folder_found *found)
{
    const char *id = text_of(found->place.value, "privateLinkConnectionId");
    char answer[CONNECTION_ID_MAX + 2];

    if (!isatty(STDIN_FILENO)) {
        output_error(&call->output, "deleting %s wants --force where nobody can be asked", id);
        return false;
    }
    fprintf(stderr, "delete %s with its %zu attached domains? type its id: ", id,
            json_array_size(json_object_get(found->place.value, "attachedDomains")));
    if (fgets(answer, sizeof(answer), stdin) == NULL) {
        answer[0] = '\0';
    }
    answer[strcspn(answer, "\n")] = '\0';
    if (strcmp(answer, id) != 0) {
        output_error(&call->output, "not deleted");
        return false;
    }
    return true;
}

static enum exitcode take_out(struct folder *folder, const struct folder_found *found)
{
    const struct command_call *call = folder->call;
    struct change change = {.folder = folder};
    struct rewrite_place other = {0};
    bool alone = rewrite_next(found->rewrite, &other) && !rewrite_next(found->rewrite, &other);
    json_t *told = json_deep_copy(found->place.value);
    enum exitcode code = EXITCODE_WRONG;

    if (alone) {
        change_remove(&change, found->file);
    } else {
        size_t size;

        rewrite_remove_connection(found->rewrite, &found->place);
        char *bytes = rewrite_finish(found->rewrite, &size);
        if (bytes != NULL) {
            change_put(&change, found->file->name, found->file, bytes, size);
        }
    }
    if (change.length == 0) {
        output_error(&call->output, "%s:%u: its form is unusual: delete by hand", found->file->name,
                     found->place.node->line);
    } else {
        code = change_judge(&change);
        code = code == EXITCODE_FINE ? change_write(&change) : code;
        code = code == EXITCODE_FINE ? change_follow(&change) : code;
    }
    if (code == EXITCODE_FINE && call->output.format == OPTIONS_TABLE) {
        fputs("private link connection ", stdout);
        output_text(stdout, text_of(told, "privateLinkConnectionId"));
        fputs(" deleted from ", stdout);
        output_text(stdout, found->file->name);
        putchar('\n');
    } else if (code == EXITCODE_FINE) {
        output_value(&call->output, json_incref(told));
    }
    json_decref(told);
    change_clear(&change);
    return code;
}

enum exitcode create_delete(const struct command_call *call)
{
    bool sure = (call->options->given & OPTIONS_FORCE) != 0;
    enum exitcode code = EXITCODE_FINE;

    /* Twice: nobody is kept waiting while a person thinks. */
    for (int turn = sure ? 1 : 0; code == EXITCODE_FINE && turn < 2; turn++) {
        struct folder folder;
        struct folder_found found;

        code = folder_open(&folder, call, turn == 1);
        if (code != EXITCODE_FINE) {
            return code;
        }
        code = folder_find(&folder, &found);
        if (code == EXITCODE_FINE) {
            if (turn == 1) {
                code = take_out(&folder, &found);
            } else if (!is_confirmed(call, &found)) {
                code = EXITCODE_NO;
            }
            rewrite_free(found.rewrite);
        }
        folder_close(&folder);
    }
    return code;
}
