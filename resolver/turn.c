#include "turn.h"

#include <assert.h>

#include <event2/event.h>

#include "error.h"

static void on_event(evutil_socket_t fd, short what, void *arg)
{
    (void)fd;
    (void)what;
    turn_run(arg);
}

void turn_open(struct turn *t, struct event_base *base)
{
    *t = (struct turn){.event = event_new(base, -1, 0, on_event, t)};
    assert(t->event != NULL); /* as for all memory */
}

void turn_close(struct turn *t)
{
    assert(t->first == NULL);
    event_free(t->event);
}

APART void turn_add(struct turn *t, struct turn_task *task)
{
    if (t->first == NULL && !t->begun)
        event_active(t->event, 0, 0); /* behind all events that are in hand */
    task->waits = true;
    task->next = t->first;
    t->first = task;
}

/* What is put off meanwhile waits for the event: so this comes to an end. */
APART void turn_run(struct turn *t)
{
    struct turn_task *task = t->first, *next;

    t->first = NULL;
    for (; task != NULL; task = next) {
        next = task->next;
        task->waits = false;
        task->run(task->arg);
    }
}

void turn_forget(struct turn *t, struct turn_task *task)
{
    struct turn_task **at = &t->first;

    if (!task->waits)
        return;
    while (*at != task)
        at = &(*at)->next;
    *at = task->next;
    task->waits = false;
}
