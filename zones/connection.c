#include "connection.h"

#include <string.h>

static const char *const type_names[] = {
    [CONNECTION_AWS_ENDPOINT_SERVICE] = "AWS_ENDPOINT_SERVICE",
    [CONNECTION_ALICLOUD_ENDPOINT_SERVICE] = "ALICLOUD_ENDPOINT_SERVICE",
    [CONNECTION_AZURE_PRIVATE_LINK_SERVICE] = "AZURE_PRIVATE_LINK_SERVICE",
    [CONNECTION_GCP_SERVICE_ATTACHMENT] = "GCP_SERVICE_ATTACHMENT",
    [CONNECTION_VPC_RESOURCE] = "VPC_RESOURCE",
    [CONNECTION_MSK_MULTI_VPC] = "MSK_MULTI_VPC",
    [CONNECTION_VPC_ENDPOINT_SERVICE] = "VPC_ENDPOINT_SERVICE",
    NULL,
};

static const char *const domain_type_names[] = {
    [CONNECTION_TIDBCLOUD_MANAGED] = "TIDBCLOUD_MANAGED",
    [CONNECTION_TIDBCLOUD_DEDICATED] = "TIDBCLOUD_DEDICATED",
    [CONNECTION_CONFLUENT] = "CONFLUENT",
    [CONNECTION_CUSTOM] = "CUSTOM",
    NULL,
};

const char *connection_type_name(enum connection_type type)
{
    return type_names[type];
}

const char *connection_domain_type_name(enum connection_domain_type type)
{
    return domain_type_names[type];
}

const char *const *connection_type_names(void)
{
    return type_names;
}

const char *const *connection_domain_type_names(void)
{
    return domain_type_names;
}

enum cloud connection_type_cloud(enum connection_type type)
{
    switch (type) {
    case CONNECTION_ALICLOUD_ENDPOINT_SERVICE:
        return CLOUD_ALICLOUD;
    case CONNECTION_AZURE_PRIVATE_LINK_SERVICE:
        return CLOUD_AZURE;
    case CONNECTION_GCP_SERVICE_ATTACHMENT:
        return CLOUD_GCP;
    case CONNECTION_AWS_ENDPOINT_SERVICE:
    case CONNECTION_VPC_RESOURCE:
    case CONNECTION_MSK_MULTI_VPC:
    case CONNECTION_VPC_ENDPOINT_SERVICE:
        break;
    }
    return CLOUD_AWS;
}

/* On AWS a load balancer answers a broker's port only in the broker's zone, unless its owner
 * switched cross-zone balancing on: an address of another zone would work now and then. */
enum connection_fallback connection_type_fallback(enum connection_type type)
{
    return connection_type_cloud(type) == CLOUD_AWS ? CONNECTION_STRICT : CONNECTION_REGIONAL;
}

/* ---- equal ---- */

/* Texts that are absent are mostly the very same one.  Folded wire names are texts, too. */
static bool is_same(const void *a, const void *b)
{
    return a == b || (a != NULL && b != NULL && strcmp(a, b) == 0);
}

static bool is_same_endpoint(const struct connection_endpoint *a,
                             const struct connection_endpoint *b)
{
    bool same = a->line == b->line && a->state == b->state && a->length == b->length &&
                is_same(a->zone, b->zone) && is_same(a->dns_name, b->dns_name) &&
                is_same(a->target, b->target) && is_same(a->state_word, b->state_word) &&
                is_same(a->message, b->message);

    for (unsigned i = 0; i < a->length && same; i++) {
        const struct connection_address *x = &a->addresses[i], *y = &b->addresses[i];
        same = x->v6 == y->v6 && memcmp(x->bytes, y->bytes, x->v6 ? 16 : 4) == 0;
    }
    return same;
}

static bool is_same_domain(const struct connection_domain *a, const struct connection_domain *b)
{
    bool same = a->line == b->line && a->type == b->type && a->state == b->state &&
                a->length == b->length && is_same(a->id, b->id) &&
                is_same(a->unique_name, b->unique_name) && is_same(a->state_word, b->state_word) &&
                is_same(a->message, b->message) && is_same(a->root, b->root);

    for (unsigned i = 0; i < a->length && same; i++) {
        const struct connection_name *x = &a->names[i], *y = &b->names[i];
        same = x->line == y->line && x->state == y->state && is_same(x->wire, y->wire) &&
               is_same(x->state_word, y->state_word) && is_same(x->message, y->message);
    }
    return same;
}

static bool is_same_health(const struct connection_health *a, const struct connection_health *b)
{
    return a->on == b->on &&
           (!a->on || (a->port == b->port && a->interval_ms == b->interval_ms &&
                       a->timeout_ms == b->timeout_ms && a->rise == b->rise && a->fall == b->fall &&
                       a->min_healthy_percent == b->min_healthy_percent));
}

bool connection_equal(const struct connection *a, const struct connection *b)
{
    bool same =
        a->line == b->line && a->type == b->type && a->cloud == b->cloud && a->state == b->state &&
        a->domains_absent == b->domains_absent && a->ttl == b->ttl && a->fallback == b->fallback &&
        a->endpoints_length == b->endpoints_length && a->domains_length == b->domains_length &&
        is_same(a->id, b->id) && is_same(a->cluster_id, b->cluster_id) &&
        is_same(a->display_name, b->display_name) && is_same(a->state_word, b->state_word) &&
        is_same(a->message, b->message) && is_same_health(&a->health, &b->health);

    for (unsigned i = 0; i < a->endpoints_length && same; i++) {
        same = is_same_endpoint(&a->endpoints[i], &b->endpoints[i]);
    }
    for (unsigned i = 0; i < a->domains_length && same; i++) {
        same = is_same_domain(&a->domains[i], &b->domains[i]);
    }
    return same;
}
