#include "overview.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "alloc.h"
#include "build.h"
#include "explain.h"
#include "jsonmap.h"
#include "loop.h"
#include "upstreamsum.h"

#define LINE_MAX_OCTETS 2048

static void set_name(json_t *map, const char *key, const uint8_t *wire)
{
    char text[DNAME_TEXT_MAX];

    jsonmap_set(map, key, dname_to_text(wire, text));
}

/* ---- status ---- */

static json_t *complaints_of(const struct error_list *errors, bool warnings)
{
    json_t *list = json_array();
    char line[LINE_MAX_OCTETS];

    for (size_t i = 0; i < errors->length; i++) {
        if (errors->items[i].warning == warnings)
            (void)json_array_append_new(
                list, jsonmap_string(error_format(&errors->items[i], line, sizeof line)));
    }
    return list;
}

static json_t *document(const struct catalog_entry *entry)
{
    json_t *map = json_object();
    char text[DIGEST_TEXT];

    jsonmap_set(map, "name", entry->name);
    jsonmap_set(map, "state",
                !entry->refused ? "accepted"
                : entry->served ? "refused, an earlier version is served"
                                : "refused, not served");
    jsonmap_set_number(map, "connections", entry->connections);
    if (entry->served)
        jsonmap_set(map, "served", digest_to_text(&entry->served_digest, text));
    jsonmap_set_boolean(map, "restored", entry->restored);
    (void)json_object_set_new(map, "errors", complaints_of(entry->complaints, false));
    (void)json_object_set_new(map, "warnings", complaints_of(entry->complaints, true));
    return map;
}

static json_t *documents(const struct service *service)
{
    json_t *list = json_array();
    size_t length;
    const struct catalog_entry *entries = reload_documents(service->reload, &length);

    for (size_t i = 0; i < length; i++)
        (void)json_array_append_new(list, document(&entries[i]));
    return list;
}

static json_t *table_of(const struct tableset *tables)
{
    json_t *map = json_object();
    struct digest digest = tableset_digest(tables);
    char text[DIGEST_TEXT];

    jsonmap_set(map, "digest", digest_to_text(&digest, text));
    jsonmap_set_number(map, "documents", tables->documents);
    jsonmap_set_number(map, "connections", tableset_connections(tables));
    jsonmap_set_number(map, "names", tableset_names(tables));
    jsonmap_set_number(map, "bytes", tableset_bytes(tables));
    return map;
}

/* What each view sees; "" is what clients in no view do. */
static json_t *views_of(const struct tableset *tables)
{
    json_t *list = json_array();

    for (unsigned view = VIEW_NONE; view < tables->length; view++) {
        const struct table *table = tableset_table(tables, view);
        json_t *map = json_object();
        jsonmap_set(map, "name", view_name(tables->views, view));
        jsonmap_set_number(map, "documents", table_documents(table));
        jsonmap_set_number(map, "connections", table_connections(table));
        jsonmap_set_number(map, "names", table_names(table));
        (void)json_array_append_new(list, map);
    }
    return list;
}

static json_t *addresses(const union config_address *list, size_t length)
{
    json_t *array = json_array();
    char text[128];

    for (size_t i = 0; i < length; i++)
        (void)json_array_append_new(
            array, jsonmap_string(config_address_text(&list[i].any, text, sizeof text)));
    return array;
}

static json_t *upstreams(const struct config_upstreams *list)
{
    json_t *array = json_array();

    for (size_t i = 0; i < list->length; i++)
        (void)json_array_append_new(array, jsonmap_string(list->items[i].text));
    return array;
}

static void add_looping(json_t *array, const struct config *config,
                        const struct config_upstreams *list, uint64_t now)
{
    for (size_t i = 0; i < list->length; i++) {
        if (loop_knows(config->forward.loop, &list->items[i], now))
            (void)json_array_append_new(array, jsonmap_string(list->items[i].text));
    }
}

/* Those of the routes, too. */
static json_t *upstream_states(const struct service *service)
{
    struct upstream_state *all;
    size_t length = upstreamsum_read(service->workers, service->workers_length, &all);
    json_t *array = json_array();

    for (size_t i = 0; i < length; i++) {
        const struct upstream_state *u = &all[i];
        json_t *map = json_pack("{s:o, s:b, s:I, s:I, s:I}", "upstream", jsonmap_string(u->text),
                                "up", !u->doubted, "asked", (json_int_t)u->queries, "answered",
                                (json_int_t)u->replies, "unanswered", (json_int_t)u->unanswered);
        if (u->measured)
            jsonmap_set_number(map, "roundTripMicroseconds", u->round_trip_us);
        (void)json_array_append_new(array, map);
    }
    free(all);
    return array;
}

/* Those that lead back to us, so that nothing is asked there; a server once for each list. */
static json_t *looping(const struct service *service, uint64_t now)
{
    const struct config *config = service->config;
    json_t *array = json_array();

    add_looping(array, config, service->upstreams, now);
    for (size_t i = 0; i < config->forward.routes_length; i++)
        add_looping(array, config, &config->forward.routes[i].upstreams, now);
    return array;
}

/* ---- endpoints ---- */

/* More are counted, not listed: a status is for people.  Those with trouble come first. */
#define LISTED_MAX 1000

struct listing {
    json_t *list;
    uint64_t now;
    bool troubled; /* which ones are listed now */
};

static json_t *address_of(const struct connection_address *address)
{
    char text[INET6_ADDRSTRLEN] = "?";

    inet_ntop(address->v6 ? AF_INET6 : AF_INET, address->bytes, text, sizeof text);
    return json_string(text);
}

static void list_target(void *arg, const struct refresh_status *target)
{
    struct listing *listing = arg;
    bool troubled = !target->resolved || target->trouble[0] != '\0';

    if (troubled != listing->troubled || json_array_size(listing->list) >= LISTED_MAX)
        return;
    json_t *map = json_object(), *all = json_array();
    for (unsigned i = 0; i < target->length; i++)
        (void)json_array_append_new(all, address_of(&target->addresses[i]));
    set_name(map, "name", target->name);
    jsonmap_set(map, "state",
                !target->resolved            ? "unresolved"
                : target->trouble[0] != '\0' ? "stale"
                                             : "fresh");
    (void)json_object_set_new(map, "addresses", all);
    if (target->trouble[0] != '\0') {
        jsonmap_set(map, "why", target->trouble);
        jsonmap_set_number(map, "sinceSeconds", (listing->now - target->trouble_ms) / 1000);
    }
    if (target->resolved)
        jsonmap_set_number(map, "answeredSeconds", (listing->now - target->fresh_ms) / 1000);
    (void)json_array_append_new(listing->list, map);
}

static json_t *targets(const struct service *service, uint64_t now)
{
    const struct refresh *refresh = reach_refresh(service->reach);
    struct refresh_totals totals = refresh_totals(refresh);
    struct listing listing = {json_array(), now, true};
    json_t *map = json_object();

    refresh_each(refresh, list_target, &listing);
    listing.troubled = false;
    refresh_each(refresh, list_target, &listing);
    jsonmap_set_number(map, "names", totals.names);
    jsonmap_set_number(map, "stale", totals.stale);
    jsonmap_set_number(map, "unresolved", totals.unresolved);
    (void)json_object_set_new(map, "list", listing.list);
    return map;
}

static void list_check(void *arg, const struct prober_status *check)
{
    struct listing *listing = arg;

    if (check->healthy == listing->troubled || json_array_size(listing->list) >= LISTED_MAX)
        return;
    json_t *map = json_object();
    (void)json_object_set_new(map, "address", address_of(&check->key->address));
    jsonmap_set_number(map, "port", check->key->check.port);
    jsonmap_set(map, "state",
                !check->tried    ? "not tried yet"
                : check->healthy ? "healthy"
                                 : "unhealthy");
    jsonmap_set_if(map, "last", check->last);
    if (check->since_ms > 0)
        jsonmap_set_number(map, "sinceSeconds", (listing->now - check->since_ms) / 1000);
    (void)json_array_append_new(listing->list, map);
}

static json_t *health(const struct service *service, uint64_t now)
{
    const struct prober *prober = reach_prober(service->reach);
    struct prober_totals totals = prober_totals(prober);
    struct listing listing = {json_array(), now, true};
    json_t *map = json_object();

    prober_each(prober, list_check, &listing);
    listing.troubled = false;
    prober_each(prober, list_check, &listing);
    jsonmap_set_number(map, "addresses", totals.addresses);
    jsonmap_set_number(map, "unhealthy", totals.unhealthy);
    (void)json_object_set_new(map, "list", listing.list);
    return map;
}

static json_t *counters(const struct service *service)
{
    json_t *map = json_object();

    for (enum stats_counter c = 0; c < STATS_COUNT; c++) {
        uint64_t sum = 0;
        for (unsigned i = 0; i < service->workers_length; i++)
            sum += stats_read(worker_stats(service->workers[i]), c);
        jsonmap_set_number(map, stats_name(c), sum);
    }
    return map;
}

/* As others find it: they stand in another directory than we. */
static void set_directory(json_t *map, const char *path)
{
    char *here = path[0] == '/' ? NULL : getcwd(NULL, 0), *whole = NULL;

    if (here != NULL && asprintf(&whole, "%s/%s", here, path) < 0)
        whole = NULL;
    jsonmap_set(map, "directory", whole != NULL ? whole : path);
    free(whole);
    free(here);
}

json_t *overview_status(const struct service *service, uint64_t now)
{
    const struct reload_outcome *last = reload_last(service->reload);
    const struct tableset *tables = publish_get(reload_table(service->reload));
    const struct config *config = service->config;
    json_t *map = json_object();

    jsonmap_set(map, "version", PLDNS_VERSION);
    jsonmap_set(map, "instance", config->instance);
    jsonmap_set_if(map, "zone", config->zone);
    jsonmap_set_boolean(map, "ready", service->ready);
    jsonmap_set_number(map, "uptimeSeconds", (now - service->started_ms) / 1000);
    jsonmap_set_number(map, "generation", tableset_generation(tables));
    jsonmap_set_number(map, "ageSeconds", (now - service->published_ms) / 1000);
    set_directory(map, config->attachments.directory);
    jsonmap_set_number(map, "refused", last->refused_now);
    jsonmap_set_if(map, "degraded", last->degraded_why);
    jsonmap_set_if(map, "stateTrouble", last->state_trouble);
    (void)json_object_set_new(map, "table", table_of(tables));
    if (tables->views != NULL)
        (void)json_object_set_new(map, "views", views_of(tables));
    (void)json_object_set_new(map, "documents", documents(service));
    (void)json_object_set_new(map, "listen", addresses(config->listen, config->listen_length));
    (void)json_object_set_new(map, "upstreams", upstreams(service->upstreams));
    (void)json_object_set_new(map, "upstreamStates", upstream_states(service));
    (void)json_object_set_new(map, "upstreamsLooping", looping(service, now));
    jsonmap_set_number(map, "workers", service->workers_length);
    (void)json_object_set_new(map, "targets", targets(service, now));
    (void)json_object_set_new(map, "health", health(service, now));
    (void)json_object_set_new(map, "counters", counters(service));
    return map;
}

/* ---- explain ---- */

static void set_answer(json_t *map, const struct explain *e)
{
    char text[EXPLAIN_TEXT_MAX], *rest = explain_addresses(e, text, sizeof text), *one;
    json_t *list = json_array();

    if (explain_pointer(e) != NULL)
        jsonmap_set(map, "pointer", explain_pointer(e));

    while ((one = strsep(&rest, ",")) != NULL) {
        if (one[0] != '\0')
            (void)json_array_append_new(list, jsonmap_string(one));
    }
    if (json_array_size(list) > 0 || explain_pointer(e) != NULL)
        jsonmap_set_number(map, "ttl", explain_ttl(e));
    if (json_array_size(list) > 0)
        (void)json_object_set_new(map, "addresses", list);
    else
        json_decref(list);
}

static void set_why(json_t *map, const struct table_why *why)
{
    jsonmap_set_if(map, "rule", why->owner);
    jsonmap_set_if(map, "connection", why->connection);
    jsonmap_set_if(map, "cluster", why->cluster);
    jsonmap_set_if(map, "zone", why->zone);
    jsonmap_set_if(map, "state", why->state);
    jsonmap_set_if(map, "message", why->message);
    jsonmap_set_if(map, "note", why->note);
    jsonmap_set_if(map, "document", why->document);
    jsonmap_set_number(map, "line", why->line);
}

/* Where a name that is not ours goes: the route with the longest suffix, or the upstreams. */
static const struct config_upstreams *route_of(const struct service *service, const uint8_t *name)
{
    const struct config_upstreams *best = service->upstreams;
    size_t longest = 0;

    for (size_t i = 0; i < service->config->forward.routes_length; i++) {
        const struct config_route *route = &service->config->forward.routes[i];
        if (route->suffix.size > longest && dname_under(name, route->suffix.wire, NULL)) {
            longest = route->suffix.size;
            best = &route->upstreams;
        }
    }
    return best;
}

static void set_owned(json_t *map, const struct explain *e)
{
    if (e->ruled)
        set_why(map, &e->why);
    else if (e->root.size > 0)
        set_name(map, "root", e->root.wire);
    if (e->match.regional_fallback)
        jsonmap_set(map, "fallback", "regional");
}

static void set_reply(json_t *map, const struct explain *e)
{
    const char *rcode = explain_rcode(e);

    if (rcode == NULL)
        return; /* forwarded: others decide */
    jsonmap_set(map, "rcode", rcode);
    set_answer(map, e);
}

/* Who asks for no client in particular hears which views own the name, and what they say. */
static json_t *seen_by(const struct tableset *tables, const uint8_t *name)
{
    json_t *list = json_array();
    char text[EXPLAIN_TEXT_MAX];
    struct explain e;

    for (unsigned view = VIEW_NONE + 1; view < tables->length; view++) {
        const struct table *table = tableset_table(tables, view);
        explain_find(table, name, "A", &e);
        if (e.match.outcome == TABLE_NOT_OWNED)
            continue;
        json_t *map = json_object();
        jsonmap_set(map, "view", view_name(tables->views, view));
        jsonmap_set(map, "text", explain_text(table, &e, text, sizeof text));
        (void)json_array_append_new(list, map);
    }
    return list;
}

json_t *overview_explain(const struct service *service, const struct dname *name, const char *type,
                         const struct sockaddr *client)
{
    const struct tableset *tables = publish_get(reload_table(service->reload));
    unsigned view = client == NULL ? VIEW_NONE : tableset_view(tables, client);
    const struct table *table = tableset_table(tables, view);
    json_t *map = json_object();
    char text[EXPLAIN_TEXT_MAX];
    struct explain e;

    explain_find_near(table, name->wire, type, &e);
    bool ours = e.match.outcome != TABLE_NOT_OWNED;
    bool allowed = client == NULL || netblock_contains(&service->config->allow, client);
    set_name(map, "name", name->wire);
    jsonmap_set(map, "type", type);
    jsonmap_set_boolean(map, "owned", explain_is_owned(&e));
    jsonmap_set(map, "outcome", explain_outcome(&e));
    if (allowed)
        set_reply(map, &e);
    else
        jsonmap_set_if(map, "rcode", service->config->otherwise == CONFIG_REFUSE ? "REFUSED" : "");
    if (ours)
        set_owned(map, &e);
    else if (allowed && e.special == SPECIAL_NONE)
        (void)json_object_set_new(map, "upstreams", upstreams(route_of(service, name->wire)));
    jsonmap_set_if(map, "view", view_name(tables->views, view));
    if (client == NULL && tables->views != NULL)
        (void)json_object_set_new(map, "views", seen_by(tables, name->wire));
    if (e.match.placeholder)
        jsonmap_set_boolean(map, "placeholder", true);
    if (e.is_near)
        set_name(map, "near", e.near.wire);
    if (client != NULL)
        jsonmap_set_boolean(map, "allowed", allowed);
    jsonmap_set(map, "text", explain_text(table, &e, text, sizeof text));
    jsonmap_set_number(map, "generation", table_generation(table));
    return map;
}
