#include "listing.h"

#include <string.h>

#include "alloc.h"
#include "folder.h"
#include "shape.h"
#include "state.h"

#define WORDS_SIZE 4096

static const char *text_of(const json_t *map, const char *key)
{
    const char *text = json_string_value(json_object_get(map, key));

    return text == NULL ? "" : text;
}

static enum output_color color_of(const char *state)
{
    switch (state_of(state, NULL)) {
    case STATE_USABLE:
        return OUTPUT_GREEN;
    case STATE_NOT_READY:
        return OUTPUT_YELLOW;
    case STATE_GONE:
        break;
    }
    return OUTPUT_RED;
}

static const char *or_dash(const char *text)
{
    return *text == '\0' ? "-" : text;
}

/* "10.0.0.1, fd00::1" or the DNS name. */
static const char *where(const json_t *endpoint, char out[WORDS_SIZE])
{
    size_t i, used = 0;
    json_t *address;

    out[0] = '\0';
    json_array_foreach(json_object_get(endpoint, "addresses"), i, address)
    {
        int n = snprintf(out + used, WORDS_SIZE - used, "%s%s", i == 0 ? "" : ", ",
                         json_is_string(address) ? json_string_value(address) : "?");
        used += (size_t)n < WORDS_SIZE - used ? (size_t)n : WORDS_SIZE - used - 1;
    }
    return used > 0 ? out : or_dash(text_of(endpoint, "dnsName"));
}

/* ---- all connections ---- */

typedef void each_fn(void *arg, const struct offline_file *, const struct rewrite_place *);

static void each_connection(const struct folder *folder, each_fn *each, void *arg)
{
    const char *cluster = folder->call->options->cluster;

    for (size_t i = 0; i < folder->files.length; i++) {
        const struct offline_file *file = &folder->files.files[i];
        struct error_list errors = {0};
        struct rewrite_place place = {0};
        struct rewrite *rewrite =
            file->bytes == NULL ? NULL : rewrite_open(file->name, file->bytes, file->size, &errors);

        while (rewrite != NULL && rewrite_next(rewrite, &place)) {
            if (cluster == NULL || strcmp(text_of(place.value, "clusterId"), cluster) == 0) {
                each(arg, file, &place);
            }
        }
        rewrite_free(rewrite);
        error_clear(&errors);
    }
}

/* What can be shown is shown; a refused document makes the list untrustworthy all the same. */
static enum exitcode close_listing(struct folder *folder)
{
    bool refused = folder_tell_refused(folder);

    folder_close(folder);
    return refused ? EXITCODE_WRONG : EXITCODE_FINE;
}

/* ---- list ---- */

static void add_value(void *arg, const struct offline_file *file, const struct rewrite_place *place)
{
    (void)file;
    (void)json_array_append((json_t *)arg, place->value);
}

static void add_row(void *arg, const struct offline_file *file, const struct rewrite_place *place)
{
    struct output_grid *grid = arg;
    const char *state = text_of(place->value, "state");

    output_grid_cell(grid, OUTPUT_BOLD, "%s", text_of(place->value, "privateLinkConnectionId"));
    output_grid_cell(grid, OUTPUT_PLAIN, "%s", or_dash(text_of(place->value, "displayName")));
    output_grid_cell(grid, OUTPUT_PLAIN, "%s", text_of(place->value, "type"));
    output_grid_cell(grid, color_of(state), "%s", or_dash(state));
    output_grid_cell(grid, OUTPUT_PLAIN, "%zu",
                     json_array_size(json_object_get(place->value, "endpoints")));
    output_grid_cell(grid, OUTPUT_PLAIN, "%zu",
                     json_array_size(json_object_get(place->value, "attachedDomains")));
    output_grid_cell(grid, OUTPUT_DIM, "%s:%u", file->name, place->node->line);
}

static void print_heads(struct output_grid *grid, const char *const *heads)
{
    for (unsigned i = 0; i < grid->columns; i++) {
        output_grid_cell(grid, OUTPUT_DIM, "%s", heads[i]);
    }
}

enum exitcode listing_list(const struct command_call *call)
{
    static const char *const heads[] = {"ID",        "NAME",    "TYPE",    "STATE",
                                        "ENDPOINTS", "DOMAINS", "DOCUMENT"};
    struct output_grid grid = {.columns = ARRAY_LENGTH(heads)};
    struct folder folder;
    enum exitcode code = folder_open(&folder, call, false);

    if (code != EXITCODE_FINE) {
        return code;
    }
    if (call->output.format == OPTIONS_TABLE) {
        print_heads(&grid, heads);
        each_connection(&folder, add_row, &grid);
        output_grid_print(&call->output, &grid, 0);
    } else {
        json_t *list = json_array();

        each_connection(&folder, add_value, list);
        output_value(&call->output, json_pack("{s:o, s:I}", "privateLinkConnections", list,
                                              "totalSize", (json_int_t)json_array_size(list)));
    }
    return close_listing(&folder);
}

/* ---- get ---- */

static void add_line(struct output_grid *grid, const char *label, enum output_color color,
                     const char *text)
{
    if (*text != '\0') {
        output_grid_cell(grid, OUTPUT_BOLD, "%s", label);
        output_grid_cell(grid, color, "%s", text);
    }
}

static void print_endpoints(const struct output *output, const json_t *connection)
{
    struct output_grid grid = {.columns = 3};
    char words[WORDS_SIZE];
    size_t i;
    json_t *endpoint;

    json_array_foreach(json_object_get(connection, "endpoints"), i, endpoint)
    {
        const char *state = text_of(endpoint, "state");

        output_grid_cell(&grid, OUTPUT_PLAIN, "%s", or_dash(text_of(endpoint, "zone")));
        output_grid_cell(&grid, OUTPUT_PLAIN, "%s", where(endpoint, words));
        output_grid_cell(&grid, color_of(state), "%s", state);
    }
    puts(grid.length > 0 ? "endpoints" : "no endpoints");
    output_grid_print(output, &grid, 2);
}

static void print_domains(const struct output *output, const json_t *connection)
{
    const json_t *list = json_object_get(connection, "attachedDomains");
    size_t i, j;
    json_t *domain, *name;

    puts(json_array_size(list) > 0 ? "attached domains" : "no attached domains");
    json_array_foreach(list, i, domain)
    {
        fputs("  ", stdout);
        output_colored(output, stdout, OUTPUT_BOLD, or_dash(text_of(domain, "attachDomainId")));
        fputs("  ", stdout);
        output_text(stdout, text_of(domain, "type"));
        putchar(' ');
        output_text(stdout, text_of(domain, "uniqueName"));
        putchar('\n');
        json_array_foreach(json_object_get(domain, "domains"), j, name)
        {
            const char *state = text_of(name, "state");

            fputs("    ", stdout);
            output_text(stdout, text_of(name, "name"));
            fputs(*state == '\0' ? "" : "  ", stdout);
            output_colored(output, stdout, color_of(state), state);
            putchar('\n');
        }
    }
}

void listing_show(const struct output *output, json_t *connection, const char *document,
                  unsigned line)
{
    struct output_grid grid = {.columns = 2};
    const char *state = text_of(connection, "state");

    if (output->format != OPTIONS_TABLE) {
        output_value(output, connection);
        return;
    }
    add_line(&grid, "id", OUTPUT_PLAIN, text_of(connection, "privateLinkConnectionId"));
    add_line(&grid, "name", OUTPUT_PLAIN, text_of(connection, "displayName"));
    add_line(&grid, "cluster", OUTPUT_PLAIN, text_of(connection, "clusterId"));
    add_line(&grid, "type", OUTPUT_PLAIN, text_of(connection, "type"));
    add_line(&grid, "state", color_of(state), state);
    add_line(&grid, "message", OUTPUT_PLAIN, text_of(connection, "message"));
    output_grid_cell(&grid, OUTPUT_BOLD, "document");
    output_grid_cell(&grid, OUTPUT_PLAIN, "%s:%u", document, line);
    output_grid_print(output, &grid, 0);
    print_endpoints(output, connection);
    print_domains(output, connection);
    json_decref(connection);
}

enum exitcode listing_get(const struct command_call *call)
{
    struct folder folder;
    struct folder_found found;
    enum exitcode code = folder_open(&folder, call, false);

    if (code != EXITCODE_FINE) {
        return code;
    }
    code = folder_find(&folder, &found);
    if (code == EXITCODE_FINE) {
        json_t *names = shape_names(found.file->name, found.file->bytes, found.file->size,
                                    text_of(found.place.value, "privateLinkConnectionId"));

        if (names == NULL) {
            (void)folder_tell_refused(&folder);
            code = EXITCODE_WRONG;
        }
        shape_fill(found.place.value, names);
        json_decref(names);
        listing_show(&call->output, json_incref(found.place.value), found.file->name,
                     found.place.node->line);
        rewrite_free(found.rewrite);
    }
    folder_close(&folder);
    return code;
}

/* ---- zones ---- */

static json_t *zone_of(json_t *zones, const char *name)
{
    json_t *zone = json_object_get(zones, name);

    if (zone == NULL) {
        zone = json_array();
        (void)json_object_set_new(zones, name, zone);
    }
    return zone;
}

static void add_zones(void *arg, const struct offline_file *file, const struct rewrite_place *place)
{
    static const char *const services[] = {"awsEndpointService", "alicloudEndpointService"};
    json_t *zones = arg, *item;
    size_t i;

    (void)file;
    json_array_foreach(json_object_get(place->value, "endpoints"), i, item)
    {
        if (*text_of(item, "zone") != '\0') {
            json_t *endpoint = json_copy(item);

            (void)json_object_del(endpoint, "zone");
            (void)json_object_set(endpoint, "privateLinkConnectionId",
                                  json_object_get(place->value, "privateLinkConnectionId"));
            (void)json_array_append_new(zone_of(zones, text_of(item, "zone")), endpoint);
        }
    }
    for (size_t j = 0; j < ARRAY_LENGTH(services); j++) {
        const json_t *service = json_object_get(place->value, services[j]);

        json_array_foreach(json_object_get(service, "availabilityZoneIds"), i, item)
        {
            if (json_is_string(item)) {
                (void)zone_of(zones, json_string_value(item));
            }
        }
    }
}

static void print_zones(const struct output *output, json_t *zones)
{
    static const char *const heads[] = {"ZONE", "CONNECTION", "ENDPOINT", "STATE"};
    struct output_grid grid = {.columns = ARRAY_LENGTH(heads)};
    char words[WORDS_SIZE];
    const char *name;
    json_t *list, *endpoint;
    size_t i;

    print_heads(&grid, heads);
    json_object_foreach(zones, name, list)
    {
        json_array_foreach(list, i, endpoint)
        {
            const char *state = text_of(endpoint, "state");

            output_grid_cell(&grid, OUTPUT_BOLD, "%s", name);
            output_grid_cell(&grid, OUTPUT_PLAIN, "%s",
                             text_of(endpoint, "privateLinkConnectionId"));
            output_grid_cell(&grid, OUTPUT_PLAIN, "%s", where(endpoint, words));
            output_grid_cell(&grid, color_of(state), "%s", or_dash(state));
        }
        if (json_array_size(list) == 0) {
            output_grid_cell(&grid, OUTPUT_BOLD, "%s", name);
            output_grid_cell(&grid, OUTPUT_PLAIN, "-");
            output_grid_cell(&grid, OUTPUT_YELLOW, "no endpoint");
            output_grid_cell(&grid, OUTPUT_PLAIN, "-");
        }
    }
    output_grid_print(output, &grid, 0);
}

enum exitcode listing_zones(const struct command_call *call)
{
    struct folder folder;
    json_t *zones = json_object(), *ids = json_array(), *list;
    const char *name;
    enum exitcode code = folder_open(&folder, call, false);

    if (code != EXITCODE_FINE) {
        json_decref(zones);
        json_decref(ids);
        return code;
    }
    each_connection(&folder, add_zones, zones);
    if (call->output.format == OPTIONS_TABLE) {
        print_zones(&call->output, zones);
        json_decref(zones);
        json_decref(ids);
    } else {
        json_object_foreach(zones, name, list)
        {
            (void)json_array_append_new(ids, json_string(name));
        }
        output_value(&call->output, json_pack("{s:o, s:o}", "azIds", ids, "zones", zones));
    }
    return close_listing(&folder);
}
