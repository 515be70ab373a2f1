#include "worker.h"

#include <errno.h>
#include <event2/event.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "alloc.h"
#include "clock.h"
#include "eventtimer.h"
#include "network_event.h"
#include "query.h"
#include "tcp.h"
#include "udp.h"
#include "upstream.h"

#define DRAIN_MS   500 /* a stopping worker waits so long for upstreams before it says SERVFAIL */
#define DRAIN_STEP 10

struct flush {
    struct flush *next;
    struct dname name;
    bool subtree;
};

struct worker {
    const struct config *config;
    unsigned index;
    pthread_t thread;
    struct event_base *base;
    struct network *network;
    struct cache *cache;
    struct query_desk *desk;
    struct udp *udp;
    struct tcp *tcp;
    int wake_fd; /* eventfd: something was asked of the worker */
    struct event *wake, *drain;
    uint64_t drain_end;
    _Atomic bool ending, over;  /* it is to come to an end; it is to leave its loop */
    pthread_mutex_t asked_lock; /* of these two: what was asked of the worker */
    struct flush *flushes;
    struct config_upstreams *upstreams; /* NULL: as they were */
    pthread_mutex_t seen_lock;          /* of these: what a look found */
    pthread_cond_t shown;
    bool drained; /* those that waited for an upstream have had their time */
    bool looking; /* somebody asked for one that was not made yet */
    struct worker_gauges gauges;
    struct upstream_state seen[WORKER_UPSTREAMS_MAX];
    size_t seen_length;
    _Alignas(64) struct stats stats; /* no other thread's data on its cache lines */
};

/* ---- in the worker's thread ---- */

static void show_gauges(struct worker *w)
{
    uint64_t evicted = cache_evicted(w->cache);

    stats_add(&w->stats, STATS_CACHE_EVICTED, evicted - w->gauges.cache_evicted);
    w->gauges = (struct worker_gauges){
        .cache_bytes = cache_bytes(w->cache),
        .cache_entries = cache_entries(w->cache),
        .cache_evicted = evicted,
        .in_flight = forward_in_flight(query_desk_forward(w->desk)),
        .tcp_connections = tcp_connections(w->tcp),
    };
}

static void show(struct worker *w)
{
    pthread_mutex_lock(&w->seen_lock);
    if (w->looking) {
        show_gauges(w);
        w->seen_length = forward_read(query_desk_forward(w->desk), w->seen, WORKER_UPSTREAMS_MAX);
        w->looking = false;
        pthread_cond_signal(&w->shown);
    }
    pthread_mutex_unlock(&w->seen_lock);
}

static void do_flushes(struct worker *w)
{
    pthread_mutex_lock(&w->asked_lock);
    struct flush *first = w->flushes;
    w->flushes = NULL;
    pthread_mutex_unlock(&w->asked_lock);
    while (first != NULL) {
        struct flush *flush = first;
        first = flush->next;
        (void)query_desk_flush(w->desk, flush->name.wire, flush->subtree);
        free(flush);
    }
}

static void forget_upstreams(struct config_upstreams *upstreams)
{
    if (upstreams != NULL)
        free(upstreams->items);
    free(upstreams);
}

static void set_upstreams(struct worker *w)
{
    pthread_mutex_lock(&w->asked_lock);
    struct config_upstreams *upstreams = w->upstreams;
    w->upstreams = NULL;
    pthread_mutex_unlock(&w->asked_lock);
    if (upstreams != NULL)
        forward_set_upstreams(query_desk_forward(w->desk), upstreams, clock_ms());
    forget_upstreams(upstreams);
}

/* Clients are answered on while those that wait for an upstream get their time: with this worker
 * and with the others. */
static void worker_on_drain(evutil_socket_t fd, short what, void *arg)
{
    struct worker *w = arg;

    (void)fd;
    (void)what;
    if (query_desk_waiting(w->desk) > 0 && clock_ms() < w->drain_end) {
        eventtimer_begin(w->drain, DRAIN_STEP);
        return;
    }
    pthread_mutex_lock(&w->seen_lock);
    w->drained = true;
    pthread_cond_signal(&w->shown);
    pthread_mutex_unlock(&w->seen_lock);
}

static void worker_on_wake(evutil_socket_t fd, short what, void *arg)
{
    struct worker *w = arg;
    uint64_t count;

    (void)what;
    if (read(fd, &count, sizeof count) < 0)
        return; /* woken for nothing */
    do_flushes(w);
    set_upstreams(w);
    show(w);
    if (atomic_load(&w->over)) {
        event_base_loopbreak(w->base);
    } else if (atomic_load(&w->ending) && w->drain_end == 0) {
        tcp_stop_accepting(w->tcp);
        w->drain_end = clock_ms() + DRAIN_MS;
        eventtimer_begin(w->drain, 0);
    }
}

static void *work(void *arg)
{
    struct worker *w = arg;

    publish_thread_enter();
    event_base_dispatch(w->base);
    udp_drain(w->udp);
    query_desk_free(w->desk); /* those that still wait are answered */
    w->desk = NULL;
    udp_free(w->udp);
    tcp_free(w->tcp);
    w->udp = NULL;
    w->tcp = NULL;
    publish_thread_leave();
    return NULL;
}

/* ---- from outside ---- */

static struct event_base *make_base(void)
{
    struct event_config *config = event_config_new();
    struct event_base *base = NULL;

    if (config != NULL) {
        event_config_set_flag(config, EVENT_BASE_FLAG_NOLOCK); /* one thread only */
        base = event_base_new_with_config(config);
        event_config_free(config);
    }
    return base;
}

static void free_events(struct worker *w)
{
    struct event *all[] = {w->wake, w->drain};

    for (size_t i = 0; i < ARRAY_LENGTH(all); i++) {
        if (all[i] != NULL)
            event_free(all[i]);
    }
}

/* Takes apart what is there, in the reverse order of its making. */
static void worker_free(struct worker *w)
{
    query_desk_free(w->desk);
    tcp_free(w->tcp);
    udp_free(w->udp);
    cache_free(w->cache);
    if (w->network != NULL)
        network_event_free(w->network);
    free_events(w);
    if (w->base != NULL)
        event_base_free(w->base);
    if (w->wake_fd >= 0)
        close(w->wake_fd);
    while (w->flushes != NULL) {
        struct flush *flush = w->flushes;
        w->flushes = flush->next;
        free(flush);
    }
    forget_upstreams(w->upstreams);
    pthread_mutex_destroy(&w->asked_lock);
    pthread_mutex_destroy(&w->seen_lock);
    pthread_cond_destroy(&w->shown);
    free(w);
}

/* False: no descriptors. */
static bool make_events(struct worker *w)
{
    w->base = make_base();
    w->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (w->base == NULL || w->wake_fd < 0)
        return false;
    w->wake = event_new(w->base, w->wake_fd, EV_READ | EV_PERSIST, worker_on_wake, w);
    w->drain = evtimer_new(w->base, worker_on_drain, w);
    if (w->wake == NULL || w->drain == NULL)
        return false;
    return event_add(w->wake, NULL) == 0;
}

static bool make_parts(struct worker *w, const struct worker_options *options)
{
    const struct config *config = options->config;
    struct owned_turns turns;

    w->network =
        network_event_new(w->base, options->descriptors.upstreams, options->descriptors.reserve);
    if (w->network == NULL)
        return false;
    turn_set_reading(network_event_turn(w->network));
    w->cache = cache_new(&(struct cache_options){
        .bytes = options->cache_bytes,
        .key = options->key,
        .min_ttl_ms = config->cache.min_ttl_ms,
        .max_ttl_ms = config->cache.max_ttl_ms,
        .max_negative_ttl_ms = config->cache.max_negative_ttl_ms,
        .serve_stale_ms = config->cache.serve_stale_ms,
    });
    w->network->random(w->network, &turns, sizeof turns);
    w->desk = query_desk_new(&(struct query_desk_options){
        .config = config,
        .table = options->table,
        .cache = w->cache,
        .stats = &w->stats,
        .network = w->network,
        .upstreams = options->upstreams,
        .in_flight = config->limits.in_flight,
        .facts = options->facts,
        .turns = turns,
    });
    w->udp = udp_new(&(struct udp_options){
        .base = w->base,
        .turn = network_event_turn(w->network),
        .desk = w->desk,
        .config = config,
        .listeners = options->listeners,
    });
    w->tcp = tcp_new(&(struct tcp_options){
        .base = w->base,
        .desk = w->desk,
        .config = config,
        .stats = &w->stats,
        .listeners = options->listeners,
        .most = options->descriptors.clients,
        .peers = options->peers,
    });
    return w->udp != NULL && w->tcp != NULL;
}

/* Signals are the control thread's: none is delivered here. */
static int start_thread(struct worker *w)
{
    sigset_t all, before;
    char name[16];

    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    int error = pthread_create(&w->thread, NULL, work, w);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (error == 0) {
        snprintf(name, sizeof name, "pldns-w%u", w->index % 100000);
        pthread_setname_np(w->thread, name);
    }
    return error;
}

struct worker *worker_start(const struct worker_options *options, struct error_list *errors)
{
    /* Not alloc_array(): the counters want their own cache lines. */
    struct worker *w = aligned_alloc(_Alignof(struct worker), sizeof *w);
    int error = ENOMEM;

    if (w == NULL)
        goto fail;
    memset(w, 0, sizeof *w);
    w->wake_fd = -1;
    w->config = options->config;
    w->index = options->index;
    pthread_mutex_init(&w->asked_lock, NULL);
    pthread_mutex_init(&w->seen_lock, NULL);
    pthread_cond_init(&w->shown, NULL);
    errno = 0;
    if (!make_events(w) || !make_parts(w, options)) {
        error = errno != 0 ? errno : ENOMEM;
        worker_free(w);
        goto fail;
    }
    error = start_thread(w);
    if (error == 0)
        return w;
    worker_free(w);
fail:
    error_add(errors, "workers", 0, 0, "worker %u does not start: %s", options->index,
              strerror(error));
    return NULL;
}

static void wake(struct worker *w)
{
    uint64_t one = 1;

    /* It fails only when the counter is full: then the worker is being woken anyway. */
    if (write(w->wake_fd, &one, sizeof one) < 0)
        return;
}

static void ask_for(struct worker *w, _Atomic bool *what)
{
    atomic_store(what, true);
    wake(w);
}

static void await_drain(struct worker *w)
{
    pthread_mutex_lock(&w->seen_lock);
    while (!w->drained)
        pthread_cond_wait(&w->shown, &w->seen_lock);
    pthread_mutex_unlock(&w->seen_lock);
}

void worker_stop(struct worker *const *workers, unsigned length)
{
    for (unsigned i = 0; i < length; i++)
        ask_for(workers[i], &workers[i]->ending);
    for (unsigned i = 0; i < length; i++)
        await_drain(workers[i]);
    for (unsigned i = 0; i < length; i++)
        ask_for(workers[i], &workers[i]->over);
    for (unsigned i = 0; i < length; i++) {
        pthread_join(workers[i]->thread, NULL);
        worker_free(workers[i]);
    }
}

const struct stats *worker_stats(const struct worker *w)
{
    return &w->stats;
}

static void ask_for_look(struct worker *w)
{
    pthread_mutex_lock(&w->seen_lock);
    w->looking = true;
    pthread_mutex_unlock(&w->seen_lock);
    wake(w);
}

static void await_look(struct worker *w, const struct timespec *end)
{
    pthread_mutex_lock(&w->seen_lock);
    while (w->looking &&
           pthread_cond_clockwait(&w->shown, &w->seen_lock, CLOCK_MONOTONIC, end) == 0)
        ;
    pthread_mutex_unlock(&w->seen_lock);
}

void worker_look(struct worker *const *workers, unsigned length)
{
    struct timespec end;

    clock_gettime(CLOCK_MONOTONIC, &end);
    end.tv_nsec += WORKER_LOOK_MS * 1000000L;
    end.tv_sec += end.tv_nsec / 1000000000;
    end.tv_nsec %= 1000000000;
    for (unsigned i = 0; i < length; i++)
        ask_for_look(workers[i]);
    for (unsigned i = 0; i < length; i++)
        await_look(workers[i], &end);
}

void worker_gauges(struct worker *w, struct worker_gauges *out)
{
    pthread_mutex_lock(&w->seen_lock);
    *out = w->gauges;
    pthread_mutex_unlock(&w->seen_lock);
}

size_t worker_upstreams(struct worker *w, struct upstream_state *out, size_t most)
{
    pthread_mutex_lock(&w->seen_lock);
    size_t length = w->seen_length < most ? w->seen_length : most;
    memcpy(out, w->seen, length * sizeof *out);
    pthread_mutex_unlock(&w->seen_lock);
    return length;
}

void worker_flush(struct worker *w, const struct dname *name, bool subtree)
{
    struct flush *flush = alloc_array(1, sizeof *flush);

    flush->name = *name;
    flush->subtree = subtree;
    pthread_mutex_lock(&w->asked_lock);
    flush->next = w->flushes;
    w->flushes = flush;
    pthread_mutex_unlock(&w->asked_lock);
    wake(w);
}

void worker_set_upstreams(struct worker *w, const struct config_upstreams *upstreams)
{
    struct config_upstreams *copy = alloc_array(1, sizeof *copy), *before;

    copy->length = upstreams->length;
    copy->items = alloc_copy(upstreams->items, upstreams->length * sizeof *upstreams->items);
    pthread_mutex_lock(&w->asked_lock);
    before = w->upstreams;
    w->upstreams = copy;
    pthread_mutex_unlock(&w->asked_lock);
    forget_upstreams(before);
    wake(w);
}
