#include "handmade.h"

#include <arpa/inet.h>
#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "alloc.h"
#include "arena.h"
#include "dname.h"

struct document *handmade_new(const char *name)
{
    struct document *document = alloc_array(1, sizeof(*document));
    struct arena *arena = &document->own.arena;

    document->name = arena_text(arena, name, strlen(name));
    document->connections =
        arena_array(arena, HANDMADE_CONNECTIONS, sizeof(*document->connections));
    digest_of(&document->digest, name, strlen(name));
    return document;
}

void handmade_free(struct document *document)
{
    arena_clear(&document->own.arena);
    free(document->looks_to);
    free(document);
}

static char *text(struct document *document, const char *bytes)
{
    return arena_text(&document->own.arena, bytes, strlen(bytes));
}

struct connection *handmade_connection(struct document *document, const char *id)
{
    assert(document->length < HANDMADE_CONNECTIONS);
    unsigned line = (unsigned)document->length * 100 + 1;
    struct connection *connection =
        (struct connection *)(uintptr_t)&document->connections[document->length++];

    *connection = (struct connection){
        .id = text(document, id),
        .cluster_id = "cluster",
        .display_name = "",
        .state_word = "ACTIVE",
        .message = "",
        .endpoints = arena_array(&document->own.arena, CONNECTION_ENDPOINTS_MAX,
                                 sizeof(*connection->endpoints)),
        .domains =
            arena_array(&document->own.arena, HANDMADE_DOMAINS, sizeof(*connection->domains)),
        .ttl = CONNECTION_TTL_DEFAULT,
        .line = line,
    };
    return connection;
}

struct connection_endpoint *handmade_endpoint(struct document *document,
                                              struct connection *connection, const char *zone,
                                              const char *addresses)
{
    assert(connection->endpoints_length < CONNECTION_ENDPOINTS_MAX);
    struct connection_endpoint *endpoint = (struct connection_endpoint *)(uintptr_t)&connection
                                               ->endpoints[connection->endpoints_length++];
    struct connection_address *list = arena_array(&document->own.arena, 64, sizeof(*list));
    char *copy = text(document, addresses), *rest = copy;

    *endpoint = (struct connection_endpoint){
        .zone = text(document, zone),
        .dns_name = "",
        .state_word = "",
        .message = "",
        .addresses = list,
    };
    for (char *one; (one = strtok_r(rest, " ", &rest)) != NULL;) {
        struct connection_address *address = &list[endpoint->length++];
        address->v6 = strchr(one, ':') != NULL;
        int good = inet_pton(address->v6 ? AF_INET6 : AF_INET, one, address->bytes);
        assert(good == 1);
    }
    return endpoint;
}

struct dname handmade_dname(const char *text)
{
    struct dname name;
    const char *why = "";

    if (!dname_from_text(&name, text, strlen(text), &why)) {
        fprintf(stderr, "%s: %s\n", text, why);
        abort();
    }
    return name;
}

static const uint8_t *wire(struct document *document, const char *name)
{
    struct dname out = handmade_dname(name);

    return arena_copy(&document->own.arena, out.wire, out.size);
}

static struct connection_domain *add_domain(struct connection *connection)
{
    assert(connection->domains_length < HANDMADE_DOMAINS);
    struct connection_domain *domain =
        (struct connection_domain *)(uintptr_t)&connection->domains[connection->domains_length++];

    *domain = (struct connection_domain){
        .id = "",
        .type = CONNECTION_CUSTOM,
        .unique_name = "",
        .state_word = "",
        .message = "",
        .line = connection->line + 10 * connection->domains_length,
    };
    return domain;
}

void handmade_names(struct document *document, struct connection_domain *domain, const char *names)
{
    struct connection_name *list =
        arena_array(&document->own.arena, strlen(names) / 2 + 1, sizeof(*list));
    char *copy = text(document, names), *rest = copy;

    domain->names = list;
    for (char *one; (one = strtok_r(rest, " ", &rest)) != NULL; domain->length++) {
        list[domain->length] = (struct connection_name){
            .wire = wire(document, one),
            .state_word = "",
            .message = "",
            .line = domain->line + 1 + domain->length,
        };
    }
}

struct connection_domain *handmade_custom(struct document *document, struct connection *connection,
                                          const char *names)
{
    struct connection_domain *domain = add_domain(connection);

    handmade_names(document, domain, names);
    return domain;
}

struct connection_domain *handmade_typed(struct document *document, struct connection *connection,
                                         const char *root)
{
    struct connection_domain *domain = add_domain(connection);

    domain->type = CONNECTION_TIDBCLOUD_MANAGED;
    domain->root = wire(document, root);
    return domain;
}

struct connection_name *handmade_name(struct connection_domain *domain, unsigned i)
{
    assert(i < domain->length);
    return (struct connection_name *)(uintptr_t)&domain->names[i];
}
