#include "eventtimer.h"

#include <stdlib.h>

#include <event2/event.h>
#include <event2/event_struct.h>

#include "alloc.h"
#include "clock.h"

/* libevent's clock stands still for four milliseconds on most kernels, and waits for less are of
 * one millisecond, again and again.  So no other wait is begun for as little as this; inquiry.c
 * knows that timers may be early. */
#define EARLY_MS 5

/* And a wait of a whole number of the clock's steps must not end a trifle behind the last of them:
 * it is shorter by this, which libevent rounds up when it waits. */
#define SHORTER_US 500

struct eventtimer {
    struct network_timer timer; /* first: the two are one */
    struct event event;         /* pending until 'wakes' */
    network_timer_fn *fn;
    void *arg;
};

void eventtimer_begin(struct event *event, uint64_t delay_ms)
{
    struct timeval delay = {(time_t)(delay_ms / 1000), (suseconds_t)(delay_ms % 1000 * 1000)};
    const struct timeval shorter = {0, delay_ms > 0 ? SHORTER_US : 0};

    evutil_timersub(&delay, &shorter, &delay);
    event_add(event, &delay);
}

static void wake_at(struct eventtimer *t, uint64_t now, uint64_t delay_ms)
{
    /* libevent counts from its own idea of now, which is the same clock. */
    eventtimer_begin(&t->event, delay_ms);
    t->timer.wakes = now + delay_ms;
}

static void eventtimer_on_wake(evutil_socket_t fd, short what, void *arg)
{
    struct eventtimer *t = arg;
    uint64_t now = clock_ms();

    (void)fd;
    (void)what;
    t->timer.wakes = NETWORK_NEVER;
    if (t->timer.due == NETWORK_NEVER)
        return;
    if (now + EARLY_MS < t->timer.due) {
        wake_at(t, now, t->timer.due - now);
        return;
    }
    t->timer.due = NETWORK_NEVER;
    t->fn(t->arg, now);
}

struct network_timer *eventtimer_new(struct event_base *base, network_timer_fn *fn, void *arg)
{
    struct eventtimer *t = alloc_array(1, sizeof *t);

    t->timer.due = t->timer.wakes = NETWORK_NEVER;
    t->fn = fn;
    t->arg = arg;
    evtimer_assign(&t->event, base, eventtimer_on_wake, t);
    return &t->timer;
}

void eventtimer_set(struct network_timer *t, uint64_t now, uint64_t delay_ms)
{
    t->due = now + delay_ms;
    if (t->wakes > t->due)
        wake_at((struct eventtimer *)t, now, delay_ms);
}

void eventtimer_clear(struct network_timer *t)
{
    network_timer_clear(t);
}

void eventtimer_free(struct network_timer *timer)
{
    struct eventtimer *t = (struct eventtimer *)timer;

    event_del(&t->event);
    free(t);
}
