#include "loopprobe.h"

#include <event2/event.h>
#include <stdlib.h>

#include "alloc.h"
#include "clock.h"
#include "eventtimer.h"
#include "network_event.h"
#include "question.h"
#include "upstream.h"

#define SOCKETS_MAX 1024 /* far more than there are upstreams */

struct far_end {
    struct loop_member *member;
    struct upstream *upstream; /* NULL: not being asked */
    struct upstream_ask ask;
    uint64_t asked; /* 0: never */
};

struct loopprobe {
    struct event_base *base;
    const struct config *config;
    struct network *network; /* NULL: nobody is being asked */
    struct stats stats;      /* nobody reads them */
    struct event *timer;
    struct far_end *ends;
    size_t length;
};

static size_t write_question(const struct far_end *end, uint8_t *room)
{
    const struct dname *name = loop_name(end->member);
    const struct reply_question question = {.name = name->wire,
                                            .name_size = name->size,
                                            .type = 1, /* A */
                                            .class = 1};

    return question_write(room + 2, &question, name->wire, true);
}

/* What is answered says nothing: only what comes round does.  Nor does silence: each round begins
 * anew, and who forwards questions there finds out whether it answers. */
static bool on_event(struct upstream_ask *ask, enum upstream_event event, const uint8_t *message,
                     size_t size, uint64_t now)
{
    struct far_end *end = ask->owner;
    uint8_t room[2 + QUESTION_MAX];

    (void)message;
    (void)size;
    if (event == UPSTREAM_READY)
        return upstream_write(ask, room, write_question(end, room));
    if (event != UPSTREAM_REPLY) {
        upstream_let_be(end->upstream);
        return true;
    }
    upstream_heard(ask, now);
    upstream_drop(ask);
    return true;
}

static void probe(struct loopprobe *p, size_t i, uint64_t now)
{
    struct far_end *end = &p->ends[i];
    struct config_upstream server = *loop_server(end->member);
    uint8_t room[2 + QUESTION_MAX];

    if (p->network == NULL)
        p->network = network_event_new(p->base, SOCKETS_MAX, 0);
    end->asked = 0; /* one that cannot be asked now is asked in the next round */
    if (p->network == NULL)
        return;
    configaddress_follow(&server);
    end->upstream =
        upstream_new(p->network, &server, p->config, &p->stats, on_event, portpool_hear);
    end->ask = (struct upstream_ask){.owner = end, .edns = true};
    if (upstream_send(end->upstream, &end->ask, room, write_question(end, room), false, now))
        end->asked = now;
    else
        upstream_let_be(end->upstream);
}

static void end_round(struct loopprobe *p)
{
    for (size_t i = 0; i < p->length; i++) {
        if (p->ends[i].upstream == NULL)
            continue;
        upstream_drop(&p->ends[i].ask);
        upstream_free(p->ends[i].upstream);
        p->ends[i].upstream = NULL;
    }
    network_event_free(p->network);
    p->network = NULL;
}

static void on_timer(evutil_socket_t fd, short what, void *arg)
{
    struct loopprobe *p = arg;
    uint64_t now = clock_ms();

    (void)fd;
    (void)what;
    if (p->network != NULL) {
        end_round(p);
        eventtimer_begin(p->timer, LOOP_PROBE_MS);
        return;
    }
    for (size_t i = 0; i < p->length; i++) {
        uint64_t asked = p->ends[i].asked;

        if (asked == 0 || loop_has(p->ends[i].member, now) || now - asked >= LOOP_LOOK_MS)
            probe(p, i, now);
    }
    eventtimer_begin(p->timer, p->network != NULL ? LOOPPROBE_WAIT_MS : LOOP_PROBE_MS);
}

/* ---- whom to ask ---- */

static void add(struct loopprobe *p, const struct config_upstreams *servers)
{
    for (size_t i = 0; i < servers->length; i++) {
        struct loop_member *member = loop_join(p->config->forward.loop, &servers->items[i]);
        bool known = false;

        for (size_t n = 0; n < p->length; n++)
            known |= p->ends[n].member == member;
        if (known) {
            loop_leave(member);
            continue;
        }
        p->ends = alloc_resize(p->ends, p->length + 1, sizeof *p->ends);
        p->ends[p->length++] = (struct far_end){.member = member};
    }
}

static void forget(struct far_end *ends, size_t length)
{
    for (size_t i = 0; i < length; i++)
        loop_leave(ends[i].member);
    free(ends);
}

void loopprobe_set(struct loopprobe *p, const struct config_upstreams *standard)
{
    struct far_end *before = p->ends;
    size_t length = p->length;

    end_round(p);
    p->ends = NULL;
    p->length = 0;
    add(p, standard);
    for (size_t i = 0; i < p->config->forward.routes_length; i++)
        add(p, &p->config->forward.routes[i].upstreams);
    for (size_t i = 0; i < p->length; i++) {
        for (size_t n = 0; n < length; n++) {
            if (before[n].member == p->ends[i].member)
                p->ends[i].asked = before[n].asked;
        }
    }
    forget(before, length);
    if (p->length > 0)
        eventtimer_begin(p->timer, LOOPPROBE_FIRST_MS);
    else
        evtimer_del(p->timer);
}

/* ---- life ---- */

struct loopprobe *loopprobe_new(struct event_base *base, const struct config *config)
{
    static const struct config_upstreams none;
    struct loopprobe *p = alloc_array(1, sizeof *p);

    p->base = base;
    p->config = config;
    p->timer = evtimer_new(base, on_timer, p);
    loopprobe_set(p, &none);
    return p;
}

void loopprobe_free(struct loopprobe *p)
{
    if (p == NULL)
        return;
    end_round(p);
    event_free(p->timer);
    forget(p->ends, p->length);
    free(p);
}
