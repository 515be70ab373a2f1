#include "portpool.h"

#include <assert.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

#include "alloc.h"
#include "fetch.h"

#define AHEAD        3 /* one for each step of memory: where it is, itself, the socket below */
#define ID_TRIES     8 /* for a free slot on one socket */
#define SOCKET_TRIES 4 /* for a socket with a free slot */

_Static_assert((PORTPOOL_SLOTS & (PORTPOOL_SLOTS - 1)) == 0, "an id's lower bits are its slot");

struct portpool_socket {
    struct portpool *pool;
    struct network_socket *socket;
    struct network_awaited owed; /* about: the last question that went out */
    uint64_t born;
    uint32_t place; /* in pool->sockets; PORTPOOL_SIZE: leaving, closed when nothing is owed */
    uint32_t uses, wrong;
    bool busy; /* in its own callback: not to be freed */
    struct portpool_ask *slots[PORTPOOL_SLOTS];
};

struct portpool {
    struct network *network;
    struct stats *stats;
    union {
        struct sockaddr any;
        struct sockaddr_in v4;
        struct sockaddr_in6 v6;
    } to;
    portpool_fn *fn;
    void *arg;
    struct portpool_socket *sockets[PORTPOOL_SIZE];
    size_t length, leaving;
    uint32_t ahead[AHEAD];  /* places drawn for the questions to come … */
    size_t drawn_of;        /* … when so many were there; 0: not yet */
    uint32_t window, steps; /* the first place that is drawn from; questions since it moved */
};

struct portpool *portpool_new(struct network *network, const struct sockaddr *to,
                              struct stats *stats, portpool_fn *fn, void *arg)
{
    struct portpool *p = alloc_array(1, sizeof *p);

    p->network = network;
    p->stats = stats;
    memcpy(&p->to, to, to->sa_family == AF_INET6 ? sizeof p->to.v6 : sizeof p->to.v4);
    p->fn = fn;
    p->arg = arg;
    return p;
}

/* ---- sockets come and go ---- */

static void close_if_done(struct portpool_socket *s)
{
    if (s->place < PORTPOOL_SIZE || s->owed.count > 0 || s->busy)
        return;
    s->pool->leaving--;
    s->pool->network->close(s->socket);
    free(s);
}

/* Takes the socket out of the rotation; 'instead' (may be NULL) gets its place. */
static void retire(struct portpool_socket *s, struct portpool_socket *instead)
{
    struct portpool *p = s->pool;

    if (instead == NULL) {
        instead = p->sockets[--p->length];
        p->window = p->window < p->length ? p->window : 0;
    }
    if (instead != s) {
        p->sockets[s->place] = instead;
        instead->place = s->place;
    }
    s->place = PORTPOOL_SIZE;
    p->leaving++;
    close_if_done(s);
}

static void on_network(void *arg, enum network_event event, const uint8_t *data, size_t size,
                       uint64_t now);

static struct portpool_socket *open_socket(struct portpool *p, uint64_t now)
{
    struct portpool_socket *s = alloc_array(1, sizeof *s);

    s->socket = p->network->datagram(p->network, &p->to.any, on_network, s, &s->owed);
    if (s->socket == NULL) {
        free(s);
        return NULL;
    }
    s->pool = p;
    s->born = now;
    return s;
}

void portpool_free(struct portpool *p)
{
    if (p == NULL)
        return;
    while (p->length > 0) {
        assert(p->sockets[0]->owed.count == 0);
        retire(p->sockets[0], NULL);
    }
    assert(p->leaving == 0);
    free(p);
}

static bool is_worn(const struct portpool *p, const struct portpool_socket *s, uint64_t now)
{
    unsigned most = p->length < PORTPOOL_SIZE ? PORTPOOL_USES_SMALL : PORTPOOL_USES;

    return s->uses >= most || now - s->born >= PORTPOOL_AGE_MS;
}

static struct portpool_socket *add(struct portpool *p, uint64_t now)
{
    struct portpool_socket *s = open_socket(p, now);

    if (s != NULL) {
        s->place = (uint32_t)p->length;
        p->sockets[p->length++] = s;
    }
    return s;
}

/* A fresh socket for a worn one.  When there is none to be had, the old one makes room, or goes on
 * if it is still owed something. */
static struct portpool_socket *renew(struct portpool_socket *old, uint64_t now)
{
    struct portpool *p = old->pool;
    struct portpool_socket *s = open_socket(p, now);

    if (s != NULL) {
        retire(old, s);
        return s;
    }
    if (old->owed.count > 0)
        return old;
    retire(old, NULL);
    return add(p, now);
}

/* What chance decides of one question. */
struct dice {
    uint32_t place; /* spread over so few places, the bias of 32 bits is one in millions */
    uint16_t id;
};

static uint32_t place_in_window(const struct portpool *p, uint32_t dice)
{
    size_t width = p->length < PORTPOOL_WINDOW ? p->length : PORTPOOL_WINDOW;
    size_t place = p->window + ((uint64_t)dice * width >> 32);

    return (uint32_t)(place < p->length ? place : place - p->length);
}

static void move_window(struct portpool *p)
{
    if (++p->steps < PORTPOOL_STEP)
        return;
    p->steps = 0;
    p->window = p->window + 1 < p->length ? p->window + 1 : 0;
}

static struct dice roll(struct portpool *p)
{
    uint64_t bits;

    p->network->random(p->network, &bits, sizeof bits);
    return (struct dice){.place = place_in_window(p, (uint32_t)(bits >> 32)), .id = (uint16_t)bits};
}

/* One of them at random, and an id.  The draw is made some questions ahead, so that by then the
 * processor has the socket at hand: there are too many of them to stay near it. */
static struct portpool_socket *draw_socket(struct portpool *p, uint16_t *id)
{
    struct portpool_socket *s;
    struct dice dice = roll(p);

    *id = dice.id;
    move_window(p);
    if (p->drawn_of != p->length) {
        for (size_t i = 0; i < AHEAD; i++)
            p->ahead[i] = roll(p).place;
        p->drawn_of = p->length;
    }
    assert(p->ahead[0] < p->length);
    s = p->sockets[p->ahead[0]];
    memmove(p->ahead, p->ahead + 1, sizeof p->ahead - sizeof p->ahead[0]);
    p->ahead[AHEAD - 1] = dice.place;
    __builtin_prefetch(&p->sockets[p->ahead[2]]);
    fetch_memory(p->sockets[p->ahead[1]], sizeof *s);
    __builtin_prefetch(p->sockets[p->ahead[0]]->socket);
    return s;
}

static struct portpool_socket *choose(struct portpool *p, uint16_t *id, uint64_t now)
{
    struct portpool_socket *s;

    if (p->length < PORTPOOL_SIZE) {
        *id = roll(p).id;
        s = add(p, now);
        if (s != NULL || p->length == 0)
            return s;
    }
    s = draw_socket(p, id);
    return is_worn(p, s, now) ? renew(s, now) : s;
}

/* ---- questions ---- */

/* A free id on that socket, 'id' if it is one.  False: none was found. */
static bool take_slot(struct portpool_socket *s, struct portpool_ask *ask, uint16_t id,
                      const void *about)
{
    for (unsigned i = 0; i < ID_TRIES; i++, id = roll(s->pool).id) {
        if (s->slots[id % PORTPOOL_SLOTS] != NULL)
            continue;
        s->slots[id % PORTPOOL_SLOTS] = ask;
        s->owed.count++;
        s->owed.about = about;
        s->uses++;
        *ask = (struct portpool_ask){.socket = s, .id = id, .wrong = s->wrong};
        return true;
    }
    return false;
}

bool portpool_send(struct portpool *p, struct portpool_ask *ask, const void *about,
                   uint8_t *message, size_t size, uint64_t now)
{
    struct portpool_socket *s = NULL;
    uint16_t id;

    ask->socket = NULL;
    for (unsigned i = 0; i < SOCKET_TRIES && ask->socket == NULL; i++) {
        s = choose(p, &id, now);
        if (s == NULL)
            break; /* nor will there be one in the next moment */
        (void)take_slot(s, ask, id, about);
    }
    if (ask->socket == NULL)
        return false;
    message[0] = (uint8_t)(ask->id >> 8);
    message[1] = (uint8_t)ask->id;
    if (p->network->send(s->socket, message, size))
        return true;
    portpool_drop(ask);
    return false;
}

void portpool_drop(struct portpool_ask *ask)
{
    struct portpool_socket *s = ask->socket;

    if (s == NULL)
        return;
    assert(s->slots[ask->id % PORTPOOL_SLOTS] == ask);
    s->slots[ask->id % PORTPOOL_SLOTS] = NULL;
    s->owed.count--;
    ask->socket = NULL;
    close_if_done(s);
}

/* Tells the questions on the socket.  They may drop each other meanwhile. */
static void tell_all(struct portpool_socket *s, enum portpool_event event, uint64_t now)
{
    struct portpool_ask *asks[PORTPOOL_SLOTS];

    memcpy(asks, s->slots, sizeof asks);
    for (size_t i = 0; i < PORTPOOL_SLOTS; i++) {
        if (asks[i] == NULL || s->slots[i] != asks[i])
            continue;
        if (event == PORTPOOL_FLOODED && s->wrong - asks[i]->wrong < PORTPOOL_WRONG_MAX)
            continue;
        s->pool->fn(s->pool->arg, asks[i], event, NULL, 0, now);
    }
}

static void count_wrong(struct portpool_socket *s, uint64_t now)
{
    s->wrong++;
    stats_count(s->pool->stats, STATS_UPSTREAM_BAD);
    tell_all(s, PORTPOOL_FLOODED, now);
}

/* The question on that socket whose id the message has, or NULL. */
static struct portpool_ask *find(const struct portpool_socket *s, const uint8_t *data, size_t size)
{
    struct portpool_ask *ask;
    uint16_t id;

    if (size < sizeof id)
        return NULL;
    id = (uint16_t)(data[0] << 8 | data[1]);
    ask = s->slots[id % PORTPOOL_SLOTS];
    return ask != NULL && ask->id == id ? ask : NULL;
}

static void on_datagram(struct portpool_socket *s, const uint8_t *data, size_t size, uint64_t now)
{
    struct portpool_ask *ask = find(s, data, size);

    if (ask == NULL || !s->pool->fn(s->pool->arg, ask, PORTPOOL_REPLY, data, size, now))
        count_wrong(s, now);
}

/* Who asked may have lost interest meanwhile. */
static void on_unsent(struct portpool_socket *s, const uint8_t *data, size_t size, uint64_t now)
{
    struct portpool_ask *ask = find(s, data, size);

    if (ask == NULL)
        return;
    portpool_drop(ask);
    s->pool->fn(s->pool->arg, ask, PORTPOOL_UNSENT, NULL, 0, now);
}

static void on_network(void *arg, enum network_event event, const uint8_t *data, size_t size,
                       uint64_t now)
{
    struct portpool_socket *s = arg;

    s->busy = true;
    if (event == NETWORK_DATA)
        on_datagram(s, data, size, now);
    else if (event == NETWORK_UNSENT)
        on_unsent(s, data, size, now);
    else
        tell_all(s, PORTPOOL_ERROR, now);
    s->busy = false;
    close_if_done(s);
}

void portpool_sweep(struct portpool *p, uint64_t now)
{
    for (size_t i = p->length; i-- > 0;) {
        struct portpool_socket *s = p->sockets[i];

        if (now - s->born >= PORTPOOL_AGE_MS && s->owed.count == 0)
            retire(s, NULL);
    }
}

size_t portpool_sockets(const struct portpool *p)
{
    return p->length + p->leaving;
}
