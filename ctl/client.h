/* Asking the daemon over HTTP, on its socket or on a TCP address.  The only home of libcurl.
 *
 * Nothing the daemon (or whoever listens there) sends can hang or fill the memory: every call has
 * an end in time, the reply a largest size. */
#ifndef PLDNS_CLIENT_H
#define PLDNS_CLIENT_H

#include "command.h"

#define CLIENT_REPLY_MAX  (64u << 20)
#define CLIENT_QUERY_MAX  8     /* name=value pairs of one request */
#define CLIENT_TIMEOUT_MS 10000 /* of one call when --timeout does not say */

struct client_pair {
    const char *name, *value; /* pairs without value are left out */
};

struct client_request {
    const char *path; /* "/api/status" */
    bool post;
    struct client_pair query[CLIENT_QUERY_MAX]; /* ends at the first without name */
    uint64_t timeout_ms;                        /* 0: CLIENT_TIMEOUT_MS */
};

struct client_reply {
    long status;
    char *body; /* owned, terminated, never NULL */
    size_t size, room;
    json_t *json; /* owned; NULL if the body is none */
};

enum client_result {
    CLIENT_ANSWERED,
    CLIENT_UNREACHABLE, /* nobody listens, or we may not ask */
    CLIENT_TIMEOUT,
    CLIENT_BROKEN,  /* talked, but not as pldnsd does */
    CLIENT_MISUSED, /* the address is wrong */
};

/* One request.  'why' gets one or two lines for people unless CLIENT_ANSWERED. */
#define CLIENT_WHY_SIZE 1024
MUST_USE enum client_result client_try(const struct options *, const struct client_request *,
                                       struct client_reply *out, char why[CLIENT_WHY_SIZE]);
void client_reply_clear(struct client_reply *);

/* Says on standard error what client_try() found and returns the exit code for it. */
enum exitcode client_failed(const struct command_call *, enum client_result, const char *why);

/* Says on standard error that this reply is none that was asked for, clears it, and returns the
 * exit code for it. */
enum exitcode client_odd(const struct command_call *, struct client_reply *);

/* client_try(), and client_failed() if it did not work; a reply that is no JSON, or whose status is
 * none of 200, 409 and 408, is a failure too.  EXITCODE_FINE: '*out' is filled. */
MUST_USE enum exitcode client_ask(const struct command_call *, const struct client_request *,
                                  struct client_reply *out);

#endif
