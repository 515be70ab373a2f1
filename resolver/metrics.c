#include "metrics.h"

#include <arpa/inet.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "alloc.h"
#include "build.h"
#include "upstreamsum.h"

static void put_head(FILE *out, const char *name, const char *type, const char *help)
{
    fprintf(out, "# HELP pldns_%s %s\n# TYPE pldns_%s %s\n", name, help, name, type);
}

static void put_gauge(FILE *out, const char *name, const char *help, uint64_t value)
{
    put_head(out, name, "gauge", help);
    fprintf(out, "pldns_%s %" PRIu64 "\n", name, value);
}

static void put_counters(FILE *out, const struct service *service)
{
    for (enum stats_counter c = 0; c < STATS_COUNT; c++) {
        char name[80];
        uint64_t sum = 0;
        for (unsigned i = 0; i < service->workers_length; i++)
            sum += stats_read(worker_stats(service->workers[i]), c);
        snprintf(name, sizeof name, "%s_total", stats_name(c));
        put_head(out, name, "counter", stats_help(c));
        fprintf(out, "pldns_%s %" PRIu64 "\n", name, sum);
    }
}

static void put_workers(FILE *out, const struct service *service)
{
    struct worker_gauges sum = {0}, one;

    for (unsigned i = 0; i < service->workers_length; i++) {
        worker_gauges(service->workers[i], &one);
        sum.cache_bytes += one.cache_bytes;
        sum.cache_entries += one.cache_entries;
        sum.in_flight += one.in_flight;
        sum.tcp_connections += one.tcp_connections;
    }
    put_gauge(out, "workers", "Threads that answer", service->workers_length);
    put_gauge(out, "cache_bytes", "Memory of the cache, bookkeeping included", sum.cache_bytes);
    put_gauge(out, "cache_entries", "Answers in the cache", sum.cache_entries);
    put_gauge(out, "in_flight", "Questions waiting for upstreams", sum.in_flight);
    put_gauge(out, "tcp_open", "TCP connections of clients now open", sum.tcp_connections);
}

/* One line for each view of the configuration, and none for clients in no view. */
static void put_view_gauge(FILE *out, const struct tableset *set, const char *name,
                           const char *help, size_t (*of)(const struct table *))
{
    put_head(out, name, "gauge", help);
    for (unsigned view = VIEW_NONE + 1; view < set->length; view++)
        fprintf(out, "pldns_%s{view=\"%s\"} %zu\n", name, view_name(set->views, view),
                of(tableset_table(set, view)));
}

static void put_views(FILE *out, const struct tableset *set)
{
    if (set->views == NULL)
        return;
    put_view_gauge(out, set, "view_connections", "Private link connections that the view sees",
                   table_connections);
    put_view_gauge(out, set, "view_names", "Owner names that the view sees", table_names);
}

static void put_table(FILE *out, const struct service *service)
{
    const struct reload_outcome *last = reload_last(service->reload);
    const struct tableset *set = publish_get(reload_table(service->reload));

    put_gauge(out, "generation", "Number of the table that is served", tableset_generation(set));
    put_gauge(out, "documents", "Documents in the table", set->documents);
    put_gauge(out, "documents_refused", "Documents whose newest version is not served",
              last->refused_now);
    put_gauge(out, "connections", "Private link connections in the table",
              tableset_connections(set));
    put_gauge(out, "names", "Owner names in the table", tableset_names(set));
    put_gauge(out, "table_bytes", "Memory of the table", tableset_bytes(set));
    put_views(out, set);
    put_gauge(out, "degraded", "1 while the attachments directory cannot be read",
              last->degraded ? 1 : 0);
    put_gauge(out, "state_trouble", "1 while accepted documents cannot be kept",
              last->state_trouble[0] != '\0' ? 1 : 0);
}

/* The text of a label's value. */
static void put_escaped(FILE *out, const char *text)
{
    for (; *text != '\0'; text++) {
        if (*text == '"' || *text == '\\')
            fputc('\\', out);
        fputc(*text == '\n' ? ' ' : *text, out);
    }
}

static void put_upstream(FILE *out, const char *name, const struct upstream_state *u)
{
    fprintf(out, "pldns_%s{upstream=\"", name);
    put_escaped(out, u->text);
    fputs("\"} ", out);
}

static void put_upstreams(FILE *out, const struct service *service)
{
    static const struct {
        const char *name, *help;
        size_t at;
    } sums[] = {
        {"upstream_asked_total", "Messages sent to the upstream",
         offsetof(struct upstream_state, queries)},
        {"upstream_answered_total", "Of them: a reply came",
         offsetof(struct upstream_state, replies)},
        {"upstream_unanswered_total",
         "Of them: none came in time, nobody listened, or the connection ended",
         offsetof(struct upstream_state, unanswered)},
    };
    struct upstream_state *all;
    size_t length = upstreamsum_read(service->workers, service->workers_length, &all);

    put_head(out, "upstream_up", "gauge", "0 while the upstream leaves questions unanswered");
    for (size_t i = 0; i < length; i++) {
        put_upstream(out, "upstream_up", &all[i]);
        fprintf(out, "%d\n", all[i].doubted ? 0 : 1);
    }
    put_head(out, "upstream_rtt_seconds", "gauge", "Smoothed round trip time");
    for (size_t i = 0; i < length; i++) {
        if (!all[i].measured)
            continue;
        put_upstream(out, "upstream_rtt_seconds", &all[i]);
        fprintf(out, "%.6f\n", (double)all[i].round_trip_us / 1e6);
    }
    for (size_t s = 0; s < ARRAY_LENGTH(sums); s++) {
        put_head(out, sums[s].name, "counter", sums[s].help);
        for (size_t i = 0; i < length; i++) {
            put_upstream(out, sums[s].name, &all[i]);
            fprintf(out, "%" PRIu64 "\n",
                    *(const uint64_t *)(const void *)((const char *)&all[i] + sums[s].at));
        }
    }
    free(all);
}

static void put_counter(FILE *out, const char *name, const char *help, uint64_t value)
{
    put_head(out, name, "counter", help);
    fprintf(out, "pldns_%s %" PRIu64 "\n", name, value);
}

/* One series for each address or name, so many at most, for who scrapes has limits, too; those with
 * trouble come first. */
#define SERIES_MAX 1000

struct series {
    FILE *out;
    size_t length;
    bool troubled; /* which ones are written now */
};

static void put_check(void *arg, const struct prober_status *check)
{
    struct series *series = arg;
    const struct connection_address *address = &check->key->address;
    char text[INET6_ADDRSTRLEN] = "?";

    if (check->healthy == series->troubled || series->length++ >= SERIES_MAX)
        return;
    inet_ntop(address->v6 ? AF_INET6 : AF_INET, address->bytes, text, sizeof text);
    fprintf(
        series->out,
        "pldns_endpoint_healthy{address=\"%s\",port=\"%u\",interval_ms=\"%u\",timeout_ms=\"%u\","
        "rise=\"%u\",fall=\"%u\"} %d\n",
        text, check->key->check.port, check->key->check.interval_ms, check->key->check.timeout_ms,
        check->key->check.rise, check->key->check.fall, check->healthy ? 1 : 0);
}

/* A name as a document may have it holds nothing that would have to be escaped here. */
static void put_target(void *arg, const struct refresh_status *target)
{
    struct series *series = arg;
    char name[DNAME_TEXT_MAX];
    bool troubled = !target->resolved || target->trouble[0] != '\0';

    if (troubled != series->troubled || series->length++ >= SERIES_MAX)
        return;
    fprintf(series->out, "pldns_target_addresses{name=\"%s\"} %u\n",
            dname_to_text(target->name, name), target->length);
}

static void put_endpoints(FILE *out, const struct service *service)
{
    const struct refresh *refresh = reach_refresh(service->reach);
    const struct prober *prober = reach_prober(service->reach);
    struct refresh_totals names = refresh_totals(refresh);
    struct prober_totals checks = prober_totals(prober);
    struct series targets = {.out = out, .troubled = true};
    struct series addresses = {.out = out, .troubled = true};

    put_gauge(out, "targets", "Names of endpoints that are resolved", names.names);
    put_gauge(out, "targets_stale", "Names whose last good addresses are kept for want of new ones",
              names.stale);
    put_gauge(out, "targets_unresolved", "Names that have had no address yet", names.unresolved);
    put_counter(out, "target_refreshes_total", "Names asked for", names.rounds);
    put_counter(out, "target_failures_total", "Of them: without a good answer", names.failures);
    put_counter(out, "target_loops_total", "Of them: answers that lead into owned names",
                names.loops);
    put_head(out, "target_addresses", "gauge", "Addresses that are known of a name");
    refresh_each(refresh, put_target, &targets);
    targets.troubled = false;
    refresh_each(refresh, put_target, &targets);
    put_gauge(out, "endpoints_checked", "Addresses that are tried", checks.addresses);
    put_gauge(out, "endpoints_unhealthy", "Of them: do not answer", checks.unhealthy);
    put_counter(out, "health_checks_total", "Tries", checks.tries);
    put_counter(out, "health_check_failures_total", "Of them: failed", checks.failures);
    put_head(out, "endpoint_healthy", "gauge", "0 while the address does not answer");
    prober_each(prober, put_check, &addresses);
    addresses.troubled = false;
    prober_each(prober, put_check, &addresses);
}

char *metrics_text(const struct service *service, uint64_t now)
{
    char *text = NULL;
    size_t size;
    FILE *out = open_memstream(&text, &size);

    if (out == NULL)
        return alloc_string("");
    put_head(out, "build_info", "gauge", "Always 1, the version is in the label");
    fprintf(out, "pldns_build_info{version=\"%s\"} 1\n", PLDNS_VERSION);
    put_gauge(out, "ready", "1 while queries are answered and the daemon is not about to end",
              service->ready ? 1 : 0);
    put_head(out, "uptime_seconds", "gauge", "Since the start");
    fprintf(out, "pldns_uptime_seconds %.3f\n", (double)(now - service->started_ms) / 1000);
    put_table(out, service);
    put_workers(out, service);
    put_endpoints(out, service);
    put_upstreams(out, service);
    put_counters(out, service);
    if (fclose(out) != 0 || text == NULL) {
        free(text);
        return alloc_string("");
    }
    return text;
}
