#include "asker.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "alloc.h"
#include "configaddress.h"
#include "log.h"

struct fake_message asker_reply;

struct asker_job {
    struct forward_job job; /* first: it is this */
    struct asker_job *next;
    struct asker_told *told;
};

static bool guard(void *arg, const uint8_t *name, unsigned view)
{
    const struct asker *a = arg;

    (void)name;
    (void)view;
    return a->owned;
}

static void told(struct asker_told *t, const struct forward_outcome *o)
{
    t->times++;
    t->result = o->result;
    t->at = o->now;
    if (o->result != FORWARD_ANSWER)
        return;
    assert_memory_equal(o->message, "\0\0", 2);
    t->rcode = o->reply->rcode;
    t->answers = o->reply->answer_count;
    t->last_octet = o->message[o->size - 1];
}

static void tell(void *arg, const struct forward_outcome *o)
{
    struct asker *a = arg;
    struct forward_job *job;

    assert_false(a->asking); /* as forward.h promises */
    if (o->keep) {
        a->kept++;
        a->kept_result = o->result;
        if (o->result == FORWARD_ANSWER)
            assert_true(o->message != NULL && o->reply->end == o->size);
    }
    while ((job = forward_next(o)) != NULL) {
        const struct asker_job *j = (const struct asker_job *)job;

        told(j->told, o);
        if (a->meddle != NULL)
            a->meddle(a);
        if (forward_is_last(o) && o->message != NULL)
            memset(o->message, 0xff, o->room); /* nobody reads it any more */
    }
}

static void add_server(struct config_upstream *out, const char *text)
{
    const char *why;

    if (!configaddress_upstream(text, out, &why))
        fail_msg("%s: %s", text, why);
}

struct asker *asker_new(size_t servers, const char *first)
{
    struct asker *a = alloc_array(1, sizeof *a);

    log_setup(LOG_LEVEL_ERROR, LOG_FORMAT_LOGFMT);
    a->config.forward.timeout_ms = ASKER_TIMEOUT;
    add_server(&a->servers[0], first);
    add_server(&a->servers[1], ASKER_TWO);
    add_server(&a->servers[2], ASKER_THREE);
    a->upstreams = (struct config_upstreams){a->servers, servers};
    a->net = fake_network_new(ASKER_START);
    return a;
}

void asker_start(struct asker *a, unsigned in_flight)
{
    a->forward = forward_new(&(struct forward_options){
        .config = &a->config,
        .upstreams = &a->upstreams,
        .network = fake_network_of(a->net),
        .stats = &a->stats,
        .in_flight = in_flight,
        .tell = tell,
        .arg = a,
        .guard = guard,
        .guard_arg = a,
    });
}

struct asker *asker_begin(size_t servers)
{
    struct asker *a = asker_new(servers, "192.0.2.1");

    asker_start(a, 100);
    return a;
}

void asker_free(struct asker *a)
{
    forward_free(a->forward);
    while (a->jobs != NULL) {
        struct asker_job *next = a->jobs->next;
        free(a->jobs);
        a->jobs = next;
    }
    fake_network_free(a->net);
    free(a);
}

struct forward_job *asker_ask_question(struct asker *a, const struct reply_question *q,
                                       struct asker_told *t)
{
    struct asker_job *j = alloc_array(1, sizeof *j);

    *t = (struct asker_told){0};
    j->told = t;
    j->next = a->jobs;
    a->jobs = j;
    a->asking = true;
    forward_ask(a->forward, q, fake_network_now(a->net), &j->job);
    a->asking = false;
    return &j->job;
}

struct forward_job *asker_ask_type(struct asker *a, const char *name, uint16_t type,
                                   struct asker_told *t)
{
    uint8_t wire[255];
    struct reply_question q = {.name = wire,
                               .name_size = (uint8_t)fake_message_name(wire, name),
                               .type = type,
                               .class = 1};

    dname_fold(wire, wire);
    return asker_ask_question(a, &q, t);
}

struct forward_job *asker_ask(struct asker *a, const char *name, struct asker_told *t)
{
    return asker_ask_type(a, name, FAKE_TYPE_A, t);
}

bool asker_is_probe(const struct fake_sent *s)
{
    return s->message[12] == 0; /* the root */
}

bool asker_take(struct asker *a, struct fake_sent *out)
{
    while (fake_network_take(a->net, out)) {
        if (!asker_is_probe(out))
            return true;
    }
    return false;
}

struct fake_sent asker_must_take(struct asker *a, const char *to)
{
    struct fake_sent s;

    if (!asker_take(a, &s))
        fail_msg("nothing was sent, not to %s either", to);
    assert_string_equal(s.to, to);
    return s;
}

unsigned asker_count_sent(struct asker *a)
{
    struct fake_sent s;
    unsigned n = 0;

    while (asker_take(a, &s))
        n++;
    return n;
}

void asker_make_address(const struct fake_sent *s, const char *name, const char *address)
{
    fake_message_reply(&asker_reply, s->message, s->size, 0);
    fake_message_a(&asker_reply, name, 60, address);
}

void asker_make_truncated(const struct fake_sent *s)
{
    fake_message_reply(&asker_reply, s->message, s->size, 0);
    fake_message_flag(&asker_reply, FAKE_TC);
}

void asker_say(struct asker *a, const struct fake_sent *s)
{
    fake_network_deliver(a->net, s, asker_reply.bytes, asker_reply.size);
}

void asker_say_rcode(struct asker *a, const struct fake_sent *s, unsigned rcode)
{
    fake_message_reply(&asker_reply, s->message, s->size, rcode);
    asker_say(a, s);
}

void asker_say_address(struct asker *a, const struct fake_sent *s, const char *name,
                       const char *address)
{
    asker_make_address(s, name, address);
    asker_say(a, s);
}
