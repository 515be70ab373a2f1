#include "acceptor.h"

#include <errno.h>
#include <event2/event.h>
#include <stdlib.h>
#include <unistd.h>

#include "alloc.h"
#include "clock.h"

/* Connections taken before other events of the worker have their turn … */
#define ACCEPTS_PER_EVENT 64
/* … and of each socket at the end: as many as wait in a long line. */
#define ACCEPTS_AT_END 4096

struct acceptor {
    acceptor_take_fn *take;
    acceptor_shed_fn *shed;
    void *arg;
    struct listener *listeners;
    struct event **events; /* one a listener */
    size_t length;
    struct event *pause; /* its end */
};

/* False: the kernel has no memory to wait for one of them. */
static bool switch_on(struct acceptor *a)
{
    bool all = true;

    for (size_t i = 0; i < a->length; i++)
        all = event_add(a->events[i], NULL) == 0 && all;
    return all;
}

static void switch_off(struct acceptor *a)
{
    for (size_t i = 0; i < a->length; i++)
        event_del(a->events[i]);
}

static void pause_begin(struct acceptor *a)
{
    static const struct timeval pause = {ACCEPTOR_PAUSE_MS / 1000, ACCEPTOR_PAUSE_MS % 1000 * 1000};

    event_add(a->pause, &pause);
}

static void on_pause_end(evutil_socket_t fd, short what, void *arg)
{
    (void)fd;
    (void)what;
    if (!switch_on(arg))
        pause_begin(arg);
}

/* False: nothing more to accept now. */
static bool accept_one(struct acceptor *a, int listener, uint64_t now)
{
    union config_address peer;
    socklen_t size = sizeof peer;
    int fd = accept4(listener, &peer.any, &size, SOCK_NONBLOCK | SOCK_CLOEXEC);

    if (fd >= 0) {
        a->take(a->arg, fd, &peer, now);
        return true;
    }
    switch (errno) {
    case EAGAIN:
        return false;
    case EMFILE:
    case ENFILE:
    case ENOBUFS:
    case ENOMEM:
        if (a->shed(a->arg))
            return true;
        switch_off(a);
        pause_begin(a);
        return false;
    default:
        return true; /* the connection was lost before we had it */
    }
}

static void accept_some(struct acceptor *a, int listener, unsigned most)
{
    uint64_t now = clock_ms();

    for (unsigned i = 0; i < most && accept_one(a, listener, now); i++)
        continue;
}

static void on_acceptable(evutil_socket_t fd, short what, void *arg)
{
    (void)what;
    accept_some(arg, fd, ACCEPTS_PER_EVENT);
}

struct acceptor *acceptor_new(const struct acceptor_options *options)
{
    struct acceptor *a = alloc_array(1, sizeof *a);

    a->take = options->take;
    a->shed = options->shed;
    a->arg = options->arg;
    a->listeners = options->listeners;
    a->events = alloc_array(options->length, sizeof(struct event *));
    a->pause = evtimer_new(options->base, on_pause_end, a);
    for (size_t i = 0; i < options->length && a->pause != NULL; i++) {
        struct event *event = event_new(options->base, options->listeners[i].tcp,
                                        EV_READ | EV_PERSIST, on_acceptable, a);
        if (event == NULL)
            break;
        a->events[a->length++] = event;
    }
    if (a->length == options->length && switch_on(a))
        return a;
    acceptor_free(a);
    return NULL;
}

/* Closed right behind the last one: whoever is in the line of a socket that is closed is cut off,
 * and whoever comes later is refused, and asks elsewhere. */
void acceptor_stop(struct acceptor *a)
{
    switch_off(a);
    for (size_t i = 0; i < a->length; i++) {
        accept_some(a, a->listeners[i].tcp, ACCEPTS_AT_END);
        close(a->listeners[i].tcp);
        a->listeners[i].tcp = -1;
    }
    event_del(a->pause);
}

void acceptor_free(struct acceptor *a)
{
    if (a == NULL)
        return;
    for (size_t i = 0; i < a->length; i++)
        event_free(a->events[i]);
    if (a->pause != NULL)
        event_free(a->pause);
    free(a->events);
    free(a);
}
