#include "importsync.h"

#include <string.h>

static const char *text_of(const json_t *map, const char *key)
{
    const char *text = json_string_value(json_object_get(map, key));

    return text == NULL ? "" : text;
}

struct sync {
    struct rewrite *rewrite;
    const struct rewrite_place *place;
    json_t *changes; /* of the connection's own fields */
    json_t *fields;  /* names of what changed, for the report */
};

static void note(struct sync *s, const char *field)
{
    (void)json_array_append_new(s->fields, json_string(field));
}

/* What 'new' has otherwise than 'old'; null, as the API prints what it does not know, is nothing.
 */
static json_t *changes_of(const json_t *old, const json_t *new)
{
    json_t *changes = json_object(), *value;
    const char *key;

    json_object_foreach((json_t *)new, key, value)
    {
        if (!json_is_null(value) && !json_equal(value, json_object_get(old, key))) {
            (void)json_object_set(changes, key, value);
        }
    }
    return changes;
}

typedef bool match_fn(const json_t *old, const json_t *new);

static bool is_same_domain(const json_t *old, const json_t *new)
{
    const char *id = text_of(old, "attachDomainId"), *name = text_of(old, "uniqueName");

    if (*id != '\0' && strcmp(id, text_of(new, "attachDomainId")) == 0) {
        return true;
    }
    if (*name == '\0') { /* CUSTOM has none, and may have no id */
        return json_equal(old, new);
    }
    return strcmp(name, text_of(new, "uniqueName")) == 0 &&
           strcmp(text_of(old, "type"), text_of(new, "type")) == 0;
}

static bool is_same_zone(const json_t *old, const json_t *new)
{
    return strcmp(text_of(old, "zone"), text_of(new, "zone")) == 0;
}

/* The API knows no such types: what is attached so is attached here. */
static bool is_ours(const json_t *item)
{
    const char *type = text_of(item, "type");

    return strcmp(type, "CUSTOM") == 0 || strcmp(type, "TIDBCLOUD_DEDICATED") == 0;
}

static const json_t *find(const json_t *list, const json_t *item, match_fn *match, bool item_is_old)
{
    size_t i;
    json_t *one;

    json_array_foreach(list, i, one)
    {
        if (item_is_old ? match(item, one) : match(one, item)) {
            return one;
        }
    }
    return NULL;
}

/* An endpoint has addresses or a name: the one takes the other's place. */
static json_t *item_changes(const json_t *old, const json_t *new)
{
    json_t *changes = changes_of(old, new);

    if (json_object_get(new, "dnsName") != NULL && json_object_get(old, "addresses") != NULL) {
        (void)json_object_set_new(changes, "addresses", json_null());
    }
    if (json_object_get(new, "addresses") != NULL && json_object_get(old, "dnsName") != NULL) {
        (void)json_object_set_new(changes, "dnsName", json_null());
    }
    return changes;
}

static void apply(json_t *item, const json_t *changes)
{
    const char *key;
    json_t *value;

    json_object_foreach((json_t *)changes, key, value)
    {
        if (json_is_null(value)) {
            (void)json_object_del(item, key);
        } else {
            (void)json_object_set(item, key, value);
        }
    }
}

static bool goes(const json_t *item, const json_t *new, match_fn *match)
{
    return find(new, item, match, true) == NULL && !(match == is_same_domain && is_ours(item));
}

/* Items that stay are changed where they stand, others go, new ones are added behind them. */
static void sync_in_place(struct sync *s, const char *key, json_t *old, const json_t *new,
                          match_fn *match)
{
    const struct yamldoc_node *list = rewrite_child(s->place->node, key);
    struct rewrite *rewrite = s->rewrite;
    size_t i, length = json_array_size(old);
    json_t *item;

    for (i = 0; i < length; i++) {
        const json_t *wanted = find(new, json_array_get(old, i), match, true);
        json_t *changes =
            wanted != NULL ? item_changes(json_array_get(old, i), wanted) : json_object();

        if (json_object_size(changes) > 0) {
            rewrite_merge(rewrite, rewrite_item(list, i), json_array_get(old, i), changes);
        } else {
            json_decref(changes);
        }
    }
    for (i = length; i-- > 0;) { /* from behind: the numbers of the others stay */
        if (goes(json_array_get(old, i), new, match)) {
            rewrite_remove(rewrite, s->place->node, s->place->value, key, i);
        }
    }
    json_array_foreach(new, i, item)
    {
        if (find(old, item, match, false) == NULL) {
            rewrite_append(rewrite, s->place->node, s->place->value, key, item);
        }
    }
}

static void sync_list(struct sync *s, const char *key, const json_t *new, match_fn *match)
{
    json_t *old = json_object_get(s->place->value, key), *final = json_array(), *item;
    const struct yamldoc_node *list = rewrite_child(s->place->node, key);
    size_t i, left = 0;

    json_array_foreach(old, i, item)
    {
        const json_t *wanted = find(new, item, match, true);

        left += !goes(item, new, match);
        if (wanted != NULL) {
            json_t *copy = json_copy(item), *changes = item_changes(item, wanted);

            apply(copy, changes);
            json_decref(changes);
            (void)json_array_append_new(final, copy);
        } else if (!goes(item, new, match)) {
            (void)json_array_append(final, item);
        }
    }
    /* In brackets one comma would be wanted by several. */
    bool whole = left == 0 || (left < json_array_size(old) && yamldoc_span(list)->flow);
    json_array_foreach(new, i, item)
    {
        if (find(old, item, match, false) == NULL) {
            (void)json_array_append(final, item);
        }
    }
    if (!json_equal(final, old) && (old != NULL || json_array_size(final) > 0)) {
        note(s, key);
        if (whole) {
            (void)json_object_set(s->changes, key, final);
        } else {
            sync_in_place(s, key, old, new, match);
        }
    }
    json_decref(final);
}

static void sync_fields(struct sync *s, const json_t *from)
{
    const struct rewrite_place *place = s->place;
    json_t *value, *changes;
    const char *key;

    json_object_foreach((json_t *)from, key, value)
    {
        json_t *old = json_object_get(place->value, key);

        if (json_is_null(value) || strcmp(key, "attachedDomains") == 0 ||
            strcmp(key, "endpoints") == 0) {
            continue;
        }
        if (json_is_object(value) && json_is_object(old)) {
            changes = changes_of(old, value);
            if (json_object_size(changes) > 0) {
                note(s, key);
                rewrite_merge(s->rewrite, rewrite_child(place->node, key), old, changes);
            } else {
                json_decref(changes);
            }
        } else if (!json_equal(value, old)) {
            note(s, key);
            (void)json_object_set(s->changes, key, value);
        }
    }
}

json_t *importsync_connection(struct rewrite *rewrite, const struct rewrite_place *place,
                              const json_t *from)
{
    struct sync s = {rewrite, place, json_object(), json_array()};
    const json_t *domains = json_object_get(from, "attachedDomains");
    const json_t *endpoints = json_object_get(from, "endpoints");

    sync_fields(&s, from);
    /* Absent means "not told", as in the API's List, and never "none". */
    if (json_is_array(domains)) {
        sync_list(&s, "attachedDomains", domains, is_same_domain);
    }
    if (json_is_array(endpoints)) {
        sync_list(&s, "endpoints", endpoints, is_same_zone);
    }
    if (json_object_size(s.changes) > 0) {
        rewrite_merge(rewrite, place->node, place->value, s.changes);
    } else {
        json_decref(s.changes);
    }
    return s.fields;
}
