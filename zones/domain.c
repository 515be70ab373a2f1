#include "domain.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "hostname.h"

/* ---- suffixes ---- */

/* Wire form; the literal's own NUL is the root label. */
#define TIDBCLOUD_PLC_AWS      "\3aws\3plc\11tidbcloud\3com"
#define TIDBCLOUD_PLC_ALICLOUD "\10alicloud\3plc\11tidbcloud\3com"
#define TIDBCLOUD              "\11tidbcloud\3com"

static const char *const confluent[] = {
    [CLOUD_AWS] = "\3aws\11confluent\5cloud",
    [CLOUD_ALICLOUD] = "\10alicloud\11confluent\5cloud",
    [CLOUD_AZURE] = "\5azure\11confluent\5cloud",
    [CLOUD_GCP] = "\3gcp\11confluent\5cloud",
};

/* Below these stand names of many customers; so many labels more make one's own.  Longest first. */
static const struct {
    const char *suffix;
    unsigned own;
} shared[] = {
    {"\3glb\11confluent\5cloud", 3}, /* region.cloud is everybody's */
    {"\11confluent\5cloud", 3},      /* network.region.cloud */
    {"\3plc\11tidbcloud\3com", 2},   /* unique name.cloud */
    {TIDBCLOUD, 2},                  /* older form: unique name.cloud */
    {"\11amazonaws\3com", 3},        /* c3.kafka.region is the widest that vendors attach */
    {"\10aliyuncs\3com", 2},
    {"\5azure\3com", 2},
    {"\7windows\3net", 2},
    {"\12googleapis\3com", 2},
};

static const uint8_t *octets(const char *wire)
{
    return (const uint8_t *)wire;
}

/* ---- roots of typed domains ---- */

struct why {
    char *text;
    size_t size;
};

PRINTF_LIKE(2, 3) static bool refuse(struct why *why, const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(why->text, why->size, format, arguments);
    va_end(arguments);
    return false;
}

/* Puts 'name' in front of what 'out' holds so far ('size' octets at 'tail').  It fits: no name of
 * ours is made of more than three labels that a document gives. */
static void join(struct dname *out, const struct dname *name, const uint8_t *tail, size_t size)
{
    size_t head = name->size - 1u; /* without the root label */

    assert(head + size <= DNAME_MAX);
    memmove(out->wire + head, tail, size);
    memcpy(out->wire, name->wire, head);
    out->size = (uint8_t)(head + size);
}

static bool read_unique(enum connection_domain_type type, const char *text, struct dname *unique,
                        struct why *why)
{
    static const char *const forms[] = {
        [CONNECTION_TIDBCLOUD_MANAGED] = "one label of 26 characters a-z and 2-7",
        [CONNECTION_TIDBCLOUD_DEDICATED] = "one label of letters and digits",
        [CONNECTION_CONFLUENT] = "<network>.<region>",
    };
    const char *reason, *type_name = connection_domain_type_name(type);
    unsigned wanted = type == CONNECTION_CONFLUENT ? 2 : 1;

    if (text[0] == '\0')
        return refuse(why, "missing; %s wants %s", type_name, forms[type]);
    if (!hostname_read(unique, text, &reason))
        return refuse(why, "'%.100s': %s", text, reason);
    if (dname_is_wildcard(unique->wire))
        return refuse(why, "'%.100s' has a '*'; %s wants %s", text, type_name, forms[type]);
    unsigned labels = dname_labels(unique->wire);
    if (labels == wanted)
        return true;
    if (labels == 1)
        return refuse(why, "'%.100s' has one label; %s wants %s", text, type_name, forms[type]);
    return refuse(why, "'%.100s' has %u labels; %s wants %s", text, labels, type_name, forms[type]);
}

/* <region>.<cloud>.<project>.tidbcloud.com */
static bool make_dedicated_suffix(enum cloud cloud, const char *region, const char *project,
                                  struct dname *out, struct why *why)
{
    const char *parts[] = {project, zoneid_cloud_label(cloud), region};
    const char *names[] = {"projectId", "cloud", "region"};
    const char *reason;

    join(out, &(struct dname){.size = 1}, octets(TIDBCLOUD), sizeof TIDBCLOUD);
    for (size_t i = 0; i < ARRAY_LENGTH(parts); i++) {
        struct dname label;
        if (parts[i][0] == '\0')
            return refuse(why, "TIDBCLOUD_DEDICATED needs %s", names[i]);
        if (!hostname_read_label(&label, parts[i], &reason))
            return refuse(why, "%s '%.100s': %s", names[i], parts[i], reason);
        join(out, &label, out->wire, out->size);
    }
    return true;
}

bool domain_make_root(enum connection_domain_type type, enum cloud cloud, const char *unique_name,
                      const char *region, const char *project_id, struct dname *out, char *why_text,
                      size_t why_size)
{
    struct why why = {.text = why_text, .size = why_size};
    struct dname unique = {.size = 0};
    const uint8_t *suffix;

    assert(type != CONNECTION_CUSTOM); /* has no root: callers know */
    if (!read_unique(type, unique_name, &unique, &why))
        return false;
    switch (type) {
    case CONNECTION_TIDBCLOUD_DEDICATED:
        if (!make_dedicated_suffix(cloud, region, project_id, out, &why))
            return false;
        suffix = out->wire;
        break;
    case CONNECTION_CONFLUENT:
        suffix = octets(confluent[cloud]);
        break;
    default:
        if (cloud != CLOUD_AWS && cloud != CLOUD_ALICLOUD)
            return refuse(&why,
                          "TIDBCLOUD_MANAGED exists on aws and alicloud; this connection is on %s",
                          zoneid_cloud_label(cloud));
        suffix = octets(cloud == CLOUD_AWS ? TIDBCLOUD_PLC_AWS : TIDBCLOUD_PLC_ALICLOUD);
        break;
    }
    join(out, &unique, suffix, dname_size(suffix));
    return true;
}

/* Lower-case letters, and digits in this range. */
static bool has_only(const char *text, char first, char last)
{
    while ((*text >= 'a' && *text <= 'z') || (*text >= first && *text <= last))
        text++;
    return *text == '\0';
}

const char *domain_unusual(enum connection_domain_type type, const char *unique_name)
{
    size_t length = strlen(unique_name);

    switch (type) {
    case CONNECTION_TIDBCLOUD_MANAGED: /* 16 octets in base32, lower case, no padding */
        if (length == 26 && has_only(unique_name, '2', '7'))
            return NULL;
        return "26 characters a-z and 2-7";
    case CONNECTION_TIDBCLOUD_DEDICATED:
        if (has_only(unique_name, '0', '9'))
            return NULL;
        return "lower-case letters and digits";
    case CONNECTION_CONFLUENT:
    case CONNECTION_CUSTOM:
        break;
    }
    return NULL;
}

bool domain_is_broad(const uint8_t *wildcard)
{
    const uint8_t *parent = wildcard + 1 + wildcard[0];
    unsigned labels = dname_labels(parent);

    if (labels < 3)
        return true;
    for (size_t i = 0; i < ARRAY_LENGTH(shared); i++) {
        const uint8_t *suffix = octets(shared[i].suffix);
        if (dname_under(parent, suffix, NULL))
            return labels - dname_labels(suffix) < shared[i].own;
    }
    return false;
}

/* ---- zones ---- */

/* The label that may be a zone id in "*.<label>.…"; NULL if there is none. */
static const uint8_t *wildcard_label(const struct connection_domain *domain, const uint8_t *name)
{
    if (!dname_is_wildcard(name))
        return NULL;
    const uint8_t *label = name + 1 + name[0];
    if (label[0] == 0)
        return NULL;
    if (domain->root != NULL && !dname_equal(label + 1 + label[0], domain->root))
        return NULL;
    return label;
}

/* The label right left of the root; NULL if the name is the root. */
static const uint8_t *label_at_root(const uint8_t *root, const uint8_t *name)
{
    const uint8_t *label = NULL;

    for (size_t left = dname_size(name), below = dname_size(root); left > below;) {
        label = name;
        left -= 1u + *name;
        name += 1 + *name;
    }
    return label;
}

static bool is_zone(const uint8_t *label, const char *zone)
{
    return strlen(zone) == label[0] && memcmp(label + 1, zone, label[0]) == 0;
}

static bool has_zones(const struct connection *connection)
{
    for (unsigned i = 0; i < connection->endpoints_length; i++) {
        if (connection->endpoints[i].zone[0] != '\0')
            return true;
    }
    return false;
}

/* The label of a written name that stands for a zone, if one does. */
static const uint8_t *zone_label(const struct connection_domain *domain, const uint8_t *name)
{
    return domain->root != NULL ? label_at_root(domain->root, name) : wildcard_label(domain, name);
}

const char *domain_name_zone(const struct connection *connection,
                             const struct connection_domain *domain, const uint8_t *name)
{
    const uint8_t *label = zone_label(domain, name);

    for (unsigned i = 0; label != NULL && i < connection->endpoints_length; i++) {
        if (is_zone(label, connection->endpoints[i].zone))
            return connection->endpoints[i].zone;
    }
    return "";
}

const uint8_t *domain_missed_zone(const struct connection *connection,
                                  const struct connection_domain *domain, const uint8_t *name)
{
    const uint8_t *label = zone_label(domain, name);

    if (label != NULL && has_zones(connection) &&
        zoneid_valid(connection->cloud, (const char *)label + 1, label[0]) &&
        domain_name_zone(connection, domain, name)[0] == '\0')
        return label;
    return NULL;
}

bool domain_name_names_zone(const struct connection *connection,
                            const struct connection_domain *domain, const uint8_t *name)
{
    const uint8_t *label = wildcard_label(domain, name);

    return label != NULL && connection->cloud == CLOUD_AWS &&
           zoneid_is_aws_name((const char *)label + 1, label[0]) &&
           domain_name_zone(connection, domain, name)[0] == '\0';
}

/* ---- rules ---- */

struct giver {
    domain_rule_fn *each;
    void *arg;
    struct domain_rule rule;
    const char *zones[CONNECTION_ENDPOINTS_MAX]; /* every zone once, in the order written */
    unsigned zones_length;
};

static void collect_zones(struct giver *giver, const struct connection *connection)
{
    giver->zones_length = 0;
    for (unsigned i = 0; i < connection->endpoints_length; i++) {
        const char *zone = connection->endpoints[i].zone;
        bool seen = zone[0] == '\0';
        for (unsigned j = 0; j < giver->zones_length && !seen; j++)
            seen = strcmp(zone, giver->zones[j]) == 0;
        if (!seen)
            giver->zones[giver->zones_length++] = zone;
    }
}

/* Writes "*.<zone>.<root>" ("" = no zone); that it fits was checked when the domain was read. */
static void set_owner(struct dname *owner, const char *zone, const uint8_t *root)
{
    size_t zone_size = strlen(zone), size = dname_size(root), at = 0;

    assert(2 + (zone_size > 0 ? 1 + zone_size : 0) + size <= DNAME_MAX);
    owner->wire[at++] = 1;
    owner->wire[at++] = '*';
    if (zone_size > 0) {
        owner->wire[at++] = (uint8_t)zone_size;
        memcpy(owner->wire + at, zone, zone_size);
        at += zone_size;
    }
    memcpy(owner->wire + at, root, size);
    owner->size = (uint8_t)(at + size);
}

static void give_typed(struct giver *giver, const struct connection_domain *domain)
{
    giver->rule.line = domain->line;
    giver->rule.zone = "";
    set_owner(&giver->rule.owner, "", domain->root);
    giver->each(giver->arg, &giver->rule);
    for (unsigned i = 0; i < giver->zones_length; i++) {
        giver->rule.zone = giver->zones[i];
        set_owner(&giver->rule.owner, giver->zones[i], domain->root);
        giver->each(giver->arg, &giver->rule);
    }
}

/* "*.<root>" */
static bool is_star_of(const uint8_t *name, const uint8_t *root)
{
    return dname_is_wildcard(name) && dname_equal(name + 1 + name[0], root);
}

static bool writes_star(const struct connection_domain *domain)
{
    for (unsigned i = 0; domain->root != NULL && i < domain->length; i++) {
        if (is_star_of(domain->names[i].wire, domain->root))
            return true;
    }
    return false;
}

/* Of which zones the domain writes "*.<zone>.<root>". */
static void find_written(const struct giver *giver, const struct connection_domain *domain,
                         bool written[CONNECTION_ENDPOINTS_MAX])
{
    memset(written, 0, CONNECTION_ENDPOINTS_MAX * sizeof *written);
    for (unsigned i = 0; i < domain->length; i++) {
        const uint8_t *label = wildcard_label(domain, domain->names[i].wire);
        for (unsigned j = 0; label != NULL && j < giver->zones_length; j++)
            written[j] |= is_zone(label, giver->zones[j]);
    }
}

/* The rule in hand is "*.<root>": its zones have the same state, and stand on the same line. */
static void give_implied(struct giver *giver, const struct connection_domain *domain)
{
    bool written[CONNECTION_ENDPOINTS_MAX];

    find_written(giver, domain, written);
    giver->rule.implied = true;
    for (unsigned i = 0; i < giver->zones_length; i++) {
        if (written[i])
            continue;
        giver->rule.zone = giver->zones[i];
        set_owner(&giver->rule.owner, giver->zones[i], domain->root);
        giver->each(giver->arg, &giver->rule);
    }
    giver->rule.implied = false;
}

/* True if some endpoint has, or may soon have, an address to answer with. */
static bool has_usable(const struct connection *connection)
{
    for (unsigned i = 0; i < connection->endpoints_length; i++) {
        const struct connection_endpoint *endpoint = &connection->endpoints[i];
        if (endpoint->state == STATE_USABLE && (endpoint->length > 0 || endpoint->target != NULL))
            return true;
    }
    return false;
}

/* True if the name misses its zone, and nothing else keeps it from an answer. */
static bool lacks_zone_alone(const struct connection *connection,
                             const struct connection_domain *domain,
                             const struct connection_name *name)
{
    return domain->root != NULL && domain_missed_zone(connection, domain, name->wire) != NULL &&
           name->state == STATE_USABLE && domain->state == STATE_USABLE &&
           connection->state == STATE_USABLE && has_usable(connection);
}

static void give_written(struct giver *giver, const struct connection_domain *domain)
{
    const struct connection *connection = giver->rule.connection;

    for (unsigned i = 0; i < domain->length; i++) {
        const struct connection_name *name = &domain->names[i];
        if (connection->fallback == CONNECTION_STRICT && lacks_zone_alone(connection, domain, name))
            continue;
        giver->rule.name = name;
        giver->rule.line = name->line;
        giver->rule.zone = domain_name_zone(connection, domain, name->wire);
        giver->rule.owner.size = (uint8_t)dname_size(name->wire);
        memcpy(giver->rule.owner.wire, name->wire, giver->rule.owner.size);
        giver->each(giver->arg, &giver->rule);
        if (domain->root != NULL && is_star_of(name->wire, domain->root))
            give_implied(giver, domain);
    }
    giver->rule.name = NULL;
}

void domain_rules(const struct connection *connection, domain_rule_fn *each, void *arg)
{
    struct giver giver; /* large: nothing is written that nobody reads */

    giver.each = each;
    giver.arg = arg;
    giver.rule.connection = connection;
    giver.rule.name = NULL;
    giver.rule.implied = false;
    collect_zones(&giver, connection);
    for (unsigned i = 0; i < connection->domains_length; i++) {
        const struct connection_domain *domain = &connection->domains[i];
        giver.rule.domain = domain;
        if (domain->length > 0)
            give_written(&giver, domain);
        else
            give_typed(&giver, domain);
    }
}

size_t domain_rules_most(const struct connection *connection)
{
    struct giver giver;
    size_t length = 0;

    collect_zones(&giver, connection);
    for (unsigned i = 0; i < connection->domains_length; i++) {
        const struct connection_domain *domain = &connection->domains[i];
        length += domain->length > 0 ? domain->length : 1;
        if (domain->length == 0 || writes_star(domain))
            length += giver.zones_length;
    }
    return length;
}

/* ---- roots ---- */

static void set_name(struct dname *name, const uint8_t *wire)
{
    name->size = (uint8_t)dname_size(wire);
    memcpy(name->wire, wire, name->size);
}

void domain_roots(const struct connection *connection, domain_root_fn *each, void *arg)
{
    struct domain_root root; /* large as well */
    bool zonal = has_zones(connection);

    root.connection = connection;
    for (unsigned i = 0; i < connection->domains_length; i++) {
        const struct connection_domain *domain = &connection->domains[i];
        root.domain = domain;
        if (domain->root != NULL) {
            root.subtree = true;
            root.zone_checked = zonal;
            set_name(&root.name, domain->root);
            each(arg, &root);
            continue;
        }
        root.zone_checked = false;
        for (unsigned j = 0; j < domain->length; j++) {
            const uint8_t *wire = domain->names[j].wire;
            root.subtree = dname_is_wildcard(wire);
            set_name(&root.name, root.subtree ? wire + 1 + wire[0] : wire);
            each(arg, &root);
        }
    }
}
