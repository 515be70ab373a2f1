/* Timers on a libevent base, made for those that are set all the time and seldom run out.
 *
 * One that is cleared, or set to later, leaves its event alone: the next wait is about as long.  An
 * event that comes too early is added again for the rest. */
#ifndef PLDNS_EVENTTIMER_H
#define PLDNS_EVENTTIMER_H

#include "network.h"

struct event;
struct event_base;

struct network_timer *eventtimer_new(struct event_base *, network_timer_fn *, void *arg);
void eventtimer_set(struct network_timer *, uint64_t now, uint64_t delay_ms); /* replaces */
void eventtimer_clear(struct network_timer *);
void eventtimer_free(struct network_timer *);

/* Adds a timer of libevent's own so that its end wakes the thread up once. */
void eventtimer_begin(struct event *, uint64_t delay_ms);

#endif
