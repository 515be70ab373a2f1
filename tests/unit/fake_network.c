#include "fake_network.h"

#include <arpa/inet.h>
#include <assert.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "alloc.h"

struct network_socket {
    struct fake_network *fake;
    size_t index;
    bool stream, open, connected;
    enum fake_connect connect; /* what becomes of a stream … */
    uint64_t due;              /* … and when */
    char to[64];
    network_socket_fn *fn;
    void *arg;
};

struct fake_timer {
    struct network_timer timer; /* first: the two are one; it never wakes by itself */
    struct fake_network *fake;
    struct fake_timer *next;
    network_timer_fn *fn;
    void *arg;
    uint64_t order; /* same time: first set, first run */
};

struct sent {
    struct fake_sent sent;
    bool taken;
    bool held; /* of a stream that is not connected yet */
    int error; /* a datagram that could not be sent, of which nobody was told yet */
};

struct peer {
    char to[64];
    enum fake_connect connect;
};

struct fake_network {
    struct network network; /* first: the two are one */
    uint8_t room[NETWORK_ROOM];
    uint64_t now, order, dice;
    struct network_socket **sockets;
    size_t sockets_length;
    struct fake_timer *timers;
    struct sent *sent;
    size_t sent_length, first; /* all before 'first' are taken */
    enum fake_connect connect;
    struct peer *peers; /* that are not connected as all others are */
    size_t peers_length;
    unsigned socket_failures, send_failures;
    bool send_failures_at_once;
    int socket_error, send_error;
};

static void write_address(const struct sockaddr *to, char *text, size_t size)
{
    char host[INET6_ADDRSTRLEN] = "?";

    if (to->sa_family == AF_INET) {
        struct sockaddr_in a;

        memcpy(&a, to, sizeof a);
        inet_ntop(AF_INET, &a.sin_addr, host, sizeof host);
        snprintf(text, size, "%s:%u", host, (unsigned)ntohs(a.sin_port));
    } else {
        struct sockaddr_in6 a;

        memcpy(&a, to, sizeof a);
        inet_ntop(AF_INET6, &a.sin6_addr, host, sizeof host);
        snprintf(text, size, "[%s]:%u", host, (unsigned)ntohs(a.sin6_port));
    }
}

static enum fake_connect connect_of(const struct fake_network *f, const char *to)
{
    for (size_t i = 0; i < f->peers_length; i++) {
        if (strcmp(f->peers[i].to, to) == 0)
            return f->peers[i].connect;
    }
    return f->connect;
}

static struct network_socket *open_socket(struct network *n, const struct sockaddr *to, bool stream,
                                          network_socket_fn *fn, void *arg)
{
    struct fake_network *f = (struct fake_network *)n;
    struct network_socket *s;

    if (f->socket_failures > 0) {
        f->socket_failures--;
        errno = f->socket_error;
        return NULL;
    }
    s = alloc_array(1, sizeof *s);
    s->fake = f;
    s->index = f->sockets_length;
    s->stream = stream;
    s->open = true;
    s->fn = fn;
    s->arg = arg;
    write_address(to, s->to, sizeof s->to);
    s->connect = connect_of(f, s->to);
    s->due = f->now + (s->connect == FAKE_CONNECT_SLOW     ? FAKE_SLOW_MS
                       : s->connect == FAKE_CONNECT_SLOWER ? FAKE_SLOWER_MS
                                                           : 0);
    f->sockets = alloc_resize(f->sockets, f->sockets_length + 1, sizeof(struct network_socket *));
    f->sockets[f->sockets_length++] = s;
    return s;
}

static struct network_socket *open_datagram(struct network *n, const struct sockaddr *to,
                                            network_socket_fn *fn, void *arg,
                                            const struct network_awaited *awaited)
{
    assert(awaited->count == 0);
    return open_socket(n, to, false, fn, arg);
}

static struct network_socket *open_stream(struct network *n, const struct sockaddr *to,
                                          network_socket_fn *fn, void *arg)
{
    return open_socket(n, to, true, fn, arg);
}

/* Takes down one message; a stream's may hold several, each behind its length. */
static void note(struct network_socket *s, const uint8_t *data, size_t size)
{
    struct fake_network *f = s->fake;
    struct sent *e;

    f->sent = alloc_resize(f->sent, f->sent_length + 1, sizeof *f->sent);
    e = &f->sent[f->sent_length++];
    *e = (struct sent){.sent = {.socket = s->index, .stream = s->stream, .at = f->now},
                       .held = s->stream && !s->connected};
    memcpy(e->sent.to, s->to, sizeof e->sent.to);
    e->sent.message = alloc_copy(data, size);
    e->sent.size = size;
}

/* As of the real one, a datagram's failure is found out later. */
static bool fail_to_send(struct network_socket *s, const uint8_t *data, size_t size)
{
    struct fake_network *f = s->fake;

    f->send_failures--;
    errno = f->send_error;
    if (s->stream || f->send_failures_at_once)
        return false;
    note(s, data, size);
    f->sent[f->sent_length - 1].taken = true;
    f->sent[f->sent_length - 1].error = f->send_error;
    return true;
}

static bool send_bytes(struct network_socket *s, const uint8_t *data, size_t size)
{
    struct fake_network *f = s->fake;

    assert(s->open);
    if (f->send_failures > 0)
        return fail_to_send(s, data, size);
    if (!s->stream) {
        note(s, data, size);
        return true;
    }
    while (size >= 2) {
        size_t length = (size_t)(data[0] << 8 | data[1]);

        assert(size >= 2 + length); /* the code under test sends whole messages */
        note(s, data + 2, length);
        data += 2 + length;
        size -= 2 + length;
    }
    assert(size == 0);
    return true;
}

static void close_socket(struct network_socket *s)
{
    assert(s->open);
    s->open = false;
}

static struct network_timer *timer_new(struct network *n, network_timer_fn *fn, void *arg)
{
    struct fake_network *f = (struct fake_network *)n;
    struct fake_timer *t = alloc_array(1, sizeof *t);

    t->timer.due = t->timer.wakes = NETWORK_NEVER;
    t->fake = f;
    t->fn = fn;
    t->arg = arg;
    t->next = f->timers;
    f->timers = t;
    return &t->timer;
}

static void timer_set(struct network_timer *timer, uint64_t now, uint64_t delay_ms)
{
    struct fake_timer *t = (struct fake_timer *)timer;

    assert(now == t->fake->now);
    t->timer.due = now + delay_ms;
    t->order = t->fake->order++;
}

static void timer_free(struct network_timer *timer)
{
    struct fake_timer *t = (struct fake_timer *)timer, **at = &t->fake->timers;

    while (*at != t)
        at = &(*at)->next;
    *at = t->next;
    free(t);
}

/* splitmix64: good enough dice, the same in every run. */
static void throw_dice(struct network *n, void *out, size_t size)
{
    struct fake_network *f = (struct fake_network *)n;
    uint8_t *to = out;

    while (size > 0) {
        size_t part = size < 8 ? size : 8;
        uint64_t z = f->dice += 0x9e3779b97f4a7c15;

        z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
        z = (z ^ z >> 27) * 0x94d049bb133111eb;
        z ^= z >> 31;
        memcpy(to, &z, part);
        to += part;
        size -= part;
    }
}

struct fake_network *fake_network_new(uint64_t now)
{
    struct fake_network *f = alloc_array(1, sizeof *f);

    f->now = now;
    f->network = (struct network){
        .room = f->room,
        .datagram = open_datagram,
        .stream = open_stream,
        .send = send_bytes,
        .close = close_socket,
        .timer = timer_new,
        .timer_set = timer_set,
        .timer_clear = network_timer_clear,
        .timer_free = timer_free,
        .random = throw_dice,
    };
    return f;
}

void fake_network_free(struct fake_network *f)
{
    assert(fake_network_open(f) == 0);
    assert(f->timers == NULL);
    for (size_t i = 0; i < f->sockets_length; i++)
        free(f->sockets[i]);
    free(f->peers);
    for (size_t i = 0; i < f->sent_length; i++)
        free((void *)(uintptr_t)f->sent[i].sent.message);
    free(f->sockets);
    free(f->sent);
    free(f);
}

struct network *fake_network_of(struct fake_network *f)
{
    return &f->network;
}

uint64_t fake_network_now(const struct fake_network *f)
{
    return f->now;
}

/* What was sent before the connection stood goes out now. */
static void release(struct fake_network *f, const struct network_socket *s)
{
    for (size_t i = f->first; i < f->sent_length; i++) {
        if (f->sent[i].sent.socket == s->index)
            f->sent[i].held = false;
    }
}

/* Ends the connecting of one stream; false if none is left that can be ended by then. */
static bool connect_one(struct fake_network *f, uint64_t until)
{
    for (size_t i = 0; i < f->sockets_length; i++) {
        struct network_socket *s = f->sockets[i];

        if (!s->stream || !s->open || s->connected || s->connect == FAKE_CONNECT_SILENT ||
            s->due > until)
            continue;
        if (s->due > f->now)
            f->now = s->due;
        s->connected = true;
        if (s->connect != FAKE_CONNECT_REFUSED)
            release(f, s);
        s->fn(s->arg, s->connect == FAKE_CONNECT_REFUSED ? NETWORK_CLOSED : NETWORK_CONNECTED, NULL,
              0, f->now);
        return true;
    }
    return false;
}

static void hand_over(struct fake_network *f, const struct fake_sent *to, enum network_event event,
                      const void *data, size_t size)
{
    struct network_socket *s = f->sockets[to->socket];
    uint8_t *copy = NULL;

    if (!s->open)
        return;
    /* A block of exactly that size: reading behind it is seen by the sanitizer. */
    if (size > 0)
        copy = alloc_copy(data, size);
    s->fn(s->arg, event, copy, size, f->now);
    free(copy);
}

/* Tells of one datagram that could not be sent; false if there is none. */
static bool tell_unsent(struct fake_network *f)
{
    for (size_t i = 0; i < f->sent_length; i++) {
        struct fake_sent sent = f->sent[i].sent;
        int error = f->sent[i].error;

        f->sent[i].error = 0;
        if (error == 0 || !f->sockets[sent.socket]->open)
            continue;
        errno = error;
        hand_over(f, &sent, NETWORK_UNSENT, sent.message, sent.size);
        return true;
    }
    return false;
}

static struct fake_timer *first_due(struct fake_network *f, uint64_t until)
{
    struct fake_timer *first = NULL;

    for (struct fake_timer *t = f->timers; t != NULL; t = t->next) {
        if (t->timer.due == NETWORK_NEVER || t->timer.due > until)
            continue;
        if (first == NULL || t->timer.due < first->timer.due ||
            (t->timer.due == first->timer.due && t->order < first->order))
            first = t;
    }
    return first;
}

void fake_network_pass(struct fake_network *f, uint64_t ms)
{
    uint64_t until = f->now + ms;

    for (;;) {
        struct fake_timer *t = first_due(f, until);
        uint64_t next = t == NULL ? until : t->timer.due > f->now ? t->timer.due : f->now;

        if (tell_unsent(f) || connect_one(f, next))
            continue;
        if (t == NULL)
            break;
        if (t->timer.due > f->now)
            f->now = t->timer.due;
        t->timer.due = NETWORK_NEVER;
        t->fn(t->arg, f->now);
    }
    f->now = until;
}

void fake_network_stop(struct fake_network *f, uint64_t ms)
{
    f->now += ms;
}

static bool take(struct fake_network *f, const char *to, struct fake_sent *out)
{
    while (f->first < f->sent_length && f->sent[f->first].taken)
        f->first++;
    for (size_t i = f->first; i < f->sent_length; i++) {
        struct sent *e = &f->sent[i];

        if (e->taken || e->held || (to != NULL && strcmp(to, e->sent.to) != 0))
            continue;
        e->taken = true;
        *out = e->sent;
        return true;
    }
    return false;
}

bool fake_network_take(struct fake_network *f, struct fake_sent *out)
{
    return take(f, NULL, out);
}

bool fake_network_take_to(struct fake_network *f, const char *to, struct fake_sent *out)
{
    return take(f, to, out);
}

size_t fake_network_waiting(const struct fake_network *f)
{
    size_t n = 0;

    for (size_t i = f->first; i < f->sent_length; i++)
        n += !f->sent[i].taken && !f->sent[i].held;
    return n;
}

void fake_network_forget(struct fake_network *f)
{
    for (size_t i = f->first; i < f->sent_length; i++)
        f->sent[i].taken = true;
    f->first = f->sent_length;
}

void fake_network_deliver(struct fake_network *f, const struct fake_sent *to, const void *message,
                          size_t size)
{
    uint8_t *framed;

    if (!to->stream) {
        hand_over(f, to, NETWORK_DATA, message, size);
        return;
    }
    assert(size <= UINT16_MAX);
    framed = alloc_array(size + 2, 1);
    framed[0] = (uint8_t)(size >> 8);
    framed[1] = (uint8_t)size;
    memcpy(framed + 2, message, size);
    hand_over(f, to, NETWORK_DATA, framed, size + 2);
    free(framed);
}

void fake_network_octets(struct fake_network *f, const struct fake_sent *to, const void *octets,
                         size_t size)
{
    hand_over(f, to, NETWORK_DATA, octets, size);
}

void fake_network_break(struct fake_network *f, const struct fake_sent *to)
{
    hand_over(f, to, NETWORK_CLOSED, NULL, 0);
}

bool fake_network_is_open(const struct fake_network *f, const struct fake_sent *to)
{
    return f->sockets[to->socket]->open;
}

void fake_network_connect(struct fake_network *f, enum fake_connect how)
{
    f->connect = how;
}

void fake_network_connect_to(struct fake_network *f, const char *to, enum fake_connect how)
{
    size_t i = 0;

    while (i < f->peers_length && strcmp(f->peers[i].to, to) != 0)
        i++;
    if (i == f->peers_length) {
        f->peers = alloc_resize(f->peers, ++f->peers_length, sizeof *f->peers);
        snprintf(f->peers[i].to, sizeof f->peers[i].to, "%s", to);
    }
    f->peers[i].connect = how;
}

void fake_network_fail_sockets(struct fake_network *f, unsigned times, int error)
{
    f->socket_failures = times;
    f->socket_error = error;
}

void fake_network_fail_sends(struct fake_network *f, unsigned times, int error)
{
    f->send_failures = times;
    f->send_error = error;
    f->send_failures_at_once = false;
}

void fake_network_fail_sends_at_once(struct fake_network *f, unsigned times, int error)
{
    fake_network_fail_sends(f, times, error);
    f->send_failures_at_once = true;
}

size_t fake_network_opened(const struct fake_network *f)
{
    return f->sockets_length;
}

size_t fake_network_open(const struct fake_network *f)
{
    size_t n = 0;

    for (size_t i = 0; i < f->sockets_length; i++)
        n += f->sockets[i]->open;
    return n;
}

size_t fake_network_timers(const struct fake_network *f)
{
    size_t n = 0;

    for (const struct fake_timer *t = f->timers; t != NULL; t = t->next)
        n += t->timer.due != NETWORK_NEVER;
    return n;
}
