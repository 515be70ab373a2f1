#include "status.h"

#include <string.h>

#include "client.h"

static json_int_t number(const json_t *map, const char *key)
{
    return json_integer_value(json_object_get(map, key));
}

static const char *text_of(const json_t *map, const char *key)
{
    const char *text = json_string_value(json_object_get(map, key));

    return text == NULL ? "" : text;
}

/* "3d 4h", "5m 12s": the two largest units. */
static const char *duration(json_int_t seconds, char *out, size_t size)
{
    static const struct {
        json_int_t seconds;
        char letter;
    } units[] = {{86400, 'd'}, {3600, 'h'}, {60, 'm'}, {1, 's'}};
    size_t i = 0;

    while (i < ARRAY_LENGTH(units) - 1 && seconds < units[i].seconds) {
        i++;
    }
    json_int_t whole = seconds / units[i].seconds, rest = seconds % units[i].seconds;
    if (i + 1 < ARRAY_LENGTH(units)) {
        (void)snprintf(out, size, "%" JSON_INTEGER_FORMAT "%c %" JSON_INTEGER_FORMAT "%c", whole,
                       units[i].letter, rest / units[i + 1].seconds, units[i + 1].letter);
    } else {
        (void)snprintf(out, size, "%" JSON_INTEGER_FORMAT "%c", whole, units[i].letter);
    }
    return out;
}

static void line(struct output_grid *grid, const char *label, enum output_color color,
                 const char *text)
{
    if (*text != '\0') {
        output_grid_cell(grid, OUTPUT_BOLD, "%s", label);
        output_grid_cell(grid, color, "%s", text);
    }
}

/* A list of texts on one line. */
static void line_of(struct output_grid *grid, const json_t *map, const char *key, const char *label,
                    enum output_color color)
{
    char joined[2048] = "";
    size_t i, used = 0;
    json_t *item;

    json_array_foreach(json_object_get(map, key), i, item)
    {
        const char *one = json_string_value(item);
        int n = snprintf(joined + used, sizeof(joined) - used, "%s%s", used == 0 ? "" : " ",
                         one == NULL ? "?" : one);

        if (n < 0 || (size_t)n >= sizeof(joined) - used) {
            break;
        }
        used += (size_t)n;
    }
    line(grid, label, color, joined);
}

/* What each view sees of it. */
static void add_views(struct output_grid *grid, const json_t *list)
{
    size_t i;
    json_t *view;

    json_array_foreach(list, i, view)
    {
        const char *name = text_of(view, "name");

        output_grid_cell(grid, OUTPUT_BOLD, "in %s%s", *name == '\0' ? "no view" : "view ", name);
        output_grid_cell(grid, OUTPUT_PLAIN,
                         "%" JSON_INTEGER_FORMAT " connections, %" JSON_INTEGER_FORMAT " names",
                         number(view, "connections"), number(view, "names"));
    }
}

static void print_head(const struct output *output, const json_t *map)
{
    struct output_grid grid = {.columns = 2};
    const json_t *table = json_object_get(map, "table");
    bool ready = json_is_true(json_object_get(map, "ready"));
    char up[64], age[64];

    output_grid_cell(&grid, OUTPUT_BOLD, "pldnsd");
    output_grid_cell(&grid, OUTPUT_PLAIN, "%s on %s, up %s", text_of(map, "version"),
                     text_of(map, "instance"),
                     duration(number(map, "uptimeSeconds"), up, sizeof(up)));
    line(&grid, "zone", OUTPUT_PLAIN, text_of(map, "zone"));
    line(&grid, "ready", ready ? OUTPUT_GREEN : OUTPUT_RED, ready ? "yes" : "no");
    output_grid_cell(&grid, OUTPUT_BOLD, "generation");
    output_grid_cell(&grid, OUTPUT_PLAIN, "%" JSON_INTEGER_FORMAT ", for %s",
                     number(map, "generation"),
                     duration(number(map, "ageSeconds"), age, sizeof(age)));
    output_grid_cell(&grid, OUTPUT_BOLD, "serves");
    output_grid_cell(&grid, OUTPUT_PLAIN,
                     "%" JSON_INTEGER_FORMAT " documents, %" JSON_INTEGER_FORMAT
                     " connections, %" JSON_INTEGER_FORMAT " names",
                     number(table, "documents"), number(table, "connections"),
                     number(table, "names"));
    add_views(&grid, json_object_get(map, "views"));
    if (number(map, "refused") > 0) {
        output_grid_cell(&grid, OUTPUT_BOLD, "refused");
        output_grid_cell(&grid, OUTPUT_RED, "%" JSON_INTEGER_FORMAT " documents, see below",
                         number(map, "refused"));
    }
    line(&grid, "degraded", OUTPUT_YELLOW, text_of(map, "degraded"));
    line(&grid, "state", OUTPUT_YELLOW, text_of(map, "stateTrouble"));
    line_of(&grid, map, "listen", "listens", OUTPUT_PLAIN);
    line_of(&grid, map, "upstreams", "upstreams", OUTPUT_PLAIN);
    line_of(&grid, map, "upstreamsLooping", "in a circle", OUTPUT_RED);
    output_grid_print(output, &grid, 0);
}

static bool is_in(const json_t *list, const char *text)
{
    size_t i;
    json_t *item;

    json_array_foreach(list, i, item)
    {
        const char *one = json_string_value(item);

        if (one != NULL && strcmp(one, text) == 0) {
            return true;
        }
    }
    return false;
}

/* Measured in milliseconds: of less nothing is known. */
static const char *round_trip(const json_t *upstream, char *out, size_t size)
{
    const json_t *us = json_object_get(upstream, "roundTripMicroseconds");

    if (us == NULL) {
        return "-";
    }
    if (json_integer_value(us) < 1000) {
        return "under 1 ms";
    }
    (void)snprintf(out, size, "%.1f ms", (double)json_integer_value(us) / 1000);
    return out;
}

static void add_upstream_state(struct output_grid *grid, const json_t *one, bool loops)
{
    if (loops) {
        output_grid_cell(grid, OUTPUT_RED, "in a circle");
    } else if (number(one, "asked") == 0) {
        output_grid_cell(grid, OUTPUT_DIM, "not asked yet");
    } else if (json_is_true(json_object_get(one, "up"))) {
        output_grid_cell(grid, OUTPUT_GREEN, "up");
    } else {
        output_grid_cell(grid, OUTPUT_YELLOW, "silent");
    }
}

/* Those of routes, too. */
static void print_upstreams(const struct output *output, const json_t *map)
{
    static const char *const heads[] = {"upstream", "state",    "round trip",
                                        "asked",    "answered", "unanswered"};
    static const char *const numbers[] = {"asked", "answered", "unanswered"};
    struct output_grid grid = {.columns = ARRAY_LENGTH(heads)};
    const json_t *looping = json_object_get(map, "upstreamsLooping");
    const json_t *list = json_object_get(map, "upstreamStates");
    char time[64];
    size_t i;
    json_t *one;

    if (json_array_size(list) == 0) {
        return;
    }
    putchar('\n');
    for (i = 0; i < ARRAY_LENGTH(heads); i++) {
        output_grid_cell(&grid, OUTPUT_BOLD, "%s", heads[i]);
    }
    json_array_foreach(list, i, one)
    {
        const char *name = text_of(one, "upstream");

        output_grid_cell(&grid, OUTPUT_PLAIN, "%s", name);
        add_upstream_state(&grid, one, is_in(looping, name));
        output_grid_cell(&grid, OUTPUT_PLAIN, "%s", round_trip(one, time, sizeof(time)));
        for (size_t n = 0; n < ARRAY_LENGTH(numbers); n++) {
            output_grid_cell(&grid, OUTPUT_PLAIN, "%" JSON_INTEGER_FORMAT, number(one, numbers[n]));
        }
    }
    output_grid_print(output, &grid, 0);
}

static void print_complaints(const struct output *output, const json_t *list,
                             enum output_color color)
{
    size_t i;
    json_t *item;

    json_array_foreach(list, i, item)
    {
        if (json_is_string(item)) {
            fputs("    ", stdout);
            output_colored(output, stdout, color, json_string_value(item));
            putchar('\n');
        }
    }
}

static void print_documents(const struct output *output, const json_t *list)
{
    struct output_grid grid = {.columns = 3};
    size_t i;
    json_t *one;

    if (json_array_size(list) == 0) {
        return;
    }
    putchar('\n');
    output_grid_cell(&grid, OUTPUT_BOLD, "document");
    output_grid_cell(&grid, OUTPUT_BOLD, "connections");
    output_grid_cell(&grid, OUTPUT_BOLD, "state");
    json_array_foreach(list, i, one)
    {
        const char *state = text_of(one, "state");
        bool restored = json_is_true(json_object_get(one, "restored"));

        output_grid_cell(&grid, OUTPUT_PLAIN, "%s", text_of(one, "name"));
        output_grid_cell(&grid, OUTPUT_PLAIN, "%" JSON_INTEGER_FORMAT, number(one, "connections"));
        output_grid_cell(&grid, strcmp(state, "accepted") == 0 ? OUTPUT_GREEN : OUTPUT_RED, "%s%s",
                         state, restored ? ", from the state directory" : "");
    }
    output_grid_print(output, &grid, 0);
    json_array_foreach(list, i, one)
    {
        print_complaints(output, json_object_get(one, "errors"), OUTPUT_RED);
        print_complaints(output, json_object_get(one, "warnings"), OUTPUT_YELLOW);
    }
}

/* Endpoints with trouble: names that are not resolved, addresses that do not answer. */
static void print_endpoints(const struct output *output, const json_t *list, const char *label,
                            const char *good)
{
    struct output_grid grid = {.columns = 4};
    char since[64];
    size_t i;
    json_t *one;

    json_array_foreach(list, i, one)
    {
        const char *state = text_of(one, "state"), *why = text_of(one, "why");
        json_t *seconds = json_object_get(one, "sinceSeconds");
        if (strcmp(state, good) == 0 || strcmp(state, "not tried yet") == 0) {
            continue;
        }
        output_grid_cell(&grid, OUTPUT_PLAIN, "%s", text_of(one, label));
        output_grid_cell(&grid, OUTPUT_YELLOW, "%s", state);
        output_grid_cell(
            &grid, OUTPUT_PLAIN, "%s%s", seconds == NULL ? "" : "for ",
            seconds == NULL ? "" : duration(json_integer_value(seconds), since, sizeof(since)));
        output_grid_cell(&grid, OUTPUT_PLAIN, "%s", *why != '\0' ? why : text_of(one, "last"));
    }
    if (grid.length > 0) {
        putchar('\n');
        output_colored(output, stdout, OUTPUT_BOLD, "endpoints with trouble");
        putchar('\n');
        output_grid_print(output, &grid, 2);
    }
}

/* Those that are not 0: most of them count trouble. */
static void print_counters(const struct output *output, const json_t *map)
{
    struct output_grid grid = {.columns = 2};
    const char *key;
    json_t *value;

    json_object_foreach((json_t *)map, key, value)
    {
        if (json_integer_value(value) != 0) {
            output_grid_cell(&grid, OUTPUT_PLAIN, "%s", key);
            output_grid_cell(&grid, OUTPUT_PLAIN, "%" JSON_INTEGER_FORMAT,
                             json_integer_value(value));
        }
    }
    if (grid.length > 0) {
        putchar('\n');
        output_colored(output, stdout, OUTPUT_BOLD, "counted since the start");
        putchar('\n');
        output_grid_print(output, &grid, 2);
    }
}

enum exitcode status_show(const struct command_call *call)
{
    struct client_request request = {.path = "/api/status"};
    struct client_reply reply;
    enum exitcode code = client_ask(call, &request, &reply);

    if (code != EXITCODE_FINE) {
        return code;
    }
    bool fine = json_is_true(json_object_get(reply.json, "ready")) &&
                number(reply.json, "refused") == 0 && *text_of(reply.json, "degraded") == '\0';
    if (call->output.format == OPTIONS_TABLE) {
        print_head(&call->output, reply.json);
        print_upstreams(&call->output, reply.json);
        print_documents(&call->output, json_object_get(reply.json, "documents"));
        print_endpoints(&call->output,
                        json_object_get(json_object_get(reply.json, "targets"), "list"), "name",
                        "fresh");
        print_endpoints(&call->output,
                        json_object_get(json_object_get(reply.json, "health"), "list"), "address",
                        "healthy");
        print_counters(&call->output, json_object_get(reply.json, "counters"));
    } else {
        output_value(&call->output, json_incref(reply.json));
    }
    client_reply_clear(&reply);
    return fine ? EXITCODE_FINE : EXITCODE_NO;
}
