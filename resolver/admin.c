#include "admin.h"

#include <assert.h>
#include <ctype.h>
#include <errno.h>
#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/event.h>
#include <event2/http.h>
#include <event2/keyvalq_struct.h>
#include <event2/listener.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "adminpeers.h"
#include "adminreply.h"
#include "adminsocket.h"
#include "adminwait.h"
#include "alloc.h"
#include "amount.h"
#include "clock.h"
#include "jsonmap.h"
#include "log.h"
#include "metrics.h"
#include "outcome.h"
#include "overview.h"

#define HEADERS_MAX 8192
#define BODY_MAX    4096
#define IDLE_SECONDS                                                                               \
    10 /* a connection that says nothing, or reads nothing, for so long is closed */
#define ERROR_PAUSE_MS  1000 /* out of descriptors: no accepting for so long */
#define FULL_PAUSE_MS   100  /* as many connections as there may be: looked at again after this */
#define WAIT_DEFAULT_MS 30000
#define WAIT_MOST_MS    600000
#define TYPE_ROOM       16

struct door { /* one address */
    struct admin *admin;
    const union config_address *address;
    struct evhttp *http;
    struct evconnlistener *listener;
    int socket;
};

struct admin {
    const struct service *service;
    struct event_base *base;
    struct adminwait *waiters;
    struct door *doors;
    size_t length;
    struct adminpeers peers;
    bool accepting;
    struct event *pause;
};

/* ---- pages ---- */

struct page {
    struct admin *admin;
    struct evhttp_request *request;
    struct evkeyvalq query;
};

typedef void page_fn(struct page *);

static const char *parameter(struct page *page, const char *name)
{
    const char *value = evhttp_find_header(&page->query, name);

    return value != NULL && value[0] != '\0' ? value : NULL;
}

static bool read_name(struct page *page, struct dname *name)
{
    const char *text = parameter(page, "name"), *why;

    if (text == NULL) {
        adminreply_error(page->request, 400, "name: is missing");
        return false;
    }
    if (!dname_from_text(name, text, strlen(text), &why)) {
        adminreply_error(page->request, 400, "name: %s", why);
        return false;
    }
    return true;
}

static void show_health(struct page *page)
{
    adminreply_text(page->request, 200, "text/plain", "alive\n");
}

static void show_readiness(struct page *page)
{
    bool ready = page->admin->service->ready;

    adminreply_text(page->request, ready ? 200 : 503, "text/plain",
                    ready ? "ready\n" : "not ready\n");
}

static void look(const struct service *service)
{
    worker_look(service->workers, service->workers_length);
}

static void show_metrics(struct page *page)
{
    look(page->admin->service);
    publish_read_begin();
    char *text = metrics_text(page->admin->service, clock_ms());
    publish_read_end();
    adminreply_text(page->request, 200, "text/plain; version=0.0.4; charset=utf-8", text);
    free(text);
}

static void show_status(struct page *page)
{
    look(page->admin->service);
    publish_read_begin();
    json_t *status = overview_status(page->admin->service, clock_ms());
    publish_read_end();
    adminreply_json(page->request, 200, status);
}

static bool read_type(const char *text, char type[TYPE_ROOM])
{
    size_t size = strlen(text);

    if (size >= TYPE_ROOM)
        return false;
    for (size_t i = 0; i <= size; i++) {
        if (i < size && !isalnum((unsigned char)text[i]))
            return false;
        type[i] = (char)toupper((unsigned char)text[i]);
    }
    return true;
}

static void show_explanation(struct page *page)
{
    const char *type = parameter(page, "type"), *client = parameter(page, "client"), *why;
    union config_address address;
    char shown[TYPE_ROOM] = "A";
    struct dname name;

    if (!read_name(page, &name))
        return;
    if (type != NULL && !read_type(type, shown)) {
        adminreply_error(page->request, 400, "type: wants a word such as AAAA");
        return;
    }
    if (client != NULL && !configaddress_ip(client, 0, &address, &why)) {
        adminreply_error(page->request, 400, "client: wants an IP address");
        return;
    }
    publish_read_begin();
    json_t *map =
        overview_explain(page->admin->service, &name, shown, client != NULL ? &address.any : NULL);
    publish_read_end();
    adminreply_json(page->request, 200, map);
}

/* 'arg' is the request: while evhttp waits for our reply it does not end it. */
static void on_reloaded(void *arg, const struct reload_outcome *outcome)
{
    bool good = outcome->refused_now == 0 && !outcome->degraded;

    adminreply_json(arg, good ? 200 : 409, outcome_json(outcome));
}

static void do_reload(struct page *page)
{
    log_info("admin", "what=reload");
    reload_ask(page->admin->service->reload, on_reloaded, page->request);
}

static void do_flush(struct page *page)
{
    const struct service *service = page->admin->service;
    const char *text = parameter(page, "subtree");
    bool subtree = text != NULL && strcmp(text, "0") != 0 && strcmp(text, "false") != 0;
    char shown[DNAME_TEXT_MAX], quoted[2 * DNAME_TEXT_MAX];
    struct dname name;

    if (!read_name(page, &name))
        return;
    for (unsigned i = 0; i < service->workers_length; i++)
        worker_flush(service->workers[i], &name, subtree);
    dname_to_text(name.wire, shown);
    log_info("admin", "what=flush name=%s subtree=%s", log_quote(shown, quoted, sizeof quoted),
             subtree ? "yes" : "no");
    json_t *map = json_object();
    (void)json_object_set_new(map, "flushed", jsonmap_string(shown));
    (void)json_object_set_new(map, "subtree", json_boolean(subtree));
    adminreply_json(page->request, 200, map);
}

static bool read_number(const char *text, uint64_t *out)
{
    int64_t value;

    if (!amount_integer(text, &value) || value < 0)
        return false;
    *out = (uint64_t)value;
    return true;
}

static void do_wait(struct page *page)
{
    const char *generation = parameter(page, "generation"), *timeout = parameter(page, "timeout");
    struct adminwait_condition condition = {.document = parameter(page, "document"),
                                            .timeout_ms = WAIT_DEFAULT_MS};
    int given =
        (generation != NULL) + (condition.document != NULL) + (parameter(page, "name") != NULL);

    if (given != 1) {
        adminreply_error(page->request, 400, "wants one of generation, document and name");
        return;
    }
    if (timeout != NULL &&
        (!amount_duration(timeout, &condition.timeout_ms) || condition.timeout_ms > WAIT_MOST_MS)) {
        adminreply_error(page->request, 400, "timeout: wants a duration up to 10m");
        return;
    }
    if (generation != NULL) {
        condition.what = ADMINWAIT_GENERATION;
        if (!read_number(generation, &condition.generation)) {
            adminreply_error(page->request, 400, "generation: wants a number");
            return;
        }
    } else if (condition.document != NULL) {
        condition.what = ADMINWAIT_DOCUMENT;
    } else {
        condition.what = ADMINWAIT_NAME;
        if (!read_name(page, &condition.name))
            return;
    }
    adminwait_add(page->admin->waiters, page->request, &condition);
}

static const struct {
    const char *path;
    bool post;
    page_fn *show;
} pages[] = {
    {"/healthz", false, show_health},  {"/readyz", false, show_readiness},
    {"/metrics", false, show_metrics}, {"/api/status", false, show_status},
    {"/api/wait", false, do_wait},     {"/api/explain", false, show_explanation},
    {"/api/reload", true, do_reload},  {"/api/flush", true, do_flush},
};

/* ---- requests ---- */

/* "localhost" or an address of this host; names that only begin like one are anybody's. */
static bool is_local(const char *host)
{
    union config_address address;
    const char *why;

    return strcasecmp(host, "localhost") == 0 ||
           (configaddress_ip(host, 0, &address, &why) && configaddress_is_loopback(&address));
}

/* A web page that somebody looks at on this host must not be able to act for him: it sends its
 * Origin, and a Host that is not ours when it fools the name system. */
static bool is_foreign(const struct door *door, struct evhttp_request *request)
{
    struct evkeyvalq *headers = evhttp_request_get_input_headers(request);
    const char *host = evhttp_request_get_host(request);

    if (door->address->any.sa_family == AF_UNIX)
        return false;
    if (evhttp_find_header(headers, "Origin") != NULL)
        return true;
    return host != NULL && !is_local(host);
}

static void route(struct page *page, const char *path)
{
    bool post = evhttp_request_get_command(page->request) == EVHTTP_REQ_POST;

    for (size_t i = 0; i < ARRAY_LENGTH(pages); i++) {
        if (strcmp(pages[i].path, path) != 0)
            continue;
        if (pages[i].post == post)
            pages[i].show(page);
        else
            adminreply_error(page->request, 405, "wants %s", pages[i].post ? "POST" : "GET");
        return;
    }
    adminreply_error(page->request, 404,
                     "no such page; there are /healthz, /readyz, /metrics, /api/status, "
                     "/api/reload, /api/wait, /api/explain, /api/flush");
}

static void on_request(struct evhttp_request *request, void *arg)
{
    struct door *door = arg;
    struct page page = {.admin = door->admin, .request = request};
    const struct evhttp_uri *uri = evhttp_request_get_evhttp_uri(request);
    const char *path = evhttp_uri_get_path(uri), *query = evhttp_uri_get_query(uri);

    adminpeers_work(&door->admin->peers, request);
    if (is_foreign(door, request)) {
        adminreply_error(request, 403, "only for this host, and not for web pages");
        return;
    }
    /* A text ends at a NUL: what stands behind one would be left unread. */
    if (query != NULL &&
        (strstr(query, "%00") != NULL || evhttp_parse_query_str(query, &page.query) != 0)) {
        adminreply_error(request, 400, "the query cannot be read");
        return;
    }
    route(&page, path != NULL ? path : "");
    evhttp_clear_headers(&page.query);
}

/* ---- connections ---- */

static void set_accepting(struct admin *admin, bool accepting)
{
    if (admin->accepting == accepting)
        return;
    admin->accepting = accepting;
    for (size_t i = 0; i < admin->length; i++) {
        if (accepting)
            evconnlistener_enable(admin->doors[i].listener);
        else
            evconnlistener_disable(admin->doors[i].listener);
    }
}

static void pause_accepting(struct admin *admin, unsigned ms)
{
    struct timeval wait = {(time_t)(ms / 1000), (suseconds_t)(ms % 1000) * 1000};

    set_accepting(admin, false);
    evtimer_add(admin->pause, &wait);
}

static struct bufferevent *on_connection(struct event_base *base, void *arg)
{
    struct admin *admin = arg;
    /* evhttp closes the descriptor of a stream that does not do so itself. */
    struct bufferevent *stream = bufferevent_socket_new(base, -1, 0);

    adminpeers_sweep(&admin->peers);
    if (stream == NULL || admin->peers.length == ADMINPEERS_MAX)
        return stream; /* a few more than wanted, from the listener's last batch */
    adminpeers_add(&admin->peers, stream, clock_ms());
    if (admin->peers.length == ADMINPEERS_MAX)
        pause_accepting(admin, 0); /* then it is seen who makes room */
    return stream;
}

/* Somebody has connected who is not accepted yet. */
static bool is_waited_for(const struct admin *admin)
{
    for (size_t i = 0; i < admin->length; i++) {
        struct pollfd door = {.fd = admin->doors[i].socket, .events = POLLIN};
        if (poll(&door, 1, 0) > 0)
            return true;
    }
    return false;
}

static void on_pause_over(evutil_socket_t fd, short what, void *arg)
{
    struct admin *admin = arg;

    (void)fd;
    (void)what;
    adminpeers_sweep(&admin->peers);
    if (admin->peers.length < ADMINPEERS_MAX)
        set_accepting(admin, true);
    else if (is_waited_for(admin) && adminpeers_make_room(&admin->peers, clock_ms()))
        pause_accepting(admin, 0);
    else
        pause_accepting(admin, FULL_PAUSE_MS);
}

/* evhttp makes itself the argument of its listeners' callbacks, and keeps none for us. */
static struct admin *listening;

/* Out of descriptors the socket stays readable: going on at once would spin. */
static void on_accept_error(struct evconnlistener *listener, void *evhttp)
{
    (void)listener;
    (void)evhttp;
    log_warning("admin", "why=\"accept: %s\" now=\"no new connections for %d ms\"",
                strerrordesc_np(errno), ERROR_PAUSE_MS);
    pause_accepting(listening, ERROR_PAUSE_MS);
}

/* ---- start and end ---- */

static bool open_door(struct door *door, struct event_base *base, struct error_list *errors)
{
    door->socket = adminsocket_open(door->address, errors);
    if (door->socket < 0)
        return false;
    door->http = evhttp_new(base);
    evhttp_set_allowed_methods(door->http, EVHTTP_REQ_GET | EVHTTP_REQ_HEAD | EVHTTP_REQ_POST);
    evhttp_set_max_headers_size(door->http, HEADERS_MAX);
    evhttp_set_max_body_size(door->http, BODY_MAX);
    evhttp_set_timeout(door->http, IDLE_SECONDS);
    evhttp_set_gencb(door->http, on_request, door);
    evhttp_set_bevcb(door->http, on_connection, door->admin);
    /* The socket listens already: a backlog of 0 says so.  It is ours to close. */
    door->listener = evconnlistener_new(base, NULL, NULL, LEV_OPT_CLOSE_ON_EXEC, 0, door->socket);
    evconnlistener_set_error_cb(door->listener, on_accept_error);
    evhttp_bind_listener(door->http, door->listener);
    return true;
}

struct admin *admin_new(struct event_base *base, const struct service *service,
                        struct error_list *errors)
{
    struct admin *admin = alloc_array(1, sizeof *admin);
    size_t before = errors->errors;

    assert(listening == NULL);
    listening = admin;
    admin->service = service;
    admin->base = base;
    admin->accepting = true;
    admin->waiters = adminwait_new(base, service);
    admin->pause = evtimer_new(base, on_pause_over, admin);
    admin->doors = alloc_array(service->config->admin_length, sizeof *admin->doors);
    for (size_t i = 0; i < service->config->admin_length; i++) {
        struct door *door = &admin->doors[admin->length];
        *door = (struct door){.admin = admin, .address = &service->config->admin[i]};
        if (open_door(door, base, errors))
            admin->length++;
    }
    if (errors->errors > before) {
        admin_free(admin);
        return NULL;
    }
    return admin;
}

void admin_free(struct admin *admin)
{
    if (admin == NULL)
        return;
    adminwait_free(admin->waiters);
    for (size_t i = 0; i < admin->length; i++) {
        evhttp_free(admin->doors[i].http); /* with its listener and connections */
        adminsocket_remove(admin->doors[i].address, admin->doors[i].socket);
    }
    adminpeers_sweep(&admin->peers);
    event_free(admin->pause);
    free(admin->doors);
    free(admin);
    listening = NULL;
}

void admin_reloaded(struct admin *admin)
{
    adminwait_check(admin->waiters);
}
