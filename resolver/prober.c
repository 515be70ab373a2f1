#include "prober.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

#include "alloc.h"
#include "expiry.h"
#include "log.h"

/* What could not even be tried is tried again after this long. */
#define HINDERED_MS 1000

struct probe {
    struct expiry_item item; /* in 'running' while there is a socket, else in 'waiting' */
    struct prober *prober;
    struct health_key key;
    struct network_socket *socket;
    uint64_t started;
    bool healthy, tried;
    uint64_t since_ms;
    unsigned opposite;
    const char *last;
};

struct prober {
    struct network *network;
    unsigned at_once;
    prober_changed_fn *changed;
    void *arg;
    struct network_timer *timer;
    struct probe **probes; /* by key */
    size_t length;
    struct expiry waiting, running; /* by their next start, by their time limit */
    uint64_t tries, failures;
    struct log_limit log_limit;
};

static void start_due(struct prober *p, uint64_t now);

/* ---- what follows ---- */

static void log_probe(struct probe *probe, uint64_t now)
{
    const struct connection_address *address = &probe->key.address;
    char text[INET6_ADDRSTRLEN] = "?";
    uint64_t suppressed;

    if (!log_allowed(&probe->prober->log_limit, now, &suppressed))
        return;
    inet_ntop(address->v6 ? AF_INET6 : AF_INET, address->bytes, text, sizeof text);
    if (probe->healthy)
        log_info("endpoint healthy",
                 "address=%s port=%u successes=%u now=\"answered with again\" suppressed=%llu",
                 text, probe->key.check.port, probe->key.check.rise,
                 (unsigned long long)suppressed);
    else
        log_warning("endpoint unhealthy",
                    "address=%s port=%u why=%s failures=%u now=\"left out of answers while enough "
                    "others are left\" suppressed=%llu",
                    text, probe->key.check.port, probe->last, probe->key.check.fall,
                    (unsigned long long)suppressed);
}

static void judge(struct probe *probe, bool success, const char *what, uint64_t now)
{
    struct prober *p = probe->prober;

    p->tries++;
    p->failures += !success;
    probe->tried = true;
    probe->last = what;
    if (success == probe->healthy) {
        probe->opposite = 0;
        return;
    }
    probe->opposite++;
    if (probe->opposite < (success ? probe->key.check.rise : probe->key.check.fall))
        return;
    probe->healthy = success;
    probe->since_ms = now;
    probe->opposite = 0;
    log_probe(probe, now);
    p->changed(p->arg, now);
}

/* ---- tries ---- */

/* Between 80 and 95 percent, so that what is promised holds with time to build a table. */
static uint64_t jitter(struct prober *p, uint64_t ms)
{
    uint16_t dice;

    p->network->random(p->network, &dice, sizeof dice);
    return ms * 80 / 100 + (ms * 15 / 100 * dice >> 16);
}

static void wait_until(struct probe *probe, uint64_t when)
{
    expiry_add(&probe->prober->waiting, &probe->item, when);
}

static void end_try(struct probe *probe, bool success, const char *what, uint64_t now)
{
    struct prober *p = probe->prober;
    uint64_t next = probe->started + jitter(p, probe->key.check.interval_ms);

    expiry_remove(&p->running, &probe->item);
    p->network->close(probe->socket);
    probe->socket = NULL;
    wait_until(probe, next > now ? next : now);
    judge(probe, success, what, now);
}

static void on_socket(void *arg, enum network_event event, const uint8_t *data, size_t size,
                      uint64_t now)
{
    struct probe *probe = arg;
    struct prober *p = probe->prober;

    (void)data;
    (void)size;
    if (event == NETWORK_CLOSED)
        end_try(probe, false, "refused", now);
    else
        end_try(probe, true, "connected", now);
    start_due(p, now);
}

/* Without an address of this host's own nothing can be reached; but for IPv4 the system says that
 * in another way (ENETUNREACH), and means by this that its ports are used up. */
static bool is_ours_to_blame(int error, bool v6)
{
    return error == EMFILE || error == ENFILE || error == ENOBUFS || error == ENOMEM ||
           error == EAGAIN || (error == EADDRNOTAVAIL && !v6);
}

static void start_try(struct probe *probe, uint64_t now)
{
    struct prober *p = probe->prober;
    const struct connection_address *address = &probe->key.address;
    union {
        struct sockaddr any;
        struct sockaddr_in v4;
        struct sockaddr_in6 v6;
    } to = {.any = {.sa_family = address->v6 ? AF_INET6 : AF_INET}};

    if (address->v6) {
        to.v6.sin6_port = htons(probe->key.check.port);
        memcpy(&to.v6.sin6_addr, address->bytes, sizeof to.v6.sin6_addr);
    } else {
        to.v4.sin_port = htons(probe->key.check.port);
        memcpy(&to.v4.sin_addr, address->bytes, sizeof to.v4.sin_addr);
    }
    probe->started = now;
    probe->socket = p->network->stream(p->network, &to.any, on_socket, probe);
    if (probe->socket != NULL) {
        expiry_add(&p->running, &probe->item, now + probe->key.check.timeout_ms);
    } else if (is_ours_to_blame(errno, address->v6)) {
        wait_until(probe, now + HINDERED_MS);
    } else {
        wait_until(probe, now + jitter(p, probe->key.check.interval_ms));
        judge(probe, false, "unreachable", now);
    }
}

static struct probe *probe_of(struct expiry_item *item)
{
    return (struct probe *)((char *)item - offsetof(struct probe, item));
}

/* Ends what has taken too long, starts what is due, and sets the timer for the next of either. */
static void start_due(struct prober *p, uint64_t now)
{
    uint64_t end = UINT64_MAX, start = UINT64_MAX;
    struct expiry_item *item;

    while ((item = expiry_first(&p->running, &end)) != NULL && end <= now)
        end_try(probe_of(item), false, "timeout", now);
    while (p->running.length < p->at_once && (item = expiry_first(&p->waiting, &start)) != NULL &&
           start <= now) {
        expiry_remove(&p->waiting, item);
        start_try(probe_of(item), now);
    }
    if (expiry_first(&p->running, &end) == NULL)
        end = UINT64_MAX;
    if (p->running.length >= p->at_once || expiry_first(&p->waiting, &start) == NULL)
        start = UINT64_MAX; /* the end of a try comes here again */
    uint64_t next = end < start ? end : start;
    if (next != UINT64_MAX)
        p->network->timer_set(p->timer, now, next > now ? next - now : 0);
    else
        p->network->timer_clear(p->timer);
}

static void on_timer(void *arg, uint64_t now)
{
    start_due(arg, now);
}

/* ---- life ---- */

struct prober *prober_new(struct network *network, unsigned at_once, prober_changed_fn *changed,
                          void *arg)
{
    struct prober *p = alloc_array(1, sizeof *p);

    p->network = network;
    p->at_once = at_once < PROBER_AT_ONCE ? at_once : PROBER_AT_ONCE;
    p->changed = changed;
    p->arg = arg;
    p->timer = network->timer(network, on_timer, p);
    return p;
}

static struct probe *probe_new(struct prober *p, const struct health_key *key, uint64_t now)
{
    struct probe *probe = alloc_array(1, sizeof *probe);
    uint64_t interval = key->check.interval_ms;

    *probe = (struct probe){.prober = p, .key = *key, .healthy = true, .last = ""};
    uint64_t within = interval < PROBER_FIRST_MS ? interval : PROBER_FIRST_MS;
    uint16_t dice;
    p->network->random(p->network, &dice, sizeof dice);
    wait_until(probe, now + (within * dice >> 16));
    return probe;
}

static void probe_free(struct probe *probe)
{
    struct prober *p = probe->prober;

    if (probe->socket != NULL) {
        expiry_remove(&p->running, &probe->item);
        p->network->close(probe->socket);
    } else {
        expiry_remove(&p->waiting, &probe->item);
    }
    free(probe);
}

void prober_free(struct prober *p)
{
    if (p == NULL)
        return;
    for (size_t i = 0; i < p->length; i++)
        probe_free(p->probes[i]);
    free(p->probes);
    expiry_clear(&p->waiting);
    expiry_clear(&p->running);
    p->network->timer_free(p->timer);
    free(p);
}

/* Frees the one at 'place'; true if it was unhealthy. */
static bool drop(struct prober *p, size_t place)
{
    bool unhealthy = !p->probes[place]->healthy;

    probe_free(p->probes[place]);
    return unhealthy;
}

bool prober_want(struct prober *p, const struct health_key *keys, size_t length, uint64_t now)
{
    size_t most = length < PROBER_MOST ? length : PROBER_MOST, old = 0;
    struct probe **probes = alloc_array(most, sizeof(struct probe *));
    bool changed = false;

    for (size_t i = 0; i < most; i++) {
        int order = 1;
        while (old < p->length && (order = health_compare(&p->probes[old]->key, &keys[i])) < 0)
            changed |= drop(p, old++);
        if (old < p->length && order == 0)
            probes[i] = p->probes[old++];
        else
            probes[i] = probe_new(p, &keys[i], now);
    }
    while (old < p->length)
        changed |= drop(p, old++);
    free(p->probes);
    p->probes = probes;
    p->length = most;
    p->network->timer_set(p->timer, now, 0);
    return changed;
}

/* ---- what is known ---- */

struct health *prober_health(const struct prober *p, uint64_t now, uint64_t wall)
{
    size_t length = 0;

    if (p == NULL || p->length == 0)
        return NULL;
    struct health_entry *entries = alloc_array(p->length, sizeof *entries);
    for (size_t i = 0; i < p->length; i++) {
        const struct probe *probe = p->probes[i];
        if (!probe->healthy)
            entries[length++] =
                (struct health_entry){probe->key, wall - (now - probe->since_ms) / 1000};
    }
    struct health *health = health_make(entries, length);
    free(entries);
    return health;
}

struct prober_totals prober_totals(const struct prober *p)
{
    struct prober_totals totals = {0};

    if (p == NULL)
        return totals;
    totals =
        (struct prober_totals){.addresses = p->length, .tries = p->tries, .failures = p->failures};
    for (size_t i = 0; i < p->length; i++)
        totals.unhealthy += !p->probes[i]->healthy;
    return totals;
}

void prober_each(const struct prober *p, prober_each_fn *each, void *arg)
{
    for (size_t i = 0; p != NULL && i < p->length; i++) {
        const struct probe *probe = p->probes[i];
        each(arg, &(struct prober_status){
                      .key = &probe->key,
                      .healthy = probe->healthy,
                      .tried = probe->tried,
                      .since_ms = probe->since_ms,
                      .opposite = probe->opposite,
                      .last = probe->last,
                  });
    }
}
