/* A client of the answer path: asks in words, reads the reply in words (through ldns).
 *
 *     fake_client_ask(c, "b1.example A edns")
 *         → "NOERROR aa rd ra | 30 A 10.0.0.1 | opt 1232"
 *
 * Words of a question: NAME TYPE, then any of: tcp, edns, edns=SIZE, do, cd, ad, nord, nsid,
 * keepalive, cookie, ch (class CHAOS), hs (class HESIOD), from=ADDRESS.
 * Records of a reply come without their owner if it is the question's name; those of the authority
 * section with "auth" in front; of an SOA only serial and minimum are told. */
#ifndef FAKE_CLIENT_H
#define FAKE_CLIENT_H

#include "fake_message.h"
#include "fake_network.h"
#include "query.h"

struct fake_client;

/* 'environment' holds configuration as the daemon's environment does, NULL at its end.  The
 * upstreams are 192.0.2.1 and 192.0.2.2; views are as in a configuration. */
struct fake_client *fake_client_new(char *const *environment, const char *documents);
void fake_client_free(struct fake_client *);

/* Frees the desk: who waits is told.  Nothing can be asked afterwards. */
void fake_client_close(struct fake_client *);

/* The reply, or "silent", or "waiting".  Good until the next call. */
const char *fake_client_ask(struct fake_client *, const char *question);
/* The same with the octets of a message. */
const char *fake_client_send(struct fake_client *, const void *message, size_t size, bool tcp);
/* The oldest reply that had to wait and was not taken yet, NULL if there is none. */
const char *fake_client_late(struct fake_client *);

/* Puts another table in place. */
void fake_client_publish(struct fake_client *, const char *documents);
/* Empties the cache. */
void fake_client_flush(struct fake_client *);
/* The message of a question in words. */
void fake_client_make(struct fake_message *, const char *question);

/* The last reply's octets. */
const uint8_t *fake_client_reply(const struct fake_client *, size_t *size);
struct fake_network *fake_client_network(struct fake_client *);
struct query_desk *fake_client_desk(struct fake_client *);
/* Of clients in no view. */
const struct table *fake_client_table(const struct fake_client *);
uint64_t fake_client_count(const struct fake_client *, enum stats_counter);

#endif
