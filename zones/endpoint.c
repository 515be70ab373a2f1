#include "endpoint.h"

#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>

#include "alloc.h"
#include "hostname.h"

enum { ZONE, ADDRESSES, DNS_NAME, STATE, MESSAGE };
static const char *const known[] = {"zone", "addresses", "dnsName", "state", "message", NULL};

/* ---- addresses ---- */

struct range {
    uint8_t bytes[16];
    unsigned bits;
};

static const struct range private_v4[] = {
    {{10}, 8},       {{172, 16}, 12},  {{192, 168}, 16}, /* RFC 1918 */
    {{100, 64}, 10}, {{169, 254}, 16}, {{127}, 8},       /* RFC 6598, link local, loopback */
};
static const struct range private_v6[] = {
    {{0xfc}, 7},        /* RFC 4193 */
    {{0xfe, 0x80}, 10}, /* link local */
    {{[15] = 1}, 128},  /* loopback */
};
static const struct range useless_v4[] = {
    {{0}, 8}, {{224}, 4}, {{255, 255, 255, 255}, 32}, /* "this network", multicast, broadcast */
};
static const struct range useless_v6[] = {
    {{0}, 128}, {{0xff}, 8}, /* unspecified, multicast */
};
static const struct range mapped_v6 = {{[10] = 0xff, [11] = 0xff}, 96};

static bool is_within(const uint8_t *address, const struct range *range)
{
    unsigned whole = range->bits / 8, rest = range->bits % 8;

    return memcmp(address, range->bytes, whole) == 0 &&
           (rest == 0 || ((address[whole] ^ range->bytes[whole]) >> (8 - rest)) == 0);
}

static bool is_in_any(const uint8_t *address, const struct range *ranges, size_t length)
{
    for (size_t i = 0; i < length; i++) {
        if (is_within(address, &ranges[i]))
            return true;
    }
    return false;
}

bool endpoint_is_useful(const struct connection_address *address)
{
    if (address->v6)
        return !is_in_any(address->bytes, useless_v6, ARRAY_LENGTH(useless_v6)) &&
               !is_within(address->bytes, &mapped_v6);
    return !is_in_any(address->bytes, useless_v4, ARRAY_LENGTH(useless_v4));
}

/* As inet_pton() reads it, in half the time: most of what a document holds are such. */
static bool read_v4(const char *text, uint8_t bytes[4])
{
    for (unsigned i = 0; i < 4; i++) {
        unsigned number = (unsigned char)*text - '0';
        if (number > 9)
            return false;
        bool zero = number == 0;
        for (text++; *text >= '0' && *text <= '9'; text++) {
            number = 10 * number + (unsigned char)(*text - '0');
            if (zero || number > 255)
                return false;
        }
        bytes[i] = (uint8_t)number;
        if (*text++ != (i < 3 ? '.' : '\0'))
            return false;
    }
    return true;
}

static bool read_address(const struct fields *fields, const struct yamldoc_node *item,
                         struct connection_address *address)
{
    const char *text;
    bool is_private;

    if (!fields_item_text(fields, ADDRESSES, item, &text))
        return false;
    address->v6 = !read_v4(text, address->bytes);
    if (address->v6 && inet_pton(AF_INET6, text, address->bytes) != 1) {
        fields_error(fields, ADDRESSES, item, "'%.80s' is no IPv4 or IPv6 address", text);
        return false;
    }
    if (address->v6 && is_within(address->bytes, &mapped_v6)) {
        fields_error(fields, ADDRESSES, item, "'%.80s': write the IPv4 address itself", text);
        return false;
    }
    is_private = address->v6 ? is_in_any(address->bytes, private_v6, ARRAY_LENGTH(private_v6))
                             : is_in_any(address->bytes, private_v4, ARRAY_LENGTH(private_v4));
    if (!endpoint_is_useful(address)) {
        fields_error(fields, ADDRESSES, item, "nobody can connect to '%.80s'", text);
        return false;
    }
    if (!is_private)
        fields_warn(fields, ADDRESSES, item, "'%.80s' is a public address", text);
    return true;
}

static bool read_addresses(const struct fields *fields, struct connection_endpoint *endpoint)
{
    struct yamldoc_node *item;
    size_t length;
    unsigned v4 = 0, v6 = 0;
    bool ok = true;

    if (!fields_list(fields, ADDRESSES, &item, &length))
        return false;
    if (length > 2 * CONNECTION_ADDRESSES_MAX) {
        fields_error(fields, ADDRESSES, NULL, "%zu addresses; at most %d of each family", length,
                     CONNECTION_ADDRESSES_MAX);
        return false;
    }
    struct connection_address *all = arena_array(fields->arena, length, sizeof *all);
    for (size_t i = 0; i < length; i++, item = item->next) {
        if (!read_address(fields, item, &all[i])) {
            ok = false;
            continue;
        }
        if ((all[i].v6 ? ++v6 : ++v4) == CONNECTION_ADDRESSES_MAX + 1) {
            fields_error(fields, ADDRESSES, item, "more than %d %s addresses",
                         CONNECTION_ADDRESSES_MAX, all[i].v6 ? "IPv6" : "IPv4");
            ok = false;
        }
    }
    endpoint->addresses = all;
    endpoint->length = (unsigned)length;
    return ok;
}

/* ---- one endpoint ---- */

/* The zone as written but for letter case. */
static bool read_zone(const struct fields *fields, enum cloud cloud, const char **zone)
{
    const char *text = "", *why;
    struct dname label;

    if (!fields_text(fields, ZONE, &text))
        return false;
    if (text[0] == '\0')
        return true;
    if (!hostname_read_label(&label, text, &why)) {
        fields_error(fields, ZONE, NULL, "'%.80s': %s", text, why);
        return false;
    }
    *zone = arena_text(fields->arena, label.wire + 1, label.wire[0]);
    if (cloud == CLOUD_AWS && zoneid_is_aws_name(*zone, label.wire[0]))
        fields_warn(
            fields, ZONE, NULL,
            "'%s' is the name of a zone, which differs from account to account; names carry "
            "zone ids such as use1-az1",
            *zone);
    else if (!zoneid_valid(cloud, *zone, label.wire[0]))
        fields_warn(fields, ZONE, NULL, "'%s' does not look like a zone id of %s", *zone,
                    zoneid_cloud_label(cloud));
    return true;
}

static bool read_dns_name(const struct fields *fields, struct connection_endpoint *endpoint)
{
    struct dname name;
    const char *why;

    if (!fields_text(fields, DNS_NAME, &endpoint->dns_name))
        return false;
    if (endpoint->dns_name[0] == '\0')
        return true;
    if (!hostname_read(&name, endpoint->dns_name, &why)) {
        fields_error(fields, DNS_NAME, NULL, "'%.80s': %s", endpoint->dns_name, why);
        return false;
    }
    if (dname_is_wildcard(name.wire)) {
        fields_error(fields, DNS_NAME, NULL, "'%.80s': a wildcard cannot be resolved",
                     endpoint->dns_name);
        return false;
    }
    endpoint->target = arena_copy(fields->arena, name.wire, name.size);
    return true;
}

static bool read_one(const struct fields *fields, enum cloud cloud,
                     struct connection_endpoint *endpoint)
{
    bool ok = true;

    ok &= read_zone(fields, cloud, &endpoint->zone);
    ok &= read_addresses(fields, endpoint);
    ok &= read_dns_name(fields, endpoint);
    ok &= fields_state(fields, STATE, STATE_NOT_READY, &endpoint->state_word, &endpoint->state);
    ok &= fields_text(fields, MESSAGE, &endpoint->message);
    if (fields->at[ADDRESSES] != NULL && fields->at[DNS_NAME] != NULL) {
        fields_error(fields, DNS_NAME, NULL, "either addresses or dnsName, not both");
        ok = false;
    } else if (ok && endpoint->length == 0 && endpoint->dns_name[0] == '\0' &&
               endpoint->state == STATE_USABLE) {
        fields_warn(fields, ADDRESSES, NULL, "no address yet");
    }
    return ok;
}

/* ---- all of them ---- */

static int compare_addresses(const void *a, const void *b)
{
    const struct connection_address *left = a, *right = b;

    if (left->v6 != right->v6)
        return left->v6 ? 1 : -1;
    return memcmp(left->bytes, right->bytes, left->v6 ? 16 : 4);
}

static size_t count_different(const struct connection *connection, size_t length)
{
    struct connection_address *all = alloc_array(length, sizeof *all);
    size_t at = 0, different = length > 0 ? 1 : 0;

    for (unsigned i = 0; i < connection->endpoints_length; i++) {
        const struct connection_endpoint *endpoint = &connection->endpoints[i];
        for (unsigned j = 0; j < endpoint->length; j++)
            all[at++] = endpoint->addresses[j];
    }
    qsort(all, length, sizeof *all, compare_addresses);
    for (size_t i = 1; i < length; i++)
        different += compare_addresses(&all[i - 1], &all[i]) != 0;
    free(all);
    return different;
}

static bool check_all(const struct fields *parent, unsigned field,
                      const struct connection *connection)
{
    size_t length = 0, v4 = 0;

    for (unsigned i = 0; i < connection->endpoints_length; i++) {
        const struct connection_endpoint *endpoint = &connection->endpoints[i];
        length += endpoint->length;
        for (unsigned j = 0; j < endpoint->length; j++)
            v4 += !endpoint->addresses[j].v6;
    }
    if (length > 0 && v4 == 0)
        fields_warn(parent, field, NULL,
                    "IPv6 addresses only: clients that ask for IPv4 find nothing");
    if (length <= CONNECTION_RULE_MAX)
        return true;
    size_t different = count_different(connection, length);
    if (different <= CONNECTION_RULE_MAX)
        return true;
    fields_error(parent, field, NULL,
                 "%zu addresses in one connection; a rule answers with at most %d", different,
                 CONNECTION_RULE_MAX);
    return false;
}

bool endpoint_read_all(const struct fields *parent, unsigned field, struct connection *connection)
{
    struct yamldoc_node *item;
    size_t length;
    bool ok = true;

    if (!fields_list(parent, field, &item, &length))
        return false;
    if (length > CONNECTION_ENDPOINTS_MAX) {
        fields_error(parent, field, NULL, "%zu endpoints; at most %d", length,
                     CONNECTION_ENDPOINTS_MAX);
        return false;
    }
    if (length == 0 && connection->state == STATE_USABLE)
        fields_warn(parent, field, NULL,
                    "no endpoint: the attached names are not ready until there is one");
    struct connection_endpoint *all = arena_array(parent->arena, length, sizeof *all);
    for (size_t i = 0; i < length; i++, item = item->next) {
        struct fields fields;
        all[i] = (struct connection_endpoint){
            .zone = "", .dns_name = "", .state_word = "", .message = "", .line = item->line};
        ok &= fields_enter(&fields, parent, field, item, known) &&
              read_one(&fields, connection->cloud, &all[i]);
    }
    connection->endpoints = all;
    connection->endpoints_length = (unsigned)length;
    return ok && check_all(parent, field, connection);
}
