#include "documentpack.h"

#include <string.h>

#include "dname.h"

/* Places are told by how many lines they are below the place told before. */
struct writing {
    struct packing *packing;
    unsigned line;
};

/* What a connection takes, mostly. */
#define CONNECTION_OCTETS 128

/* ---- writing ---- */

static void put_line(struct writing *writing, unsigned line)
{
    packing_number(writing->packing, line - writing->line); /* mod 2^32 */
    writing->line = line;
}

static void put_wire(struct writing *writing, const uint8_t *wire)
{
    packing_text(writing->packing, wire != NULL ? (const char *)wire : "");
}

static void put_state(struct writing *writing, const char *word, enum state state,
                      const char *message)
{
    bool told = word[0] != '\0' || message[0] != '\0';

    packing_number(writing->packing, (uint64_t)state << 1 | told);
    if (told) {
        packing_text(writing->packing, word);
        packing_text(writing->packing, message);
    }
}

/* A root mostly begins with a label that is the unique name, or its first part, and ends like the
 * one before: so long is that label, and what follows it is a text.  ROOT_ABSENT: there is no root;
 * ROOT_WHOLE: it does not begin like that. */
enum { ROOT_ABSENT = 0, ROOT_WHOLE = DNAME_LABEL_MAX + 1 };

static void put_root(struct writing *writing, const struct connection_domain *domain)
{
    const char *root = (const char *)domain->root;
    size_t label = root != NULL ? domain->root[0] : ROOT_ABSENT;

    if (root != NULL && (label == 0 || strncmp(root + 1, domain->unique_name, label) != 0)) {
        packing_number(writing->packing, ROOT_WHOLE);
        packing_text(writing->packing, root);
        return;
    }
    packing_number(writing->packing, label);
    if (root != NULL) {
        packing_text(writing->packing, root + 1 + label);
    }
}

/* Addresses of one family from this one on. */
static unsigned count_alike(const struct connection_endpoint *endpoint, unsigned first)
{
    unsigned i = first;

    while (i < endpoint->length && endpoint->addresses[i].v6 == endpoint->addresses[first].v6) {
        i++;
    }
    return i - first;
}

static void put_endpoint(struct writing *writing, const struct connection_endpoint *endpoint)
{
    struct packing *packing = writing->packing;

    put_line(writing, endpoint->line);
    packing_text(packing, endpoint->zone);
    packing_text(packing, endpoint->dns_name);
    put_wire(writing, endpoint->target);
    put_state(writing, endpoint->state_word, endpoint->state, endpoint->message);
    packing_number(packing, endpoint->length);
    for (unsigned i = 0, alike = 0; i < endpoint->length; i++) {
        const struct connection_address *address = &endpoint->addresses[i];
        if (i == alike) { /* so many more are of one family */
            unsigned more = count_alike(endpoint, i);
            packing_number(packing, (uint64_t)more << 1 | address->v6);
            alike += more;
        }
        packing_bytes(packing, address->bytes, address->v6 ? 16 : 4);
    }
}

static void put_domain(struct writing *writing, const struct connection_domain *domain)
{
    struct packing *packing = writing->packing;

    put_line(writing, domain->line);
    packing_text(packing, domain->id);
    packing_number(packing, domain->type);
    packing_text(packing, domain->unique_name);
    put_state(writing, domain->state_word, domain->state, domain->message);
    put_root(writing, domain);
    packing_number(packing, domain->length);
    for (unsigned i = 0; i < domain->length; i++) {
        const struct connection_name *name = &domain->names[i];
        put_line(writing, name->line);
        put_wire(writing, name->wire);
        put_state(writing, name->state_word, name->state, name->message);
    }
}

static void put_health(struct writing *writing, const struct connection_health *health)
{
    struct packing *packing = writing->packing;

    packing_number(packing, health->on);
    if (health->on) {
        packing_number(packing, health->port);
        packing_number(packing, health->interval_ms);
        packing_number(packing, health->timeout_ms);
        packing_number(packing, health->rise);
        packing_number(packing, health->fall);
        packing_number(packing, health->min_healthy_percent);
    }
}

/* A bit and a half-dozen words in one number; the cloud follows from the type. */
static unsigned kind_of(const struct connection *connection)
{
    return connection->type << 2 | (unsigned)connection->fallback << 1 | connection->domains_absent;
}

static void put_connection(struct writing *writing, const struct connection *connection)
{
    struct packing *packing = writing->packing;

    put_line(writing, connection->line);
    packing_text(packing, connection->id);
    packing_text(packing, connection->cluster_id);
    packing_text(packing, connection->display_name);
    packing_number(packing, kind_of(connection));
    put_state(writing, connection->state_word, connection->state, connection->message);
    packing_number(packing, connection->ttl);
    put_health(writing, &connection->health);
    packing_number(packing, connection->endpoints_length);
    for (unsigned i = 0; i < connection->endpoints_length; i++) {
        put_endpoint(writing, &connection->endpoints[i]);
    }
    packing_number(packing, connection->domains_length);
    for (unsigned i = 0; i < connection->domains_length; i++) {
        put_domain(writing, &connection->domains[i]);
    }
}

void documentpack_write(struct packing *packing, const struct connection *connections,
                        size_t length)
{
    struct writing writing = {.packing = packing};

    (void)packing_room(packing, length * CONNECTION_OCTETS);
    for (size_t i = 0; i < length; i++) {
        put_connection(&writing, &connections[i]);
    }
}

/* ---- reading ---- */

static unsigned take_number(struct documentpack_reading *reading)
{
    return (unsigned)unpacking_number(&reading->unpacking);
}

static unsigned take_line(struct documentpack_reading *reading)
{
    return reading->line += take_number(reading);
}

static const char *take_text(struct documentpack_reading *reading)
{
    return unpacking_text(&reading->unpacking);
}

/* NULL: there is none. */
static const uint8_t *take_wire(struct documentpack_reading *reading)
{
    const char *text = take_text(reading);

    return *text != '\0' ? (const uint8_t *)text : NULL;
}

static const uint8_t *take_root(struct documentpack_reading *reading, const char *unique_name)
{
    struct unpacking *unpacking = &reading->unpacking;
    size_t label = unpacking_number(unpacking);

    if (label == ROOT_ABSENT || label == ROOT_WHOLE) {
        return label == ROOT_WHOLE ? take_wire(reading) : NULL;
    }
    const char *rest = take_text(reading);
    size_t size = strlen(rest);
    if (label > DNAME_LABEL_MAX || size >= DNAME_MAX || strnlen(unique_name, label) < label) {
        unpacking->broken = true;
        return NULL;
    }
    uint8_t *root = arena_room(reading->arena, 1, 1 + label + size + 1);
    root[0] = (uint8_t)label;
    memcpy(root + 1, unique_name, label);
    memcpy(root + 1 + label, rest, size + 1);
    return root;
}

/* Mostly there is nothing told. */
static enum state take_state(struct documentpack_reading *reading, const char **word,
                             const char **message)
{
    unsigned state = take_number(reading);

    *word = *message = "";
    if (state & 1) {
        *word = take_text(reading);
        *message = take_text(reading);
    }
    return state >> 1;
}

static void take_addresses(struct documentpack_reading *reading,
                           struct connection_endpoint *endpoint)
{
    bool v6 = false;

    endpoint->length = (unsigned)unpacking_length(&reading->unpacking);
    struct connection_address *addresses =
        arena_room(reading->arena, endpoint->length, sizeof(*addresses));
    for (unsigned i = 0, alike = 0; i < endpoint->length; i++) {
        if (i == alike) {
            unsigned more = take_number(reading);
            alike += more >> 1;
            v6 = more & 1;
        }
        addresses[i] = (struct connection_address){.v6 = v6};
        const uint8_t *bytes = unpacking_bytes(&reading->unpacking, v6 ? 16 : 4);
        if (bytes != NULL) {
            memcpy(addresses[i].bytes, bytes, v6 ? 16 : 4);
        }
    }
    endpoint->addresses = addresses;
}

static void take_endpoint(struct documentpack_reading *reading,
                          struct connection_endpoint *endpoint)
{
    endpoint->line = take_line(reading);
    endpoint->zone = take_text(reading);
    endpoint->dns_name = take_text(reading);
    endpoint->target = take_wire(reading);
    endpoint->state = take_state(reading, &endpoint->state_word, &endpoint->message);
    take_addresses(reading, endpoint);
}

static void take_names(struct documentpack_reading *reading, struct connection_domain *domain)
{
    domain->length = (unsigned)unpacking_length(&reading->unpacking);
    domain->names = NULL;
    if (domain->length == 0) { /* most domains */
        return;
    }
    struct connection_name *names = arena_room(reading->arena, domain->length, sizeof(*names));
    for (unsigned i = 0; i < domain->length; i++) {
        names[i].line = take_line(reading);
        names[i].wire = take_wire(reading);
        reading->unpacking.broken |= names[i].wire == NULL;
        names[i].state = take_state(reading, &names[i].state_word, &names[i].message);
    }
    domain->names = names;
}

static void take_domain(struct documentpack_reading *reading, struct connection_domain *domain)
{
    domain->line = take_line(reading);
    domain->id = take_text(reading);
    domain->type = take_number(reading);
    domain->unique_name = take_text(reading);
    domain->state = take_state(reading, &domain->state_word, &domain->message);
    domain->root = take_root(reading, domain->unique_name);
    take_names(reading, domain);
}

static void take_health(struct documentpack_reading *reading, struct connection_health *health)
{
    *health = (struct connection_health){.on = take_number(reading) != 0};
    if (health->on) {
        health->port = (uint16_t)take_number(reading);
        health->interval_ms = take_number(reading);
        health->timeout_ms = take_number(reading);
        health->rise = (uint8_t)take_number(reading);
        health->fall = (uint8_t)take_number(reading);
        health->min_healthy_percent = (uint8_t)take_number(reading);
    }
}

static void take_endpoints(struct documentpack_reading *reading, struct connection *connection)
{
    connection->endpoints_length = (unsigned)unpacking_length(&reading->unpacking);
    struct connection_endpoint *endpoints =
        arena_room(reading->arena, connection->endpoints_length, sizeof(*endpoints));
    for (unsigned i = 0; i < connection->endpoints_length; i++) {
        take_endpoint(reading, &endpoints[i]);
    }
    connection->endpoints = endpoints;
}

static void take_domains(struct documentpack_reading *reading, struct connection *connection)
{
    connection->domains_length = (unsigned)unpacking_length(&reading->unpacking);
    struct connection_domain *domains =
        arena_room(reading->arena, connection->domains_length, sizeof(*domains));
    for (unsigned i = 0; i < connection->domains_length; i++) {
        take_domain(reading, &domains[i]);
    }
    connection->domains = domains;
}

struct documentpack_reading documentpack_begin(const void *bytes, size_t size, struct arena *arena)
{
    return (struct documentpack_reading){.unpacking = unpacking_of(bytes, size), .arena = arena};
}

void documentpack_next(struct documentpack_reading *reading, struct connection *connection)
{
    connection->line = take_line(reading);
    connection->id = take_text(reading);
    connection->cluster_id = take_text(reading);
    connection->display_name = take_text(reading);
    unsigned kind = take_number(reading);
    connection->type = kind >> 2;
    connection->fallback = kind >> 1 & 1;
    connection->domains_absent = kind & 1;
    connection->cloud = connection_type_cloud(connection->type);
    connection->state = take_state(reading, &connection->state_word, &connection->message);
    connection->ttl = take_number(reading);
    take_health(reading, &connection->health);
    take_endpoints(reading, connection);
    take_domains(reading, connection);
}

struct connection *documentpack_read(const void *bytes, size_t size, size_t length,
                                     struct arena *arena)
{
    struct documentpack_reading reading = documentpack_begin(bytes, size, arena);
    const struct unpacking *unpacking = &reading.unpacking;

    if (length > size) { /* each takes more than an octet */
        return NULL;
    }
    struct connection *connections = arena_room(arena, length, sizeof(*connections));
    for (size_t i = 0; i < length && !unpacking->broken; i++) {
        documentpack_next(&reading, &connections[i]);
    }
    return unpacking->broken || unpacking->at != unpacking->end ? NULL : connections;
}
