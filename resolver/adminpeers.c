#include "adminpeers.h"

#include <event2/bufferevent.h>
#include <event2/http.h>
#include <stddef.h>
#include <sys/socket.h>

#include "clock.h"

void adminpeers_add(struct adminpeers *peers, struct bufferevent *stream, uint64_t now)
{
    bufferevent_incref(stream);
    peers->items[peers->length++] = (struct adminpeer){.stream = stream, .touched = now};
}

void adminpeers_sweep(struct adminpeers *peers)
{
    unsigned left = 0;

    for (unsigned i = 0; i < peers->length; i++) {
        bufferevent_event_cb callback;
        bufferevent_getcb(peers->items[i].stream, NULL, NULL, &callback, NULL);
        if (callback == NULL)
            bufferevent_decref(peers->items[i].stream);
        else
            peers->items[left++] = peers->items[i];
    }
    peers->length = left;
}

/* NULL: it was one too many. */
static struct adminpeer *find(struct adminpeers *peers, struct evhttp_request *request)
{
    struct evhttp_connection *connection = evhttp_request_get_connection(request);
    const struct bufferevent *stream = evhttp_connection_get_bufferevent(connection);

    for (unsigned i = 0; i < peers->length; i++) {
        if (peers->items[i].stream == stream)
            return &peers->items[i];
    }
    return NULL;
}

static void on_replied(struct evhttp_request *request, void *arg)
{
    struct adminpeer *peer = find(arg, request);

    if (peer == NULL)
        return;
    peer->working = false;
    peer->replied = true;
    peer->touched = clock_ms();
}

void adminpeers_work(struct adminpeers *peers, struct evhttp_request *request)
{
    struct adminpeer *peer = find(peers, request);

    if (peer == NULL)
        return;
    peer->working = true;
    evhttp_request_set_on_complete_cb(request, on_replied, peers);
}

static bool is_idle(const struct adminpeer *peer, uint64_t now)
{
    char octet;

    if (peer->working || now - peer->touched < (peer->replied ? 0 : ADMINPEERS_FIRST_MS))
        return false;
    /* What has come is going to be read. */
    return recv(bufferevent_getfd(peer->stream), &octet, 1, MSG_PEEK | MSG_DONTWAIT) <= 0;
}

bool adminpeers_make_room(struct adminpeers *peers, uint64_t now)
{
    struct adminpeer *most = NULL;

    for (unsigned i = 0; i < peers->length; i++) {
        struct adminpeer *peer = &peers->items[i];
        if (peer->leaving)
            return false;
        if ((most == NULL || peer->touched < most->touched) && is_idle(peer, now))
            most = peer;
    }
    if (most == NULL)
        return false;
    most->leaving = true; /* evhttp hears of it as if the client had gone */
    (void)shutdown(bufferevent_getfd(most->stream), SHUT_RDWR);
    return true;
}
