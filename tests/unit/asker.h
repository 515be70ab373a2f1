/* One forward in a scripted world, for tests: ask it something, see what leaves, say what comes
 * back. Fails the running cmocka test where something is not as it must be. */
#ifndef ASKER_H
#define ASKER_H

#include "fake_message.h"
#include "fake_network.h"
#include "forward.h"

#define ASKER_START   UINT64_C(1000000)
#define ASKER_TIMEOUT 2000
#define ASKER_ONE     "192.0.2.1:53" /* the servers, in the order of the configuration */
#define ASKER_TWO     "192.0.2.2:53"
#define ASKER_THREE   "192.0.2.3:53"

/* What a waiting client was told. */
struct asker_told {
    unsigned times;
    enum forward_result result;
    unsigned rcode, answers;
    uint64_t at;
    uint8_t last_octet; /* of the message: of the last address in it */
};

struct asker {
    struct config config;
    struct config_upstream servers[3];
    struct config_upstreams upstreams;
    struct fake_network *net;
    struct stats stats;
    struct forward *forward;
    unsigned kept;
    enum forward_result kept_result;
    bool owned;                     /* what the guard says */
    bool asking;                    /* just now: nobody may be told */
    void (*meddle)(struct asker *); /* when somebody is told; NULL: nothing */
    struct asker_job *jobs;         /* all there ever were: one '*told' may be that of several */
};

/* 'first' is how the first server is written ("tcp://192.0.2.1").  asker_start() follows, after the
 * configuration has been changed to taste. */
struct asker *asker_new(size_t servers, const char *first);
void asker_start(struct asker *, unsigned in_flight);
/* Both in one, plain UDP, 100 in flight. */
struct asker *asker_begin(size_t servers);
void asker_free(struct asker *);

/* Asks for an A record, or for another type.  '*told' is emptied and filled by and by. */
struct forward_job *asker_ask(struct asker *, const char *name, struct asker_told *);
struct forward_job *asker_ask_type(struct asker *, const char *name, uint16_t type,
                                   struct asker_told *);

/* The same of a question in all its parts. */
struct forward_job *asker_ask_question(struct asker *, const struct reply_question *,
                                       struct asker_told *);

/* What was sent; probes are left out. */
MUST_USE bool asker_take(struct asker *, struct fake_sent *out);
struct fake_sent asker_must_take(struct asker *, const char *to);
unsigned asker_count_sent(struct asker *);
bool asker_is_probe(const struct fake_sent *);

/* The reply in the making; each of the following begins a new one. */
extern struct fake_message asker_reply;
void asker_make_address(const struct fake_sent *, const char *name, const char *address);
void asker_make_truncated(const struct fake_sent *);
void asker_say(struct asker *, const struct fake_sent *); /* delivers it */
void asker_say_rcode(struct asker *, const struct fake_sent *, unsigned rcode);
void asker_say_address(struct asker *, const struct fake_sent *, const char *name,
                       const char *address);

#endif
