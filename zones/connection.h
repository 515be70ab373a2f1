/* One private link connection as written and checked.
 *
 * Everything here lives in the document that holds it (see document.h) and never changes.  Texts
 * are never NULL; "" stands for absent.  "place" is where to look: a line of the document. */
#ifndef PLDNS_CONNECTION_H
#define PLDNS_CONNECTION_H

#include "error.h"
#include "state.h"
#include "zoneid.h"

#include <stdint.h>

#define CONNECTION_ENDPOINTS_MAX                                                                   \
    64 /* of one connection; clouds have at most a dozen zones a region */
#define CONNECTION_ADDRESSES_MAX 16  /* of one family in one endpoint */
#define CONNECTION_RULE_MAX      64  /* different addresses one rule can answer, both families */
#define CONNECTION_ID_MAX        128 /* characters of privateLinkConnectionId */
#define CONNECTION_TTL_DEFAULT   30
#define CONNECTION_TTL_MAX       3600
#define CONNECTION_TTL_WARN      60

enum connection_type {
    CONNECTION_AWS_ENDPOINT_SERVICE,
    CONNECTION_ALICLOUD_ENDPOINT_SERVICE,
    CONNECTION_AZURE_PRIVATE_LINK_SERVICE,
    CONNECTION_GCP_SERVICE_ATTACHMENT,
    CONNECTION_VPC_RESOURCE,
    CONNECTION_MSK_MULTI_VPC,
    CONNECTION_VPC_ENDPOINT_SERVICE,
};

enum connection_fallback { CONNECTION_STRICT, CONNECTION_REGIONAL };

struct connection_address {
    bool v6;
    uint8_t bytes[16]; /* IPv4: the first four */
};

struct connection_endpoint {
    const char *zone;      /* as written, folded; "" = no zone */
    const char *dns_name;  /* "" = has addresses */
    const uint8_t *target; /* the same in wire form, folded; NULL = has addresses */
    const char *state_word;
    enum state state;
    const char *message;
    const struct connection_address *addresses;
    unsigned length;
    unsigned line;
};

enum connection_domain_type {
    CONNECTION_TIDBCLOUD_MANAGED,
    CONNECTION_TIDBCLOUD_DEDICATED,
    CONNECTION_CONFLUENT,
    CONNECTION_CUSTOM,
};

/* One of domains[]: a name written out, with a state of its own. */
struct connection_name {
    const uint8_t *wire; /* the name in wire form, folded; may begin with the label "*" */
    const char *state_word;
    enum state state;
    const char *message;
    unsigned line;
};

struct connection_domain { /* an attached domain */
    const char *id;        /* attachDomainId */
    enum connection_domain_type type;
    const char *unique_name;
    const char *state_word;
    enum state state;
    const char *message;
    const uint8_t *root; /* U.S for typed domains, in wire form, folded; NULL for CUSTOM */
    const struct connection_name *names; /* domains[]; none = by rule of the type */
    unsigned length;
    unsigned line;
};

struct connection_health {
    bool on;
    uint16_t port;
    uint32_t interval_ms, timeout_ms;
    uint8_t rise, fall, min_healthy_percent;
};

struct connection {
    const char *id;
    const char *cluster_id;
    const char *display_name;
    enum connection_type type;
    enum cloud cloud;
    const char *state_word;
    enum state state;
    const char *message;
    const struct connection_endpoint *endpoints;
    unsigned endpoints_length;
    const struct connection_domain *domains;
    unsigned domains_length;
    bool domains_absent; /* as from the API's List: "not told", not "none" */
    uint32_t ttl;        /* seconds */
    enum connection_fallback fallback;
    struct connection_health health;
    unsigned line;
};

/* The words of the documents.  The lists are NULL-terminated and in the order of the enums. */
const char *connection_type_name(enum connection_type);
const char *connection_domain_type_name(enum connection_domain_type);
const char *const *connection_type_names(void);
const char *const *connection_domain_type_names(void);

/* True if they say the same at the same lines. */
bool connection_equal(const struct connection *, const struct connection *);

/* What follows from the type. */
enum cloud connection_type_cloud(enum connection_type);
enum connection_fallback connection_type_fallback(enum connection_type);

#endif
