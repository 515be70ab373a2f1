/* Availability zone ids, per cloud: use1-az1, ap-southeast-1a, cn-hangzhou-b, az1, us-central1-a.
 */
#ifndef PLDNS_ZONEID_H
#define PLDNS_ZONEID_H

#include <stdbool.h>
#include <stddef.h>

enum cloud { CLOUD_AWS, CLOUD_ALICLOUD, CLOUD_AZURE, CLOUD_GCP };

#define ZONEID_MAX 63 /* it is one label */

/* "aws", "alicloud", "azure", "gcp": the label these clouds have in attached domains. */
const char *zoneid_cloud_label(enum cloud);

/* True if the label (any letter case) has the form of a zone id of that cloud. */
bool zoneid_valid(enum cloud, const char *label, size_t length);

/* True if it looks like an AWS zone *name* (us-east-1a), which differs from account to account and
 * is a mistake where an id is wanted. */
bool zoneid_is_aws_name(const char *label, size_t length);

#endif
