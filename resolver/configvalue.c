#include "configvalue.h"

#include <ctype.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "alloc.h"
#include "amount.h"
#include "view.h"
#include "yamldoc.h"
#include "zoneid.h"

#define WHY(why, ...) (snprintf(why, CONFIGVALUE_WHY, __VA_ARGS__), false)

bool configvalue_is_list(const struct configvalue_key *key)
{
    return key->kind >= CONFIGVALUE_LISTEN;
}

static void *field(const struct configvalue_key *key, void *record)
{
    return (char *)record + key->offset;
}

static size_t *length_field(const struct configvalue_key *key, void *record)
{
    return (size_t *)(void *)((char *)record + key->length);
}

/* ---- single values ---- */

static bool set_string(char **field, const char *text)
{
    free(*field);
    *field = alloc_string(text);
    return true;
}

static bool set_zone(char **field, const char *text, char *why)
{
    size_t length = strspn(text, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-");

    if (text[length] != '\0' || length > ZONEID_MAX)
        return WHY(why, "wants a zone id such as use1-az1, has '%.80s'", text);
    set_string(field, text);
    for (char *c = *field; *c != '\0'; c++) {
        if (*c >= 'A' && *c <= 'Z')
            *c = (char)(*c + ('a' - 'A'));
    }
    return true;
}

static bool set_word(int *field, const struct configvalue_key *key, const char *text, char *why)
{
    size_t used = 0;

    for (int i = 0; key->words[i] != NULL; i++) {
        if (strcmp(text, key->words[i]) == 0) {
            *field = i;
            return true;
        }
    }
    used += (size_t)snprintf(why, CONFIGVALUE_WHY, "wants ");
    for (size_t i = 0; key->words[i] != NULL; i++)
        used += (size_t)snprintf(why + used, CONFIGVALUE_WHY - used, "%s%s", i == 0 ? "" : ", ",
                                 key->words[i]);
    return WHY(why + used, ", has '%.80s'", text);
}

static bool set_boolean(bool *field, const char *yes, const char *no, const char *text, char *why)
{
    if (strcmp(text, yes) != 0 && strcmp(text, no) != 0)
        return WHY(why, "wants %s or %s, has '%.80s'", yes, no, text);
    *field = strcmp(text, yes) == 0;
    return true;
}

static bool set_duration(uint64_t *field, const struct configvalue_key *key, const char *text,
                         char *why)
{
    char least[AMOUNT_TEXT], most[AMOUNT_TEXT];

    if (amount_duration(text, field) && *field >= key->least && *field <= key->most)
        return true;
    return WHY(why, "wants a duration such as 30s, from %s to %s, has '%.80s'",
               amount_duration_text(key->least, least), amount_duration_text(key->most, most),
               text);
}

static bool set_bytes(uint64_t *field, const struct configvalue_key *key, const char *text,
                      char *why)
{
    char most[AMOUNT_TEXT];

    if (amount_bytes(text, field) && *field >= key->least && *field <= key->most)
        return true;
    return WHY(why, "wants a size such as 16MiB, up to %s, has '%.80s'",
               amount_bytes_text(key->most, most), text);
}

static bool read_integer(const struct configvalue_key *key, const char *text, uint64_t *out,
                         char *why)
{
    bool automatic = key->kind == CONFIGVALUE_WORKERS;
    int64_t value;

    if (amount_integer(text, &value) && value >= (int64_t)key->least &&
        value <= (int64_t)key->most) {
        *out = (uint64_t)value;
        return true;
    }
    return WHY(why, "wants %san integer from %" PRIu64 " to %" PRIu64 ", has '%.80s'",
               automatic ? "auto or " : "", key->least, key->most, text);
}

static bool set_unsigned(unsigned *field, const struct configvalue_key *key, const char *text,
                         char *why)
{
    uint64_t value;

    if (key->kind == CONFIGVALUE_WORKERS && strcmp(text, "auto") == 0)
        value = 0; /* see config_read(): only what is left of "auto" at the end is looked up */
    else if (!read_integer(key, text, &value, why))
        return false;
    *field = (unsigned)value;
    return true;
}

static bool set_portion(uint16_t *field, const struct configvalue_key *key, const char *text,
                        char *why)
{
    uint64_t value;

    if (!read_integer(key, text, &value, why))
        return false;
    *field = (uint16_t)value;
    return true;
}

/* ---- lists ---- */

static bool add_address(union config_address **items, size_t *length, bool admin, const char *text,
                        char *why)
{
    union config_address address;
    const char *reason;
    bool ok = admin ? configaddress_admin(text, &address, &reason)
                    : configaddress_listen(text, &address, &reason);

    if (!ok)
        return WHY(why, "'%.80s': %s", text, reason);
    for (size_t i = 0; i < *length; i++) {
        if (configaddress_equal(&(*items)[i], &address))
            return WHY(why, "'%.80s' is there twice", text);
    }
    if (*length == CONFIG_LISTEN_MAX)
        return WHY(why, "wants at most %d addresses", CONFIG_LISTEN_MAX);
    *items = alloc_resize(*items, *length + 1, sizeof **items);
    (*items)[(*length)++] = address;
    return true;
}

static bool add_upstream(struct config_upstreams *list, const char *text, char *why)
{
    struct config_upstream upstream;
    const char *reason;

    if (!configaddress_upstream(text, &upstream, &reason))
        return WHY(why, "'%.80s': %s", text, reason);
    if (list->length == CONFIG_UPSTREAMS_MAX)
        return WHY(why, "wants at most %d upstreams", CONFIG_UPSTREAMS_MAX);
    list->items = alloc_resize(list->items, list->length + 1, sizeof *list->items);
    list->items[list->length++] = upstream;
    return true;
}

/* The route of 'suffix', made if there is none yet.  NULL: there are too many. */
static struct config_route *route_of(struct config_route **routes, size_t *length,
                                     const struct dname *suffix)
{
    for (size_t i = 0; i < *length; i++) {
        if (dname_equal((*routes)[i].suffix.wire, suffix->wire))
            return &(*routes)[i];
    }
    if (*length == CONFIG_ROUTES_MAX)
        return NULL;
    *routes = alloc_resize(*routes, *length + 1, sizeof **routes);
    (*routes)[*length] = (struct config_route){.suffix = *suffix};
    return &(*routes)[(*length)++];
}

bool configvalue_suffix(struct dname *out, const char *text, size_t length, char *why)
{
    const char *reason;
    int shown = length < 80 ? (int)length : 80;

    if (!dname_from_text(out, text, length, &reason))
        return WHY(why, "'%.*s': %s", shown, text, reason);
    if (dname_is_wildcard(out->wire)) /* it would be a name that nobody asks for */
        return WHY(why, "'%.*s': wants a suffix without '*.'", shown, text);
    return true;
}

static bool add_route(struct config_route **routes, size_t *length, const char *text, char *why)
{
    const char *equals = strchr(text, '=');
    struct dname suffix;

    if (equals == NULL)
        return WHY(why, "'%.80s': wants suffix=upstream", text);
    if (!configvalue_suffix(&suffix, text, (size_t)(equals - text), why))
        return false;
    struct config_route *route = route_of(routes, length, &suffix);
    if (route == NULL)
        return WHY(why, "wants at most %d routes", CONFIG_ROUTES_MAX);
    return add_upstream(&route->upstreams, equals + 1, why);
}

static bool add_name(struct config_names *list, bool root, const char *text, char *why)
{
    struct dname name;

    if (!configvalue_suffix(&name, text, strlen(text), why))
        return false;
    if (!root && name.size == 1)
        return WHY(why, "'%.80s': the root is no suffix", text);
    if (list->length == CONFIG_NAMES_MAX)
        return WHY(why, "wants at most %d names", CONFIG_NAMES_MAX);
    list->items = alloc_resize(list->items, list->length + 1, sizeof *list->items);
    list->items[list->length++] = name;
    return true;
}

static bool add_network(struct netblock_list *list, const char *text, char *why)
{
    const char *reason;

    if (!netblock_add(list, text, &reason))
        return WHY(why, "'%.80s': %s", text, reason);
    return true;
}

static bool add_view(struct view_list *list, const char *text, char *why)
{
    static const char cluster[] = "cluster:";
    const char *equals = strchr(text, '=');
    char reason[VIEW_WHY];

    if (equals == NULL)
        return WHY(why, "'%.80s': wants name=network or name=%sid", text, cluster);
    char *name = strndup(text, (size_t)(equals - text));
    unsigned view = name != NULL ? view_add(list, name, reason) : VIEW_NONE;
    free(name);
    const char *value = equals + 1;
    bool is_cluster = strncmp(value, cluster, sizeof cluster - 1) == 0;
    if (view == VIEW_NONE ||
        !(is_cluster ? view_add_cluster(list, view, value + sizeof cluster - 1, reason)
                     : view_add_clients(list, view, value, reason)))
        return WHY(why, "%s", reason);
    return true;
}

static void clear_routes(const struct config_route *routes, size_t length)
{
    for (size_t i = 0; i < length; i++)
        free(routes[i].upstreams.items);
}

void configvalue_clear(const struct configvalue_key *key, void *record)
{
    void **items = field(key, record);

    switch (key->kind) {
    case CONFIGVALUE_ROUTES:
        clear_routes(*items, *length_field(key, record));
        break;
    case CONFIGVALUE_NETWORKS:
        netblock_clear(field(key, record));
        return;
    case CONFIGVALUE_VIEWS:
        view_clear(field(key, record));
        return;
    default:
        if (!configvalue_is_list(key))
            return;
    }
    free(*items);
    *items = NULL;
    *length_field(key, record) = 0;
}

static bool add_item(const struct configvalue_key *key, void *record, const char *text, char *why)
{
    switch (key->kind) {
    case CONFIGVALUE_LISTEN:
    case CONFIGVALUE_ADMIN:
        return add_address(field(key, record), length_field(key, record),
                           key->kind == CONFIGVALUE_ADMIN, text, why);
    case CONFIGVALUE_UPSTREAMS:
        return add_upstream(field(key, record), text, why);
    case CONFIGVALUE_ROUTES:
        return add_route(field(key, record), length_field(key, record), text, why);
    case CONFIGVALUE_NAMES:
    case CONFIGVALUE_SUFFIXES:
        return add_name(field(key, record), key->kind == CONFIGVALUE_NAMES, text, why);
    case CONFIGVALUE_VIEWS:
        return add_view(field(key, record), text, why);
    default:
        return add_network(field(key, record), text, why);
    }
}

bool configvalue_set(const struct configvalue_key *key, void *record, const char *text, char *why)
{
    void *value = field(key, record);

    switch (key->kind) {
    case CONFIGVALUE_STRING:
        return set_string(value, text);
    case CONFIGVALUE_PATH:
        return text[0] == '\0' ? WHY(why, "wants a path, is empty") : set_string(value, text);
    case CONFIGVALUE_ZONE:
        return set_zone(value, text, why);
    case CONFIGVALUE_WORD:
        return set_word(value, key, text, why);
    case CONFIGVALUE_SHOWN:
        return set_boolean(value, "hidden", "shown", text, why);
    case CONFIGVALUE_BOOLEAN:
        return set_boolean(value, "true", "false", text, why);
    case CONFIGVALUE_INTEGER:
    case CONFIGVALUE_WORKERS:
        return set_unsigned(value, key, text, why);
    case CONFIGVALUE_PORTION:
        return set_portion(value, key, text, why);
    case CONFIGVALUE_DURATION:
        return set_duration(value, key, text, why);
    case CONFIGVALUE_BYTES:
        return set_bytes(value, key, text, why);
    default:
        return add_item(key, record, text, why);
    }
}

static char *trim(char *text)
{
    text += strspn(text, " \t");
    for (size_t length = strlen(text); length > 0 && strchr(" \t", text[length - 1]) != NULL;)
        text[--length] = '\0';
    return text;
}

static bool take_item(const struct configvalue_key *key, void *record, char *text, char *why)
{
    const struct yamldoc_node node = {
        .kind = YAMLDOC_SCALAR, .plain = true, .text = text, .size = strlen(text)};

    if (text[0] == '\0') /* what is behind the last comma */
        return true;
    if (yamldoc_is_null(&node))
        return WHY(why, "wants a text, has nothing ('%s')", text);
    return configvalue_set(key, record, text, why);
}

static bool has_network(const struct view_list *views, unsigned view)
{
    size_t i = 0;

    while (i < views->networks_length && views->networks[i].view != view)
        i++;
    return i < views->networks_length;
}

static bool has_cluster(const struct view_list *views, unsigned view)
{
    size_t i = 0;

    while (i < views->clusters_length && views->selecting[i] != view)
        i++;
    return i < views->clusters_length;
}

/* What a file cannot leave out. */
static void check_views(const struct view_list *views, const char *source,
                        struct error_list *errors)
{
    for (unsigned view = 1; view < view_count(views); view++) {
        if (!has_network(views, view))
            error_add(errors, source, 0, 0, "view '%s' wants at least one network",
                      view_name(views, view));
        if (!has_cluster(views, view))
            error_add(errors, source, 0, 0, "view '%s' wants at least one cluster id",
                      view_name(views, view));
    }
}

void configvalue_split(const struct configvalue_key *key, void *record, const char *text,
                       const char *source, struct error_list *errors)
{
    char *copy = alloc_string(text), *rest = copy, *item, why[CONFIGVALUE_WHY];
    size_t before = errors->errors;

    configvalue_clear(key, record);
    while ((item = strsep(&rest, ",")) != NULL) {
        if (!take_item(key, record, trim(item), why))
            error_add(errors, source, 0, 0, "%s", why);
    }
    if (key->kind == CONFIGVALUE_VIEWS && errors->errors == before)
        check_views(field(key, record), source, errors);
    free(copy);
}

char *configvalue_variable(const struct configvalue_key *key, char text[CONFIGVALUE_VARIABLE])
{
    size_t used = (size_t)snprintf(text, CONFIGVALUE_VARIABLE, "PLDNS_");

    for (const char *c = key->name; *c != '\0' && used < CONFIGVALUE_VARIABLE - 2; c++) {
        if (*c >= 'A' && *c <= 'Z')
            text[used++] = '_';
        text[used++] = *c == '.' ? '_' : (char)toupper((unsigned char)*c);
    }
    text[used] = '\0';
    return text;
}
