/* How many connections each client has, and all together, with all workers: the kernel spreads them
 * by chance, so that a part of a limit for each worker would be another limit each time.  Bounded
 * by the connections there can be; keyed, so that no choice of addresses makes it slow. */
#ifndef PLDNS_PEERS_H
#define PLDNS_PEERS_H

#include "config.h"
#include "hash.h"

struct peers;
struct peer; /* one address */

struct peers *peers_new(const struct hash_key *, size_t connections_max);
void peers_free(struct peers *);

/* One more connection of that address; '*has' is how many it has then.  NULL: it has 'most'
 * already, and no more is counted. */
MUST_USE struct peer *peers_enter(struct peers *, const struct sockaddr *, unsigned most,
                                  unsigned *has);
/* How many there are in all. */
unsigned peers_length(struct peers *);
/* One less: for each peers_enter() that gave that. */
void peers_leave(struct peers *, struct peer *);

#endif
