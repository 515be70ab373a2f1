#include "overlap.h"

#include <stdlib.h>
#include <string.h>

#include "alloc.h"
#include "domain.h"
#include "hash.h"

/* Finding where a name stood first takes a walk through its connection.  So many are told, then the
 * check ends: nobody mends them one by one. */
#define TOLD_MAX 50

/* An open hash table of what was met: the full hash and where. */
struct slot {
    uint64_t hash;
    uint32_t connection; /* index + 1; 0 = free */
};

struct seen {
    struct slot *slots;
    size_t mask;
};

struct check {
    const char *file;
    struct hash_key key;
    const struct connection *connections;
    size_t length;
    struct error_list *errors;
    struct seen owners, roots;
    uint32_t now; /* the connection at work: index + 1 */
    unsigned told;
    bool any_wildcard, any_exact;
    const struct connection_domain *blamed; /* complained about already */
};

static void seen_init(struct seen *seen, size_t length)
{
    size_t size = 16;

    while (size < 2 * length)
        size *= 2;
    seen->slots = alloc_array(size, sizeof *seen->slots);
    seen->mask = size - 1;
}

/* The next slot with this hash, from 'at' on; else the free slot where it would go. */
static struct slot *seen_find(const struct seen *seen, uint64_t hash, size_t *at)
{
    while (seen->slots[*at & seen->mask].connection != 0 &&
           seen->slots[*at & seen->mask].hash != hash)
        ++*at;
    return &seen->slots[(*at)++ & seen->mask];
}

/* ---- ids ---- */

static void check_ids(struct check *check)
{
    struct seen ids;

    seen_init(&ids, check->length);
    for (uint32_t i = 0; i < check->length && check->told < TOLD_MAX; i++) {
        const struct connection *connection = &check->connections[i];
        uint64_t hash = hash_bytes(&check->key, connection->id, strlen(connection->id));
        size_t at = hash;
        struct slot *slot = seen_find(&ids, hash, &at);
        for (; slot->connection != 0; slot = seen_find(&ids, hash, &at)) {
            const struct connection *first = &check->connections[slot->connection - 1];
            if (strcmp(first->id, connection->id) != 0)
                continue;
            error_add(check->errors, check->file, connection->line, 0,
                      "privateLinkConnectionId '%s' is used twice, first at line %u",
                      connection->id, first->line);
            check->told++;
            break;
        }
        if (slot->connection == 0)
            *slot = (struct slot){.hash = hash, .connection = i + 1};
    }
    free(ids.slots);
}

/* ---- owner names ---- */

/* The key is made of the document's own bytes: who writes a document whose names collide has
 * changed the key by writing them. */
static uint64_t hash_name(const struct check *check, const uint8_t *wire, size_t size)
{
    return hash_bytes(&check->key, wire, size);
}

struct search {
    const uint8_t *wire;
    unsigned line; /* 0 = not found */
};

static void match_rule(void *arg, const struct domain_rule *rule)
{
    struct search *search = arg;

    if (search->line == 0 && dname_equal(rule->owner.wire, search->wire))
        search->line = rule->line;
}

/* The line of the rule with this owner that was met before; 0 if there is none. */
static unsigned find_owner(const struct check *check, const uint8_t *wire, size_t size,
                           struct slot **free_slot)
{
    uint64_t hash = hash_name(check, wire, size);
    size_t at = hash;
    struct slot *slot = seen_find(&check->owners, hash, &at);

    for (; slot->connection != 0; slot = seen_find(&check->owners, hash, &at)) {
        struct search search = {.wire = wire};
        domain_rules(&check->connections[slot->connection - 1], match_rule, &search);
        if (search.line != 0)
            return search.line;
    }
    if (free_slot != NULL) {
        *slot = (struct slot){.hash = hash, .connection = 0};
        *free_slot = slot;
    }
    return 0;
}

static void take_rule(void *arg, const struct domain_rule *rule)
{
    struct check *check = arg;
    struct slot *slot;
    char text[DNAME_TEXT_MAX];

    if (check->told >= TOLD_MAX)
        return;
    if (dname_is_wildcard(rule->owner.wire))
        check->any_wildcard = true;
    else
        check->any_exact = true;
    unsigned line = find_owner(check, rule->owner.wire, rule->owner.size, &slot);
    if (line == 0) {
        slot->connection = check->now;
        return;
    }
    /* All names of a typed domain meet those of its twin: once is enough. */
    if (check->blamed == rule->domain && rule->name == NULL)
        return;
    check->blamed = rule->domain;
    check->told++;
    error_add(check->errors, check->file, rule->line, 0,
              "'%.200s' is attached twice, first at line %u", dname_to_text(rule->owner.wire, text),
              line);
}

static void check_owners(struct check *check)
{
    size_t names = 0;

    for (size_t i = 0; i < check->length; i++) {
        names += domain_rules_most(&check->connections[i]);
        if (names > OVERLAP_NAMES_MAX) {
            error_add(check->errors, check->file, check->connections[i].line, 0,
                      "more than %u names in one document; split it", OVERLAP_NAMES_MAX);
            names = 0;
            break;
        }
    }
    seen_init(&check->owners, names);
    for (uint32_t i = 0; i < check->length && names > 0; i++) {
        check->now = i + 1;
        domain_rules(&check->connections[i], take_rule, check);
    }
}

/* ---- exact hosts below wildcards ---- */

static void warn_shadow(void *arg, const struct domain_rule *rule)
{
    struct check *check = arg;
    uint8_t wildcard[DNAME_MAX + 2] = {1, '*'};
    char text[DNAME_TEXT_MAX], above[DNAME_TEXT_MAX];
    const uint8_t *parent = rule->owner.wire;

    if (check->told >= TOLD_MAX || dname_is_wildcard(parent))
        return;
    for (parent += 1 + *parent; *parent != 0; parent += 1 + *parent) {
        size_t size = rule->owner.size - (size_t)(parent - rule->owner.wire);
        memcpy(wildcard + 2, parent, size);
        unsigned line = find_owner(check, wildcard, size + 2, NULL);
        if (line == 0)
            continue;
        check->told++;
        error_warn(check->errors, check->file, rule->line, 0,
                   "'%.200s' hides itself and all below it from '%.200s' (line %u)",
                   dname_to_text(rule->owner.wire, text), dname_to_text(wildcard, above), line);
        return;
    }
}

static void check_shadows(struct check *check)
{
    if (!check->any_wildcard || !check->any_exact)
        return;
    for (size_t i = 0; i < check->length; i++)
        domain_rules(&check->connections[i], warn_shadow, check);
}

/* ---- endpoints below the document's own names ---- */

/* Roots are kept with one octet behind them: 1 = with all below, 0 = alone. */
static uint64_t hash_root(const struct check *check, const uint8_t *wire, size_t size, bool subtree)
{
    uint8_t bytes[DNAME_MAX + 1];

    memcpy(bytes, wire, size);
    bytes[size] = subtree;
    return hash_bytes(&check->key, bytes, size + 1);
}

static void count_root(void *arg, const struct domain_root *root)
{
    (void)root;
    ++*(size_t *)arg;
}

static void take_root(void *arg, const struct domain_root *root)
{
    struct check *check = arg;
    uint64_t hash = hash_root(check, root->name.wire, root->name.size, root->subtree);
    size_t at = hash;
    struct slot *slot = seen_find(&check->roots, hash, &at);

    *slot = (struct slot){.hash = hash, .connection = 1};
}

/* Equal 64-bit hashes count as equal here: the refusal would be told, and is out of reach of
 * chance. */
static bool is_owned(const struct check *check, const struct dname *name)
{
    const uint8_t *suffix = name->wire;

    for (; *suffix != 0; suffix += 1 + *suffix) {
        size_t size = name->size - (size_t)(suffix - name->wire);
        uint64_t hash = hash_root(check, suffix, size, true);
        size_t at = hash;
        if (seen_find(&check->roots, hash, &at)->connection != 0)
            return true;
    }
    uint64_t hash = hash_root(check, name->wire, name->size, false);
    size_t at = hash;
    return seen_find(&check->roots, hash, &at)->connection != 0;
}

static void check_endpoints(struct check *check, const struct connection *connection)
{
    for (unsigned i = 0; i < connection->endpoints_length; i++) {
        const struct connection_endpoint *endpoint = &connection->endpoints[i];
        struct dname name;
        const char *why;
        if (endpoint->dns_name[0] == '\0' ||
            !dname_from_text(&name, endpoint->dns_name, strlen(endpoint->dns_name), &why) ||
            !is_owned(check, &name))
            continue;
        error_add(check->errors, check->file, endpoint->line, 0,
                  "dnsName '%.200s' is itself attached here: it would be answered by what it is to "
                  "answer",
                  endpoint->dns_name);
    }
}

static bool has_names(const struct check *check)
{
    for (size_t i = 0; i < check->length; i++) {
        const struct connection *connection = &check->connections[i];
        for (unsigned j = 0; j < connection->endpoints_length; j++) {
            if (connection->endpoints[j].dns_name[0] != '\0')
                return true;
        }
    }
    return false;
}

static void check_targets(struct check *check)
{
    size_t roots = 0;

    if (!has_names(check))
        return;
    for (size_t i = 0; i < check->length; i++)
        domain_roots(&check->connections[i], count_root, &roots);
    seen_init(&check->roots, roots);
    for (size_t i = 0; i < check->length; i++)
        domain_roots(&check->connections[i], take_root, check);
    for (size_t i = 0; i < check->length; i++)
        check_endpoints(check, &check->connections[i]);
    free(check->roots.slots);
}

void overlap_check(const char *file, const struct digest *digest,
                   const struct connection *connections, size_t length, struct error_list *errors)
{
    struct check check = {
        .file = file, .connections = connections, .length = length, .errors = errors};

    memcpy(&check.key, digest->bytes, sizeof check.key);
    check_ids(&check);
    check_owners(&check);
    check_shadows(&check);
    check_targets(&check);
    free(check.owners.slots);
}
