#include "overlap.h"

#include <stdlib.h>
#include <string.h>

#include "alloc.h"
#include "domain.h"
#include "hash.h"

/* Finding where a name stood first takes a walk through its connection.  So many are told, then the
 * check ends: nobody mends them one by one. */
#define TOLD_MAX 50

/* An open hash table of what was met: a piece of the hash and where.  The place in the table tells
 * the other bits of the hash, so different names that look alike are too rare to cost anything. */
struct slot {
    uint32_t tag;
    uint32_t connection; /* index + 1; 0 = free */
};

struct seen {
    struct slot *slots;
    size_t mask;
};

struct check {
    const char *file;
    /* Made of the document's own bytes: who writes a document whose names collide has changed the
     * key by writing them. */
    struct hash_key key;
    const struct connection *connections;
    size_t length;
    struct error_list *errors;
    struct seen typed;   /* roots of typed domains whose names are made by rule */
    struct seen written; /* names of domains[] */
    struct seen roots;   /* all that is owned */
    bool any_typed;
    unsigned told;
    /* Of the connection in hand: names of one cluster are none of another's business, for two views
     * may see them (claims.c knows the views). */
    const char *cluster;
    uint64_t cluster_hash;
};

static void set_cluster(struct check *check, const struct connection *connection)
{
    if (check->cluster != NULL && strcmp(check->cluster, connection->cluster_id) == 0)
        return;
    check->cluster = connection->cluster_id;
    check->cluster_hash = hash_bytes(&check->key, check->cluster, strlen(check->cluster));
}

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
    for (;;) {
        struct slot *slot = &seen->slots[(*at)++ & seen->mask];
        if (slot->connection == 0 || slot->tag == (uint32_t)(hash >> 32))
            return slot;
    }
}

static void take_slot(struct slot *slot, uint64_t hash, size_t connection)
{
    slot->tag = (uint32_t)(hash >> 32);
    slot->connection = (uint32_t)connection + 1;
}

/* ---- ids ---- */

static void check_ids(struct check *check)
{
    struct seen ids;

    seen_init(&ids, check->length);
    for (size_t i = 0; i < check->length && check->told < TOLD_MAX; i++) {
        const struct connection *connection = &check->connections[i];
        if (connection->id[0] == '\0')
            continue;
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
            take_slot(slot, hash, i);
    }
    free(ids.slots);
}

/* ---- owner names ---- */

/* Where a name stood: the line, 0 = nowhere. */
typedef unsigned line_fn(const struct connection *, const uint8_t *wire);

static unsigned line_of_typed(const struct connection *connection, const uint8_t *wire)
{
    for (unsigned i = 0; i < connection->domains_length; i++) {
        const struct connection_domain *domain = &connection->domains[i];
        if (domain->length == 0 && domain->root != NULL && dname_equal(domain->root, wire))
            return domain->line;
    }
    return 0;
}

static unsigned line_of_zoned(const struct connection *connection, const uint8_t *wire)
{
    for (unsigned i = 0; i < connection->endpoints_length; i++) {
        const char *z = connection->endpoints[i].zone;
        if (strlen(z) == wire[0] && memcmp(z, wire + 1, wire[0]) == 0)
            return line_of_typed(connection, wire + 1 + wire[0]);
    }
    return 0;
}

static unsigned line_of_written(const struct connection *connection, const uint8_t *wire)
{
    for (unsigned i = 0; i < connection->domains_length; i++) {
        const struct connection_domain *domain = &connection->domains[i];
        for (unsigned j = 0; j < domain->length; j++) {
            if (dname_equal(domain->names[j].wire, wire))
                return domain->names[j].line;
        }
    }
    return 0;
}

struct place {
    unsigned line; /* 0 = not found */
    const struct connection *connection;
    struct slot *free_slot; /* where it belongs, if it was not found */
    uint64_t hash;
};

static uint64_t hash_name(const struct check *check, const uint8_t *wire)
{
    return hash_bytes(&check->key, wire, dname_size(wire)) ^ check->cluster_hash;
}

static struct place find_hashed(const struct check *check, const struct seen *seen,
                                line_fn *line_of, const uint8_t *wire, uint64_t hash)
{
    struct place place = {.hash = hash};
    size_t at = place.hash;
    struct slot *slot = seen_find(seen, place.hash, &at);

    for (; slot->connection != 0; slot = seen_find(seen, place.hash, &at)) {
        place.connection = &check->connections[slot->connection - 1];
        place.line = line_of(place.connection, wire);
        if (place.line != 0 && strcmp(place.connection->cluster_id, check->cluster) == 0)
            return place;
    }
    place.line = 0;
    place.free_slot = slot;
    return place;
}

static struct place find_typed(const struct check *check, const uint8_t *root)
{
    return find_hashed(check, &check->typed, line_of_typed, root, hash_name(check, root));
}

static struct place find_written(const struct check *check, const uint8_t *name)
{
    return find_hashed(check, &check->written, line_of_written, name, hash_name(check, name));
}

/* The table is larger than the processor's caches: slots of a few names to come are asked for
 * ahead. */
#define AHEAD 16

static unsigned ahead_of(unsigned length)
{
    return length < AHEAD ? length : AHEAD;
}

static uint64_t hash_ahead(const struct check *check, const struct seen *seen, const uint8_t *wire)
{
    uint64_t hash = hash_name(check, wire);

    __builtin_prefetch(&seen->slots[hash & seen->mask]);
    return hash;
}

static void complain_twice(struct check *check, const uint8_t *name, unsigned line, unsigned other)
{
    char text[DNAME_TEXT_MAX];

    check->told++;
    error_add(check->errors, check->file, line, 0, "'%.200s' is attached twice, also at line %u",
              dname_to_text(name, text), other);
}

static void take_typed_one(struct check *check, size_t i, const struct connection_domain *domain,
                           uint64_t hash)
{
    struct place place = find_hashed(check, &check->typed, line_of_typed, domain->root, hash);

    if (place.line != 0)
        complain_twice(check, domain->root, domain->line, place.line);
    else
        take_slot(place.free_slot, place.hash, i);
}

static void take_typed(struct check *check, size_t i)
{
    const struct connection *connection = &check->connections[i];
    unsigned ahead = ahead_of(connection->domains_length);
    uint64_t hashes[AHEAD] = {0};

    set_cluster(check, connection);
    for (unsigned j = 0; j < connection->domains_length + ahead; j++) {
        if (j >= ahead && check->told < TOLD_MAX) {
            const struct connection_domain *domain = &connection->domains[j - ahead];
            if (domain->length == 0)
                take_typed_one(check, i, domain, hashes[(j - ahead) % AHEAD]);
        }
        if (j < connection->domains_length && connection->domains[j].length == 0)
            hashes[j % AHEAD] = hash_ahead(check, &check->typed, connection->domains[j].root);
    }
}

/* The line of the typed domain that makes this wildcard by rule ("*.<root>", "*.<zone>.<root>"). */
static unsigned made_by_rule(const struct check *check, const uint8_t *name)
{
    if (!check->any_typed || !dname_is_wildcard(name))
        return 0;
    const uint8_t *label = name + 1 + name[0];
    struct place place = find_typed(check, label);
    if (place.line == 0) /* the zone is asked for first: most labels are none */
        place = find_hashed(check, &check->typed, line_of_zoned, label,
                            hash_name(check, label + 1 + label[0]));
    return place.line;
}

static void take_written_one(struct check *check, size_t i, const struct connection_name *name,
                             uint64_t hash)
{
    struct place place = find_hashed(check, &check->written, line_of_written, name->wire, hash);
    unsigned other = place.line != 0 ? place.line : made_by_rule(check, name->wire);

    if (other != 0)
        complain_twice(check, name->wire, name->line, other);
    else
        take_slot(place.free_slot, place.hash, i);
}

static void take_written(struct check *check, size_t i, const struct connection_domain *domain)
{
    unsigned ahead = ahead_of(domain->length);
    uint64_t hashes[AHEAD];

    for (unsigned j = 0; j < domain->length + ahead; j++) {
        if (j >= ahead && check->told < TOLD_MAX)
            take_written_one(check, i, &domain->names[j - ahead], hashes[(j - ahead) % AHEAD]);
        if (j < domain->length)
            hashes[j % AHEAD] = hash_ahead(check, &check->written, domain->names[j].wire);
    }
}

static void check_owners(struct check *check)
{
    for (size_t i = 0; i < check->length; i++)
        take_typed(check, i);
    for (size_t i = 0; i < check->length; i++) {
        const struct connection *connection = &check->connections[i];
        set_cluster(check, connection);
        for (unsigned j = 0; j < connection->domains_length; j++) {
            if (connection->domains[j].length > 0)
                take_written(check, i, &connection->domains[j]);
        }
    }
}

/* ---- exact hosts below wildcards ---- */

/* Levels looked at above a host.  Real names have a few; a document of hosts with 100 labels each
 * must not take a minute for the sake of a warning. */
#define LEVELS_MAX 16

static void warn_shadow(struct check *check, const struct connection_name *name)
{
    uint8_t wildcard[DNAME_MAX + 2] = {1, '*'};
    char text[DNAME_TEXT_MAX], above[DNAME_TEXT_MAX];
    const uint8_t *parent = name->wire + 1 + name->wire[0];

    for (unsigned i = 0; i < LEVELS_MAX && *parent != 0; i++, parent += 1 + *parent) {
        struct place place = {.line = 0};
        memcpy(wildcard + 2, parent, dname_size(parent));
        if (check->any_typed)
            place = find_typed(check, parent);
        if (place.line == 0 && dname_size(wildcard) <= DNAME_MAX)
            place = find_written(check, wildcard);
        if (place.line == 0)
            continue;
        check->told++;
        error_warn(check->errors, check->file, name->line, 0,
                   "'%.200s' hides itself and all below it from '%.200s' (line %u)",
                   dname_to_text(name->wire, text), dname_to_text(wildcard, above), place.line);
        return;
    }
}

static void check_shadows(struct check *check)
{
    for (size_t i = 0; i < check->length; i++) {
        const struct connection *connection = &check->connections[i];
        set_cluster(check, connection);
        for (unsigned j = 0; j < connection->domains_length; j++) {
            const struct connection_domain *domain = &connection->domains[j];
            for (unsigned k = 0; k < domain->length && check->told < TOLD_MAX; k++) {
                if (!dname_is_wildcard(domain->names[k].wire))
                    warn_shadow(check, &domain->names[k]);
            }
        }
    }
}

/* ---- the sizes of it all ---- */

/* False: too many. */
static bool count_names(struct check *check)
{
    size_t typed = 0, written = 0, rules = 0;

    for (size_t i = 0; i < check->length; i++) {
        const struct connection *connection = &check->connections[i];
        rules += domain_rules_most(connection);
        for (unsigned j = 0; j < connection->domains_length; j++) {
            const struct connection_domain *domain = &connection->domains[j];
            typed += domain->length == 0;
            written += domain->length;
        }
        if (rules > OVERLAP_NAMES_MAX) {
            error_add(check->errors, check->file, connection->line, 0,
                      "more than %u names in one document; split it", OVERLAP_NAMES_MAX);
            return false;
        }
    }
    check->any_typed = typed > 0;
    seen_init(&check->typed, typed);
    seen_init(&check->written, written);
    return true;
}

/* ---- endpoints below the document's own names ---- */

/* The names that are owned with all below them, or alone: one octet in front tells them apart. */
static uint64_t hash_root(const struct check *check, const uint8_t *wire, bool subtree)
{
    uint8_t bytes[1 + DNAME_MAX] = {subtree};
    size_t size = dname_size(wire);

    memcpy(bytes + 1, wire, size);
    return hash_bytes(&check->key, bytes, 1 + size) ^ check->cluster_hash;
}

struct root_search {
    const uint8_t *wire;
    bool subtree, found;
};

static void match_root(void *arg, const struct domain_root *root)
{
    struct root_search *search = arg;

    if (root->subtree == search->subtree && dname_equal(root->name.wire, search->wire))
        search->found = true;
}

static bool is_root(const struct check *check, const uint8_t *wire, bool subtree)
{
    struct root_search search = {.wire = wire, .subtree = subtree};
    uint64_t hash = hash_root(check, wire, subtree);
    size_t at = hash;

    for (;;) {
        const struct slot *slot = seen_find(&check->roots, hash, &at);
        if (slot->connection == 0)
            return false;
        domain_roots(&check->connections[slot->connection - 1], match_root, &search);
        if (search.found)
            return true;
    }
}

static bool is_owned(const struct check *check, const uint8_t *name)
{
    for (const uint8_t *suffix = name; *suffix != 0; suffix += 1 + *suffix) {
        if (is_root(check, suffix, true))
            return true;
    }
    return is_root(check, name, false);
}

static void count_root(void *arg, const struct domain_root *root)
{
    (void)root;
    ++*(size_t *)arg;
}

struct root_taker {
    struct check *check;
    size_t connection;
};

/* One root may come a million times.  A slot that looks alike is taken for it: what could be missed
 * by that is a warning of a loop, once in ages. */
static void take_root(void *arg, const struct domain_root *root)
{
    const struct root_taker *taker = arg;
    uint64_t hash = hash_root(taker->check, root->name.wire, root->subtree);
    size_t at = hash;
    struct slot *slot = seen_find(&taker->check->roots, hash, &at);

    if (slot->connection == 0)
        take_slot(slot, hash, taker->connection);
}

static void check_endpoints(struct check *check, const struct connection *connection)
{
    set_cluster(check, connection);
    for (unsigned i = 0; i < connection->endpoints_length && check->told < TOLD_MAX; i++) {
        const struct connection_endpoint *endpoint = &connection->endpoints[i];
        if (endpoint->target == NULL || !is_owned(check, endpoint->target))
            continue;
        check->told++;
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
            if (connection->endpoints[j].target != NULL)
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
    for (size_t i = 0; i < check->length; i++) {
        struct root_taker taker = {.check = check, .connection = i};
        set_cluster(check, &check->connections[i]);
        domain_roots(&check->connections[i], take_root, &taker);
    }
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
    if (!count_names(&check))
        return;
    check_ids(&check);
    check_owners(&check);
    check_shadows(&check);
    check_targets(&check);
    free(check.typed.slots);
    free(check.written.slots);
}
