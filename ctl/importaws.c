#include "importaws.h"

#include <stdio.h>
#include <string.h>

static const char *text_of(const json_t *map, const char *key)
{
    const char *text = json_string_value(json_object_get(map, key));

    return text == NULL ? "" : text;
}

void importaws_open(struct importaws *aws, const struct options *options)
{
    *aws = (struct importaws){json_array(), json_object(), json_object(), json_object()};
    for (size_t i = 0; i < options->zone_ids.length; i++) {
        const char *text = options->zone_ids.items[i], *equals = strchr(text, '=');

        if (equals != NULL) {
            json_t *name = json_stringn(text, (size_t)(equals - text));

            (void)json_object_set_new(aws->zones, name != NULL ? json_string_value(name) : "",
                                      json_string(equals + 1));
            json_decref(name);
        }
    }
}

void importaws_close(struct importaws *aws)
{
    json_decref(aws->endpoints);
    json_decref(aws->interfaces);
    json_decref(aws->subnets);
    json_decref(aws->zones);
}

static void index_by(json_t *to, const json_t *list, const char *key)
{
    size_t i;
    json_t *one;

    json_array_foreach(list, i, one)
    {
        if (*text_of(one, key) != '\0') {
            (void)json_object_set(to, text_of(one, key), one);
        }
    }
}

static void learn_zone(struct importaws *aws, const json_t *from, const char *name, const char *id)
{
    if (*text_of(from, name) != '\0' && *text_of(from, id) != '\0') {
        (void)json_object_set(aws->zones, text_of(from, name), json_object_get(from, id));
    }
}

bool importaws_take(struct importaws *aws, const json_t *output)
{
    const json_t *endpoints = json_object_get(output, "VpcEndpoints");
    const json_t *interfaces = json_object_get(output, "NetworkInterfaces");
    const json_t *subnets = json_object_get(output, "Subnets");
    const json_t *zones = json_object_get(output, "AvailabilityZones");
    size_t i;
    json_t *one;

    (void)json_array_extend(aws->endpoints, (json_t *)endpoints);
    index_by(aws->interfaces, interfaces, "NetworkInterfaceId");
    index_by(aws->subnets, subnets, "SubnetId");
    json_array_foreach(interfaces, i, one)
    {
        learn_zone(aws, one, "AvailabilityZone", "AvailabilityZoneId");
    }
    json_array_foreach(subnets, i, one)
    {
        learn_zone(aws, one, "AvailabilityZone", "AvailabilityZoneId");
    }
    json_array_foreach(zones, i, one)
    {
        learn_zone(aws, one, "ZoneName", "ZoneId");
    }
    return json_is_array(endpoints) || json_is_array(interfaces) || json_is_array(subnets) ||
           json_is_array(zones);
}

/* ---- endpoints of one zone ---- */

struct build {
    const struct importaws *aws;
    const json_t *from;
    json_t *list;
    char *why;
    size_t why_size;
};

/* NULL: 'why' says that nobody told it. */
static const char *zone_id(const struct build *b, const json_t *holder, const char *name)
{
    const char *id = text_of(holder, "AvailabilityZoneId");

    if (*id == '\0') {
        id = text_of(b->aws->zones, name);
    }
    if (*id != '\0') {
        return id;
    }
    (void)snprintf(b->why, b->why_size,
                   "%s: zone '%.60s' is a name of one account, and its id is not told: add the "
                   "output of 'aws ec2 describe-availability-zones', or --zone-id %.60s=ID",
                   text_of(b->from, "VpcEndpointId"), name, name);
    return NULL;
}

static json_t *endpoint_of(const struct build *b, const char *zone)
{
    json_t *one;
    size_t i;

    json_array_foreach(b->list, i, one)
    {
        if (strcmp(text_of(one, "zone"), zone) == 0) {
            return one;
        }
    }
    one = json_object();
    if (*zone != '\0') {
        (void)json_object_set_new(one, "zone", json_string(zone));
    }
    (void)json_array_append_new(b->list, one);
    return one;
}

static void add_address(json_t *endpoint, const char *address)
{
    json_t *list = json_object_get(endpoint, "addresses"), *one;
    size_t i;

    if (*address == '\0') {
        return;
    }
    if (list == NULL) {
        list = json_array();
        (void)json_object_set_new(endpoint, "addresses", list);
    }
    json_array_foreach(list, i, one)
    {
        if (json_is_string(one) && strcmp(json_string_value(one), address) == 0) {
            return;
        }
    }
    (void)json_array_append_new(list, json_string(address));
}

/* 1: done; 0: these objects tell no address; -1: a zone is not known. */
static int by_interfaces(const struct build *b)
{
    const json_t *ids = json_object_get(b->from, "NetworkInterfaceIds");
    size_t i, j;
    json_t *id, *address;

    json_array_foreach(ids, i, id)
    {
        const json_t *card =
            json_is_string(id) ? json_object_get(b->aws->interfaces, json_string_value(id)) : NULL;
        if (card == NULL || *text_of(card, "PrivateIpAddress") == '\0') {
            return 0;
        }
        const char *zone = zone_id(b, card, text_of(card, "AvailabilityZone"));
        if (zone == NULL) {
            return -1;
        }
        json_t *endpoint = endpoint_of(b, zone);
        add_address(endpoint, text_of(card, "PrivateIpAddress"));
        json_array_foreach(json_object_get(card, "PrivateIpAddresses"), j, address)
        {
            add_address(endpoint, text_of(address, "PrivateIpAddress"));
        }
        json_array_foreach(json_object_get(card, "Ipv6Addresses"), j, address)
        {
            add_address(endpoint, text_of(address, "Ipv6Address"));
        }
    }
    return json_array_size(ids) > 0;
}

static int by_subnets(const struct build *b)
{
    const json_t *list = json_object_get(b->from, "SubnetConfigurations");
    size_t i;
    json_t *one;

    json_array_foreach(list, i, one)
    {
        const json_t *subnet = json_object_get(b->aws->subnets, text_of(one, "SubnetId"));

        if (subnet == NULL || (*text_of(one, "Ipv4") == '\0' && *text_of(one, "Ipv6") == '\0')) {
            return 0;
        }
        const char *zone = zone_id(b, subnet, text_of(subnet, "AvailabilityZone"));
        if (zone == NULL) {
            return -1;
        }
        add_address(endpoint_of(b, zone), text_of(one, "Ipv4"));
        add_address(endpoint_of(b, zone), text_of(one, "Ipv6"));
    }
    return json_array_size(list) > 0;
}

/* "us-east-1a" of "vpce-0123-abcd-us-east-1a.vpce-svc-…"; "" of the name for all zones; NULL: it is
 * no name of the endpoint itself. */
static const char *zone_name_of(const char *name, const char *id, char *out, size_t size)
{
    size_t length = strlen(id), label = strcspn(name, ".");

    if (length == 0 || label >= size || strncmp(name, id, length) != 0 || name[length] != '-') {
        return NULL;
    }
    (void)snprintf(out, size, "%.*s", (int)(label - length - 1), name + length + 1);
    const char *dash = strchr(out, '-');
    return dash == NULL ? "" : dash + 1;
}

static int by_names(const struct build *b)
{
    const char *regional = NULL;
    char label[64];
    size_t i;
    json_t *entry;

    json_array_foreach(json_object_get(b->from, "DnsEntries"), i, entry)
    {
        const char *dns = text_of(entry, "DnsName");
        const char *name =
            zone_name_of(dns, text_of(b->from, "VpcEndpointId"), label, sizeof(label));

        if (name == NULL || *name == '\0') {
            regional = name != NULL ? dns : regional;
            continue;
        }
        const char *zone = zone_id(b, NULL, name);
        if (zone == NULL) {
            return -1;
        }
        (void)json_object_set(endpoint_of(b, zone), "dnsName", json_object_get(entry, "DnsName"));
    }
    if (json_array_size(b->list) == 0 && regional != NULL) {
        (void)json_object_set_new(endpoint_of(b, ""), "dnsName", json_string(regional));
    }
    return json_array_size(b->list) > 0;
}

json_t *importaws_endpoints(const struct importaws *aws, const json_t *vpc_endpoint, char *why,
                            size_t why_size)
{
    static int (*const ways[])(const struct build *) = {by_interfaces, by_subnets, by_names};
    struct build b = {aws, vpc_endpoint, NULL, why, why_size};
    int done = 0;
    size_t i;
    json_t *one;

    for (size_t way = 0; done == 0 && way < ARRAY_LENGTH(ways); way++) {
        json_decref(b.list);
        b.list = json_array();
        done = ways[way](&b);
    }
    if (done < 0) {
        json_decref(b.list);
        return NULL;
    }
    if (done == 0) { /* an endpoint that is being made has neither addresses nor names */
        json_decref(b.list);
        b.list = json_array();
        (void)endpoint_of(&b, "");
    }
    json_array_foreach(b.list, i, one)
    {
        if (*text_of(vpc_endpoint, "State") != '\0') {
            (void)json_object_set(one, "state", json_object_get(vpc_endpoint, "State"));
        }
    }
    return b.list;
}
