#include "attach.h"

#include <stdlib.h>
#include <string.h>

#include "change.h"
#include "draw.h"
#include "shape.h"

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

/* ---- attach ---- */

static bool is_type(const struct options *o, const char *type)
{
    return o->type != NULL && strcmp(o->type, type) == 0;
}

/* What the type wants is judged with the document; here what only the command line can be told. */
static bool check_use(const struct command_call *call)
{
    const struct options *o = call->options;
    bool dry = (o->given & OPTIONS_DRY_RUN) != 0, custom = is_type(o, "CUSTOM");

    if (o->type == NULL) {
        output_error(&call->output, "--type is missing: TIDBCLOUD_MANAGED, TIDBCLOUD_DEDICATED, "
                                    "CONFLUENT or CUSTOM");
    } else if (custom && (o->domains.length == 0 || o->unique_name != NULL)) {
        output_error(&call->output, "CUSTOM wants --domain NAME, once for each name, and no "
                                    "--unique-name");
    } else if (!custom && o->unique_name == NULL && !is_type(o, "TIDBCLOUD_MANAGED")) {
        output_error(&call->output, "--unique-name is missing");
    } else if (!custom && o->unique_name == NULL && !dry) {
        output_error(&call->output, "--unique-name is missing; the same with --dry-run makes one");
    } else {
        return true;
    }
    return false;
}

static json_t *make_item(const struct options *o)
{
    char text[DRAW_SIZE];
    json_t *item = json_object();

    (void)json_object_set_new(item, "attachDomainId", json_string(draw_id("attach-domain-", text)));
    set(item, "type", o->type);
    if (!is_type(o, "CUSTOM")) {
        set(item, "uniqueName", o->unique_name != NULL ? o->unique_name : draw_unique_name(text));
    }
    set(item, "region", o->region);
    set(item, "cloud", o->cloud);
    set(item, "projectId", o->project);
    if (o->domains.length > 0) {
        json_t *list = json_array();

        for (size_t i = 0; i < o->domains.length; i++) {
            (void)json_array_append_new(
                list, json_pack("{s:o}", "name", output_string(o->domains.items[i])));
        }
        (void)json_object_set_new(item, "domains", list);
    }
    return item;
}

/* As the API answers: what was attached, with its names. */
static json_t *as_told(const struct change *change, const struct folder_found *found,
                       const json_t *item)
{
    const struct change_item *new = &change->items[0];
    const char *id = text_of(found->place.value, "privateLinkConnectionId");
    json_t *all = shape_names(new->name, new->bytes, new->size, id);
    json_t *told = json_deep_copy(item), *list = json_array(), *name;
    json_t *holder = json_pack("{s:[O]}", "attachedDomains", told);
    size_t i;

    json_array_foreach(json_array_get(all, json_array_size(all) - 1), i, name)
    {
        (void)json_array_append(list, name);
    }
    json_t *names = json_pack("[o]", list);
    shape_fill(holder, names);
    set(told, "privateLinkConnectionId", id);
    (void)json_object_set(told, "clusterId", json_object_get(found->place.value, "clusterId"));
    json_decref(names);
    json_decref(holder);
    json_decref(all);
    return told;
}

static void print_names(const json_t *told)
{
    size_t i;
    json_t *name;

    json_array_foreach(json_object_get(told, "domains"), i, name)
    {
        output_text(stdout, text_of(name, "name"));
        putchar('\n');
    }
}

static void tell(const struct command_call *call, json_t *told, bool dry)
{
    if (call->output.format != OPTIONS_TABLE) {
        if (dry) {
            (void)json_object_del(told, "attachDomainId"); /* made when it is attached */
        }
        output_value(&call->output, json_incref(told));
    } else if (dry) {
        if (*text_of(told, "uniqueName") != '\0') {
            fputs("unique name ", stdout);
            output_colored(&call->output, stdout, OUTPUT_BOLD, text_of(told, "uniqueName"));
            puts(":");
        }
        print_names(told);
    } else {
        printf("attached %s:\n", text_of(told, "attachDomainId"));
        print_names(told);
    }
    (void)fflush(stdout);
}

static enum exitcode attach_to(struct folder *folder, const struct folder_found *found)
{
    const struct command_call *call = folder->call;
    bool dry = (call->options->given & OPTIONS_DRY_RUN) != 0;
    struct change change = {.folder = folder};
    json_t *item = make_item(call->options);
    size_t size;
    enum exitcode code = EXITCODE_WRONG;

    rewrite_append(found->rewrite, found->place.node, found->place.value, "attachedDomains", item);
    char *bytes = rewrite_finish(found->rewrite, &size);
    if (bytes == NULL) {
        output_error(&call->output, "%s:%u: its form is unusual: attach by hand", found->file->name,
                     found->place.node->line);
    } else {
        change_put(&change, found->file->name, found->file, bytes, size);
        code = change_judge(&change);
        if (code == EXITCODE_FINE && !dry) {
            code = change_write(&change);
        }
    }
    if (code == EXITCODE_FINE) {
        json_t *told = as_told(&change, found, item);

        code = dry ? EXITCODE_FINE : change_follow(&change);
        tell(call, told, dry);
        json_decref(told);
    }
    json_decref(item);
    change_clear(&change);
    return code;
}

enum exitcode attach_domains(const struct command_call *call)
{
    struct folder folder;
    struct folder_found found;

    if (!check_use(call)) {
        return EXITCODE_WRONG;
    }
    enum exitcode code = folder_open(&folder, call, (call->options->given & OPTIONS_DRY_RUN) == 0);
    if (code != EXITCODE_FINE) {
        return code;
    }
    code = folder_find(&folder, &found);
    if (code == EXITCODE_FINE) {
        code = attach_to(&folder, &found);
        rewrite_free(found.rewrite);
    }
    folder_close(&folder);
    return code;
}

/* ---- detach ---- */

/* The attached domain's number; -1 after a complaint. */
static ptrdiff_t choose(const struct command_call *call, const struct folder_found *found)
{
    const struct options *o = call->options;
    const char *key = o->attach_domain != NULL ? "attachDomainId" : "uniqueName";
    const char *wanted = o->attach_domain != NULL ? o->attach_domain : o->unique_name;
    ptrdiff_t chosen = -1;
    size_t i;
    json_t *item;

    json_array_foreach(json_object_get(found->place.value, "attachedDomains"), i, item)
    {
        if (strcmp(text_of(item, key), wanted) != 0) {
            continue;
        }
        if (chosen >= 0) {
            output_error(&call->output, "two attached domains have the %s '%s'", key, wanted);
            return -1;
        }
        chosen = (ptrdiff_t)i;
    }
    if (chosen < 0) {
        output_error(&call->output, "connection '%s' has no attached domain with the %s '%s'",
                     text_of(found->place.value, "privateLinkConnectionId"), key, wanted);
    }
    return chosen;
}

static json_t *as_it_was(const struct folder_found *found, size_t number)
{
    const struct offline_file *file = found->file;
    json_t *names = shape_names(file->name, file->bytes, file->size,
                                text_of(found->place.value, "privateLinkConnectionId"));

    shape_fill(found->place.value, names);
    json_decref(names);
    return json_deep_copy(
        json_array_get(json_object_get(found->place.value, "attachedDomains"), number));
}

static enum exitcode detach_from(struct folder *folder, struct folder_found *found)
{
    const struct command_call *call = folder->call;
    struct change change = {.folder = folder};
    ptrdiff_t number = choose(call, found);
    size_t size;

    if (number < 0) {
        return EXITCODE_NO;
    }
    json_t *kept = json_deep_copy(json_object_get(found->place.value, "attachedDomains"));
    json_t *told = as_it_was(found, (size_t)number);
    (void)json_object_set_new(found->place.value, "attachedDomains", kept);
    rewrite_remove(found->rewrite, found->place.node, found->place.value, "attachedDomains",
                   (size_t)number);
    char *bytes = rewrite_finish(found->rewrite, &size);
    enum exitcode code = EXITCODE_WRONG;
    if (bytes == NULL) {
        output_error(&call->output, "%s:%u: its form is unusual: detach by hand", found->file->name,
                     found->place.node->line);
    } else {
        change_put(&change, found->file->name, found->file, bytes, size);
        code = change_judge(&change);
    }
    bool dry = (call->options->given & OPTIONS_DRY_RUN) != 0;
    if (code == EXITCODE_FINE && !dry) {
        code = change_write(&change);
        code = code == EXITCODE_FINE ? change_follow(&change) : code;
    }
    if (code == EXITCODE_FINE && call->output.format != OPTIONS_TABLE) {
        output_value(&call->output, json_incref(told));
    } else if (code == EXITCODE_FINE) {
        puts(dry ? "would be detached:" : "detached:");
        print_names(told);
    }
    json_decref(told);
    change_clear(&change);
    return code;
}

enum exitcode attach_detach(const struct command_call *call)
{
    struct folder folder;
    struct folder_found found;

    if ((call->options->attach_domain == NULL) == (call->options->unique_name == NULL)) {
        output_error(&call->output, "which domain? --attach-domain-id ID, or --unique-name NAME if "
                                    "it has none; 'pldnsctl get' shows them");
        return EXITCODE_WRONG;
    }
    enum exitcode code = folder_open(&folder, call, (call->options->given & OPTIONS_DRY_RUN) == 0);
    if (code != EXITCODE_FINE) {
        return code;
    }
    code = folder_find(&folder, &found);
    if (code == EXITCODE_FINE) {
        code = detach_from(&folder, &found);
        rewrite_free(found.rewrite);
    }
    folder_close(&folder);
    return code;
}
