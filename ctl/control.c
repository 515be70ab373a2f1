#include "control.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "client.h"

#define WAIT_DEFAULT_MS 30000
#define WAIT_PAUSE_MS   200
/* The daemon ends the wait by itself; this much later we stop believing that it will. */
#define WAIT_GRACE_MS 3000
/* The daemon takes at most ten minutes; a longer wait asks again. */
#define WAIT_ONCE_MS 300000
/* A reload of many documents takes its time. */
#define RELOAD_TIMEOUT_MS 60000

static uint64_t now_ms(void)
{
    struct timespec t;

    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
}

static void pause_ms(uint64_t ms)
{
    struct timespec t = {(time_t)(ms / 1000), (long)(ms % 1000) * 1000000};

    (void)nanosleep(&t, NULL);
}

static void print_value(const struct command_call *call, const struct client_reply *reply)
{
    output_value(&call->output, json_incref(reply->json));
}

/* ---- reload ---- */

static json_int_t number(const json_t *map, const char *key)
{
    return json_integer_value(json_object_get(map, key));
}

static void print_complaints(const struct command_call *call, const json_t *reply)
{
    const json_t *list = json_object_get(reply, "complaints");
    size_t i;
    json_t *line;

    json_array_foreach(list, i, line)
    {
        if (json_is_string(line)) {
            fputs("  ", stdout);
            output_colored(&call->output, stdout, OUTPUT_RED, json_string_value(line));
            putchar('\n');
        }
    }
}

static void print_trouble(const struct command_call *call, const json_t *reply, const char *key,
                          const char *label)
{
    const char *text = json_string_value(json_object_get(reply, key));

    if (text != NULL) {
        output_colored(&call->output, stdout, OUTPUT_YELLOW, label);
        putchar(' ');
        output_text(stdout, text);
        putchar('\n');
    }
}

static void print_being_written(const struct command_call *call, const json_t *reply)
{
    const json_t *list = json_object_get(reply, "beingWritten");
    size_t i;
    json_t *name;

    json_array_foreach(list, i, name)
    {
        output_colored(&call->output, stdout, OUTPUT_YELLOW, "written to");
        putchar(' ');
        output_text(stdout, json_string_value(name));
        puts(" by somebody right now: it stays as it is, and is read when that is over");
    }
}

static void print_reload(const struct command_call *call, const json_t *reply)
{
    const json_t *names = json_object_get(reply, "names");
    const json_t *before = json_object_get(reply, "inServiceSeconds");

    printf("generation %" JSON_INTEGER_FORMAT "%s\n", number(reply, "generation"),
           json_is_true(json_object_get(reply, "changed")) ? "" : " (nothing changed)");
    printf("names      %" JSON_INTEGER_FORMAT " added, %" JSON_INTEGER_FORMAT
           " moved, %" JSON_INTEGER_FORMAT " removed",
           number(names, "added"), number(names, "moved"), number(names, "removed"));
    if (json_is_number(before)) {
        printf(" (in service for up to %.2f s already)", json_number_value(before) + 0.005);
    }
    putchar('\n');
    if (number(names, "notHeld") > 0) {
        output_colored(&call->output, stdout, OUTPUT_YELLOW, "detached  ");
        printf(" %" JSON_INTEGER_FORMAT
               " names are forwarded before detachHold is over: too many at once\n",
               number(names, "notHeld"));
    }
    print_trouble(call, reply, "degraded", "degraded  ");
    print_trouble(call, reply, "stateTrouble", "state     ");
    print_being_written(call, reply);
    if (number(reply, "refused") > 0) {
        output_colored(&call->output, stdout, OUTPUT_RED, "refused   ");
        printf(" %" JSON_INTEGER_FORMAT " documents; what was accepted of them before stays\n",
               number(reply, "refused"));
    }
    print_complaints(call, reply);
}

enum exitcode control_reload(const struct command_call *call)
{
    struct client_request request = {.path = "/api/reload", .post = true};
    struct client_reply reply;

    if (call->options->timeout_ms == 0) {
        request.timeout_ms = RELOAD_TIMEOUT_MS;
    }
    enum exitcode code = client_ask(call, &request, &reply);
    if (code != EXITCODE_FINE) {
        return code;
    }
    if (call->output.format == OPTIONS_TABLE) {
        print_reload(call, reply.json);
    } else {
        print_value(call, &reply);
    }
    code = reply.status == 200 ? EXITCODE_FINE : EXITCODE_NO;
    client_reply_clear(&reply);
    return code;
}

/* ---- wait ---- */

enum wait_step { WAIT_AGAIN, WAIT_SERVED, WAIT_REFUSED, WAIT_FAILED };

struct wait {
    const struct command_call *call;
    struct client_request request;
    char generation[24], limit[24];
    bool readiness; /* no condition given: ask /readyz until it says yes */
    uint64_t end;
    char why[CLIENT_WHY_SIZE];
    enum client_result last; /* of the latest try */
};

static bool prepare(struct wait *w, const struct command_call *call)
{
    const uint64_t conditions = OPTIONS_GENERATION | OPTIONS_DOCUMENT | OPTIONS_NAME;
    const struct options *o = call->options;
    uint64_t given = o->given & conditions;

    if ((given & (given - 1)) != 0) {
        output_error(&call->output, "wait takes one of --generation, --document and --name");
        return false;
    }
    *w = (struct wait){.call = call, .readiness = given == 0};
    w->end = now_ms() + (o->timeout_ms == 0 ? WAIT_DEFAULT_MS : o->timeout_ms);
    (void)snprintf(w->generation, sizeof(w->generation), "%llu", (unsigned long long)o->generation);
    w->request = (struct client_request){
        .path = w->readiness ? "/readyz" : "/api/wait",
        .query = {{"generation", (given & OPTIONS_GENERATION) != 0 ? w->generation : NULL},
                  {"document", o->document},
                  {"name", o->name},
                  {"timeout", w->readiness ? NULL : w->limit}},
    };
    return true;
}

/* A reply that is neither yes nor "time is over". */
static enum wait_step odd_reply(struct wait *w, const struct client_reply *reply)
{
    const char *said = json_string_value(json_object_get(reply->json, "error"));

    if (reply->status == 409) {
        output_error(&w->call->output, "%s",
                     said != NULL ? said : "the document's newest version is refused");
        return WAIT_REFUSED;
    }
    output_error(&w->call->output, "pldnsd answered HTTP %ld: %.200s", reply->status,
                 said != NULL ? said : reply->body);
    return WAIT_FAILED;
}

static enum wait_step step(struct wait *w, uint64_t left, struct client_reply *reply)
{
    left = left < WAIT_ONCE_MS ? left : WAIT_ONCE_MS;
    (void)snprintf(w->limit, sizeof(w->limit), "%llums", (unsigned long long)left);
    w->request.timeout_ms = w->readiness ? left : left + WAIT_GRACE_MS;
    w->last = client_try(w->call->options, &w->request, reply, w->why);
    if (w->last == CLIENT_MISUSED) {
        return WAIT_FAILED;
    }
    if (w->last != CLIENT_ANSWERED) {
        return WAIT_AGAIN;
    }
    switch (reply->status) {
    case 200:
        return WAIT_SERVED;
    case 408:
    case 503:
        return WAIT_AGAIN;
    default:
        return odd_reply(w, reply);
    }
}

static enum exitcode over(const struct wait *w)
{
    if (w->last != CLIENT_ANSWERED && w->last != CLIENT_TIMEOUT) {
        return client_failed(w->call, w->last, w->why);
    }
    output_error(&w->call->output, "time is over: %s",
                 w->readiness ? "pldnsd is not ready" : "it is not served yet");
    return EXITCODE_TIMEOUT;
}

static void print_served(const struct wait *w, const struct client_reply *reply)
{
    const json_t *generation = json_object_get(reply->json, "generation");

    if (w->call->output.format != OPTIONS_TABLE) {
        output_value(&w->call->output, reply->json != NULL ? json_incref(reply->json)
                                                           : json_pack("{s:b}", "ready", 1));
    } else if (json_is_integer(generation)) {
        printf("served, generation %" JSON_INTEGER_FORMAT "\n", json_integer_value(generation));
    } else {
        puts("ready");
    }
}

enum exitcode control_wait(const struct command_call *call)
{
    struct wait w;

    if (!prepare(&w, call)) {
        return EXITCODE_WRONG;
    }
    for (;;) {
        struct client_reply reply;
        uint64_t now = now_ms();
        enum wait_step s = step(&w, now < w.end ? w.end - now : 1, &reply);

        if (s == WAIT_SERVED) {
            print_served(&w, &reply);
        }
        client_reply_clear(&reply);
        switch (s) {
        case WAIT_SERVED:
            return EXITCODE_FINE;
        case WAIT_REFUSED:
            return EXITCODE_NO;
        case WAIT_FAILED:
            return w.last == CLIENT_MISUSED ? client_failed(call, w.last, w.why) : EXITCODE_WRONG;
        case WAIT_AGAIN:
            break;
        }
        now = now_ms();
        if (now >= w.end) {
            return over(&w);
        }
        pause_ms(w.end - now < WAIT_PAUSE_MS ? w.end - now : WAIT_PAUSE_MS);
    }
}

/* ---- flush ---- */

enum exitcode control_flush(const struct command_call *call)
{
    bool subtree = (call->options->given & OPTIONS_SUBTREE) != 0;
    struct client_request request = {
        .path = "/api/flush",
        .post = true,
        .query = {{"name", call->words[0]}, {"subtree", subtree ? "1" : NULL}},
    };
    struct client_reply reply;
    enum exitcode code = client_ask(call, &request, &reply);

    if (code != EXITCODE_FINE) {
        return code;
    }
    if (call->output.format == OPTIONS_TABLE) {
        const char *name = json_string_value(json_object_get(reply.json, "flushed"));

        fputs("forgotten: ", stdout);
        output_text(stdout, name == NULL ? call->words[0] : name);
        puts(subtree ? " and all names below" : "");
    } else {
        print_value(call, &reply);
    }
    client_reply_clear(&reply);
    return EXITCODE_FINE;
}
