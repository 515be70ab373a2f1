#include "control.h"

#include <string.h>

#include "await.h"

#define WAIT_DEFAULT_MS 30000
/* A reload of many documents takes its time. */
#define RELOAD_TIMEOUT_MS 60000

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

static void print_served(const struct command_call *call, const struct client_reply *reply)
{
    const json_t *generation = json_object_get(reply->json, "generation");

    if (call->output.format != OPTIONS_TABLE) {
        output_value(&call->output, reply->json != NULL ? json_incref(reply->json)
                                                        : json_pack("{s:b}", "ready", 1));
    } else if (json_is_integer(generation)) {
        printf("served, generation %" JSON_INTEGER_FORMAT "\n", json_integer_value(generation));
    } else {
        puts("ready");
    }
}

static void print_refused(const struct command_call *call, const struct client_reply *reply)
{
    const char *said = json_string_value(json_object_get(reply->json, "error"));

    output_error(&call->output, "%s",
                 said != NULL ? said : "the document's newest version is refused");
}

enum exitcode control_wait(const struct command_call *call)
{
    const uint64_t conditions = OPTIONS_GENERATION | OPTIONS_DOCUMENT | OPTIONS_NAME;
    const struct options *o = call->options;
    uint64_t given = o->given & conditions;
    char generation[24];
    struct client_reply reply;

    if ((given & (given - 1)) != 0) {
        output_error(&call->output, "wait takes one of --generation, --document and --name");
        return EXITCODE_WRONG;
    }
    (void)snprintf(generation, sizeof(generation), "%llu", (unsigned long long)o->generation);
    struct await await = {
        .call = call,
        .request = {.path = given == 0 ? "/readyz" : "/api/wait",
                    .query = {{"generation", given == OPTIONS_GENERATION ? generation : NULL},
                              {"document", o->document},
                              {"name", o->name}}},
        .told = given != 0,
        .lacking = given == 0 ? "pldnsd is not ready" : "it is not served yet",
        .end = await_end(o->timeout_ms == 0 ? WAIT_DEFAULT_MS : o->timeout_ms),
    };
    enum exitcode code = await_reply(&await, &reply);
    if (code != EXITCODE_FINE) {
        return code;
    }
    if (reply.status == 200) {
        print_served(call, &reply);
    } else {
        print_refused(call, &reply);
        code = EXITCODE_NO;
    }
    client_reply_clear(&reply);
    return code;
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
