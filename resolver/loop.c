#include "loop.h"

#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "alloc.h"
#include "log.h"

#define NAME_ROOM 64

static const uint8_t suffix[] = "\4loop\5pldns\4test";

struct member {
    const struct config_upstream *server;
    struct dname name;
    _Atomic uint64_t until; /* it loops; monotonic milliseconds */
};

struct loop {
    struct member *members;
    size_t length;
};

static bool is_same(const struct config_upstream *a, const struct config_upstream *b)
{
    return a->transport == b->transport && configaddress_equal(&a->address, &b->address);
}

static struct member *find(const struct loop *l, const struct config_upstream *server)
{
    for (size_t i = 0; i < l->length; i++) {
        if (is_same(l->members[i].server, server))
            return &l->members[i];
    }
    return NULL;
}

static void add_all(struct loop *l, const struct config_upstreams *servers, uint64_t nonce)
{
    for (size_t i = 0; i < servers->length; i++) {
        char text[NAME_ROOM];
        const char *why;

        if (find(l, &servers->items[i]) != NULL)
            continue;
        l->members = alloc_resize(l->members, l->length + 1, sizeof *l->members);
        struct member *m = &l->members[l->length];
        memset(m, 0, sizeof *m);
        m->server = &servers->items[i];
        int size = snprintf(text, sizeof text, "%016llx-%zu.loop.pldns.test",
                            (unsigned long long)nonce, l->length);
        if (dname_from_text(&m->name, text, (size_t)size, &why))
            l->length++;
    }
}

struct loop *loop_new(const struct config_upstreams *standard, const struct config_route *routes,
                      size_t routes_length, uint64_t nonce)
{
    struct loop *l = alloc_array(1, sizeof *l);

    add_all(l, standard, nonce);
    for (size_t i = 0; i < routes_length; i++)
        add_all(l, &routes[i].upstreams, nonce);
    return l;
}

void loop_free(struct loop *l)
{
    if (l == NULL)
        return;
    free(l->members);
    free(l);
}

size_t loop_length(const struct loop *l)
{
    return l->length;
}

const struct config_upstream *loop_server(const struct loop *l, size_t i)
{
    return l->members[i].server;
}

void loop_name(const struct loop *l, size_t i, struct dname *out)
{
    *out = l->members[i].name;
}

bool loop_take(struct loop *l, const uint8_t *name, uint64_t now)
{
    if (!dname_under(name, suffix, NULL))
        return false;
    for (size_t i = 0; i < l->length; i++) {
        struct member *m = &l->members[i];

        if (!dname_equal(m->name.wire, name))
            continue;
        if (atomic_exchange(&m->until, now + LOOP_HOLD_MS) <= now)
            log_error("upstream refused",
                      "upstream=%s why=\"a question sent there came back to us\" action=\"nothing "
                      "is asked there; name another upstream, or mend where it forwards to\"",
                      m->server->text);
        return true;
    }
    return false;
}

bool loop_has(const struct loop *l, const struct config_upstream *server, uint64_t now)
{
    const struct member *m = l != NULL ? find(l, server) : NULL;

    return m != NULL && atomic_load_explicit(&m->until, memory_order_relaxed) > now;
}
