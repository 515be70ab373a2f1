/* What is gathered while events are dealt with and leaves when that is done: datagrams, late
 * replies.  One worker's own.
 *
 * Where most of it comes from, a handler says when it begins and ends, and what was put off
 * meanwhile is done at its end, by plain calls.  What anybody else puts off is done when libevent
 * has dealt with the events that it has in hand. */
#ifndef PLDNS_TURN_H
#define PLDNS_TURN_H

#include <stdbool.h>
#include <stddef.h>

#include "publish.h"

struct event;
struct event_base;

struct turn_task { /* 'run' and 'arg' are its owner's to set; the rest is private */
    void (*run)(void *arg);
    void *arg;
    struct turn_task *next;
    bool waits;
};

struct turn { /* private */
    struct event *event;
    struct turn_task *first;
    bool begun, reads;
};

void turn_open(struct turn *, struct event_base *);
/* Nothing waits. */
void turn_close(struct turn *);

/* From now on one section of publish.h is around all between turn_begin_reading() and
 * turn_end_reading(): for threads that read. */
static inline void turn_set_reading(struct turn *t)
{
    t->reads = true;
}

/* private */
void turn_add(struct turn *, struct turn_task *);
void turn_run(struct turn *);

static inline void turn_begin(struct turn *t)
{
    t->begun = true;
}

static inline void turn_end(struct turn *t)
{
    t->begun = false;
    if (t->first != NULL)
        turn_run(t);
}

static inline void turn_begin_reading(struct turn *t)
{
    turn_begin(t);
    if (t->reads)
        publish_read_begin();
}

/* What was put off is no part of the section. */
static inline void turn_end_reading(struct turn *t)
{
    if (t->reads)
        publish_read_end();
    turn_end(t);
}

/* To be done soon, and once however often it is put off. */
static inline void turn_put_off(struct turn *t, struct turn_task *task)
{
    if (!task->waits)
        turn_add(t, task);
}

/* It is not to be done any more; fine if it does not wait. */
void turn_forget(struct turn *, struct turn_task *);

#endif
