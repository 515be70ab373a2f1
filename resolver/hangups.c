#include "hangups.h"

#include <assert.h>
#include <event2/event.h>
#include <stdlib.h>

#include "alloc.h"
#include "clock.h"

/* Thick and fast: so many are behind one that came less than so long ago. */
#define RUSH_LENGTH 8
#define RUSH_MS     2

/* Patience is counted in parts of a connection: one that was still there adds a whole one, one that
 * had gone takes a part away.  So one of so many is looked at too early. */
#define PATIENCE_PART  16
#define PATIENCE_LEAST (2 * PATIENCE_PART)
#define PATIENCE_START (16 * PATIENCE_PART)
#define PATIENCE_MOST  (HANGUPS_MOST / 2 * PATIENCE_PART) /* a burst has room behind these */
#define PATIENCE_END   (HANGUPS_MOST * PATIENCE_PART)     /* more stay than go */

struct hangups {
    hangups_look_fn *look;
    void *arg;
    struct event *tick; /* pending while somebody stands aside */
    struct idlelist aside;
    uint64_t arrivals[RUSH_LENGTH]; /* of the latest, in turn */
    unsigned oldest;                /* of these */
    size_t patience;
    uint64_t rest_until;
};

static void rest(struct hangups *h, uint64_t now)
{
    h->rest_until = now + HANGUPS_REST_MS;
    h->patience = PATIENCE_START;
}

static void look_at_oldest(struct hangups *h, uint64_t now)
{
    struct idlelist_entry *oldest = h->aside.head;

    idlelist_remove(&h->aside, oldest);
    switch (h->look(h->arg, oldest, now)) {
    case HANGUPS_GONE:
        if (h->patience > PATIENCE_LEAST)
            h->patience--;
        break;
    case HANGUPS_QUIET:
        h->patience += PATIENCE_PART;
        if (h->patience > PATIENCE_END)
            rest(h, now);
        break;
    case HANGUPS_ASKED:
        rest(h, now);
        break;
    }
}

static bool is_crowded(const struct hangups *h)
{
    size_t patience = h->patience < PATIENCE_MOST ? h->patience : PATIENCE_MOST;

    return h->aside.length * PATIENCE_PART > patience;
}

static void on_tick(evutil_socket_t fd, short what, void *arg)
{
    static const struct timeval tick = {0, HANGUPS_MS * 1000};
    struct hangups *h = arg;
    uint64_t now = clock_ms();

    (void)fd;
    (void)what;
    while (h->aside.head != NULL && (is_crowded(h) || h->aside.head->touched + HANGUPS_MS <= now))
        look_at_oldest(h, now);
    if (h->aside.head != NULL)
        evtimer_add(h->tick, &tick);
}

static bool is_rush(struct hangups *h, uint64_t now)
{
    bool rush = now - h->arrivals[h->oldest] < RUSH_MS;

    h->arrivals[h->oldest] = now;
    h->oldest = (h->oldest + 1) % RUSH_LENGTH;
    return rush;
}

bool hangups_expect(struct hangups *h, struct idlelist_entry *entry, uint64_t now)
{
    if (!is_rush(h, now) || now < h->rest_until || h->aside.length == HANGUPS_MOST)
        return false;
    idlelist_append(&h->aside, entry, now);
    /* Those that are looked at have been answered; others that have come with this one have not. */
    if (h->aside.length == 1 || is_crowded(h))
        event_active(h->tick, EV_TIMEOUT, 0);
    return true;
}

void hangups_remove(struct hangups *h, struct idlelist_entry *entry)
{
    idlelist_remove(&h->aside, entry);
}

void hangups_look(struct hangups *h, uint64_t now)
{
    while (h->aside.head != NULL)
        look_at_oldest(h, now);
}

struct hangups *hangups_new(struct event_base *base, hangups_look_fn *look, void *arg)
{
    struct hangups *h = alloc_array(1, sizeof *h);

    h->look = look;
    h->arg = arg;
    h->patience = PATIENCE_START;
    h->tick = evtimer_new(base, on_tick, h);
    if (h->tick != NULL)
        return h;
    free(h);
    return NULL;
}

void hangups_free(struct hangups *h)
{
    if (h == NULL)
        return;
    assert(h->aside.length == 0);
    event_free(h->tick);
    free(h);
}
