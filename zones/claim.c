#include "claim.h"

#include <string.h>

#include "dname.h"
#include "domain.h"

/* Octets of a node with its slot, and of a rule without its answer, rounded up. */
#define NODE_OCTETS 32
#define RULE_OCTETS 64

struct telling {
    claim_fn *each;
    void *arg;
    struct claim claim; /* the one in hand */
};

static void tell(struct telling *telling, enum claim_kind kind, const uint8_t *bytes, size_t size,
                 unsigned line)
{
    telling->claim.kind = kind;
    telling->claim.bytes = bytes;
    telling->claim.size = size;
    telling->claim.line = line;
    telling->each(telling->arg, &telling->claim);
}

static void tell_rule(void *arg, const struct domain_rule *rule)
{
    tell(arg, rule->implied ? CLAIM_IMPLIED : CLAIM_OWNER, rule->owner.wire, rule->owner.size,
         rule->line);
}

static void tell_root(void *arg, const struct domain_root *root)
{
    struct telling *telling = arg;

    telling->claim.domain = root->domain;
    tell(telling, root->subtree ? CLAIM_TREE : CLAIM_POINT, root->name.wire, root->name.size, 0);
}

/* Everything that one view sees. */
static void tell_names(struct telling *telling, const struct connection *connection)
{
    domain_rules(connection, tell_rule, telling);
    domain_roots(connection, tell_root, telling);
    for (unsigned i = 0; i < connection->endpoints_length; i++) {
        const struct connection_endpoint *endpoint = &connection->endpoints[i];
        if (endpoint->target != NULL) {
            telling->claim.text = endpoint->dns_name;
            tell(telling, CLAIM_TARGET, endpoint->target, dname_size(endpoint->target),
                 endpoint->line);
        }
    }
}

static void each_of(const struct connection *connection, uint32_t number,
                    const struct view_list *list, claim_fn *each, void *arg)
{
    struct telling telling = {
        each, arg, {.view = VIEW_NONE, .connection = connection, .number = number}};
    const uint16_t *view;

    tell(&telling, CLAIM_ID, (const uint8_t *)connection->id, strlen(connection->id),
         connection->line);
    size_t views = view_of_cluster(list, connection->cluster_id, &view);
    for (; views > 0; views--, view++) {
        telling.claim.view = *view;
        tell_names(&telling, connection);
    }
}

void claim_each(const struct document *document, const struct view_list *views, claim_fn *each,
                void *arg)
{
    struct document_walk walk;
    const struct connection *connection;

    document_begin(&walk, document);
    for (uint32_t i = 0; (connection = document_next(&walk)) != NULL; i++) {
        each_of(connection, i, views, each, arg);
    }
    document_end(&walk);
}

unsigned claim_line(const struct claim *claim)
{
    const struct connection_domain *domain = claim->domain;

    if (claim->kind != CLAIM_TREE && claim->kind != CLAIM_POINT) {
        return claim->line;
    }
    /* A name written out has a line of its own. */
    for (unsigned i = domain->length; domain->root == NULL && i > 0; i--) {
        const uint8_t *wire = domain->names[i - 1].wire;
        const uint8_t *base = dname_is_wildcard(wire) ? wire + 1 + wire[0] : wire;
        if (dname_equal(base, claim->bytes)) {
            return domain->names[i - 1].line;
        }
    }
    return domain->line;
}

uint64_t claim_hash_what(const struct hash_key *key, unsigned view, const void *bytes, size_t size)
{
    const struct hash_key own = {key->k0 ^ view, key->k1};

    return hash_bytes(&own, bytes, size);
}

uint64_t claim_hash(const struct hash_key *key, unsigned view, enum claim_kind kind,
                    const void *bytes, size_t size)
{
    return claim_hash_as(kind, claim_hash_what(key, view, bytes, size));
}

static size_t count_addresses(const struct connection *connection)
{
    size_t length = 0;

    for (unsigned i = 0; i < connection->endpoints_length; i++) {
        length += connection->endpoints[i].length;
        if (connection->endpoints[i].target != NULL) {
            length += 2 * CONNECTION_ADDRESSES_MAX; /* that its name may have */
        }
    }
    return length < CONNECTION_RULE_MAX ? length : CONNECTION_RULE_MAX;
}

uint64_t claim_octets(const struct claim *claim)
{
    switch (claim->kind) {
    case CLAIM_ID:
        return NODE_OCTETS;
    case CLAIM_OWNER:
    case CLAIM_IMPLIED:
    case CLAIM_TARGET: /* itself, every node above it, and an answer of its own */
        return claim->size + NODE_OCTETS * (dname_labels(claim->bytes) + 1u) + RULE_OCTETS +
               count_addresses(claim->connection) * sizeof(struct connection_address);
    case CLAIM_TREE: /* as much as their owners have */
    case CLAIM_POINT:
    case CLAIM_ABOVE_TARGET:
    case CLAIM_ABOVE_ROOT:
        break;
    }
    return 0;
}
