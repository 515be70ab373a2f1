#include "stats.h"

#include <assert.h>

static const struct {
    const char *name, *help;
} counters[STATS_COUNT] = {
    [STATS_UDP_QUERIES] = {"udp_queries", "Messages received over UDP"},
    [STATS_TCP_QUERIES] = {"tcp_queries", "Messages received over TCP"},
    [STATS_TCP_CONNECTIONS] = {"tcp_connections", "TCP connections accepted"},
    [STATS_TCP_REFUSED] = {"tcp_connections_refused", "TCP connections closed because of a limit"},
    [STATS_DROPPED_RUNT] = {"dropped_runts", "Messages dropped: fewer than 12 octets"},
    [STATS_DROPPED_RESPONSE] = {"dropped_responses", "Messages dropped: responses, not queries"},
    [STATS_DROPPED_SELF] = {"dropped_self",
                            "Messages dropped: from our own address or from port 0"},
    [STATS_DROPPED_CLIENT] = {"dropped_clients", "Queries of clients not allowed, dropped"},
    [STATS_REFUSED_CLIENT] = {"refused_clients", "Queries of clients not allowed, refused"},
    [STATS_FORMERR] = {"formerr", "Queries answered FORMERR"},
    [STATS_NOTIMP] = {"notimp", "Queries answered NOTIMP"},
    [STATS_BADVERS] = {"badvers", "Queries answered BADVERS"},
    [STATS_OWNED] = {"owned_queries", "Queries answered from the attachment table"},
    [STATS_OWNED_NOT_READY] = {"owned_not_ready",
                               "Owned names answered SERVFAIL: connection or endpoint not ready"},
    [STATS_OWNED_NXDOMAIN] = {"owned_nxdomain", "Owned names answered NXDOMAIN"},
    [STATS_OWNED_REGIONAL] = {"owned_regional",
                              "Owned names of a zone without endpoint given all addresses"},
    [STATS_PLACEHOLDER] = {"placeholder_queries",
                           "Queries with the label unique_name: a placeholder never replaced"},
    [STATS_DETACHED] = {"detached_queries", "Queries for names detached a short while ago"},
    [STATS_FENCED] = {"fenced_queries", "Queries below a fence and not attached"},
    [STATS_SEARCH_ABSORBED] = {"search_absorbed",
                               "Owned names followed by a search suffix, answered NXDOMAIN"},
    [STATS_SPECIAL] = {"special_queries", "Queries for localhost and other special names"},
    [STATS_CHAOS] = {"chaos_queries", "Queries of class CHAOS"},
    [STATS_CHAINS] = {"chains_cut", "Upstream answers cut where a CNAME leads into an owned name"},
    [STATS_CACHE_HITS] = {"cache_hits", "Queries answered from the cache"},
    [STATS_CACHE_MISSES] = {"cache_misses", "Queries not found in the cache"},
    [STATS_CACHE_STALE] = {"cache_stale", "Queries answered with stale data"},
    [STATS_CACHE_EVICTED] = {"cache_evicted", "Cache entries dropped for want of room"},
    [STATS_FORWARDED] = {"forwarded_queries", "Queries given to the upstreams' side"},
    [STATS_MERGED] = {"merged_queries", "Forwarded queries that joined one in flight"},
    [STATS_OVERLOADED] = {"overloaded_queries", "Queries over limits.inFlight: SERVFAIL or stale"},
    [STATS_UPSTREAM_QUERIES] = {"upstream_queries", "Messages sent to upstreams"},
    [STATS_UPSTREAM_REPLIES] = {"upstream_replies", "Replies of upstreams accepted"},
    [STATS_UPSTREAM_BAD] = {"upstream_bad_replies",
                            "Upstream replies thrown away: wrong id, question or form"},
    [STATS_UPSTREAM_TIMEOUTS] = {"upstream_timeouts",
                                 "Messages to upstreams that no reply came to in time"},
    [STATS_UPSTREAM_TCP] = {"upstream_tcp", "Questions asked again over TCP"},
    [STATS_LEAKS] = {"leaks_stopped",
                     "Owned names stopped on their way to an upstream; anything but 0 is a bug"},
    [STATS_TRUNCATED] = {"truncated_replies", "Replies sent with TC set"},
    [STATS_RCODE_NOERROR] = {"replies_noerror", "Replies with rcode NOERROR"},
    [STATS_RCODE_NXDOMAIN] = {"replies_nxdomain", "Replies with rcode NXDOMAIN"},
    [STATS_RCODE_SERVFAIL] = {"replies_servfail", "Replies with rcode SERVFAIL"},
    [STATS_RCODE_REFUSED] = {"replies_refused", "Replies with rcode REFUSED"},
    [STATS_RCODE_OTHER] = {"replies_other", "Replies with any other rcode"},
};

uint64_t stats_read(const struct stats *stats, enum stats_counter counter)
{
    return atomic_load_explicit(&stats->value[counter], memory_order_relaxed);
}

const char *stats_name(enum stats_counter counter)
{
    assert(counter < STATS_COUNT);
    return counters[counter].name;
}

const char *stats_help(enum stats_counter counter)
{
    assert(counter < STATS_COUNT);
    return counters[counter].help;
}
