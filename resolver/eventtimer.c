#include "eventtimer.h"

#include <stdlib.h>

#include <event2/event.h>
#include <event2/event_struct.h>

#include "alloc.h"
#include "clock.h"

#define EARLY_MS 2 /* no other wait for so little; inquiry.c knows that timers may be early */

struct network_timer {
    struct event event;
    bool set, pending;
    uint64_t due, wakes; /* when it is to run out; when the pending event comes */
    network_timer_fn *fn;
    void *arg;
};

static void wake_at(struct network_timer *t, uint64_t now, uint64_t delay_ms)
{
    struct timeval delay = {(time_t)(delay_ms / 1000), (suseconds_t)(delay_ms % 1000 * 1000)};

    /* libevent counts from its own idea of now, which is the same clock. */
    event_add(&t->event, &delay);
    t->pending = true;
    t->wakes = now + delay_ms;
}

static void eventtimer_on_wake(evutil_socket_t fd, short what, void *arg)
{
    struct network_timer *t = arg;
    uint64_t now = clock_ms();

    (void)fd;
    (void)what;
    t->pending = false;
    if (!t->set)
        return;
    if (now + EARLY_MS < t->due) {
        wake_at(t, now, t->due - now);
        return;
    }
    t->set = false;
    t->fn(t->arg, now);
}

struct network_timer *eventtimer_new(struct event_base *base, network_timer_fn *fn, void *arg)
{
    struct network_timer *t = alloc_array(1, sizeof *t);

    t->fn = fn;
    t->arg = arg;
    evtimer_assign(&t->event, base, eventtimer_on_wake, t);
    return t;
}

void eventtimer_set(struct network_timer *t, uint64_t now, uint64_t delay_ms)
{
    t->set = true;
    t->due = now + delay_ms;
    if (!t->pending || t->wakes > t->due)
        wake_at(t, now, delay_ms);
}

void eventtimer_clear(struct network_timer *t)
{
    t->set = false;
}

void eventtimer_free(struct network_timer *t)
{
    event_del(&t->event);
    free(t);
}
