#include "route.h"

#include <stdlib.h>
#include <string.h>

#include "alloc.h"
#include "log.h"
#include "resolvconf.h"

struct route {
    struct route_group *groups; /* longest suffix first, the default last */
    size_t length;
    struct upstream **upstreams; /* each server once */
    size_t upstreams_length;
};

static bool same_server(const struct config_upstream *a, const struct config_upstream *b)
{
    if (a->transport != b->transport || strcmp(a->name, b->name) != 0 ||
        a->address.any.sa_family != b->address.any.sa_family)
        return false;
    if (a->address.any.sa_family == AF_INET6)
        return a->address.v6.sin6_port == b->address.v6.sin6_port &&
               a->address.v6.sin6_scope_id == b->address.v6.sin6_scope_id &&
               memcmp(&a->address.v6.sin6_addr, &b->address.v6.sin6_addr,
                      sizeof a->address.v6.sin6_addr) == 0;
    return a->address.v4.sin_port == b->address.v4.sin_port &&
           a->address.v4.sin_addr.s_addr == b->address.v4.sin_addr.s_addr;
}

static bool holds(const struct route_group *g, const struct upstream *u)
{
    for (size_t i = 0; i < g->length; i++) {
        if (g->upstreams[i] == u)
            return true;
    }
    return false;
}

struct maker {
    const struct config *config;
    struct network *network;
    struct stats *stats;
    upstream_fn *fn;
    struct route *route;
};

static struct upstream *find_or_make(const struct maker *m, const struct config_upstream *server)
{
    struct route *r = m->route;

    for (size_t i = 0; i < r->upstreams_length; i++) {
        if (same_server(upstream_server(r->upstreams[i]), server))
            return r->upstreams[i];
    }
    r->upstreams = alloc_resize(r->upstreams, r->upstreams_length + 1, sizeof(struct upstream *));
    r->upstreams[r->upstreams_length] =
        upstream_new(m->network, server, m->config, m->stats, m->fn);
    return r->upstreams[r->upstreams_length++];
}

static void add_group(const struct maker *m, const struct dname *suffix,
                      const struct config_upstreams *servers)
{
    struct route_group *g = &m->route->groups[m->route->length++];

    g->suffix = suffix;
    for (size_t i = 0; i < servers->length && g->length < CONFIG_UPSTREAMS_MAX; i++) {
        struct upstream *u;

        if (resolvconf_is_ours(m->config, &servers->items[i])) {
            log_error("upstream refused",
                      "upstream=%s why=\"it is this server itself: questions would go in a "
                      "circle\" action=\"not used; name another upstream\"",
                      servers->items[i].text);
            continue;
        }
        u = find_or_make(m, &servers->items[i]);
        if (!holds(g, u))
            g->upstreams[g->length++] = u;
    }
}

static int longest_first(const void *a, const void *b)
{
    const struct route_group *x = a, *y = b;
    unsigned labels_x = x->suffix != NULL ? dname_labels(x->suffix->wire) + 1 : 0;
    unsigned labels_y = y->suffix != NULL ? dname_labels(y->suffix->wire) + 1 : 0;

    return labels_x < labels_y ? 1 : labels_x > labels_y ? -1 : 0;
}

struct route *route_new(const struct config *config, const struct config_upstreams *upstreams,
                        struct network *network, struct stats *stats, upstream_fn *fn)
{
    struct route *r = alloc_array(1, sizeof *r);
    struct maker m = {config, network, stats, fn, r};

    r->groups = alloc_array(config->forward.routes_length + 1, sizeof *r->groups);
    for (size_t i = 0; i < config->forward.routes_length; i++)
        add_group(&m, &config->forward.routes[i].suffix, &config->forward.routes[i].upstreams);
    add_group(&m, NULL, upstreams);
    qsort(r->groups, r->length, sizeof *r->groups, longest_first);
    return r;
}

void route_free(struct route *r)
{
    if (r == NULL)
        return;
    for (size_t i = 0; i < r->upstreams_length; i++)
        upstream_free(r->upstreams[i]);
    free(r->upstreams);
    free(r->groups);
    free(r);
}

struct route_group *route_find(struct route *r, const uint8_t *name)
{
    size_t i = 0;

    while (r->groups[i].suffix != NULL && !dname_under(name, r->groups[i].suffix->wire, NULL))
        i++;
    return &r->groups[i];
}

bool route_is_empty(const struct route *r)
{
    return r->upstreams_length == 0;
}
