#include "peers.h"

#include <assert.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "alloc.h"

struct peer {
    struct peer *next; /* in its bucket, or in the list of unused ones */
    struct peer **bucket;
    uint8_t address[16];
    bool v6;
    unsigned count;
};

struct peers {
    struct hash_key key;
    pthread_mutex_t lock; /* for all below */
    struct peer **buckets;
    size_t mask;
    struct peer *pool, *unused;
    unsigned length; /* connections */
};

struct peers *peers_new(const struct hash_key *key, size_t connections_max)
{
    struct peers *peers = alloc_array(1, sizeof *peers);
    size_t buckets = 16;

    while (buckets < connections_max)
        buckets *= 2;
    peers->key = *key;
    pthread_mutex_init(&peers->lock, NULL);
    peers->buckets = alloc_array(buckets, sizeof(struct peer *));
    peers->mask = buckets - 1;
    peers->pool = alloc_array(connections_max, sizeof *peers->pool);
    for (size_t i = 0; i < connections_max; i++) {
        peers->pool[i].next = peers->unused;
        peers->unused = &peers->pool[i];
    }
    return peers;
}

void peers_free(struct peers *peers)
{
    if (peers == NULL)
        return;
    pthread_mutex_destroy(&peers->lock);
    free(peers->pool);
    free(peers->buckets);
    free(peers);
}

/* The place that points to the address's peer, or to the end of its bucket. */
static struct peer **find(struct peers *peers, const struct sockaddr *address, struct peer *key)
{
    memset(key, 0, sizeof *key);
    key->v6 = address->sa_family == AF_INET6;
    if (key->v6)
        memcpy(key->address, &((const struct sockaddr_in6 *)(const void *)address)->sin6_addr, 16);
    else
        memcpy(key->address, &((const struct sockaddr_in *)(const void *)address)->sin_addr, 4);
    uint64_t hash = hash_bytes(&peers->key, key->address, sizeof key->address);
    struct peer **at = key->bucket = &peers->buckets[hash & peers->mask];
    while (*at != NULL &&
           ((*at)->v6 != key->v6 || memcmp((*at)->address, key->address, sizeof key->address) != 0))
        at = &(*at)->next;
    return at;
}

static struct peer *enter(struct peers *peers, const struct sockaddr *address, unsigned most)
{
    struct peer key;
    struct peer **at = find(peers, address, &key);

    if (*at == NULL) {
        struct peer *peer = peers->unused;
        if (peer == NULL || most == 0)
            return NULL;
        peers->unused = peer->next;
        *peer = key;
        *at = peer;
    }
    if ((*at)->count >= most)
        return NULL;
    (*at)->count++;
    peers->length++;
    return *at;
}

struct peer *peers_enter(struct peers *peers, const struct sockaddr *address, unsigned most,
                         unsigned *has)
{
    pthread_mutex_lock(&peers->lock);
    struct peer *peer = enter(peers, address, most);
    *has = peer != NULL ? peer->count : most;
    pthread_mutex_unlock(&peers->lock);
    return peer;
}

unsigned peers_length(struct peers *peers)
{
    pthread_mutex_lock(&peers->lock);
    unsigned length = peers->length;
    pthread_mutex_unlock(&peers->lock);
    return length;
}

static void leave(struct peers *peers, struct peer *peer)
{
    assert(peer->count > 0);
    peers->length--;
    if (--peer->count > 0)
        return;
    struct peer **at = peer->bucket;
    while (*at != peer)
        at = &(*at)->next;
    *at = peer->next;
    peer->next = peers->unused;
    peers->unused = peer;
}

void peers_leave(struct peers *peers, struct peer *peer)
{
    pthread_mutex_lock(&peers->lock);
    leave(peers, peer);
    pthread_mutex_unlock(&peers->lock);
}
