#include "route.h"

#include <stdlib.h>
#include <string.h>

#include "alloc.h"
#include "log.h"
#include "resolvconf.h"

#define SWEEP_MS 1000 /* between two looks for what is not needed any more */

struct route {
    const struct config *config;
    struct network *network;
    struct stats *stats;
    upstream_fn *fn;
    network_socket_fn *hear;
    struct route_group **groups; /* longest suffix first, the default last */
    size_t length;
    struct upstream **upstreams; /* each server once */
    size_t upstreams_length;
    struct route_group *leaving; /* questions are still on their way through these */
    struct network_timer *sweep;
};

static bool same_server(const struct config_upstream *a, const struct config_upstream *b)
{
    return a->transport == b->transport && strcmp(a->name, b->name) == 0 &&
           configaddress_equal(&a->address, &b->address);
}

static bool holds(const struct route_group *g, const struct upstream *u)
{
    for (size_t i = 0; i < g->length; i++) {
        if (g->upstreams[i] == u)
            return true;
    }
    return false;
}

static struct upstream *find_or_make(struct route *r, const struct config_upstream *server)
{
    for (size_t i = 0; i < r->upstreams_length; i++) {
        if (same_server(upstream_server(r->upstreams[i]), server))
            return r->upstreams[i];
    }
    r->upstreams = alloc_resize(r->upstreams, r->upstreams_length + 1, sizeof(struct upstream *));
    r->upstreams[r->upstreams_length] =
        upstream_new(r->network, server, r->config, r->stats, r->fn, r->hear);
    return r->upstreams[r->upstreams_length++];
}

static struct route_group *make_group(struct route *r, const struct dname *suffix,
                                      const struct config_upstreams *servers)
{
    struct route_group *g = alloc_array(1, sizeof *g);

    g->suffix = suffix;
    for (size_t i = 0; i < servers->length && g->length < CONFIG_UPSTREAMS_MAX; i++) {
        struct upstream *u;

        if (resolvconf_is_ours(r->config, &servers->items[i])) {
            log_error("upstream refused",
                      "upstream=%s why=\"it is this server itself: questions would go in a "
                      "circle\" action=\"not used; name another upstream\"",
                      servers->items[i].text);
            continue;
        }
        u = find_or_make(r, &servers->items[i]);
        if (!holds(g, u))
            g->upstreams[g->length++] = u;
    }
    return g;
}

static int longest_first(const void *a, const void *b)
{
    const struct route_group *x = *(struct route_group *const *)a;
    const struct route_group *y = *(struct route_group *const *)b;
    unsigned labels_x = x->suffix != NULL ? dname_labels(x->suffix->wire) + 1 : 0;
    unsigned labels_y = y->suffix != NULL ? dname_labels(y->suffix->wire) + 1 : 0;

    return labels_x < labels_y ? 1 : labels_x > labels_y ? -1 : 0;
}

/* ---- what is not needed any more ---- */

static bool is_needed(const struct route *r, const struct upstream *u)
{
    for (size_t i = 0; i < r->length; i++) {
        if (holds(r->groups[i], u))
            return true;
    }
    for (const struct route_group *g = r->leaving; g != NULL; g = g->next) {
        if (holds(g, u))
            return true;
    }
    return false;
}

static void free_unneeded(struct route *r)
{
    size_t kept = 0;

    for (size_t i = 0; i < r->upstreams_length; i++) {
        if (is_needed(r, r->upstreams[i]))
            r->upstreams[kept++] = r->upstreams[i];
        else
            upstream_free(r->upstreams[i]);
    }
    r->upstreams_length = kept;
}

/* By a timer only: an upstream that has just told us something cannot be freed. */
static void on_sweep(void *arg, uint64_t now)
{
    struct route *r = arg;

    for (struct route_group **at = &r->leaving; *at != NULL;) {
        struct route_group *g = *at;

        if (g->in_flight > 0) {
            at = &g->next;
            continue;
        }
        *at = g->next;
        free(g);
    }
    free_unneeded(r);
    if (r->leaving != NULL)
        r->network->timer_set(r->sweep, now, SWEEP_MS);
}

void route_set_standard(struct route *r, const struct config_upstreams *upstreams, uint64_t now)
{
    struct route_group **standard = &r->groups[r->length - 1], *before = *standard;

    *standard = make_group(r, NULL, upstreams);
    before->next = r->leaving;
    r->leaving = before;
    r->network->timer_set(r->sweep, now, SWEEP_MS);
}

/* ---- life ---- */

struct route *route_new(const struct config *config, const struct config_upstreams *upstreams,
                        struct network *network, struct stats *stats, upstream_fn *fn,
                        network_socket_fn *hear)
{
    struct route *r = alloc_array(1, sizeof *r);

    r->config = config;
    r->network = network;
    r->stats = stats;
    r->fn = fn;
    r->hear = hear;
    r->sweep = network->timer(network, on_sweep, r);
    r->groups = alloc_array(config->forward.routes_length + 1, sizeof(struct route_group *));
    for (size_t i = 0; i < config->forward.routes_length; i++) {
        const struct config_route *route = &config->forward.routes[i];
        r->groups[r->length++] = make_group(r, &route->suffix, &route->upstreams);
    }
    r->groups[r->length++] = make_group(r, NULL, upstreams);
    qsort(r->groups, r->length, sizeof *r->groups, longest_first);
    return r;
}

void route_free(struct route *r)
{
    if (r == NULL)
        return;
    for (size_t i = 0; i < r->upstreams_length; i++)
        upstream_free(r->upstreams[i]);
    for (size_t i = 0; i < r->length; i++)
        free(r->groups[i]);
    while (r->leaving != NULL) {
        struct route_group *g = r->leaving;

        r->leaving = g->next;
        free(g);
    }
    r->network->timer_free(r->sweep);
    free(r->upstreams);
    free(r->groups);
    free(r);
}

struct route_group *route_find(struct route *r, const uint8_t *name)
{
    size_t i = 0;

    while (r->groups[i]->suffix != NULL && !dname_under(name, r->groups[i]->suffix->wire, NULL))
        i++;
    return r->groups[i];
}

size_t route_read(const struct route *r, struct upstream_state *out, size_t most)
{
    size_t length = r->upstreams_length < most ? r->upstreams_length : most;

    for (size_t i = 0; i < length; i++)
        upstream_read(r->upstreams[i], &out[i]);
    return length;
}

bool route_is_empty(const struct route *r)
{
    for (size_t i = 0; i < r->length; i++) {
        if (r->groups[i]->length > 0)
            return false;
    }
    return true;
}
