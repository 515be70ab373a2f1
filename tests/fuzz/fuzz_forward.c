/* Upstreams that say anything at any time, while clients come and go.
 *
 * Input: a script.  Each step is one octet, the ones behind it are its arguments: ask, cancel, let
 * time pass, answer one of the messages sent (rightly, bent, or with octets of the script), break
 * its socket, let sockets or sends fail, let connections be accepted, refused, or left alone, let
 * the name become ours.
 *
 * Beside the sanitizers' findings: everybody is told exactly once unless they cancelled, within the
 * time promised, and what they are told is sound; nothing leaves while the guard forbids it. */
#include "configaddress.h"
#include "replay.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "alloc.h"
#include "fake_message.h"
#include "fake_network.h"
#include "forward.h"
#include "log.h"

#define START       UINT64_C(1000000)
#define TIMEOUT     2000
#define IN_FLIGHT   8
#define NAMES       6
#define CLIENTS_MAX 64
#define SENT_MAX    256
#define STEPS_MAX   300

enum step {
    STEP_ASK,
    STEP_PREFETCH,
    STEP_CANCEL,
    STEP_PASS,
    STEP_PASS_LONG,
    STEP_ANSWER,
    STEP_BEND,
    STEP_SAY,
    STEP_OCTETS,
    STEP_BREAK,
    STEP_FAIL,
    STEP_CONNECT,
    STEP_OWN,
    STEP_COUNT
};

struct client {
    struct forward_job job; /* first: it is the client */
    uint64_t asked;
    bool waiting;
};

struct script {
    const uint8_t *at;
    size_t left;
};

struct world {
    struct config config;
    struct config_upstream servers[3];
    struct config_upstreams upstreams;
    struct stats stats;
    struct fake_network *net;
    struct forward *forward;
    bool owned;
    struct client clients[CLIENTS_MAX];
    size_t clients_length;
    struct fake_sent sent[SENT_MAX];
    size_t sent_length;
};

static struct fake_message message;

static unsigned next(struct script *s)
{
    if (s->left == 0)
        return 0;
    s->left--;
    return *s->at++;
}

static void check_message(const struct reply_question *q, const uint8_t *bytes, size_t size,
                          const struct reply *reply)
{
    struct reply again;

    assert(size == reply->end && reply->rcode < 16);
    assert(reply_check(bytes, size, 0, q->name, q, &again) == REPLY_GOOD);
    assert(again.answer_count == reply->answer_count && again.hops_length == reply->hops_length);
}

static bool guard(void *arg, const uint8_t *name, unsigned view)
{
    const struct world *w = arg;

    (void)name;
    (void)view;
    return w->owned;
}

static void tell(void *arg, const struct forward_outcome *o)
{
    struct forward_job *job;

    (void)arg;
    assert((o->result == FORWARD_ANSWER) == (o->message != NULL));
    if (o->message != NULL)
        check_message(o->question, o->message, o->size, o->reply);
    while ((job = forward_next(o)) != NULL) {
        struct client *c = (struct client *)job;

        assert(c->waiting);
        c->waiting = false;
        assert(o->now - c->asked <= TIMEOUT);
    }
}

static struct reply_question question_of(unsigned number, uint8_t *wire)
{
    char name[] = "a.example";
    struct reply_question q = {.name = wire, .class = 1};

    name[0] = (char)('a' + number % NAMES);
    q.name_size = (uint8_t)fake_message_name(wire, name);
    q.type = number & 0x40 ? FAKE_TYPE_AAAA : FAKE_TYPE_A;
    q.dnssec_ok = (number & 0x80) != 0;
    return q;
}

static void ask(struct world *w, unsigned number)
{
    struct client *c = &w->clients[w->clients_length++];
    uint8_t wire[16];
    struct reply_question q = question_of(number, wire);

    c->waiting = true;
    c->asked = fake_network_now(w->net);
    forward_ask(w->forward, &q, c->asked, &c->job);
    assert(c->waiting); /* not from inside */
}

static void cancel(struct world *w, unsigned number)
{
    struct client *c = &w->clients[number % CLIENTS_MAX];

    if (!c->waiting)
        return;
    c->waiting = false;
    forward_cancel(&c->job);
}

/* Writes down what was sent since. */
static void collect(struct world *w)
{
    struct fake_sent s;

    while (fake_network_take(w->net, &s)) {
        assert(s.size >= 17 && (s.message[2] & 0x80) == 0);
        assert(!w->owned || s.message[12] == 0); /* probes ask for the root */
        if (w->sent_length < SENT_MAX)
            w->sent[w->sent_length++] = s;
    }
}

static const struct fake_sent *pick(struct world *w, unsigned number)
{
    static const struct fake_sent none;

    return w->sent_length > 0 ? &w->sent[w->sent_length - 1 - number % w->sent_length] : &none;
}

/* A reply to that message, more or less right. */
static void make_reply(const struct fake_sent *s, unsigned how)
{
    static const char *const names[] = {"a.example", "b.example", "c.example", "d.example"};
    const char *name = names[how >> 4 & 3];

    fake_message_reply(&message, s->message, s->size, how & 7);
    if ((how & 8) != 0)
        fake_message_a(&message, name, 60, "192.0.2.1");
    if ((how & 0x40) != 0)
        fake_message_cname(&message, name, 60, names[how & 3]);
    if ((how & 0x80) != 0)
        fake_message_flag(&message, FAKE_TC);
}

static void answer(struct world *w, struct script *script, bool bent)
{
    const struct fake_sent *s = pick(w, next(script));
    unsigned times = 1;

    if (s->message == NULL)
        return;
    make_reply(s, next(script));
    if (bent) {
        message.bytes[next(script) % message.size] ^= (uint8_t)(next(script) | 1);
        times = 1 + next(script) % 32;
    }
    while (times-- > 0)
        fake_network_deliver(w->net, s, message.bytes, message.size);
}

static void say(struct world *w, struct script *script, bool framed)
{
    const struct fake_sent *s = pick(w, next(script));
    size_t size = next(script);

    if (s->message == NULL)
        return;
    if (size > script->left)
        size = script->left;
    if (framed)
        fake_network_deliver(w->net, s, script->at, size);
    else if (s->stream && size > 0)
        fake_network_octets(w->net, s, script->at, size);
    script->at += size;
    script->left -= size;
}

static void fail(struct world *w, unsigned how)
{
    if (how & 1)
        fake_network_fail_sockets(w->net, how >> 1 & 7, EMFILE);
    else if (how & 16)
        fake_network_fail_sends_at_once(w->net, how >> 1 & 7, ENOBUFS);
    else
        fake_network_fail_sends(w->net, how >> 1 & 7, how & 32 ? EPERM : ENOBUFS);
}

static void step(struct world *w, struct script *s)
{
    uint8_t wire[16];
    struct reply_question q;

    switch ((enum step)(next(s) % STEP_COUNT)) {
    case STEP_ASK:
        if (w->clients_length < CLIENTS_MAX)
            ask(w, next(s));
        break;
    case STEP_PREFETCH:
        q = question_of(next(s), wire);
        forward_ask(w->forward, &q, fake_network_now(w->net), NULL);
        break;
    case STEP_CANCEL:
        cancel(w, next(s));
        break;
    case STEP_PASS:
        fake_network_pass(w->net, next(s));
        break;
    case STEP_PASS_LONG:
        fake_network_pass(w->net, next(s) * 400u);
        break;
    case STEP_ANSWER:
        answer(w, s, false);
        break;
    case STEP_BEND:
        answer(w, s, true);
        break;
    case STEP_SAY:
        say(w, s, true);
        break;
    case STEP_OCTETS:
        say(w, s, false);
        break;
    case STEP_BREAK:
        if (w->sent_length > 0)
            fake_network_break(w->net, pick(w, next(s)));
        break;
    case STEP_FAIL:
        fail(w, next(s));
        break;
    case STEP_CONNECT:
        fake_network_connect(w->net, next(s) % 3);
        break;
    case STEP_OWN:
        collect(w); /* what left before is all right */
        w->owned = !w->owned;
        break;
    case STEP_COUNT:
        break;
    }
    collect(w);
    assert(forward_in_flight(w->forward) <= IN_FLIGHT);
}

static void set_up(struct world *w, unsigned how)
{
    static const char *const servers[] = {"192.0.2.1", "192.0.2.2", "tcp://192.0.2.3"};
    const char *why;

    log_setup(LOG_LEVEL_ERROR, LOG_FORMAT_LOGFMT);
    w->config.forward.timeout_ms = TIMEOUT;
    w->config.forward.letter_case = how & 4 ? CONFIG_CASE_RANDOM : CONFIG_CASE_PLAIN;
    for (size_t i = 0; i < 3; i++) {
        if (!configaddress_upstream(servers[i], &w->servers[i], &why))
            abort();
    }
    w->upstreams = (struct config_upstreams){w->servers + (how & 8 ? 2 : 0), how & 8 ? 1 : how & 3};
    w->net = fake_network_new(START);
    w->forward = forward_new(&(struct forward_options){.config = &w->config,
                                                       .upstreams = &w->upstreams,
                                                       .network = fake_network_of(w->net),
                                                       .stats = &w->stats,
                                                       .in_flight = IN_FLIGHT,
                                                       .tell = tell,
                                                       .guard = guard,
                                                       .guard_arg = w});
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct script script = {data, size};
    struct world *w = alloc_array(1, sizeof *w);

    set_up(w, next(&script));
    for (unsigned i = 0; i < STEPS_MAX && script.left > 0; i++)
        step(w, &script);
    if (size % 2 == 0) { /* or else it is torn down as it stands */
        fake_network_pass(w->net, TIMEOUT);
        assert(forward_in_flight(w->forward) == 0);
        for (size_t i = 0; i < w->clients_length; i++)
            assert(!w->clients[i].waiting);
    }
    forward_free(w->forward);
    fake_network_free(w->net);
    free(w);
    return 0;
}
