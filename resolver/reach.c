#include "reach.h"

#include <stdlib.h>

#include "alloc.h"
#include "clock.h"
#include "log.h"
#include "network_event.h"

struct reach {
    struct event_base *base;
    const struct config *config;
    const struct config_upstreams *upstreams;
    struct reload *reload;
    unsigned sockets;
    struct network *network; /* these four: NULL until something is wanted */
    struct network_timer *timer;
    struct refresh *refresh;
    struct prober *prober;
    struct stats stats; /* of the questions; nobody reads them */
    struct wanted *wanted;
    bool pushing, renamed; /* the timer is set; addresses of names have changed */
    uint64_t pushed_ms;
};

/* ---- what has changed ---- */

static void changed(void *arg, uint64_t now)
{
    struct reach *r = arg;
    uint64_t pause = REACH_PAUSE * reload_last(r->reload)->took_ms, delay = REACH_MERGE_MS;

    if (r->pushing)
        return;
    r->pushing = true;
    if (pause > REACH_PAUSE_MOST_MS)
        pause = REACH_PAUSE_MOST_MS;
    if (r->pushed_ms + pause > now + delay)
        delay = r->pushed_ms + pause - now;
    r->network->timer_set(r->timer, now, delay);
}

static void on_renamed(void *arg, uint64_t now)
{
    struct reach *r = arg;

    r->renamed = true;
    changed(r, now);
}

static int compare_keys(const void *a, const void *b)
{
    return health_compare(a, b);
}

struct keys {
    struct health_key *items;
    size_t length, room;
};

static void add_key(struct keys *keys, const struct connection_health *check,
                    const struct connection_address *address)
{
    if (keys->length == keys->room) {
        keys->room = 2 * keys->room + 16;
        keys->items = alloc_resize(keys->items, keys->room, sizeof *keys->items);
    }
    keys->items[keys->length++] = (struct health_key){*address, *check};
}

/* Sorts, and leaves each but once. */
static void settle_keys(struct keys *keys)
{
    size_t length = 0;

    if (keys->length > 0)
        qsort(keys->items, keys->length, sizeof *keys->items, compare_keys);
    for (size_t i = 0; i < keys->length; i++) {
        if (length == 0 || health_compare(&keys->items[length - 1], &keys->items[i]) != 0)
            keys->items[length++] = keys->items[i];
    }
    keys->length = length;
}

/* Tells the prober what there is to be tried: addresses as written, and those behind names. */
static bool set_checks(struct reach *r, uint64_t now)
{
    bool any = r->wanted->checks_length > 0;
    struct targets *book = any ? refresh_book(r->refresh, now, 0) : NULL;
    struct keys keys = {0};

    for (size_t i = 0; i < r->wanted->checks_length; i++) {
        const struct wanted_check *check = &r->wanted->checks[i];
        if (check->name == WANTED_NO_NAME) {
            add_key(&keys, &check->key.check, &check->key.address);
            continue;
        }
        const struct targets_entry *entry = targets_find(book, r->wanted->names[check->name]);
        for (unsigned a = 0; entry != NULL && a < entry->length; a++)
            add_key(&keys, &check->key.check, &entry->addresses[a]);
    }
    settle_keys(&keys);
    bool dropped = prober_want(r->prober, keys.items, keys.length, now);
    free(keys.items);
    targets_free(book);
    return dropped;
}

static void on_push(void *arg, uint64_t now)
{
    struct reach *r = arg;
    uint64_t wall = clock_wall_us() / 1000000;

    if (r->renamed)
        (void)set_checks(r, now); /* whoever went is not told of below either */
    r->pushing = r->renamed = false;
    r->pushed_ms = now;
    reload_learn(r->reload, refresh_book(r->refresh, now, wall),
                 prober_health(r->prober, now, wall));
}

/* ---- what is wanted ---- */

static bool is_owned(void *arg, const uint8_t *name, unsigned view)
{
    const struct reach *r = arg;

    (void)view; /* names of endpoints are asked for on our own account */
    publish_read_begin();
    bool out = tableset_lets_out(publish_get(reload_table(r->reload)), name);
    publish_read_end();
    return !out;
}

/* False: no descriptors; it is tried again with the next change. */
static bool open_network(struct reach *r)
{
    if (r->network != NULL)
        return true;
    r->network = network_event_new(r->base, r->sockets, 0);
    if (r->network == NULL) {
        log_error("endpoints", "why=\"no descriptors\" now=\"names are not resolved, addresses not "
                               "tried\"");
        return false;
    }
    r->timer = r->network->timer(r->network, on_push, r);
    r->prober = prober_new(r->network, r->sockets / 2, changed, r);
    r->refresh = refresh_new(&(struct refresh_options){
        .config = r->config,
        .upstreams = r->upstreams,
        .network = r->network,
        .stats = &r->stats,
        .owned = is_owned,
        .changed = on_renamed,
        .arg = r,
    });
    return true;
}

static void log_left_out(const struct wanted *wanted)
{
    if (wanted->names_left_out > 0)
        log_error("endpoints", "names_left_out=%zu why=\"at most %d are resolved\"",
                  wanted->names_left_out, WANTED_NAMES_MAX);
    if (wanted->checks_left_out > 0)
        log_error("endpoints", "checks_left_out=%zu why=\"at most %d are made\"",
                  wanted->checks_left_out, WANTED_CHECKS_MAX);
}

void reach_update(struct reach *r, uint64_t now)
{
    struct wanted *wanted = reload_take_wanted(r->reload);

    if (wanted == NULL)
        return;
    log_left_out(wanted);
    wanted_free(r->wanted);
    r->wanted = wanted;
    if (r->network == NULL && wanted->names_length + wanted->checks_length == 0)
        return;
    if (!open_network(r))
        return;
    bool dropped = refresh_want(r->refresh, wanted->names, wanted->names_length, now);
    if (set_checks(r, now) || dropped)
        changed(r, now);
}

void reach_upstreams_changed(struct reach *r, uint64_t now)
{
    if (r->refresh != NULL)
        refresh_set_upstreams(r->refresh, r->upstreams, now);
}

/* ---- life ---- */

struct reach *reach_new(struct event_base *base, const struct config *config,
                        const struct config_upstreams *upstreams, struct reload *reload,
                        unsigned sockets)
{
    struct reach *r = alloc_array(1, sizeof *r);

    r->base = base;
    r->config = config;
    r->upstreams = upstreams;
    r->reload = reload;
    r->sockets = sockets;
    return r;
}

void reach_free(struct reach *r)
{
    if (r == NULL)
        return;
    refresh_free(r->refresh);
    prober_free(r->prober);
    if (r->network != NULL) {
        r->network->timer_free(r->timer);
        network_event_free(r->network);
    }
    wanted_free(r->wanted);
    free(r);
}

const struct refresh *reach_refresh(const struct reach *r)
{
    return r->refresh;
}

const struct prober *reach_prober(const struct reach *r)
{
    return r->prober;
}
