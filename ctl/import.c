#include "import.h"

#include <stdlib.h>
#include <string.h>

#include "alloc.h"
#include "change.h"
#include "create.h"
#include "differ.h"
#include "importaws.h"
#include "importsync.h"
#include "nodejson.h"

#define WHY_SIZE 4096

struct work { /* a document that is there */
    const struct offline_file *file;
    struct rewrite *rewrite;
    bool changed;
};

struct import {
    const struct command_call *call;
    struct folder folder;
    struct importaws aws;
    json_t *connections; /* as the API printed them */
    struct work *works;
    struct home {
        size_t work;
        struct rewrite_place place;
    } * homes;
    size_t works_length, homes_length;
    json_t *ids;     /* id → number of its home */
    json_t *wanted;  /* id → what is told of the connection */
    json_t *created; /* id → connection that is not there yet */
    json_t *report;
};

static const char *text_of(const json_t *map, const char *key)
{
    const char *text = json_string_value(json_object_get(map, key));

    return text == NULL ? "" : text;
}

/* ---- what is read ---- */

static bool take(struct import *import, const char *name, const json_t *root)
{
    json_t *list = json_object_get(root, "privateLinkConnections");

    if (json_is_array(list)) {
        (void)json_array_extend(import->connections, list);
    } else if (json_is_array(root)) {
        (void)json_array_extend(import->connections, (json_t *)root);
    } else if (json_object_get(root, "privateLinkConnectionId") != NULL) {
        (void)json_array_append(import->connections, (json_t *)root);
    } else if (!importaws_take(&import->aws, root)) {
        output_error(&import->call->output,
                     "%s: is none of: a private link connection, a list of them, and the outputs "
                     "of aws ec2 describe-vpc-endpoints, describe-network-interfaces, "
                     "describe-subnets and describe-availability-zones",
                     name);
        return false;
    }
    return true;
}

static bool read_inputs(struct import *import)
{
    const struct command_call *call = import->call;
    struct offline files = {0};
    char why[WHY_SIZE];
    bool ok = true;

    for (int i = 0; ok && i < (call->length > 0 ? call->length : 1); i++) {
        ok = offline_add(&files, call->length > 0 ? call->words[i] : "-", OFFLINE_PATHS, why,
                         sizeof(why));
        if (!ok) {
            output_error(&call->output, "%s", why);
        }
    }
    for (size_t i = 0; ok && i < files.length; i++) {
        const struct offline_file *file = &files.files[i];
        json_error_t error;
        json_t *root = file->trouble != NULL
                           ? NULL
                           : json_loadb(file->bytes == NULL ? "" : file->bytes, file->size,
                                        JSON_REJECT_DUPLICATES, &error);

        if (root == NULL && file->trouble != NULL) {
            output_error(&call->output, "%s: %s", file->name, file->trouble);
        } else if (root == NULL) {
            output_error(&call->output, "%s:%d:%d: not JSON: %s", file->name, error.line,
                         error.column, error.text);
        }
        ok = root != NULL && take(import, file->name, root);
        json_decref(root);
    }
    offline_clear(&files);
    return ok;
}

static void find_homes(struct import *import)
{
    const struct offline *files = &import->folder.files;

    import->works = alloc_array(files->length, sizeof(*import->works));
    for (size_t i = 0; i < files->length; i++) {
        const struct offline_file *file = &files->files[i];
        struct error_list errors = {0};
        struct rewrite_place place = {0};
        struct rewrite *rewrite =
            file->bytes == NULL ? NULL : rewrite_open(file->name, file->bytes, file->size, &errors);

        error_clear(&errors);
        import->works[import->works_length++] = (struct work){.file = file, .rewrite = rewrite};
        while (rewrite != NULL && rewrite_next(rewrite, &place)) {
            import->homes =
                alloc_resize(import->homes, import->homes_length + 1, sizeof(*import->homes));
            import->homes[import->homes_length] = (struct home){i, place};
            (void)json_object_set_new(import->ids, text_of(place.value, "privateLinkConnectionId"),
                                      json_integer((json_int_t)import->homes_length++));
        }
    }
}

static struct home *home_of(const struct import *import, const char *id)
{
    const json_t *number = json_object_get(import->ids, id);

    return number == NULL ? NULL : &import->homes[json_integer_value(number)];
}

static void remember(struct import *import, const char *id, const char *document,
                     const char *action, json_t *fields)
{
    (void)json_array_append_new(import->report,
                                json_pack("{s:o, s:o, s:s, s:o}", "privateLinkConnectionId",
                                          output_string(id), "document", output_string(document),
                                          "action", action, "fields", fields));
}

static void update(struct import *import, struct home *home, const json_t *from)
{
    struct work *work = &import->works[home->work];
    json_t *fields = importsync_connection(work->rewrite, &home->place, from);
    bool changed = json_array_size(fields) > 0;

    work->changed |= changed;
    remember(import, text_of(home->place.value, "privateLinkConnectionId"), work->file->name,
             changed ? "updated" : "unchanged", fields);
}

/* ---- all of them ---- */

static void without_nulls(json_t *map)
{
    const char *key;
    json_t *value;
    void *next;

    json_object_foreach_safe(map, next, key, value)
    {
        if (json_is_null(value)) {
            (void)json_object_del(map, key);
        }
    }
}

/* What is told twice, in a List and in a Get, is told once. */
static bool want_connection(struct import *import, json_t *from)
{
    const char *id = text_of(from, "privateLinkConnectionId");
    const char *cluster = import->call->options->cluster;
    char *name = create_file_name(id, ".yaml");
    json_t *known = json_object_get(import->wanted, id);

    if (name == NULL) {
        output_error(&import->call->output, "'%.100s' is no privateLinkConnectionId", id);
        return false;
    }
    free(name);
    if (cluster != NULL && strcmp(text_of(from, "clusterId"), cluster) != 0) {
        return true;
    }
    without_nulls(from);
    if (known != NULL) {
        (void)json_object_update(known, from);
    } else {
        (void)json_object_set(import->wanted, id, from);
    }
    return true;
}

static bool has_endpoint(const json_t *connection, const char *id)
{
    const json_t *service = json_object_get(connection, "awsEndpointService");

    return *id != '\0' && strcmp(text_of(service, "endpointId"), id) == 0;
}

/* A VPC endpoint belongs to the connection with its id; --id names it where that is not told yet.
 * Others are of no interest (NULL): the account may have hundreds. */
static const char *owner_of_endpoint(const struct import *import, const json_t *from)
{
    const char *id = text_of(from, "VpcEndpointId"), *owner;
    json_t *connection;

    if (import->call->options->id != NULL) {
        return import->call->options->id;
    }
    json_object_foreach(import->wanted, owner, connection)
    {
        if (has_endpoint(connection, id)) {
            return owner;
        }
    }
    for (size_t i = 0; i < import->homes_length; i++) {
        if (has_endpoint(import->homes[i].place.value, id)) {
            return text_of(import->homes[i].place.value, "privateLinkConnectionId");
        }
    }
    return NULL;
}

static bool want_endpoint(struct import *import, const json_t *from, size_t *taken)
{
    const char *owner = owner_of_endpoint(import, from);
    char why[WHY_SIZE];

    if (owner == NULL) {
        return true;
    }
    json_t *wanted = json_object_get(import->wanted, owner);
    if (wanted == NULL && home_of(import, owner) == NULL) {
        output_error(&import->call->output, "there is no connection '%s'", owner);
        return false;
    }
    json_t *endpoints = importaws_endpoints(&import->aws, from, why, sizeof(why));
    if (endpoints == NULL) {
        output_error(&import->call->output, "%s", why);
        return false;
    }
    ++*taken;
    if (wanted == NULL) {
        wanted = json_object();
        (void)json_object_set_new(import->wanted, owner, wanted);
    }
    json_t *service = json_object_get(wanted, "awsEndpointService");
    if (!json_is_object(service)) {
        service = json_object();
        (void)json_object_set_new(wanted, "awsEndpointService", service);
    }
    if (*text_of(from, "ServiceName") != '\0') {
        (void)json_object_set(service, "name", json_object_get(from, "ServiceName"));
    }
    (void)json_object_set(service, "endpointId", json_object_get(from, "VpcEndpointId"));
    (void)json_object_set_new(wanted, "endpoints", endpoints);
    return true;
}

/* What somebody else printed may be more than a document can hold. */
static bool fits(const struct import *import)
{
    const char *id;
    json_t *wanted;

    json_object_foreach(import->wanted, id, wanted)
    {
        char why[WHY_SIZE];

        if (!nodejson_fits(wanted, why, sizeof(why))) {
            output_error(&import->call->output, "%s: no document can hold it: %s", id, why);
            return false;
        }
    }
    return true;
}

static bool want_all(struct import *import)
{
    const struct command_call *call = import->call;
    size_t i, taken = 0, length = json_array_size(import->aws.endpoints);
    json_t *one;

    json_array_foreach(import->connections, i, one)
    {
        if (!want_connection(import, one)) {
            return false;
        }
    }
    if (call->options->id != NULL && length > 1) {
        output_error(&call->output, "--id names one connection, and there are %zu VPC endpoints",
                     length);
        return false;
    }
    json_array_foreach(import->aws.endpoints, i, one)
    {
        if (!want_endpoint(import, one, &taken)) {
            return false;
        }
    }
    if (length > 0 && taken == 0) {
        output_error(&call->output,
                     "no connection has the endpointId of any of the %zu VPC endpoints; --id names "
                     "the connection of one",
                     length);
        return false;
    }
    return fits(import);
}

static void take_all(struct import *import)
{
    const char *id;
    json_t *from;

    json_object_foreach(import->wanted, id, from)
    {
        if (home_of(import, id) != NULL) {
            update(import, home_of(import, id), from);
        } else {
            char *name = create_file_name(id, ".yaml");

            (void)json_object_set(import->created, id, from);
            remember(import, id, name, "created", json_array());
            free(name);
        }
    }
}

static bool put_all(struct import *import, struct change *change)
{
    const char *id;
    json_t *connection;
    size_t size;

    for (size_t i = 0; i < import->works_length; i++) {
        struct work *work = &import->works[i];

        if (!work->changed) {
            continue;
        }
        char *bytes = rewrite_finish(work->rewrite, &size);
        if (bytes == NULL) {
            output_error(&import->call->output, "%s: its form is unusual: change it by hand",
                         work->file->name);
            return false;
        }
        change_put(change, work->file->name, work->file, bytes, size);
    }
    json_object_foreach(import->created, id, connection)
    {
        char *name = create_file_name(id, ".yaml"), *bytes = create_text(connection, &size);

        change_put(change, name, NULL, bytes, size);
        free(name);
    }
    return true;
}

static void tell(const struct import *import, const struct change *change)
{
    const struct output *output = &import->call->output;
    json_t *names = change->compared ? differ_list(change->before, change->after) : NULL;
    size_t i, j;
    json_t *one, *field;

    if (output->format != OPTIONS_TABLE) {
        json_t *map = json_pack("{s:O}", "connections", import->report);

        if (names != NULL) {
            (void)json_object_set(map, "names", names);
        }
        output_value(output, map);
        json_decref(names);
        return;
    }
    json_array_foreach(import->report, i, one)
    {
        output_text(stdout, text_of(one, "privateLinkConnectionId"));
        printf(" %s in ", text_of(one, "action"));
        output_text(stdout, text_of(one, "document"));
        json_array_foreach(json_object_get(one, "fields"), j, field)
        {
            fputs(j == 0 ? ": " : ", ", stdout);
            output_text(stdout, json_string_value(field));
        }
        putchar('\n');
    }
    if (names != NULL) {
        differ_print(output, names);
    }
    json_decref(names);
}

static enum exitcode run(struct import *import)
{
    bool dry = (import->call->options->given & OPTIONS_DRY_RUN) != 0;
    struct change change = {.folder = &import->folder, .compared = dry};
    enum exitcode code = EXITCODE_WRONG;

    find_homes(import);
    if (want_all(import)) {
        take_all(import);
        if (put_all(import, &change)) {
            code = change_judge(&change);
        }
    }
    if (code == EXITCODE_FINE && !dry) {
        code = change_write(&change);
        code = code == EXITCODE_FINE ? change_follow(&change) : code;
    }
    if (code == EXITCODE_FINE) {
        tell(import, &change);
    }
    change_clear(&change);
    return code;
}

enum exitcode import_documents(const struct command_call *call)
{
    bool dry = (call->options->given & OPTIONS_DRY_RUN) != 0;
    struct import import = {.call = call,
                            .connections = json_array(),
                            .ids = json_object(),
                            .wanted = json_object(),
                            .created = json_object(),
                            .report = json_array()};
    enum exitcode code = EXITCODE_WRONG;

    importaws_open(&import.aws, call->options);
    if (read_inputs(&import)) {
        code = folder_open(&import.folder, call, !dry);
        if (code == EXITCODE_FINE) {
            code = run(&import);
        }
    }
    for (size_t i = 0; i < import.works_length; i++) {
        rewrite_free(import.works[i].rewrite);
    }
    free(import.works);
    free(import.homes);
    importaws_close(&import.aws);
    if (import.folder.catalog != NULL) {
        folder_close(&import.folder);
    }
    json_decref(import.connections);
    json_decref(import.ids);
    json_decref(import.wanted);
    json_decref(import.created);
    json_decref(import.report);
    return code;
}
