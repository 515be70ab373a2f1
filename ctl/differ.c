#include "differ.h"

#include <stdlib.h>
#include <string.h>

#include "explain.h"
#include "offline.h"
#include "tablediff.h"

#define WHY_SIZE 4096

struct sides {
    const struct table *before, *after;
    const char *view; /* "" = clients in no view */
    json_t *list;
};

/* What one side answers: {"outcome": …, "addresses": […], "ttl": …, "connection": …} */
static json_t *side_json(const struct table *table, const struct dname *name,
                         const struct table_match *match)
{
    char text[EXPLAIN_TEXT_MAX], *rest, *one;
    struct explain e;
    json_t *map = json_object(), *addresses = json_array();

    explain_find(table, name->wire, "A", &e);
    e.match = *match; /* of a name below, not of the name itself */
    (void)json_object_set_new(map, "outcome", json_string(explain_outcome(&e)));
    rest = explain_addresses(&e, text, sizeof(text));
    while ((one = strsep(&rest, ",")) != NULL) {
        if (*one != '\0') {
            (void)json_array_append_new(addresses, output_string(one));
        }
    }
    if (match->answer != NULL) {
        (void)json_object_set_new(map, "ttl", json_integer(match->answer->ttl));
    }
    (void)json_object_set_new(map, "addresses", addresses);
    if (match->rule != NULL) {
        struct table_why why;

        table_describe(table, match->rule, &why);
        (void)json_object_set_new(map, "connection", output_string(why.connection));
        if (*why.note != '\0') {
            (void)json_object_set_new(map, "note", output_string(why.note));
        }
    }
    return map;
}

static void add(void *arg, const struct tablediff *diff)
{
    static const char *const kinds[] = {[TABLEDIFF_CHANGED] = "changed",
                                        [TABLEDIFF_PRIVATE] = "private",
                                        [TABLEDIFF_PUBLIC] = "public"};
    static const char *const fronts[] = {
        [TABLEDIFF_NAME] = "", [TABLEDIFF_BELOW] = "*.", [TABLEDIFF_ZONES] = "<other zone>."};
    struct sides *sides = arg;
    char name[DNAME_TEXT_MAX], shown[DNAME_TEXT_MAX + 16];

    (void)snprintf(shown, sizeof(shown), "%s%s", fronts[diff->scope],
                   dname_to_text(diff->name.wire, name));
    json_t *one =
        json_pack("{s:o, s:s, s:o, s:o}", "name", output_string(shown), "change", kinds[diff->kind],
                  "before", side_json(sides->before, &diff->name, &diff->before), "after",
                  side_json(sides->after, &diff->name, &diff->after));

    if (*sides->view != '\0') {
        (void)json_object_set_new(one, "view", json_string(sides->view));
    }
    (void)json_array_append_new(sides->list, one);
}

json_t *differ_list(const struct tableset *before, const struct tableset *after)
{
    struct sides sides = {.list = json_array()};

    for (unsigned view = 0; view < before->length; view++) {
        sides.before = tableset_table(before, view);
        sides.after = tableset_table(after, view);
        sides.view = view_name(before->views, view);
        tablediff_run(sides.before, sides.after, add, &sides);
    }
    return sides.list;
}

/* ---- for people ---- */

static void side_text(const json_t *side, char *out, size_t size)
{
    const char *outcome = json_string_value(json_object_get(side, "outcome"));
    const char *note = json_string_value(json_object_get(side, "note"));
    size_t i, used = 0;
    json_t *address;

    out[0] = '\0';
    json_array_foreach(json_object_get(side, "addresses"), i, address)
    {
        int n = snprintf(out + used, size - used, "%s%s", i == 0 ? "" : ",",
                         json_string_value(address));
        used += (size_t)n < size - used ? (size_t)n : size - used - 1;
    }
    if (i == 0) {
        (void)snprintf(out, size, "%s%s%s", outcome, note != NULL ? ", " : "",
                       note != NULL ? note : "");
    } else {
        (void)snprintf(out + used, size - used, " (TTL %" JSON_INTEGER_FORMAT ")",
                       json_integer_value(json_object_get(side, "ttl")));
    }
}

void differ_print(const struct output *output, const json_t *list)
{
    static const struct {
        const char *word, *title;
        enum output_color color;
    } kinds[] = {
        {"public", "become public: detached, forwarded from now on", OUTPUT_RED},
        {"private", "become private: attached", OUTPUT_GREEN},
        {"changed", "are answered otherwise", OUTPUT_YELLOW},
    };
    char before[WHY_SIZE], after[WHY_SIZE];

    for (size_t k = 0; k < ARRAY_LENGTH(kinds); k++) {
        struct output_grid grid = {.columns = 4};
        size_t i;
        json_t *one;

        json_array_foreach(list, i, one)
        {
            const char *change = json_string_value(json_object_get(one, "change"));
            const char *view = json_string_value(json_object_get(one, "view"));

            if (strcmp(change, kinds[k].word) == 0) {
                side_text(json_object_get(one, "before"), before, sizeof(before));
                side_text(json_object_get(one, "after"), after, sizeof(after));
                output_grid_cell(&grid, OUTPUT_BOLD, "%s%s%s",
                                 json_string_value(json_object_get(one, "name")),
                                 view != NULL ? " in view " : "", view != NULL ? view : "");
                output_grid_cell(&grid, OUTPUT_PLAIN, "%s", before);
                output_grid_cell(&grid, OUTPUT_DIM, "->");
                output_grid_cell(&grid, OUTPUT_PLAIN, "%s", after);
            }
        }
        if (grid.length > 0) {
            output_colored(output, stdout, kinds[k].color, kinds[k].title);
            putchar('\n');
        }
        output_grid_print(output, &grid, 2);
    }
}

/* ---- the command ---- */

/* NULL: said why.  Complaints about single documents go to standard error and to '*refused'. */
static struct tableset *read_side(const struct command_call *call, const char *path,
                                  size_t *refused)
{
    struct table_options options = {.zone = ""};
    struct offline offline = {0};
    struct catalog_change change;
    char why[WHY_SIZE];

    if (!offline_add(&offline, path, OFFLINE_PATHS, why, sizeof(why))) {
        output_error(&call->output, "%s", why);
        offline_clear(&offline);
        return NULL;
    }
    struct catalog *catalog = offline_catalog(&offline, call->views, &change);
    for (size_t i = 0; i < catalog_length(catalog); i++) {
        struct catalog_entry entry;

        catalog_entry(catalog, i, &entry);
        *refused += entry.refused;
        for (size_t j = 0; entry.refused && j < entry.complaints->length; j++) {
            if (!entry.complaints->items[j].warning) {
                output_error(&call->output, "%s",
                             error_format(&entry.complaints->items[j], why, sizeof(why)));
            }
        }
    }
    struct tableset *tables = catalog_build_set(catalog, &options);
    catalog_free(catalog);
    offline_clear(&offline);
    return tables;
}

enum exitcode differ_show(const struct command_call *call)
{
    size_t refused = 0;
    struct tableset *before = read_side(call, call->words[0], &refused);
    struct tableset *after = before != NULL ? read_side(call, call->words[1], &refused) : NULL;
    enum exitcode code = EXITCODE_WRONG;

    if (after != NULL) {
        json_t *list = differ_list(before, after);
        bool same = json_array_size(list) == 0;

        if (call->output.format != OPTIONS_TABLE) {
            output_value(&call->output, json_pack("{s:O}", "names", list));
        } else if (same) {
            puts("every name is answered alike");
        } else {
            differ_print(&call->output, list);
        }
        json_decref(list);
        code = refused > 0 ? EXITCODE_WRONG : same ? EXITCODE_FINE : EXITCODE_NO;
    }
    tableset_free(before);
    tableset_free(after);
    return code;
}
