#include "udp.h"

#include <assert.h>
#include <errno.h>
#include <event2/event.h>
#include <stdlib.h>
#include <string.h>
#include <sys/uio.h>

#include "alloc.h"
#include "clock.h"

/* Of a longer datagram the rest is lost, so that it does not parse: FORMERR.  Real queries are a
 * tenth of it.  Were it 4,096, those of a batch would compete for the same few lines of the
 * processor's cache. */
#define PACKET_MAX (4096 + 64)
/* Batches answered before other events of the worker have their turn. */
#define BATCHES_PER_EVENT 8
/* So many full batches at a stretch: the socket is busy.  A batch smaller than that: not any more.
 */
#define BUSY_BATCHES 2
#define BUSY_LEAST   (UDP_BATCH / 4)

#define CONTROL_SIZE CMSG_SPACE(sizeof(struct in6_pktinfo))

/* While a socket is busy it is looked at in every turn of the loop and not waited for: a socket
 * that somebody waits for costs a call of the waiter for every datagram it sends. */
struct udp_socket {
    struct udp *udp;
    struct event *event;
    struct event *busy; /* a timer that runs out at once */
    int fd;
    bool wildcard; /* the address that was asked must be asked for */
    const union config_address *address;
};

/* The address a query came to: where its reply leaves from.  Kept in the client's route. */
struct origin {
    sa_family_t family; /* AF_UNSPEC: the socket's own */
    unsigned interface; /* of a link-local address; else 0 */
    union {
        struct in_addr v4;
        struct in6_addr v6;
    } address;
};
_Static_assert(sizeof(struct origin) <= QUERY_ROUTE_SIZE, "an origin fits the client's route");

/* The buffers of one direction of a batch. */
struct half {
    struct mmsghdr heads[UDP_BATCH];
    struct iovec parts[UDP_BATCH];
    _Alignas(struct cmsghdr) uint8_t control[UDP_BATCH][CONTROL_SIZE];
};

struct udp {
    struct query_desk *desk;
    const struct config *config;
    struct stats *stats;
    struct udp_socket *sockets;
    size_t length;
    size_t reply_size;
    struct half in, out;
    struct query_client clients[UDP_BATCH];
    struct query_item items[UDP_BATCH];
    /* Replies that had to wait, gathered in 'out' until the events in hand are done: those of many
     * upstream sockets leave with one system call. */
    struct event *flush;
    const struct udp_socket *late_socket; /* whose they are */
    unsigned late;
    union config_address late_to[UDP_BATCH];
    bool answering;    /* a batch's replies stand in 'out' */
    unsigned received; /* datagrams of the last batch */
    uint8_t packets[UDP_BATCH][PACKET_MAX];
    uint8_t *replies; /* UDP_BATCH times 'reply_size' octets */
};

/* ---- addresses ---- */

static void read_origin(struct msghdr *head, struct origin *out)
{
    *out = (struct origin){.family = AF_UNSPEC};
    for (struct cmsghdr *c = CMSG_FIRSTHDR(head); c != NULL; c = CMSG_NXTHDR(head, c)) {
        if (c->cmsg_level == IPPROTO_IP && c->cmsg_type == IP_PKTINFO) {
            struct in_pktinfo info;
            memcpy(&info, CMSG_DATA(c), sizeof info);
            out->family = AF_INET;
            out->address.v4 = info.ipi_spec_dst;
        } else if (c->cmsg_level == IPPROTO_IPV6 && c->cmsg_type == IPV6_PKTINFO) {
            struct in6_pktinfo info;
            memcpy(&info, CMSG_DATA(c), sizeof info);
            out->family = AF_INET6;
            out->address.v6 = info.ipi6_addr;
            if (IN6_IS_ADDR_LINKLOCAL(&info.ipi6_addr))
                out->interface = info.ipi6_ifindex;
        }
    }
}

static void add_control(struct msghdr *head, uint8_t *control, int level, int type,
                        const void *data, size_t size)
{
    head->msg_control = control;
    head->msg_controllen = CMSG_SPACE(size);
    struct cmsghdr *c = CMSG_FIRSTHDR(head);
    c->cmsg_level = level;
    c->cmsg_type = type;
    c->cmsg_len = CMSG_LEN(size);
    memcpy(CMSG_DATA(c), data, size);
}

static void write_no_origin(struct msghdr *head)
{
    head->msg_control = NULL;
    head->msg_controllen = 0;
}

/* 'control' has room for CONTROL_SIZE octets. */
static void write_origin(struct msghdr *head, uint8_t *control, const struct origin *origin)
{
    if (origin->family == AF_INET) {
        struct in_pktinfo info = {.ipi_spec_dst = origin->address.v4};
        add_control(head, control, IPPROTO_IP, IP_PKTINFO, &info, sizeof info);
    } else if (origin->family == AF_INET6) {
        struct in6_pktinfo info = {.ipi6_addr = origin->address.v6,
                                   .ipi6_ifindex = origin->interface};
        add_control(head, control, IPPROTO_IPV6, IPV6_PKTINFO, &info, sizeof info);
    } else {
        write_no_origin(head);
    }
}

/* True if the datagram came from the very address and port it was sent to.  Sockets with an address
 * of their own are seen through in query.c. */
static bool is_from_itself(const struct udp_socket *socket, const union config_address *from,
                           const struct origin *origin)
{
    if (origin->family == AF_INET)
        return from->v4.sin_port == socket->address->v4.sin_port &&
               from->v4.sin_addr.s_addr == origin->address.v4.s_addr;
    return origin->family == AF_INET6 && from->v6.sin6_port == socket->address->v6.sin6_port &&
           IN6_ARE_ADDR_EQUAL(&from->v6.sin6_addr, &origin->address.v6);
}

static socklen_t address_size(const union config_address *address)
{
    return address->any.sa_family == AF_INET ? sizeof address->v4 : sizeof address->v6;
}

/* ---- replies ---- */

/* Sends the batch.  A reply that cannot be sent (full buffers, a firewall, an address that is gone)
 * is lost, as on the wire; those behind it are not. */
static void send_batch(int fd, struct mmsghdr *heads, unsigned length)
{
    for (unsigned at = 0; at < length;) {
        int sent = sendmmsg(fd, heads + at, length - at, MSG_DONTWAIT | MSG_NOSIGNAL);
        if (sent > 0)
            at += (unsigned)sent;
        else if (sent == 0 || errno != EINTR)
            at++;
    }
}

static void send_late(struct udp *udp)
{
    unsigned length = udp->late;

    udp->late = 0;
    if (length > 0)
        send_batch(udp->late_socket->fd, udp->out.heads, length);
}

static void udp_on_flush(evutil_socket_t fd, short what, void *arg)
{
    (void)fd;
    (void)what;
    send_late(arg);
}

/* Where the reply at that place goes, and where from. */
static inline void address_reply(struct udp *udp, const struct udp_socket *socket, unsigned place,
                                 const struct query_client *client, const union config_address *to)
{
    struct msghdr *head = &udp->out.heads[place].msg_hdr;

    head->msg_name = (void *)(uintptr_t)to;
    head->msg_namelen = address_size(to);
    if (socket->wildcard) {
        struct origin origin;
        memcpy(&origin, client->route, sizeof origin);
        write_origin(head, udp->out.control[place], &origin);
    } else {
        write_no_origin(head);
    }
}

/* A reply that had to wait. */
static void reply_late(const struct query_client *client, const uint8_t *reply, size_t size)
{
    const struct udp_socket *socket = client->transport;
    struct udp *udp = socket->udp;

    assert(!udp->answering); /* no wait ends from inside query_handle_all(): see forward.h */
    if (size == 0)
        return;
    if (udp->late_socket != socket || udp->late == UDP_BATCH)
        send_late(udp);
    unsigned i = udp->late++;
    assert(size <= udp->reply_size);
    uint8_t *copy = udp->replies + i * udp->reply_size;
    memcpy(copy, reply, size);
    udp->out.parts[i] = (struct iovec){copy, size};
    udp->late_to[i] = client->address;
    udp->late_socket = socket;
    address_reply(udp, socket, i, client, &udp->late_to[i]);
    if (i == 0)
        event_active(udp->flush, 0, 0); /* behind all events that are in hand */
}

/* ---- queries ---- */

/* Notes where the i-th datagram was sent to; false: it is not to be answered. */
static bool read_route(struct udp *udp, const struct udp_socket *socket, unsigned i)
{
    struct query_client *client = &udp->clients[i];
    struct origin origin;

    read_origin(&udp->in.heads[i].msg_hdr, &origin);
    if (is_from_itself(socket, &client->address, &origin)) {
        stats_count(udp->stats, STATS_DROPPED_SELF);
        return false;
    }
    memcpy(client->route, &origin, sizeof origin);
    return true;
}

/* Makes queries of the datagrams; returns how many are to be answered. */
static unsigned list_queries(struct udp *udp, struct udp_socket *socket, unsigned length)
{
    unsigned queries = 0;

    for (unsigned i = 0; i < length; i++) {
        struct query_item *item = &udp->items[queries];
        if (socket->wildcard && !read_route(udp, socket, i))
            continue;
        udp->clients[i].transport = socket;
        item->client = &udp->clients[i];
        item->packet = udp->packets[i];
        item->size = udp->in.heads[i].msg_len;
        queries++;
    }
    return queries;
}

/* What has become of a query is the reply at that place of the batch. */
static void take_reply(struct udp *udp, const struct udp_socket *socket, unsigned place,
                       const struct query_item *item)
{
    udp->out.parts[place] = (struct iovec){item->out, item->out_size};
    address_reply(udp, socket, place, item->client, &item->client->address);
}

static void answer_batch(struct udp *udp, struct udp_socket *socket, unsigned length)
{
    unsigned queries = list_queries(udp, socket, length), replies = 0;

    send_late(udp); /* they stand where this batch's replies go */
    udp->answering = true;
    publish_read_begin();
    query_handle_all(udp->desk, udp->items, queries, clock_ms());
    publish_read_end();
    for (unsigned i = 0; i < queries; i++) {
        if (udp->items[i].result == QUERY_DONE)
            take_reply(udp, socket, replies++, &udp->items[i]);
    }
    send_batch(socket->fd, udp->out.heads, replies);
    udp->answering = false;
}

/* Returns how many datagrams there were; 0 = none, or an error that the next event will show again
 * if it lasts. */
static unsigned receive_batch(struct udp *udp, const struct udp_socket *socket)
{
    /* The kernel wrote into those of the last batch. */
    for (unsigned i = 0; i < udp->received; i++) {
        struct msghdr *head = &udp->in.heads[i].msg_hdr;
        head->msg_namelen = sizeof udp->clients[i].address;
        head->msg_controllen = CONTROL_SIZE;
    }
    int n = recvmmsg(socket->fd, udp->in.heads, UDP_BATCH, MSG_DONTWAIT, NULL);
    udp->received = n > 0 ? (unsigned)n : 0;
    return udp->received;
}

/* Returns how many batches were full, and the size of the last one. */
static unsigned answer_ready(struct udp_socket *socket, unsigned *last)
{
    for (unsigned full = 0; full < BATCHES_PER_EVENT; full++) {
        *last = receive_batch(socket->udp, socket);
        if (*last > 0)
            answer_batch(socket->udp, socket, *last);
        if (*last < UDP_BATCH)
            return full;
    }
    return BATCHES_PER_EVENT;
}

static void come_again(struct udp_socket *socket)
{
    static const struct timeval now;

    event_add(socket->busy, &now);
}

static void socket_on_readable(evutil_socket_t fd, short what, void *arg)
{
    struct udp_socket *socket = arg;
    unsigned last;

    (void)fd;
    (void)what;
    if (answer_ready(socket, &last) >= BUSY_BATCHES) {
        event_del(socket->event);
        come_again(socket);
    }
}

static void socket_on_turn(evutil_socket_t fd, short what, void *arg)
{
    struct udp_socket *socket = arg;
    unsigned last;

    (void)fd;
    (void)what;
    (void)answer_ready(socket, &last);
    if (last < BUSY_LEAST)
        event_add(socket->event, NULL);
    else
        come_again(socket);
}

/* ---- life ---- */

_Static_assert(UDP_BATCH <= QUERY_BATCH, "a batch is handled at once");

static bool is_wildcard(const union config_address *a)
{
    return a->any.sa_family == AF_INET ? a->v4.sin_addr.s_addr == INADDR_ANY
                                       : IN6_IS_ADDR_UNSPECIFIED(&a->v6.sin6_addr);
}

static void prepare(struct udp *udp)
{
    udp->received = UDP_BATCH; /* all are to be filled in */
    for (unsigned i = 0; i < UDP_BATCH; i++) {
        udp->in.parts[i] = (struct iovec){udp->packets[i], PACKET_MAX};
        udp->in.heads[i].msg_hdr.msg_iov = &udp->in.parts[i];
        udp->in.heads[i].msg_hdr.msg_iovlen = 1;
        udp->in.heads[i].msg_hdr.msg_name = &udp->clients[i].address;
        udp->in.heads[i].msg_hdr.msg_control = udp->in.control[i];
        udp->items[i].out = udp->replies + i * udp->reply_size;
        udp->items[i].space = udp->reply_size;
        udp->out.heads[i].msg_hdr.msg_iov = &udp->out.parts[i];
        udp->out.heads[i].msg_hdr.msg_iovlen = 1;
        udp->clients[i].tcp = false;
        udp->clients[i].reply = reply_late;
    }
}

struct udp *udp_new(const struct udp_options *options)
{
    struct udp *udp = alloc_array(1, sizeof *udp);
    size_t length = options->config->listen_length;

    udp->desk = options->desk;
    udp->config = options->config;
    udp->stats = options->stats;
    udp->sockets = alloc_array(length, sizeof *udp->sockets);
    udp->reply_size = options->config->udp_size > 1232 ? options->config->udp_size : 1232;
    udp->replies = alloc_array(UDP_BATCH, udp->reply_size);
    prepare(udp);
    udp->flush = event_new(options->base, -1, 0, udp_on_flush, udp);
    if (udp->flush == NULL) {
        udp_free(udp);
        return NULL;
    }
    for (; udp->length < length; udp->length++) {
        const struct listener *l = &options->listeners[udp->length];
        struct udp_socket *s = &udp->sockets[udp->length];
        *s = (struct udp_socket){
            .udp = udp, .fd = l->udp, .wildcard = is_wildcard(&l->address), .address = &l->address};
        s->event = event_new(options->base, s->fd, EV_READ | EV_PERSIST, socket_on_readable, s);
        s->busy = evtimer_new(options->base, socket_on_turn, s);
        if (s->event == NULL || s->busy == NULL || event_add(s->event, NULL) != 0) {
            udp->length++;
            udp_free(udp);
            return NULL;
        }
    }
    return udp;
}

void udp_drain(struct udp *udp)
{
    for (size_t i = 0; i < udp->length; i++) {
        for (unsigned n = 0, length = 1; length > 0 && n < UDP_DRAIN_MAX; n += length) {
            length = receive_batch(udp, &udp->sockets[i]);
            if (length > 0)
                answer_batch(udp, &udp->sockets[i], length);
        }
    }
}

void udp_free(struct udp *udp)
{
    if (udp == NULL)
        return;
    send_late(udp);
    if (udp->flush != NULL)
        event_free(udp->flush);
    for (size_t i = 0; i < udp->length; i++) {
        if (udp->sockets[i].event != NULL)
            event_free(udp->sockets[i].event);
        if (udp->sockets[i].busy != NULL)
            event_free(udp->sockets[i].busy);
    }
    free(udp->sockets);
    free(udp->replies);
    free(udp);
}
