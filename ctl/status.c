#include "status.h"

#include "client.h"

enum exitcode status_show(const struct command_call *call)
{
    struct client_request request = {.path = "/api/status"};
    struct client_reply reply;
    enum exitcode code = client_ask(call, &request, &reply);

    if (code != EXITCODE_FINE) {
        return code;
    }
    if (call->output.format == OPTIONS_TABLE) {
        output_tree(&call->output, reply.json, 0);
    } else {
        output_value(&call->output, json_incref(reply.json));
    }
    client_reply_clear(&reply);
    return EXITCODE_FINE;
}
