/* What the AWS command line knows of interface endpoints, as our endpoints: the JSON of
 * `aws ec2 describe-vpc-endpoints`, and beside it of describe-network-interfaces, describe-subnets
 * and describe-availability-zones, from which addresses and zone ids come. */
#ifndef PLDNS_IMPORTAWS_H
#define PLDNS_IMPORTAWS_H

#include "options.h"
#include <jansson.h>

struct importaws {
    json_t *endpoints;  /* array: VpcEndpoints */
    json_t *interfaces; /* NetworkInterfaceId → its object */
    json_t *subnets;    /* SubnetId → its object */
    json_t *zones;      /* zone name → zone id */
};

void importaws_open(struct importaws *, const struct options *);
void importaws_close(struct importaws *);

/* True if it was one of these outputs. */
bool importaws_take(struct importaws *, const json_t *output);

/* The endpoints[] for a connection that uses this VPC endpoint, the caller's.  NULL: 'why' says
 * what is missing. */
json_t *importaws_endpoints(const struct importaws *, const json_t *vpc_endpoint, char *why,
                            size_t why_size);

#endif
