#include "outcome.h"

#include <stdlib.h>
#include <string.h>

#include "alloc.h"
#include "overview.h"

static json_t *lines_of(const char *text)
{
    json_t *list = json_array();
    char *copy = alloc_string(text), *rest = copy, *line;

    while ((line = strsep(&rest, "\n")) != NULL) {
        if (line[0] != '\0')
            (void)json_array_append_new(list, overview_text(line));
    }
    free(copy);
    return list;
}

static void set_if(json_t *map, const char *key, const char *text)
{
    if (text[0] != '\0')
        (void)json_object_set_new(map, key, overview_text(text));
}

static void set_number(json_t *map, const char *key, uint64_t value)
{
    (void)json_object_set_new(map, key, json_integer((json_int_t)value));
}

json_t *outcome_json(const struct reload_outcome *outcome)
{
    const struct catalog_change *change = &outcome->recent;
    json_t *map = json_object(), *names = json_object();

    set_number(map, "generation", outcome->generation);
    (void)json_object_set_new(map, "changed", json_boolean(change->changed));
    set_number(names, "added", change->names_added);
    set_number(names, "moved", change->names_moved);
    set_number(names, "removed", change->names_removed);
    (void)json_object_set_new(map, "names", names);
    if (outcome->recent_ms > 0)
        (void)json_object_set_new(map, "inServiceSeconds",
                                  json_real((double)outcome->recent_ms / 1000));
    set_number(map, "accepted", change->accepted);
    set_number(map, "removed", change->removed);
    set_number(map, "refused", outcome->refused_now);
    set_if(map, "degraded", outcome->degraded_why);
    set_if(map, "stateTrouble", outcome->state_trouble);
    if (outcome->being_written[0] != '\0')
        (void)json_object_set_new(map, "beingWritten", lines_of(outcome->being_written));
    set_number(map, "milliseconds", outcome->took_ms);
    (void)json_object_set_new(map, "complaints", lines_of(outcome->complaints));
    return map;
}
