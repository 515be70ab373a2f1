#include "server.h"

#include <errno.h>
#include <event2/event.h>
#include <malloc.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "activation.h"
#include "admin.h"
#include "alloc.h"
#include "build.h"
#include "builder.h"
#include "clock.h"
#include "descriptors.h"
#include "dryrun.h"
#include "listener.h"
#include "log.h"
#include "loopprobe.h"
#include "nameservers.h"
#include "peers.h"
#include "query.h"
#include "random.h"
#include "systemd.h"
#include "tls.h"

#define LINE_ROOM           2048
#define STATUS_ROOM         160
#define TRUST_WHY           160
#define WORKER_MAPPING_FROM (32 << 10)
/* The first EARLY of them wait while the daemon is starting; the others end it, see main.c. */
static const int handled[] = {SIGHUP, SIGUSR1, SIGTERM, SIGINT};
#define EARLY 2

struct server {
    struct service service;
    struct config *config;
    struct hash_key key;
    struct nameservers *nameservers;
    struct query_facts facts;
    struct event_base *base;
    struct listener *passed; /* by systemd, until workers have them; or NULL */
    struct listener *listeners;
    struct worker **workers;
    unsigned workers_length;
    struct peers *peers;
    struct admin *admin;
    struct event *signals[ARRAY_LENGTH(handled)];
    struct event *drain, *watchdog;
    struct loopprobe *loopprobe;
    bool draining;
    char told[STATUS_ROOM]; /* to systemd last */
};

/* ---- words ---- */

/* Before there is a log, and for --check: one line each, for a person. */
static void print_errors(const struct error_list *errors)
{
    char line[LINE_ROOM];

    for (size_t i = 0; i < errors->length; i++)
        fprintf(stderr, "pldnsd: %s\n", error_format(&errors->items[i], line, sizeof line));
    if (errors->length < errors->errors + errors->warnings)
        fprintf(stderr, "pldnsd: and %zu more\n",
                errors->errors + errors->warnings - errors->length);
}

static void log_warnings(const struct error_list *errors)
{
    char line[LINE_ROOM], quoted[LINE_ROOM];

    for (size_t i = 0; i < errors->length; i++) {
        if (errors->items[i].warning)
            log_warning("configuration", "what=%s",
                        log_quote(error_format(&errors->items[i], line, sizeof line), quoted,
                                  sizeof quoted));
    }
}

static uint64_t sum(const struct server *s, enum stats_counter counter)
{
    uint64_t all = 0;

    for (unsigned i = 0; i < s->workers_length; i++)
        all += stats_read(worker_stats(s->workers[i]), counter);
    return all;
}

static void log_status(const struct server *s)
{
    const struct reload_outcome *last = reload_last(s->service.reload);

    log_asked("status",
              "generation=%llu refused=%zu degraded=%s udp=%llu tcp=%llu owned=%llu cached=%llu "
              "forwarded=%llu servfail=%llu upstream_timeouts=%llu leaks=%llu uptime=%llu",
              (unsigned long long)last->generation, last->refused_now,
              last->degraded ? "yes" : "no", (unsigned long long)sum(s, STATS_UDP_QUERIES),
              (unsigned long long)sum(s, STATS_TCP_QUERIES),
              (unsigned long long)sum(s, STATS_OWNED), (unsigned long long)sum(s, STATS_CACHE_HITS),
              (unsigned long long)sum(s, STATS_FORWARDED),
              (unsigned long long)sum(s, STATS_RCODE_SERVFAIL),
              (unsigned long long)sum(s, STATS_UPSTREAM_TIMEOUTS),
              (unsigned long long)sum(s, STATS_LEAKS),
              (unsigned long long)(clock_ms() - s->service.started_ms) / 1000);
}

static void describe(const struct server *s, char status[STATUS_ROOM])
{
    const struct reload_outcome *last = reload_last(s->service.reload);
    size_t length;

    (void)reload_documents(s->service.reload, &length);
    snprintf(status, STATUS_ROOM, "Generation %llu, %zu documents, %zu refused%s",
             (unsigned long long)last->generation, length, last->refused_now,
             last->degraded ? ", degraded" : "");
}

static void tell_systemd(struct server *s)
{
    describe(s, s->told);
    systemd_ready(s->told);
}

/* The generation alone is no news unless somebody asked: it may change many times a second. */
static void tell_systemd_news(struct server *s, bool asked)
{
    char status[STATUS_ROOM];

    describe(s, status);
    if (s->draining || s->told[0] == '\0' ||
        strcmp(asked ? status : strchr(status, ','), asked ? s->told : strchr(s->told, ',')) == 0)
        return;
    memcpy(s->told, status, sizeof s->told);
    systemd_status(s->told);
}

/* ---- signals and timers ---- */

static void on_sighup_done(void *arg, const struct reload_outcome *outcome)
{
    (void)outcome;
    tell_systemd(arg);
}

static void on_reloaded(void *arg, const struct reload_outcome *outcome)
{
    struct server *s = arg;

    if (outcome->change.changed) {
        s->service.published_ms = clock_ms();
        atomic_store(&s->facts.published_ms, s->service.published_ms);
    }
    atomic_store(&s->facts.refused, outcome->refused_now);
    reach_update(s->service.reach, clock_ms());
    tell_systemd_news(s, outcome->asked);
    if (s->admin != NULL)
        admin_reloaded(s->admin);
}

static void on_drained(evutil_socket_t fd, short what, void *arg)
{
    struct server *s = arg;

    (void)fd;
    (void)what;
    event_base_loopbreak(s->base);
}

static void start_drain(struct server *s)
{
    uint64_t ms = s->config->drain_ms;
    struct timeval wait = {(time_t)(ms / 1000), (suseconds_t)(ms % 1000 * 1000)};

    if (s->draining) { /* asked twice: it is urgent */
        event_base_loopbreak(s->base);
        return;
    }
    s->draining = true;
    s->service.ready = false;
    systemd_stopping();
    log_info("stopping", "signal=SIGTERM now=\"not ready any more, answering for %llu ms\"",
             (unsigned long long)ms);
    evtimer_add(s->drain, &wait);
}

static void on_signal(evutil_socket_t signal, short what, void *arg)
{
    struct server *s = arg;

    (void)what;
    switch (signal) {
    case SIGHUP:
        log_info("signal", "signal=SIGHUP now=reload");
        systemd_reloading(clock_ns() / 1000);
        reload_request(s->service.reload, on_sighup_done, s);
        break;
    case SIGTERM:
        start_drain(s);
        break;
    case SIGINT:
        log_info("stopping", "signal=SIGINT now=\"at once\"");
        s->service.ready = false;
        event_base_loopbreak(s->base);
        break;
    default:
        log_status(s);
    }
}

static void on_watchdog(evutil_socket_t fd, short what, void *arg)
{
    (void)fd;
    (void)what;
    (void)arg;
    systemd_watchdog();
}

static void add_signals(struct server *s, size_t from, size_t to)
{
    for (size_t i = from; i < to; i++) {
        s->signals[i] = evsignal_new(s->base, handled[i], on_signal, s);
        evsignal_add(s->signals[i], NULL);
    }
}

/* A peer that went away, and a file that may not grow: write(2) tells of both. */
static void ignore_signals(void)
{
    (void)signal(SIGPIPE, SIG_IGN);
    (void)signal(SIGXFSZ, SIG_IGN);
}

static void add_events(struct server *s)
{
    uint64_t ms = systemd_watchdog_ms();

    add_signals(s, EARLY, ARRAY_LENGTH(handled));
    s->drain = evtimer_new(s->base, on_drained, s);
    if (ms > 0) {
        struct timeval every = {(time_t)(ms / 1000), (suseconds_t)(ms % 1000 * 1000)};
        s->watchdog = event_new(s->base, -1, EV_PERSIST, on_watchdog, s);
        event_add(s->watchdog, &every);
    }
}

/* ---- start ---- */

/* Whom to believe who an upstream is; needed as soon as one speaks TLS. */
static bool open_trust(struct config *config, struct error_list *errors)
{
    bool wanted = config->forward.tls_cert_bundle[0] != '\0';
    char why[TRUST_WHY];

    for (size_t i = 0; i < config->forward.upstreams.length; i++)
        wanted |= config->forward.upstreams.items[i].transport == CONFIG_TLS;
    for (size_t i = 0; i < config->forward.routes_length; i++) {
        const struct config_upstreams *list = &config->forward.routes[i].upstreams;
        for (size_t j = 0; j < list->length; j++)
            wanted |= list->items[j].transport == CONFIG_TLS;
    }
    if (!wanted)
        return true;
    config->forward.trust = tls_trust_new(config->forward.tls_cert_bundle, why, sizeof why);
    if (config->forward.trust == NULL)
        error_add(errors, config->forward.tls_cert_bundle, 0, 0, "forward.tlsCertBundle: %s", why);
    return config->forward.trust != NULL;
}

/* resolv.conf has changed. */
static void on_nameservers(void *arg, const struct config_upstreams *upstreams)
{
    struct server *s = arg;

    for (unsigned i = 0; i < s->workers_length; i++)
        worker_set_upstreams(s->workers[i], upstreams);
    reach_upstreams_changed(s->service.reach, clock_ms());
    loopprobe_set(s->loopprobe, upstreams);
}

/* Each worker's share. */
static struct descriptors_share share_descriptors(const struct config *config)
{
    unsigned free = descriptors_count();
    struct descriptors_share share = descriptors_divide(free, config->workers);

    if ((uint64_t)share.clients * config->workers < config->limits.tcp_connections)
        log_warning("few descriptors",
                    "free=%u tcp_connections=%u wanted=%u "
                    "action=\"raise the limit (ulimit -Hn, LimitNOFILE=) or lower "
                    "limits.tcpConnections\"",
                    free, share.clients * config->workers, config->limits.tcp_connections);
    return share;
}

static bool start_all(struct server *s, struct error_list *errors)
{
    size_t each = s->config->listen_length;
    struct descriptors_share descriptors = share_descriptors(s->config);

    s->service.reach = reach_new(s->base, s->config, s->service.upstreams, s->service.reload,
                                 descriptors.endpoints);
    s->workers = alloc_array(s->config->workers, sizeof(struct worker *));
    /* A newcomer counts before another makes room for it, and each worker takes at least one. */
    s->peers =
        peers_new(&s->key, (size_t)s->config->limits.tcp_connections + 2 * s->config->workers);
    for (unsigned i = 0; i < s->config->workers; i++) {
        struct worker_options options = {
            .index = i,
            .config = s->config,
            .table = reload_table(s->service.reload),
            .listeners = s->listeners + i * each,
            .upstreams = s->service.upstreams,
            .key = s->key,
            .cache_bytes = (size_t)(s->config->cache.bytes / s->config->workers),
            .facts = &s->facts,
            .descriptors = descriptors,
            .peers = s->peers,
        };
        struct worker *worker = worker_start(&options, errors);
        if (worker == NULL)
            return false;
        s->workers[s->workers_length++] = worker;
        s->service.workers = s->workers;
        s->service.workers_length = s->workers_length;
    }
    return true;
}

/* What is large of a worker is in pages of its own, which come when they are touched first: what
 * calloc() takes from the heap it has to clear, and most of that is needed later or never. */
static bool start_workers(struct server *s, struct error_list *errors)
{
    (void)mallopt(M_MMAP_THRESHOLD, WORKER_MAPPING_FROM);
    bool started = start_all(s, errors);
    (void)mallopt(M_MMAP_THRESHOLD, BUILDER_MAPPING_FROM);
    return started;
}

static struct listener *open_listeners(struct server *s, struct error_list *errors)
{
    struct listener *passed = s->passed;

    if (passed == NULL)
        return listener_bind(s->config, s->config->workers, errors);
    s->passed = NULL;
    return listener_share(passed, s->config->listen_length, s->config->workers, errors);
}

/* Everything that can be refused comes before the first answer. */
static bool start(struct server *s, const struct config_flags *flags, char *const *environment,
                  struct error_list *errors)
{
    struct random random = {0};
    uint64_t nonce;

    s->service.started_ms = clock_ms();
    ignore_signals();
    s->base = event_base_new();
    add_signals(s, 0, EARLY);
    s->config = config_read(flags, environment, errors);
    if (s->config == NULL)
        return false;
    log_setup(s->config->log.level, s->config->log.format);
    if (!activation_take(s->config, &s->passed, errors) || !open_trust(s->config, errors))
        return false;
    random_bytes(&random, &s->key, sizeof s->key);
    descriptors_raise();
    s->nameservers = nameservers_new(s->config, errors);
    s->service.upstreams = nameservers_list(s->nameservers);
    random_bytes(&random, &nonce, sizeof nonce);
    s->config->forward.loop = loop_new(nonce);
    log_warnings(errors);
    error_clear(errors);
    s->service.config = s->config;
    s->service.reload = reload_new(s->base, s->config, s->key, RELOAD_QUIET_MS, errors);
    if (s->service.reload == NULL)
        return false;
    reload_listen(s->service.reload, on_reloaded, s);
    s->service.published_ms = clock_ms();
    atomic_store(&s->facts.published_ms, s->service.published_ms);
    atomic_store(&s->facts.refused, reload_last(s->service.reload)->refused_now);
    s->listeners = open_listeners(s, errors);
    if (s->listeners == NULL)
        return false;
    s->admin = admin_new(s->base, &s->service, errors);
    if (s->admin == NULL)
        return false;
    add_events(s);
    if (!descriptors_suffice(s->config->workers, errors) || !start_workers(s, errors) ||
        !descriptors_suffice(0, errors))
        return false;
    reach_update(s->service.reach, clock_ms());
    s->loopprobe = loopprobe_new(s->base, s->config);
    loopprobe_set(s->loopprobe, s->service.upstreams);
    nameservers_watch(s->nameservers, s->base, on_nameservers, s);
    return true;
}

/* ---- stop ---- */

static void stop(struct server *s, bool served)
{
    worker_stop(s->workers, s->workers_length);
    s->workers_length = s->service.workers_length = 0;
    free(s->workers);
    peers_free(s->peers);
    if (s->watchdog != NULL)
        event_free(s->watchdog);
    if (s->drain != NULL)
        event_free(s->drain);
    for (size_t i = 0; i < ARRAY_LENGTH(handled); i++) {
        if (s->signals[i] != NULL)
            event_free(s->signals[i]);
    }
    admin_free(s->admin);
    listener_close(s->passed, s->config == NULL ? 0 : s->config->listen_length);
    if (s->listeners != NULL)
        listener_close(s->listeners, s->config->workers * s->config->listen_length);
    loopprobe_free(s->loopprobe);
    reach_free(s->service.reach);
    if (served && !reload_end(s->service.reload)) {
        log_info("stopped", "exit=0 now=\"the table being built is left\"");
        _exit(SERVER_FINE);
    }
    reload_free(s->service.reload);
    nameservers_free(s->nameservers);
    if (s->base != NULL)
        event_base_free(s->base);
    if (s->config != NULL) {
        tls_trust_free(s->config->forward.trust);
        loop_free(s->config->forward.loop);
    }
    config_free(s->config);
}

static void serve(struct server *s)
{
    char text[LINE_ROOM] = "", one[128];
    size_t used = 0;

    for (size_t i = 0; i < s->config->listen_length && used < sizeof text; i++)
        used += (size_t)snprintf(text + used, sizeof text - used, "%s%s", i == 0 ? "" : ",",
                                 config_address_text(&s->config->listen[i].any, one, sizeof one));
    s->service.ready = true;
    log_info("ready", "version=" PLDNS_VERSION " listen=%s workers=%u upstreams=%zu ms=%llu", text,
             s->config->workers, s->service.upstreams->length,
             (unsigned long long)(clock_ms() - s->service.started_ms));
    tell_systemd(s);
    event_base_dispatch(s->base);
    if (log_wants(LOG_LEVEL_INFO))
        log_status(s);
}

enum server_exit server_run(const struct config_flags *flags, char *const *environment)
{
    struct server server = {0};
    struct error_list errors = {0};

    publish_thread_enter(); /* admin pages look at the table */
    bool started = start(&server, flags, environment, &errors);
    if (started)
        serve(&server);
    else
        print_errors(&errors);
    error_clear(&errors);
    stop(&server, started);
    publish_thread_leave();
    if (started)
        log_info("stopped", "exit=0");
    return started ? SERVER_FINE : SERVER_REFUSED;
}

enum server_exit server_check(const struct config_flags *flags, char *const *environment)
{
    struct error_list errors = {0};
    struct config *config = config_read(flags, environment, &errors);
    size_t before = errors.errors;

    if (config != NULL && open_trust(config, &errors))
        dryrun(config, &errors);
    bool fine = config != NULL && errors.errors == before;
    print_errors(&errors);
    if (fine && (puts("pldnsd: the configuration and the documents are right") < 0 ||
                 fflush(stdout) != 0)) {
        perror("pldnsd: standard output");
        fine = false;
    }
    error_clear(&errors);
    if (config != NULL)
        tls_trust_free(config->forward.trust);
    config_free(config);
    return fine ? SERVER_FINE : SERVER_REFUSED;
}
