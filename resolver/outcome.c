#include "outcome.h"

#include <stdlib.h>
#include <string.h>

#include "alloc.h"
#include "jsonmap.h"

static json_t *lines_of(const char *text)
{
    json_t *list = json_array();
    char *copy = alloc_string(text), *rest = copy, *line;

    while ((line = strsep(&rest, "\n")) != NULL) {
        if (line[0] != '\0')
            (void)json_array_append_new(list, jsonmap_string(line));
    }
    free(copy);
    return list;
}

json_t *outcome_json(const struct reload_outcome *outcome)
{
    const struct catalog_change *change = &outcome->recent;
    json_t *map = json_object(), *names = json_object();

    jsonmap_set_number(map, "generation", outcome->generation);
    jsonmap_set_boolean(map, "changed", change->changed);
    jsonmap_set_number(names, "added", change->names_added);
    jsonmap_set_number(names, "moved", change->names_moved);
    jsonmap_set_number(names, "removed", change->names_removed);
    if (change->names_not_held > 0)
        jsonmap_set_number(names, "notHeld", change->names_not_held);
    (void)json_object_set_new(map, "names", names);
    if (outcome->recent_ms > 0)
        (void)json_object_set_new(map, "inServiceSeconds",
                                  json_real((double)outcome->recent_ms / 1000));
    jsonmap_set_number(map, "accepted", change->accepted);
    jsonmap_set_number(map, "removed", change->removed);
    jsonmap_set_number(map, "refused", outcome->refused_now);
    jsonmap_set_if(map, "degraded", outcome->degraded_why);
    jsonmap_set_if(map, "stateTrouble", outcome->state_trouble);
    if (outcome->being_written[0] != '\0')
        (void)json_object_set_new(map, "beingWritten", lines_of(outcome->being_written));
    jsonmap_set_number(map, "milliseconds", outcome->took_ms);
    (void)json_object_set_new(map, "complaints", lines_of(outcome->complaints));
    return map;
}
