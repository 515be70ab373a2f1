#include "loop.h"

#include <assert.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "alloc.h"
#include "log.h"

#define NAME_ROOM 64

#define LABEL_LEAST 18 /* octets of a name's first label: sixteen digits, a hyphen, a number */

static const uint8_t suffix[] = "\4loop\5pldns\4test";

struct loop_member {
    struct loop *loop;
    struct loop_member *next;
    unsigned holders; /* under the lock */
    struct config_upstream server;
    struct dname name;
    _Atomic uint64_t until; /* it loops; monotonic milliseconds */
};

struct loop {
    uint64_t nonce;
    pthread_mutex_t lock; /* of what follows */
    uint64_t joined;      /* ever: each has another name */
    struct loop_member *first;
};

struct loop *loop_new(uint64_t nonce)
{
    struct loop *l = alloc_array(1, sizeof *l);

    l->nonce = nonce;
    pthread_mutex_init(&l->lock, NULL);
    return l;
}

void loop_free(struct loop *l)
{
    if (l == NULL)
        return;
    assert(l->first == NULL);
    pthread_mutex_destroy(&l->lock);
    free(l);
}

/* ---- members ---- */

static bool is_same(const struct config_upstream *a, const struct config_upstream *b)
{
    return a->transport == b->transport && configaddress_equal(&a->address, &b->address);
}

static struct loop_member *find(const struct loop *l, const struct config_upstream *server)
{
    struct loop_member *m = l->first;

    while (m != NULL && !is_same(&m->server, server))
        m = m->next;
    return m;
}

static struct loop_member *add(struct loop *l, const struct config_upstream *server)
{
    struct loop_member *m = alloc_array(1, sizeof *m);
    char text[NAME_ROOM];
    const char *why;
    int size = snprintf(text, sizeof text, "%016llx-%llu.loop.pldns.test",
                        (unsigned long long)l->nonce, (unsigned long long)l->joined++);
    bool made = dname_from_text(&m->name, text, (size_t)size, &why);

    assert(made);
    m->loop = l;
    m->server = *server;
    m->next = l->first;
    l->first = m;
    return m;
}

struct loop_member *loop_join(struct loop *l, const struct config_upstream *server)
{
    pthread_mutex_lock(&l->lock);
    struct loop_member *m = find(l, server);
    if (m == NULL)
        m = add(l, server);
    m->holders++;
    pthread_mutex_unlock(&l->lock);
    return m;
}

void loop_leave(struct loop_member *m)
{
    if (m == NULL)
        return;
    struct loop *l = m->loop;
    pthread_mutex_lock(&l->lock);
    bool last = --m->holders == 0;
    if (last) {
        struct loop_member **at = &l->first;
        while (*at != m)
            at = &(*at)->next;
        *at = m->next;
    }
    pthread_mutex_unlock(&l->lock);
    if (last)
        free(m);
}

const struct config_upstream *loop_server(const struct loop_member *m)
{
    return &m->server;
}

const struct dname *loop_name(const struct loop_member *m)
{
    return &m->name;
}

/* ---- what came round ---- */

bool loop_has(const struct loop_member *m, uint64_t now)
{
    return m != NULL && atomic_load_explicit(&m->until, memory_order_relaxed) > now;
}

bool loop_knows(struct loop *l, const struct config_upstream *server, uint64_t now)
{
    pthread_mutex_lock(&l->lock);
    bool loops = loop_has(find(l, server), now);
    pthread_mutex_unlock(&l->lock);
    return loops;
}

bool loop_take(struct loop *l, const uint8_t *name, uint64_t now)
{
    if (name[0] < LABEL_LEAST || !dname_under(name, suffix, NULL))
        return false;
    pthread_mutex_lock(&l->lock);
    struct loop_member *m = l->first;
    while (m != NULL && !dname_equal(m->name.wire, name))
        m = m->next;
    if (m != NULL && atomic_exchange(&m->until, now + LOOP_HOLD_MS) <= now)
        log_error("upstream refused",
                  "upstream=%s why=\"a question sent there came back to us\" action=\"nothing "
                  "is asked there; name another upstream, or mend where it forwards to\"",
                  m->server.text);
    pthread_mutex_unlock(&l->lock);
    return m != NULL;
}
