#include "await.h"

#include <string.h>
#include <time.h>

#define PAUSE_MS 200
/* The daemon ends the wait by itself; this much later we stop believing that it will. */
#define GRACE_MS 3000
/* The daemon takes at most ten minutes; a longer wait asks again. */
#define ONCE_MS 300000

struct last { /* the latest try */
    enum client_result result;
    char why[CLIENT_WHY_SIZE]; /* it is none of the daemon's that says yes or no; "" = not yet */
};

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

uint64_t await_end(uint64_t ms)
{
    return now_ms() + ms;
}

static void ask(const struct await *a, uint64_t left, struct last *last, struct client_reply *out)
{
    struct client_request request = a->request;
    char limit[24];
    size_t i = 0;

    left = left < ONCE_MS ? left : ONCE_MS;
    request.timeout_ms = left;
    if (a->told) {
        (void)snprintf(limit, sizeof(limit), "%llums", (unsigned long long)left);
        while (request.query[i].name != NULL) {
            i++;
        }
        request.query[i] = (struct client_pair){"timeout", limit};
        request.timeout_ms += GRACE_MS;
    }
    last->why[0] = '\0';
    last->result = client_try(a->call->options, &request, out, last->why);
}

/* "Not yet", or "ask again", which says why. */
static bool is_no_end(const struct client_reply *reply, struct last *last)
{
    const char *said = json_string_value(json_object_get(reply->json, "error"));

    if (reply->status == 503 && said != NULL) {
        (void)snprintf(last->why, sizeof(last->why), "pldnsd says: %s", said);
    }
    return reply->status == 408 || reply->status == 503;
}

static enum exitcode over(const struct await *a, bool asked, const struct last *last)
{
    bool waited = last->result == CLIENT_ANSWERED || last->result == CLIENT_TIMEOUT;
    int length = (int)strcspn(last->why, "\n"); /* what follows is advice */

    if (!asked && !waited) {
        return client_failed(a->call, last->result, last->why);
    }
    if (last->result == CLIENT_TIMEOUT) {
        length = 0; /* time is over, as is said anyway */
    }
    output_error(&a->call->output, "time is over: %s%s%.*s", a->lacking, length > 0 ? "; " : "",
                 length, last->why);
    return EXITCODE_TIMEOUT;
}

enum exitcode await_reply(const struct await *a, struct client_reply *out)
{
    bool asked = false;
    struct last last;

    for (;;) {
        uint64_t now = now_ms();

        ask(a, now < a->end ? a->end - now : 1, &last, out);
        if (last.result == CLIENT_MISUSED) {
            return client_failed(a->call, last.result, last.why);
        }
        if (last.result == CLIENT_ANSWERED) {
            asked = true;
            if (out->status == 200 || out->status == 409) {
                return EXITCODE_FINE;
            }
            if (!is_no_end(out, &last)) {
                return client_odd(a->call, out);
            }
            client_reply_clear(out);
        }
        now = now_ms();
        if (now >= a->end) {
            return over(a, asked, &last);
        }
        pause_ms(a->end - now < PAUSE_MS ? a->end - now : PAUSE_MS);
    }
}
