#include "portpool.h"

#include <assert.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

#include "alloc.h"
#include "fetch.h"

#define AHEAD        3 /* one for each step of memory: where it is, itself, the socket below */
#define ID_TRIES     8 /* for a free slot on one socket */
#define SOCKET_TRIES 4 /* for a socket with a free slot */
#define BITS         8 /* questions for which chance is asked at once */

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
    const struct sockaddr *to; /* lent */
    portpool_fn *fn;
    network_socket_fn *hear;
    void *arg;
    struct portpool_socket *sockets[PORTPOOL_SIZE];
    size_t length, leaving;
    uint32_t ahead[AHEAD];  /* places drawn for the questions to come … */
    size_t drawn_of;        /* … when so many were there; 0: not yet */
    uint32_t window, steps; /* the first place that is drawn from; questions since it moved */
    unsigned left;          /* so many of these are not used yet */
    uint64_t bits[BITS];    /* out of the operating system's generator */
};

struct portpool *portpool_new(struct network *network, const struct sockaddr *to,
                              struct stats *stats, portpool_fn *fn, void *arg,
                              network_socket_fn *hear)
{
    struct portpool *p = alloc_array(1, sizeof *p);

    p->network = network;
    p->stats = stats;
    p->to = to;
    p->fn = fn;
    p->arg = arg;
    p->hear = hear;
    return p;
}

/* ---- sockets come and go ---- */

RARE static void close_if_owed_nothing(struct portpool_socket *s)
{
    if (s->owed.count > 0 || s->busy)
        return;
    s->pool->leaving--;
    s->pool->network->close(s->socket);
    free(s);
}

static void close_if_done(struct portpool_socket *s)
{
    if (s->place == PORTPOOL_SIZE)
        close_if_owed_nothing(s);
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

static struct portpool_socket *open_socket(struct portpool *p, uint64_t now)
{
    struct portpool_socket *s = alloc_array(1, sizeof *s);

    s->owed.many = p->length >= PORTPOOL_FEW;
    s->socket = p->network->datagram(p->network, p->to, p->hear, s, &s->owed);
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

static inline bool is_worn(const struct portpool_socket *s, size_t length, uint64_t now)
{
    unsigned most = length < PORTPOOL_SIZE ? PORTPOOL_USES_SMALL : PORTPOOL_USES;

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
APART static struct portpool_socket *replace(struct portpool_socket *old, uint64_t now)
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

void portpool_renew(struct portpool *p)
{
    for (size_t i = 0; i < p->length; i++)
        p->sockets[i]->uses = PORTPOOL_USES;
}

/* What chance decides of one question. */
struct dice {
    uint32_t place; /* spread over so few places, the bias of 32 bits is one in millions */
    uint16_t id;
};

struct draw {
    struct portpool_socket *socket; /* NULL: none is to be had */
    uint16_t id;
};

/* 'length' is the pool's: that of a full one is known when compiling. */
static inline uint32_t place_in_window(const struct portpool *p, size_t length, uint32_t dice)
{
    size_t width = length < PORTPOOL_WINDOW ? length : PORTPOOL_WINDOW;
    size_t place = p->window + ((uint64_t)dice * width >> 32);

    return (uint32_t)(place < length ? place : place - length);
}

static void move_window(struct portpool *p)
{
    if (++p->steps < PORTPOOL_STEP)
        return;
    p->steps = 0;
    p->window = p->window + 1 < p->length ? p->window + 1 : 0;
}

APART static void ask_chance(struct portpool *p)
{
    p->network->random(p->network, p->bits, sizeof p->bits);
    p->left = BITS;
}

/* A used number is not to be found in memory afterwards. */
static inline struct dice roll(struct portpool *p, size_t length)
{
    uint64_t bits;

    if (p->left == 0)
        ask_chance(p);
    bits = p->bits[--p->left];
    p->bits[p->left] = 0;
    return (struct dice){.place = place_in_window(p, length, (uint32_t)(bits >> 32)),
                         .id = (uint16_t)bits};
}

/* All that were drawn ahead are drawn again: there are more or fewer now. */
APART static void draw_ahead(struct portpool *p)
{
    for (size_t i = 0; i < AHEAD; i++)
        p->ahead[i] = roll(p, p->length).place;
    p->drawn_of = p->length;
}

/* One of them at random, and an id.  The draw is made some questions ahead, so that by then the
 * processor has the socket at hand: there are too many of them to stay near it. */
static inline struct draw draw_socket(struct portpool *p, size_t length)
{
    struct portpool_socket *s;
    struct dice dice = roll(p, length);

    move_window(p);
    if (p->drawn_of != length)
        draw_ahead(p);
    assert(p->ahead[0] < length);
    s = p->sockets[p->ahead[0]];
    memmove(p->ahead, p->ahead + 1, sizeof p->ahead - sizeof p->ahead[0]);
    p->ahead[AHEAD - 1] = dice.place;
    __builtin_prefetch(&p->sockets[p->ahead[2]]);
    fetch_memory(p->sockets[p->ahead[1]], sizeof *s);
    __builtin_prefetch(p->sockets[p->ahead[0]]->socket);
    return (struct draw){s, dice.id};
}

static inline struct draw draw_any(struct portpool *p, size_t length, uint64_t now)
{
    struct draw draw = draw_socket(p, length);

    if (is_worn(draw.socket, length, now))
        draw.socket = replace(draw.socket, now);
    return draw;
}

/* While there are few, each question has a new one, if one is to be had. */
APART static struct draw add_or_draw(struct portpool *p, uint64_t now)
{
    uint16_t id = roll(p, p->length).id;
    struct portpool_socket *s = add(p, now);

    return s != NULL || p->length == 0 ? (struct draw){s, id} : draw_any(p, p->length, now);
}

static struct draw choose(struct portpool *p, uint64_t now)
{
    return p->length < PORTPOOL_SIZE ? add_or_draw(p, now) : draw_any(p, PORTPOOL_SIZE, now);
}

/* ---- questions ---- */

/* The id, and what it is the lower bits of: a free slot of that socket. */
static bool take_slot(struct portpool_socket *s, struct portpool_ask *ask, uint16_t id,
                      const void *about)
{
    if (s->slots[id % PORTPOOL_SLOTS] != NULL)
        return false;
    s->slots[id % PORTPOOL_SLOTS] = ask;
    s->owed.count++;
    s->owed.about = about;
    s->uses++;
    ask->socket = s;
    ask->id = id;
    ask->wrong = s->wrong;
    return true;
}

/* It was not free: other ids, and other sockets.  False: none was found, errno says why. */
APART static bool take_another(struct portpool_socket *s, struct portpool_ask *ask,
                               const void *about, uint64_t now)
{
    struct portpool *p = s->pool;

    for (unsigned sockets = 1;; sockets++) {
        for (unsigned ids = 1; ids < ID_TRIES; ids++) {
            if (take_slot(s, ask, roll(p, p->length).id, about))
                return true;
        }
        if (sockets == SOCKET_TRIES)
            break;
        struct draw draw = choose(p, now);
        s = draw.socket;
        if (s == NULL)
            return false;
        if (take_slot(s, ask, draw.id, about))
            return true;
    }
    errno = 0;
    return false;
}

bool portpool_send(struct portpool *p, struct portpool_ask *ask, const void *about,
                   uint8_t *message, size_t size, uint64_t now)
{
    struct draw draw = choose(p, now);

    ask->socket = NULL;
    if (draw.socket == NULL || (!take_slot(draw.socket, ask, draw.id, about) &&
                                !take_another(draw.socket, ask, about, now)))
        return false;
    uint16_t id = ask->id;
    message[0] = (uint8_t)(id >> 8);
    message[1] = (uint8_t)id;
    if (p->network->send(ask->socket->socket, message, size))
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

RARE static void count_wrong(struct portpool_socket *s, uint64_t now)
{
    s->wrong++;
    stats_count(s->pool->stats, STATS_UPSTREAM_BAD);
    tell_all(s, PORTPOOL_FLOODED, now);
}

struct portpool_ask *portpool_find(const struct portpool_socket *s, const uint8_t *data,
                                   size_t size)
{
    struct portpool_ask *ask;
    uint16_t id;

    if (size < sizeof id)
        return NULL;
    id = (uint16_t)(data[0] << 8 | data[1]);
    ask = s->slots[id % PORTPOOL_SLOTS];
    return ask != NULL && ask->id == id ? ask : NULL;
}

void portpool_hold(struct portpool_socket *s)
{
    s->busy = true;
}

void portpool_let_go(struct portpool_socket *s, bool ours, uint64_t now)
{
    if (!ours)
        count_wrong(s, now);
    s->busy = false;
    close_if_done(s);
}

static bool on_datagram(struct portpool_socket *s, const uint8_t *data, size_t size, uint64_t now)
{
    struct portpool_ask *ask = portpool_find(s, data, size);

    return ask != NULL && s->pool->fn(s->pool->arg, ask, PORTPOOL_REPLY, data, size, now);
}

/* True if the address that a socket got when it was opened is this host's no more, or leads
 * nowhere: a new one may get another. */
static bool is_stranded(int error)
{
    return error == ENETUNREACH || error == EHOSTUNREACH || error == EADDRNOTAVAIL ||
           error == EINVAL;
}

/* Who asked may have lost interest meanwhile. */
RARE static void on_unsent(struct portpool_socket *s, const uint8_t *data, size_t size,
                           uint64_t now)
{
    struct portpool_ask *ask = portpool_find(s, data, size);
    int error = errno;

    if (is_stranded(error) && s->place != PORTPOOL_SIZE)
        retire(s, NULL);
    if (ask == NULL)
        return;
    portpool_drop(ask);
    errno = error;
    s->pool->fn(s->pool->arg, ask, PORTPOOL_UNSENT, NULL, 0, now);
}

APART void portpool_hear(void *arg, enum network_event event, const uint8_t *data, size_t size,
                         uint64_t now)
{
    struct portpool_socket *s = arg;
    bool ours = true;

    portpool_hold(s);
    if (event == NETWORK_DATA)
        ours = on_datagram(s, data, size, now);
    else if (event == NETWORK_UNSENT)
        on_unsent(s, data, size, now);
    else
        tell_all(s, PORTPOOL_ERROR, now);
    portpool_let_go(s, ours, now);
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
