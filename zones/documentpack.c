#include "documentpack.h"

#include <string.h>

#include "unpacking.h"

/* Places are told by how many lines they are below the place told before. */
struct writing {
    struct packing *packing;
    unsigned line;
};

struct reading {
    struct unpacking unpacking;
    struct arena *arena;
    unsigned line;
};

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
    packing_number(writing->packing, state);
    packing_text(writing->packing, word);
    packing_text(writing->packing, message);
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
    for (unsigned i = 0; i < endpoint->length; i++) {
        const struct connection_address *address = &endpoint->addresses[i];
        packing_number(packing, address->v6);
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
    put_wire(writing, domain->root);
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

static void put_connection(struct writing *writing, const struct connection *connection)
{
    struct packing *packing = writing->packing;

    put_line(writing, connection->line);
    packing_text(packing, connection->id);
    packing_text(packing, connection->cluster_id);
    packing_text(packing, connection->display_name);
    packing_number(packing, connection->type);
    packing_number(packing, connection->cloud);
    put_state(writing, connection->state_word, connection->state, connection->message);
    packing_number(packing, connection->domains_absent);
    packing_number(packing, connection->ttl);
    packing_number(packing, connection->fallback);
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

    for (size_t i = 0; i < length; i++) {
        put_connection(&writing, &connections[i]);
    }
}

/* ---- reading ---- */

static unsigned take_number(struct reading *reading)
{
    return (unsigned)unpacking_number(&reading->unpacking);
}

static unsigned take_line(struct reading *reading)
{
    return reading->line += take_number(reading);
}

static const char *take_text(struct reading *reading)
{
    return unpacking_text(&reading->unpacking);
}

/* NULL: there is none. */
static const uint8_t *take_wire(struct reading *reading)
{
    const char *text = take_text(reading);

    return *text != '\0' ? (const uint8_t *)text : NULL;
}

static void take_addresses(struct reading *reading, struct connection_endpoint *endpoint)
{
    endpoint->length = (unsigned)unpacking_length(&reading->unpacking);
    struct connection_address *addresses =
        arena_array(reading->arena, endpoint->length, sizeof(*addresses));
    for (unsigned i = 0; i < endpoint->length; i++) {
        addresses[i].v6 = take_number(reading) != 0;
        size_t size = addresses[i].v6 ? 16 : 4;
        const uint8_t *bytes = unpacking_bytes(&reading->unpacking, size);
        if (bytes != NULL) {
            memcpy(addresses[i].bytes, bytes, size);
        }
    }
    endpoint->addresses = addresses;
}

static void take_endpoint(struct reading *reading, struct connection_endpoint *endpoint)
{
    endpoint->line = take_line(reading);
    endpoint->zone = take_text(reading);
    endpoint->dns_name = take_text(reading);
    endpoint->target = take_wire(reading);
    endpoint->state = take_number(reading);
    endpoint->state_word = take_text(reading);
    endpoint->message = take_text(reading);
    take_addresses(reading, endpoint);
}

static void take_names(struct reading *reading, struct connection_domain *domain)
{
    domain->length = (unsigned)unpacking_length(&reading->unpacking);
    struct connection_name *names = arena_array(reading->arena, domain->length, sizeof(*names));
    for (unsigned i = 0; i < domain->length; i++) {
        names[i].line = take_line(reading);
        names[i].wire = take_wire(reading);
        reading->unpacking.broken |= names[i].wire == NULL;
        names[i].state = take_number(reading);
        names[i].state_word = take_text(reading);
        names[i].message = take_text(reading);
    }
    domain->names = names;
}

static void take_domain(struct reading *reading, struct connection_domain *domain)
{
    domain->line = take_line(reading);
    domain->id = take_text(reading);
    domain->type = take_number(reading);
    domain->unique_name = take_text(reading);
    domain->state = take_number(reading);
    domain->state_word = take_text(reading);
    domain->message = take_text(reading);
    domain->root = take_wire(reading);
    take_names(reading, domain);
}

static void take_health(struct reading *reading, struct connection_health *health)
{
    health->on = take_number(reading) != 0;
    if (health->on) {
        health->port = (uint16_t)take_number(reading);
        health->interval_ms = take_number(reading);
        health->timeout_ms = take_number(reading);
        health->rise = (uint8_t)take_number(reading);
        health->fall = (uint8_t)take_number(reading);
        health->min_healthy_percent = (uint8_t)take_number(reading);
    }
}

static void take_endpoints(struct reading *reading, struct connection *connection)
{
    connection->endpoints_length = (unsigned)unpacking_length(&reading->unpacking);
    struct connection_endpoint *endpoints =
        arena_array(reading->arena, connection->endpoints_length, sizeof(*endpoints));
    for (unsigned i = 0; i < connection->endpoints_length; i++) {
        take_endpoint(reading, &endpoints[i]);
    }
    connection->endpoints = endpoints;
}

static void take_domains(struct reading *reading, struct connection *connection)
{
    connection->domains_length = (unsigned)unpacking_length(&reading->unpacking);
    struct connection_domain *domains =
        arena_array(reading->arena, connection->domains_length, sizeof(*domains));
    for (unsigned i = 0; i < connection->domains_length; i++) {
        take_domain(reading, &domains[i]);
    }
    connection->domains = domains;
}

static void take_connection(struct reading *reading, struct connection *connection)
{
    connection->line = take_line(reading);
    connection->id = take_text(reading);
    connection->cluster_id = take_text(reading);
    connection->display_name = take_text(reading);
    connection->type = take_number(reading);
    connection->cloud = take_number(reading);
    connection->state = take_number(reading);
    connection->state_word = take_text(reading);
    connection->message = take_text(reading);
    connection->domains_absent = take_number(reading) != 0;
    connection->ttl = take_number(reading);
    connection->fallback = take_number(reading);
    take_health(reading, &connection->health);
    take_endpoints(reading, connection);
    take_domains(reading, connection);
}

struct connection *documentpack_read(const void *bytes, size_t size, size_t length,
                                     struct arena *arena)
{
    struct reading reading = {.unpacking = unpacking_of(bytes, size), .arena = arena};
    struct unpacking *unpacking = &reading.unpacking;

    if (length > size) { /* each takes more than an octet */
        return NULL;
    }
    struct connection *connections = arena_array(arena, length, sizeof(*connections));
    for (size_t i = 0; i < length && !unpacking->broken; i++) {
        take_connection(&reading, &connections[i]);
    }
    return unpacking->broken || unpacking->at != unpacking->end ? NULL : connections;
}
