#include "adminwait.h"

#include <errno.h>
#include <event2/bufferevent.h>
#include <event2/event.h>
#include <event2/http.h>
#include <stdlib.h>
#include <string.h>

#include "adminreply.h"
#include "alloc.h"
#include "clock.h"
#include "explain.h"
#include "overview.h"

#define TICK_MS 100 /* how late a time limit or a vanished client is noticed */

struct waiter {
    struct waiter *next;
    struct adminwait *all;
    struct evhttp_request *request;
    struct adminwait_condition condition;
    char *document;
    uint64_t end;
    bool held; /* a run that began after the question has not ended yet */
};

struct adminwait {
    const struct service *service;
    struct waiter *first;
    unsigned length;
    struct event *tick;
};

/* ---- conditions ---- */

enum verdict { VERDICT_SERVED, VERDICT_NOT_YET, VERDICT_REFUSED };

static const struct catalog_entry *entry_of(const struct service *service, const char *name)
{
    size_t length;
    const struct catalog_entry *entries = reload_documents(service->reload, &length);

    for (size_t i = 0; i < length; i++) {
        if (strcmp(entries[i].name, name) == 0)
            return &entries[i];
    }
    return NULL;
}

static enum verdict judge_name(const struct service *service, const struct dname *name)
{
    const struct tableset *set = publish_get(reload_table(service->reload));
    struct table_match match;

    for (unsigned view = VIEW_NONE; view < set->length; view++) { /* any view that serves it */
        table_find(tableset_table(set, view), name->wire, &match);
        if (match.outcome == TABLE_ANSWER || match.outcome == TABLE_EMPTY)
            return VERDICT_SERVED;
    }
    return VERDICT_NOT_YET;
}

static enum verdict judge(const struct waiter *waiter)
{
    const struct service *service = waiter->all->service;
    const struct catalog_entry *entry;

    if (waiter->held)
        return VERDICT_NOT_YET;
    switch (waiter->condition.what) {
    case ADMINWAIT_GENERATION:
        return reload_last(service->reload)->generation >= waiter->condition.generation
                   ? VERDICT_SERVED
                   : VERDICT_NOT_YET;
    case ADMINWAIT_DOCUMENT:
        entry = entry_of(service, waiter->document);
        if (entry == NULL)
            return VERDICT_NOT_YET;
        return entry->refused ? VERDICT_REFUSED : entry->served ? VERDICT_SERVED : VERDICT_NOT_YET;
    case ADMINWAIT_NAME:
        break;
    }
    publish_read_begin();
    enum verdict verdict = judge_name(service, &waiter->condition.name);
    publish_read_end();
    return verdict;
}

static void reply_served(const struct waiter *waiter)
{
    json_t *map = json_object();
    uint64_t generation = reload_last(waiter->all->service->reload)->generation;

    (void)json_object_set_new(map, "generation", json_integer((json_int_t)generation));
    adminreply_json(waiter->request, 200, map);
}

static void reply_refused(const struct waiter *waiter)
{
    const struct catalog_entry *entry = entry_of(waiter->all->service, waiter->document);
    char line[1024] = "the document is refused";

    for (size_t i = 0; i < entry->complaints->length; i++) {
        if (!entry->complaints->items[i].warning) {
            error_format(&entry->complaints->items[i], line, sizeof line);
            break;
        }
    }
    adminreply_error(waiter->request, 409, "%s", line);
}

/* ---- waiters ---- */

static void waiter_free(struct waiter *waiter)
{
    reload_forget(waiter->all->service->reload, waiter);
    free(waiter->document);
    free(waiter);
}

/* evhttp does not look at a connection whose request is being worked on. */
static bool is_client_gone(const struct waiter *waiter)
{
    struct evhttp_connection *connection = evhttp_request_get_connection(waiter->request);
    struct bufferevent *stream = evhttp_connection_get_bufferevent(connection);
    char octet;

    ssize_t n = recv(bufferevent_getfd(stream), &octet, 1, MSG_PEEK | MSG_DONTWAIT);
    return n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR);
}

/* True: it has been replied to. */
static bool try_waiter(struct waiter *waiter, uint64_t now)
{
    switch (judge(waiter)) {
    case VERDICT_SERVED:
        reply_served(waiter);
        return true;
    case VERDICT_REFUSED:
        reply_refused(waiter);
        return true;
    case VERDICT_NOT_YET:
        break;
    }
    if (now >= waiter->end) {
        adminreply_error(waiter->request, 408, "time is over: it is not served yet");
        return true;
    }
    if (is_client_gone(waiter)) {
        adminreply_error(waiter->request, 408, "the client went away");
        return true;
    }
    return false;
}

void adminwait_check(struct adminwait *all)
{
    uint64_t now = clock_ms();

    for (struct waiter **at = &all->first; *at != NULL;) {
        struct waiter *waiter = *at;
        if (try_waiter(waiter, now)) {
            *at = waiter->next;
            all->length--;
            waiter_free(waiter);
        } else {
            at = &waiter->next;
        }
    }
    if (all->first == NULL)
        event_del(all->tick);
}

static void on_tick(evutil_socket_t fd, short what, void *arg)
{
    (void)fd;
    (void)what;
    adminwait_check(arg);
}

/* adminwait_check() comes for all when the run has been told to everybody. */
static void on_fresh(void *arg, const struct reload_outcome *outcome)
{
    struct waiter *waiter = arg;

    (void)outcome;
    waiter->held = false;
}

void adminwait_add(struct adminwait *all, struct evhttp_request *request,
                   const struct adminwait_condition *condition)
{
    static const struct timeval tick = {0, TICK_MS * 1000L};
    struct waiter *waiter = alloc_array(1, sizeof *waiter);
    uint64_t now = clock_ms();

    waiter->all = all;
    waiter->request = request;
    waiter->condition = *condition;
    waiter->end = now + condition->timeout_ms;
    if (condition->what == ADMINWAIT_DOCUMENT) {
        waiter->document = alloc_string(condition->document);
        /* What is known of it may be older than what its author wrote just now. */
        waiter->held = true;
        reload_request(all->service->reload, on_fresh, waiter);
    }
    if (try_waiter(waiter, now)) {
        waiter_free(waiter);
        return;
    }
    if (all->length == ADMINWAIT_MAX) {
        adminreply_error(request, 503, "%d wait already: ask again", ADMINWAIT_MAX);
        waiter_free(waiter);
        return;
    }
    waiter->next = all->first;
    all->first = waiter;
    all->length++;
    if (!event_pending(all->tick, EV_TIMEOUT, NULL)) /* it would begin anew for those who wait */
        event_add(all->tick, &tick);
}

struct adminwait *adminwait_new(struct event_base *base, const struct service *service)
{
    struct adminwait *all = alloc_array(1, sizeof *all);

    all->service = service;
    all->tick = event_new(base, -1, EV_PERSIST, on_tick, all);
    return all;
}

void adminwait_free(struct adminwait *all)
{
    if (all == NULL)
        return;
    while (all->first != NULL) {
        struct waiter *waiter = all->first;
        all->first = waiter->next;
        waiter_free(waiter);
    }
    event_free(all->tick);
    free(all);
}
