#include "udp.h"

#include <assert.h>
#include <errno.h>
#include <event2/event.h>
#include <stdlib.h>
#include <string.h>
#include <sys/uio.h>

#include "alloc.h"
#include "bundle.h"
#include "clock.h"
#include "kernelcall.h"

/* Of a longer datagram the rest is lost, so that it does not parse: FORMERR.  Real queries are a
 * tenth of it.  Were it 4,096, those of a batch would compete for the same few lines of the
 * processor's cache. */
#define PACKET_MAX (4096 + 64)
/* Batches answered before other events of the worker have their turn. */
#define BATCHES_PER_EVENT 8
/* Behind a batch that large some more has very likely come while it was answered: receiving again
 * is cheaper than a wait for it. */
#define AGAIN_LEAST (UDP_BATCH / 8)
/* So many full batches at a stretch: the socket is busy.  A batch smaller than that: not any more.
 */
#define BUSY_BATCHES 2
#define BUSY_LEAST   (UDP_BATCH / 4)
/* A socket that the kernel has no memory to wait for is looked at so often. */
#define UNWATCHED_MS 10

#define CONTROL_SIZE CMSG_SPACE(sizeof(struct in6_pktinfo))

/* While a socket is busy it is looked at in every turn of the loop and not waited for: a socket
 * that somebody waits for costs a call of the waiter for every datagram it sends. */
struct udp_socket {
    struct udp *udp;
    struct event *event;
    struct event *busy; /* a timer that runs out at once */
    int fd;
    bool wildcard; /* the address that was asked must be asked for */
    bool bundles;  /* see bundle_send() */
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
    struct udp_socket *sockets;
    size_t length;
    size_t reply_size;
    struct bundle bundle;
    struct half in, out; /* 'out': what does not simply go back to where it came from */
    struct query_client clients[UDP_BATCH];
    struct query_item items[UDP_BATCH];
    /* Replies that had to wait, gathered in 'out' until the events in hand are done: those of many
     * upstream sockets leave with one system call. */
    struct turn *turn;
    struct turn_task flush;
    struct udp_socket *late_socket; /* whose they are */
    unsigned late;
    union config_ip late_to[UDP_BATCH];
    struct udp_socket *asked;               /* by 'clients' */
    bool answering;                         /* a batch */
    unsigned received;                      /* datagrams of the last batch */
    uint8_t packets[UDP_BATCH][PACKET_MAX]; /* queries, which become replies */
    uint8_t *replies; /* those that had to wait: UDP_BATCH times 'reply_size' octets */
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
static bool is_from_itself(const struct udp_socket *socket, const union config_ip *from,
                           const struct origin *origin)
{
    if (origin->family == AF_INET)
        return from->v4.sin_port == socket->address->v4.sin_port &&
               from->v4.sin_addr.s_addr == origin->address.v4.s_addr;
    return origin->family == AF_INET6 && from->v6.sin6_port == socket->address->v6.sin6_port &&
           IN6_ARE_ADDR_EQUAL(&from->v6.sin6_addr, &origin->address.v6);
}

static socklen_t address_size(const union config_ip *address)
{
    return address->any.sa_family == AF_INET ? sizeof address->v4 : sizeof address->v6;
}

/* ---- replies ---- */

static inline void send_batch(struct udp *udp, struct udp_socket *socket, struct mmsghdr *heads,
                              unsigned length)
{
    bundle_send(&udp->bundle, socket->fd, &socket->bundles, heads, length);
}

APART static void send_late(struct udp *udp)
{
    unsigned length = udp->late;

    udp->late = 0;
    if (length > 0)
        send_batch(udp, udp->late_socket, udp->out.heads, length);
}

static void flush(void *arg)
{
    send_late(arg);
}

APART static void say_origin(struct udp *udp, unsigned place, const struct query_client *client)
{
    struct origin origin;

    memcpy(&origin, client->route, sizeof origin);
    write_origin(&udp->out.heads[place].msg_hdr, udp->out.control[place], &origin);
}

/* Where the reply at that place goes, and where from. */
static inline void address_reply(struct udp *udp, const struct udp_socket *socket, unsigned place,
                                 const struct query_client *client, const union config_ip *to)
{
    struct msghdr *head = &udp->out.heads[place].msg_hdr;

    head->msg_name = (void *)(uintptr_t)to;
    head->msg_namelen = address_size(to);
    if (socket->wildcard)
        say_origin(udp, place, client);
    else
        write_no_origin(head);
}

/* A reply that had to wait. */
static void reply_late(const struct query_client *client, const uint8_t *reply, size_t size)
{
    struct udp_socket *socket = client->transport;
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
    turn_put_off(udp->turn, &udp->flush);
}

/* ---- queries ---- */

/* Notes where each datagram was sent to.  Who is the very socket that it came to becomes nobody:
 * port 0 is never answered. */
static void read_routes(struct udp *udp, const struct udp_socket *socket, unsigned length)
{
    for (unsigned i = 0; i < length; i++) {
        struct query_client *client = &udp->clients[i];
        struct origin origin;
        read_origin(&udp->in.heads[i].msg_hdr, &origin);
        if (is_from_itself(socket, &client->address, &origin))
            client->address.v4.sin_port = 0;
        memcpy(client->route, &origin, sizeof origin);
    }
}

/* What became of a query is the reply at that place of the batch. */
static void take_reply(struct udp *udp, const struct udp_socket *socket, unsigned place,
                       const struct query_item *item)
{
    udp->out.parts[place] = (struct iovec){item->out, item->out_size};
    address_reply(udp, socket, place, item->client, &item->client->address);
}

/* Sends those replies of a batch that there are, from where their queries were sent to. */
static void send_some(struct udp *udp, struct udp_socket *socket, unsigned length)
{
    unsigned replies = 0;

    send_late(udp); /* they stand where these go */
    for (unsigned i = 0; i < length; i++) {
        if (udp->items[i].result == QUERY_DONE)
            take_reply(udp, socket, replies++, &udp->items[i]);
    }
    send_batch(udp, socket, udp->out.heads, replies);
}

/* Replies stand where the queries did: what the kernel filled in when it received them says where
 * they go, unless it is to be said where from. */
static void send_all(struct udp *udp, struct udp_socket *socket, unsigned length)
{
    for (unsigned i = 0; i < length; i++)
        udp->in.parts[i].iov_len = udp->items[i].out_size;
    send_batch(udp, socket, udp->in.heads, length);
}

/* From now on it is this socket whom they ask. */
APART static void take_clients(struct udp *udp, struct udp_socket *socket)
{
    udp->asked = socket;
    for (unsigned i = 0; i < UDP_BATCH; i++)
        udp->clients[i].transport = socket;
}

static void answer_batch(struct udp *udp, struct udp_socket *socket, unsigned length)
{
    if (socket->wildcard)
        read_routes(udp, socket, length);
    if (udp->asked != socket)
        take_clients(udp, socket);
    for (unsigned i = 0; i < length; i++)
        udp->items[i].size = udp->in.heads[i].msg_len;
    udp->answering = true;
    publish_read_begin();
    unsigned done = query_handle_all(udp->desk, udp->items, length, clock_ms());
    publish_read_end();
    udp->answering = false;
    if (done == length && !socket->wildcard)
        send_all(udp, socket, length);
    else
        send_some(udp, socket, length);
}

/* Returns how many datagrams there were; 0 = none, or an error that the next event will show again
 * if it lasts. */
static unsigned receive_batch(struct udp *udp, const struct udp_socket *socket)
{
    /* Those of the last batch became replies. */
    for (unsigned i = 0; i < udp->received; i++) {
        struct msghdr *head = &udp->in.heads[i].msg_hdr;
        head->msg_namelen = sizeof udp->clients[i].address;
        head->msg_controllen = CONTROL_SIZE;
        udp->in.parts[i].iov_len = PACKET_MAX;
    }
    int n = kernelcall_recvmmsg(socket->fd, udp->in.heads, UDP_BATCH, MSG_DONTWAIT);
    udp->received = n > 0 ? (unsigned)n : 0;
    return udp->received;
}

/* Returns how many batches were full, and the size of the last one. */
static unsigned answer_ready(struct udp_socket *socket, unsigned *last)
{
    unsigned full = 0;

    for (unsigned n = 0; n < BATCHES_PER_EVENT; n++) {
        *last = receive_batch(socket->udp, socket);
        if (*last > 0)
            answer_batch(socket->udp, socket, *last);
        full += *last == UDP_BATCH;
        if (*last < AGAIN_LEAST)
            break;
    }
    return full;
}

static void come_again(struct udp_socket *socket)
{
    static const struct timeval now;

    event_add(socket->busy, &now);
}

static void wait_again(struct udp_socket *socket)
{
    static const struct timeval soon = {0, UNWATCHED_MS * 1000};

    if (event_add(socket->event, NULL) != 0)
        event_add(socket->busy, &soon);
}

static void socket_on_readable(evutil_socket_t fd, short what, void *arg)
{
    struct udp_socket *socket = arg;
    unsigned last;

    (void)fd;
    (void)what;
    turn_begin(socket->udp->turn);
    if (answer_ready(socket, &last) >= BUSY_BATCHES) {
        event_del(socket->event);
        come_again(socket);
    }
    turn_end(socket->udp->turn);
}

static void socket_on_turn(evutil_socket_t fd, short what, void *arg)
{
    struct udp_socket *socket = arg;
    unsigned last;

    (void)fd;
    (void)what;
    turn_begin(socket->udp->turn);
    (void)answer_ready(socket, &last);
    if (last < BUSY_LEAST)
        wait_again(socket);
    else
        come_again(socket);
    turn_end(socket->udp->turn);
}

/* ---- life ---- */

_Static_assert(UDP_BATCH <= QUERY_BATCH, "a batch is handled at once");
_Static_assert(UDP_BATCH <= BUNDLE_BATCH, "and sent");

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
        udp->items[i] = (struct query_item){
            .client = &udp->clients[i],
            .packet = udp->packets[i],
            .out = udp->packets[i],
            .space = udp->reply_size,
        };
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
    udp->sockets = alloc_array(length, sizeof *udp->sockets);
    udp->reply_size = options->config->udp_size > 1232 ? options->config->udp_size : 1232;
    assert(udp->reply_size <= PACKET_MAX);
    udp->replies = alloc_array(UDP_BATCH, udp->reply_size);
    prepare(udp);
    udp->turn = options->turn;
    udp->flush = (struct turn_task){.run = flush, .arg = udp};
    for (; udp->length < length; udp->length++) {
        const struct listener *l = &options->listeners[udp->length];
        struct udp_socket *s = &udp->sockets[udp->length];
        *s = (struct udp_socket){
            .udp = udp,
            .fd = l->udp,
            .wildcard = is_wildcard(&l->address),
            .bundles = udp->config->udp_segmentation && bundle_is_possible(l->udp),
            .address = &l->address,
        };
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
    turn_forget(udp->turn, &udp->flush);
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
