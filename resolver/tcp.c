#include "tcp.h"

#include <stdlib.h>
#include <unistd.h>

#include "acceptor.h"
#include "alloc.h"
#include "tcpconns.h"

struct tcp {
    const struct config *config;
    struct stats *stats;
    struct peers *peers;
    struct acceptor *acceptor;
    struct tcpconns *conns;
    size_t most;
};

/* The most idle connection makes room. */
static bool shed(void *arg)
{
    struct tcp *tcp = arg;

    stats_count(tcp->stats, STATS_TCP_REFUSED);
    return tcpconns_shed(tcp->conns);
}

static bool is_full(const struct tcp *tcp)
{
    return tcpconns_length(tcp->conns) == tcp->most ||
           peers_length(tcp->peers) > tcp->config->limits.tcp_connections;
}

/* True if less than half of each limit is used: then it does not matter that some of those who have
 * hung up still count. */
static bool is_ample(const struct tcp *tcp, unsigned has)
{
    const struct config *config = tcp->config;

    return has < config->limits.tcp_per_client / 2 &&
           peers_length(tcp->peers) < config->limits.tcp_connections / 2 &&
           tcpconns_length(tcp->conns) < tcp->most / 2;
}

/* Those who have hung up count no more when a limit is reached. */
static void take(void *arg, int fd, const union config_address *address, uint64_t now)
{
    struct tcp *tcp = arg;
    unsigned per_client = tcp->config->limits.tcp_per_client, has;
    struct peer *peer = peers_enter(tcp->peers, &address->any, per_client, &has);

    if (peer == NULL) {
        tcpconns_settle(tcp->conns, now);
        peer = peers_enter(tcp->peers, &address->any, per_client, &has);
    }
    if (peer == NULL) {
        stats_count(tcp->stats, STATS_TCP_REFUSED);
        close(fd);
        return;
    }
    bool ample = is_ample(tcp, has);
    if (!ample && is_full(tcp))
        tcpconns_settle(tcp->conns, now);
    if (!ample && is_full(tcp))
        (void)shed(tcp); /* where the other workers have them all, it is one more */
    tcpconns_open(tcp->conns, fd, &address->ip, peer, ample, now);
}

struct tcp *tcp_new(const struct tcp_options *options)
{
    struct tcp *tcp = alloc_array(1, sizeof *tcp);
    const struct config *config = options->config;

    tcp->config = config;
    tcp->stats = options->stats;
    tcp->peers = options->peers;
    tcp->most = config->limits.tcp_connections;
    if (tcp->most > options->most)
        tcp->most = options->most;
    tcp->conns = tcpconns_new(&(struct tcpconns_options){
        .base = options->base,
        .desk = options->desk,
        .config = config,
        .stats = options->stats,
        .peers = options->peers,
        .most = tcp->most,
    });
    tcp->acceptor = acceptor_new(&(struct acceptor_options){
        .base = options->base,
        .listeners = options->listeners,
        .length = config->listen_length,
        .take = take,
        .shed = shed,
        .arg = tcp,
    });
    if (tcp->conns != NULL && tcp->acceptor != NULL)
        return tcp;
    tcp_free(tcp);
    return NULL;
}

void tcp_stop_accepting(struct tcp *tcp)
{
    acceptor_stop(tcp->acceptor);
}

void tcp_free(struct tcp *tcp)
{
    if (tcp == NULL)
        return;
    acceptor_free(tcp->acceptor);
    tcpconns_free(tcp->conns);
    free(tcp);
}

size_t tcp_connections(const struct tcp *tcp)
{
    return tcpconns_length(tcp->conns);
}
