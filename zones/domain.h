/* What an attached domain stands for: the owner names, and the root that is owned as a whole.
 *
 * See the table "Domain types and the rules they make" in docs/attachments.md.  Here stands the
 * only knowledge of suffixes such as aws.plc.tidbcloud.com. */
#ifndef PLDNS_DOMAIN_H
#define PLDNS_DOMAIN_H

#include "connection.h"
#include "dname.h"

/* One owner name of an attached domain. */
struct domain_rule {
    const struct connection *connection;
    const struct connection_domain *domain;
    const struct connection_name *name; /* when written out in domains[]; else NULL */
    struct dname owner;                 /* folded; may begin with "*" */
    const char *zone;                   /* "" = all endpoints; else only this zone's endpoints */
    bool implied;                       /* by a written "*.U": gives way to whoever writes it */
    unsigned line;                      /* where in the document */
};

/* What is owned beyond the rules. */
struct domain_root {
    const struct connection *connection;
    const struct connection_domain *domain;
    struct dname name;
    bool subtree;      /* false: this name alone (an exact host) */
    bool zone_checked; /* the label left of 'name' may be a zone id: strict look-ups refuse ids of
                          'connection->cloud' that have no endpoint */
};

typedef void domain_rule_fn(void *arg, const struct domain_rule *);
typedef void domain_root_fn(void *arg, const struct domain_root *);

/* The root that a typed unique name stands for ("U.aws.plc.tidbcloud.com"): checks the unique name.
 * False: 'why' (DOMAIN_WHY_MAX bytes) says what the type wants. */
#define DOMAIN_WHY_MAX 256
MUST_USE bool domain_make_root(enum connection_domain_type, enum cloud, const char *unique_name,
                               const char *region, const char *project_id, struct dname *out,
                               char *why, size_t why_size);

/* What a unique name of this type usually looks like, if this one does not; else NULL. */
const char *domain_unusual(enum connection_domain_type, const char *unique_name);

/* True if the wildcard covers names that are everybody's: fewer than three labels, or so little of
 * a vendor's suffix that other customers' names and public ones stand below it. */
bool domain_is_broad(const uint8_t *wildcard);

/* The zone of a written name, if an endpoint has it: in a typed domain the label right left of the
 * root, in any other the label behind "*.".  "" = none. */
const char *domain_name_zone(const struct connection *, const struct connection_domain *,
                             const uint8_t *name);

/* That label, counted octets, if it is instead a zone id of the connection's cloud without an
 * endpoint, while other endpoints have zones; else NULL. */
const uint8_t *domain_missed_zone(const struct connection *, const struct connection_domain *,
                                  const uint8_t *name);

/* True if a written wildcard's label behind "*." (in a typed domain, right left of the root) is
 * what one account calls a zone (us-east-1a), on AWS: broker names carry ids. */
bool domain_name_names_zone(const struct connection *, const struct connection_domain *,
                            const uint8_t *name);

/* Calls 'each' for every rule, in the order written.  Lent for the call.
 *
 * A typed domain that writes "*.U" has behind it an implied rule "*.z.U" for every zone z of which
 * it writes no such name itself: below U a zone's label means its endpoints, however the domain
 * came to its names.  Where another connection writes that name, that one stands.
 *
 * A written name of a typed domain that misses its zone makes no rule under a strict fallback:
 * what it covered is then owned without a rule, and refused for its zone.  Where it would not be
 * answered in any zone, it makes one all the same, which says why. */
void domain_rules(const struct connection *, domain_rule_fn *each, void *arg);

/* How many rules that will be at most. */
size_t domain_rules_most(const struct connection *);

/* Calls 'each' for every owned root.  A root may come more than once. */
void domain_roots(const struct connection *, domain_root_fn *each, void *arg);

#endif
