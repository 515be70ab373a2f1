#include "reader.h"

#include <string.h>
#include <strings.h>

#include "attachment.h"
#include "endpoint.h"
#include "healthcheck.h"

enum {
    ID,
    CLUSTER_ID,
    DISPLAY_NAME,
    TYPE,
    STATE,
    MESSAGE,
    AWS_SERVICE,
    ALICLOUD_SERVICE,
    ENDPOINTS,
    DOMAINS,
    TTL,
    FALLBACK,
    HEALTH,
    CREATED_BY,
    CREATE_TIME,
    UPDATE_TIME
};
static const char *const known[] = {
    [ID] = "privateLinkConnectionId",
    [CLUSTER_ID] = "clusterId",
    [DISPLAY_NAME] = "displayName",
    [TYPE] = "type",
    [STATE] = "state",
    [MESSAGE] = "message",
    [AWS_SERVICE] = "awsEndpointService",
    [ALICLOUD_SERVICE] = "alicloudEndpointService",
    [ENDPOINTS] = "endpoints",
    [DOMAINS] = "attachedDomains",
    [TTL] = "ttl",
    [FALLBACK] = "zoneFallback",
    [HEALTH] = "healthCheck",
    [CREATED_BY] = "createdBy",
    [CREATE_TIME] = "createTime",
    [UPDATE_TIME] = "updateTime",
    NULL,
};

enum { SERVICE_NAME, SERVICE_ENDPOINT, SERVICE_ZONES, SERVICE_REGION };
static const char *const known_of_service[] = {
    [SERVICE_NAME] = "name",
    [SERVICE_ENDPOINT] = "endpointId",
    [SERVICE_ZONES] = "availabilityZoneIds",
    [SERVICE_REGION] = "region",
    NULL,
};

const char *const *reader_fields(void)
{
    return known;
}

/* ---- the endpoint service, as the API tells it ---- */

static bool has_zone(const struct connection *connection, const char *zone)
{
    for (unsigned i = 0; i < connection->endpoints_length; i++) {
        if (strcasecmp(connection->endpoints[i].zone, zone) == 0)
            return true;
    }
    return false;
}

static bool is_zonal(const struct connection *connection)
{
    for (unsigned i = 0; i < connection->endpoints_length; i++) {
        if (connection->endpoints[i].zone[0] != '\0')
            return true;
    }
    return false;
}

static bool read_service(const struct fields *parent, unsigned field,
                         const struct connection *connection)
{
    struct fields fields;
    struct yamldoc_node *item;
    size_t length;
    bool ok = true;

    if (parent->at[field] == NULL)
        return true;
    if (!fields_enter(&fields, parent, field, parent->at[field], known_of_service))
        return false;
    ok &= fields_unused_text(&fields, SERVICE_NAME);
    ok &= fields_unused_text(&fields, SERVICE_ENDPOINT);
    ok &= fields_unused_text(&fields, SERVICE_REGION);
    if (!fields_list(&fields, SERVICE_ZONES, &item, &length))
        return false;
    bool zonal = is_zonal(connection);
    for (; item != NULL; item = item->next) {
        const char *zone;
        if (!fields_item_text(&fields, SERVICE_ZONES, item, &zone))
            ok = false;
        else if (zonal && !has_zone(connection, zone))
            fields_warn(&fields, SERVICE_ZONES, item, "zone '%.80s' has no endpoint", zone);
    }
    return ok;
}

/* ---- the connection's own fields ---- */

static bool read_id(const struct fields *fields, const char **id)
{
    if (!fields_text(fields, ID, id))
        return false;
    if ((*id)[0] == '\0') {
        fields_error(fields, ID, NULL, "missing");
        return false;
    }
    size_t length = strlen(*id);
    if (length > CONNECTION_ID_MAX) {
        fields_error(fields, ID, NULL, "%zu characters; at most %d", length, CONNECTION_ID_MAX);
        return false;
    }
    for (const char *c = *id; *c != '\0'; c++) {
        if (*c <= ' ' || *c > '~') {
            fields_error(fields, ID, NULL, "wants letters, digits and signs without blanks");
            return false;
        }
    }
    return true;
}

static bool read_type(const struct fields *fields, struct connection *out)
{
    unsigned type = 0;

    if (!fields_word(fields, TYPE, connection_type_names(), true, &type))
        return false;
    out->type = (enum connection_type)type;
    out->cloud = connection_type_cloud(out->type);
    return true;
}

static bool read_ttl(const struct fields *fields, uint32_t *out)
{
    int64_t ttl = CONNECTION_TTL_DEFAULT;

    if (!fields_integer(fields, TTL, 1, CONNECTION_TTL_MAX, &ttl))
        return false;
    if (ttl > CONNECTION_TTL_WARN)
        fields_warn(fields, TTL, NULL,
                    "%d seconds: clients keep the old addresses that long; at most %d is usual",
                    (int)ttl, CONNECTION_TTL_WARN);
    *out = (uint32_t)ttl;
    return true;
}

static bool read_fallback(const struct fields *fields, struct connection *out)
{
    static const char *const words[] = {
        [CONNECTION_STRICT] = "strict", [CONNECTION_REGIONAL] = "regional", NULL};
    unsigned fallback = connection_type_fallback(out->type);

    if (!fields_word(fields, FALLBACK, words, false, &fallback))
        return false;
    out->fallback = (enum connection_fallback)fallback;
    return true;
}

bool reader_connection(const struct fields *fields, struct connection *out)
{
    bool ok = true;

    *out = (struct connection){.id = "",
                               .cluster_id = "",
                               .display_name = "",
                               .state_word = "",
                               .message = "",
                               .line = fields->map->line};
    ok &= read_id(fields, &out->id);
    ok &= fields_text(fields, CLUSTER_ID, &out->cluster_id);
    ok &= fields_text(fields, DISPLAY_NAME, &out->display_name);
    ok &= fields_state(fields, STATE, STATE_NOT_READY, &out->state_word, &out->state);
    ok &= fields_text(fields, MESSAGE, &out->message);
    ok &= fields_unused_text(fields, CREATED_BY);
    ok &= fields_unused_text(fields, CREATE_TIME);
    ok &= fields_unused_text(fields, UPDATE_TIME);
    ok &= read_ttl(fields, &out->ttl);
    ok &= healthcheck_read(fields, HEALTH, &out->health);
    /* What follows is judged by the type's cloud; without a type, by that of most connections. */
    bool typed = read_type(fields, out);
    ok &= read_fallback(fields, out);
    ok &= endpoint_read_all(fields, ENDPOINTS, out);
    ok &= read_service(fields, AWS_SERVICE, out);
    ok &= read_service(fields, ALICLOUD_SERVICE, out);
    ok &= attachment_read_all(fields, DOMAINS, typed, out);
    return ok && typed;
}
