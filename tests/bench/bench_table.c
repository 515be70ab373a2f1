/* The table by itself: time to build, bytes per attachment, time per look-up.
 *
 *   bench_table [ATTACHMENTS...]      default: 1000 100000 1000000
 *
 * An attachment is a connection of its own with one typed domain and three IPv4: of one endpoint
 * without a zone, then of one endpoint in each of three zones, which makes four names of it.  Names
 * asked for have a random first label under a random attachment (with zones, half of them under one
 * of these), or belong to nobody. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "alloc.h"
#include "dname.h"
#include "table.h"

#define SUFFIX     "\3aws\3plc\11tidbcloud\3com"
#define UNIQUE     26
#define ROOT_SIZE  (1 + UNIQUE + sizeof(SUFFIX))
#define ID_SIZE    16
#define ZONES      3
#define ZONE_SIZE  9 /* of the label "use1-az1" */
#define QUERY_SIZE 72
#define QUERIES    65536 /* different ones: far more than a cache near the processor remembers */
#define ROUNDS     20    /* the best counts: others want the processor too */

static uint64_t state = UINT64_C(0x9e3779b97f4a7c15);

static unsigned chance(unsigned limit)
{
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return (unsigned)(state >> 32) % limit;
}

static double now(void)
{
    struct timespec t;

    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

static void random_label(uint8_t *out, unsigned length)
{
    *out++ = (uint8_t)length;
    for (unsigned i = 0; i < length; i++) {
        out[i] = (uint8_t) "abcdefghijklmnopqrstuvwxyz234567"[chance(32)];
    }
}

struct data {
    struct document document;
    struct connection *connections;
    struct connection_endpoint (*endpoints)[ZONES];
    struct connection_domain *domains;
    struct connection_address (*addresses)[3];
    uint8_t (*roots)[ROOT_SIZE];
    char (*ids)[ID_SIZE];
};

static const char *const zones[ZONES] = {"use1-az1", "use1-az2", "use1-az3"};

static void make(struct data *data, size_t length, bool zonal)
{
    unsigned endpoints = zonal ? ZONES : 1;

    data->connections = alloc_array(length, sizeof(*data->connections));
    data->endpoints = alloc_array(length, sizeof(*data->endpoints));
    data->domains = alloc_array(length, sizeof(*data->domains));
    data->addresses = alloc_array(length, sizeof(*data->addresses));
    data->roots = alloc_array(length, sizeof(*data->roots));
    data->ids = alloc_array(length, sizeof(*data->ids));
    for (size_t i = 0; i < length; i++) {
        random_label(data->roots[i], UNIQUE);
        memcpy(data->roots[i] + 1 + UNIQUE, SUFFIX, sizeof(SUFFIX));
        snprintf(data->ids[i], ID_SIZE, "plc-%08x", (unsigned)i);
        for (unsigned a = 0; a < 3; a++) {
            for (unsigned o = 0; o < 4; o++) {
                data->addresses[i][a].bytes[o] = (uint8_t)chance(256);
            }
        }
        for (unsigned e = 0; e < endpoints; e++) {
            data->endpoints[i][e] = (struct connection_endpoint){
                .zone = zonal ? zones[e] : "",
                .dns_name = "",
                .state_word = "",
                .message = "",
                .addresses = data->addresses[i] + e,
                .length = ZONES / endpoints,
            };
        }
        data->domains[i] = (struct connection_domain){
            .id = "",
            .unique_name = "",
            .state_word = "",
            .message = "",
            .root = data->roots[i],
            .line = (unsigned)i * 10,
        };
        data->connections[i] = (struct connection){
            .id = data->ids[i],
            .cluster_id = "10812345678901234567",
            .display_name = "",
            .state_word = "ACTIVE",
            .message = "",
            .endpoints = data->endpoints[i],
            .endpoints_length = endpoints,
            .domains = &data->domains[i],
            .domains_length = 1,
            .ttl = 60,
        };
    }
    data->document =
        (struct document){.name = "bench.yaml", .connections = data->connections, .length = length};
}

static void destroy(struct data *data)
{
    free(data->connections);
    free(data->endpoints);
    free(data->domains);
    free(data->addresses);
    free(data->roots);
    free(data->ids);
}

static double time_lookups(const struct table *table, uint8_t (*queries)[QUERY_SIZE],
                           enum table_outcome expected)
{
    struct table_match match;
    size_t wrong = 0;
    double best = 1e9;

    for (unsigned round = 0; round < ROUNDS; round++) {
        double start = now();
        for (size_t i = 0; i < QUERIES; i++) {
            table_find(table, queries[i], &match);
            wrong += match.outcome != expected;
        }
        double took = now() - start;
        best = took < best ? took : best;
    }
    if (wrong != 0) {
        printf("%zu look-ups went wrong\n", wrong);
        exit(1);
    }
    return best * 1e9 / QUERIES;
}

static void bench(size_t length, bool zonal)
{
    static uint8_t attached[QUERIES][QUERY_SIZE], foreign[QUERIES][QUERY_SIZE];
    struct data data;
    struct table_options options = {.key = {chance(1u << 31), chance(1u << 31)}, .zone = ""};
    struct document *documents[] = {&data.document};

    make(&data, length, zonal);
    double start = now();
    struct table *table = table_build(&options, documents, 1);
    double built = now() - start;
    for (size_t i = 0; i < QUERIES; i++) {
        uint8_t *at = attached[i];
        random_label(at, 10);
        at += 11;
        if (zonal && i % 2 == 0) {
            *at = ZONE_SIZE - 1;
            memcpy(at + 1, zones[chance(ZONES)], ZONE_SIZE - 1);
            at += ZONE_SIZE;
        }
        memcpy(at, data.roots[chance((unsigned)length)], ROOT_SIZE);
        random_label(foreign[i], 10);
        random_label(foreign[i] + 11, 12);
        memcpy(foreign[i] + 24, "\7example\3org", 13);
    }
    destroy(&data);
    printf("%8zu attachments, %s: built in %7.1f ms, %6.1f bytes each, look-up %5.1f ns attached, "
           "%5.1f ns foreign\n",
           length, zonal ? "3 zones " : "no zones", built * 1e3,
           (double)table_bytes(table) / (double)length, time_lookups(table, attached, TABLE_ANSWER),
           time_lookups(table, foreign, TABLE_NOT_OWNED));
    table_free(table);
}

int main(int argc, char **argv)
{
    static const size_t usual[] = {1000, 100000, 1000000};

    for (int i = 1; i < argc; i++) {
        size_t length = strtoul(argv[i], NULL, 10);
        if (length == 0 || length > 10000000) {
            fprintf(stderr, "usage: bench_table [ATTACHMENTS...]\n");
            return 2;
        }
        bench(length, false);
        bench(length, true);
    }
    for (size_t i = 0; argc < 2 && i < ARRAY_LENGTH(usual); i++) {
        bench(usual[i], false);
        bench(usual[i], true);
    }
    return 0;
}
