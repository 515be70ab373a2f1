#include "connection.h"

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
