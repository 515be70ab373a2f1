/* Who is connected to the admin address: how many, and who of them is the most idle.
 *
 * evhttp says when a connection begins, but not when it ends.  So the streams are held here too:
 * one that evhttp has let go has no callback any more. */
#ifndef PLDNS_ADMINPEERS_H
#define PLDNS_ADMINPEERS_H

#include <stdbool.h>
#include <stdint.h>

#define ADMINPEERS_MAX 64
/* Who has not been replied to yet is left so much time for his first question. */
#define ADMINPEERS_FIRST_MS 1000

struct bufferevent;
struct evhttp_request;

struct adminpeer {
    struct bufferevent *stream;
    uint64_t touched; /* when it came, or was replied to last */
    bool replied;     /* at least once */
    bool working;     /* a question of its is not replied to yet */
    bool leaving;     /* it makes room: evhttp hears of that soon */
};

struct adminpeers { /* all zero bytes: nobody */
    struct adminpeer items[ADMINPEERS_MAX];
    unsigned length;
};

/* There is room for it. */
void adminpeers_add(struct adminpeers *, struct bufferevent *, uint64_t now);
/* Lets go those that evhttp has let go. */
void adminpeers_sweep(struct adminpeers *);

/* It asks: it is not idle until it is replied to. */
void adminpeers_work(struct adminpeers *, struct evhttp_request *);

/* Ends the most idle one, which is gone soon after.  False: all are busy, or one is going. */
bool adminpeers_make_room(struct adminpeers *, uint64_t now);

#endif
