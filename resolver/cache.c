#include "cache.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "alloc.h"
#include "blocks.h"
#include "cacheentry.h"
#include "cacheindex.h"
#include "fetch.h"
#include "octets.h"

/* Octets of an entry with a short name and one address.  Of smaller ones there are no more than if
 * they were as large. */
#define ENTRY_LEAST 128
/* One entry may take this part of the room: a few huge answers must not empty the cache. */
#define ENTRY_PART 8
/* So many octets are given up for one, at most, in multiples of what is wanted: what is used again
 * lies between them, and there may be no room for a large one even so. */
#define GIVEN_UP_MOST 16
/* Entries looked at for one eviction; when all were used again, one of them goes all the same.
 * Without a bound one put could walk through a million of them. */
#define SIEVE_STEPS 512

#define FAILURE_FIRST_MS 1000
#define FAILURE_MAX_MS   5000 /* RFC 9520 section 3.2 allows up to 5 min; forwarding.md says 5 s */
/* A failure this long after the end of the one before begins anew at one second. */
#define FAILURE_MEMORY_MS 10000

#define REFRESH_USES 3  /* asked that often: worth asking again before the end */
#define REFRESH_PART 10 /* the last tenth of its time is near the end */

struct cache {
    struct cache_options options;
    struct questionhash hash;
    struct cacheentry_limits limits; /* of them */
    struct cacheindex *index;
    struct blocks *blocks; /* memory of the entries */
    size_t fixed;          /* octets of what there always is */
    size_t entry_most;     /* octets of one entry */
    uint32_t plain_least;  /* TTL that is kept as it is */
    uint32_t changes;      /* entries that came or went, modulo 2^32 */
    uint64_t evicted;
    struct cacheentry_links queue; /* newer than the newest and older than the oldest */
    struct cacheentry_links *hand; /* where SIEVE goes on; 'queue': at the oldest */
    struct expiry expiry;
    struct reply reply; /* what cache_get() lends if it has hops */
};

struct cache *cache_new(const struct cache_options *options)
{
    struct cache *c = alloc_array(1, sizeof *c);

    c->options = *options;
    questionhash_init(&c->hash, &options->key);
    c->limits = cacheentry_limits_of(options->min_ttl_ms, options->max_ttl_ms,
                                     options->max_negative_ttl_ms);
    c->index = cacheindex_new(options->bytes / ENTRY_LEAST);
    c->blocks = blocks_new(options->bytes < BLOCKS_LIMIT_MAX ? options->bytes : BLOCKS_LIMIT_MAX);
    c->fixed = sizeof *c + cacheindex_bytes(c->index);
    c->entry_most = options->bytes / ENTRY_PART;
    c->plain_least = c->limits.least_ttl > 0 ? c->limits.least_ttl : 1;
    c->queue.newer = c->queue.older = c->hand = &c->queue;
    return c;
}

/* ---- one entry in all its lists ---- */

/* What is known of a question. */
struct found {
    struct cacheentry *answer, *failure;
};

APART static struct found find(const struct cache *c, const struct reply_question *q)
{
    struct found found = {NULL, NULL};
    struct cacheindex_look look;
    uint32_t place = cacheindex_first(c->index, reply_question_hash(q, &c->hash), &look);

    for (; place != 0; place = cacheindex_next(&look)) {
        struct cacheentry *e = blocks_at(c->blocks, place);

        if (cacheentry_is_about(e, q->rest, q))
            found.answer = e;
        else if (cacheentry_is_about(e, cacheentry_rest_of_failure(q), q))
            found.failure = e;
    }
    return found;
}

/* The same from what was seen before, if that is good still: most often all that is asked for. */
static inline struct found find_noted(const struct cache *c, const struct reply_question *q,
                                      struct cache_note note)
{
    struct cacheentry *e = blocks_at(c->blocks, note.place);

    if (note.changes != c->changes)
        return find(c, q);
    if (note.place == 0)
        return (struct found){NULL, NULL};
    return cacheentry_is_about(e, q->rest, q) ? (struct found){e, NULL} : find(c, q);
}

void cache_expect(const struct cache *c, const struct reply_question *q)
{
    cacheindex_expect(c->index, q->hash);
}

void cache_expect_entry(const struct cache *c, const struct reply_question *q,
                        struct cache_note *note)
{
    enum { OCTETS = 320 }; /* an entry with a few addresses */
    struct cacheindex_look look;

    note->place = cacheindex_first(c->index, q->hash, &look);
    note->changes = c->changes;
    if (note->place != 0)
        fetch_memory(blocks_at(c->blocks, note->place), OCTETS);
}

static struct cacheentry *entry_of(const struct cacheentry_links *links)
{
    return (struct cacheentry *)((uintptr_t)links - offsetof(struct cacheentry, links));
}

/* The next to be given up, and where it stands in index and heap, are old: they would be waited
 * for.  Its own memory was asked for when the one before it went. */
static void expect_eviction(const struct cache *c)
{
    enum { OCTETS = 192 };

    if (c->hand == &c->queue)
        return;
    const struct cacheentry *e = entry_of(c->hand);
    cacheindex_expect(c->index, e->hash);
    expiry_expect(&c->expiry, &e->expiry);
    fetch_memory(e->links.newer, OCTETS);
}

APART static void drop(struct cache *c, struct cacheentry *e)
{
    cacheindex_remove(c->index, e->hash, blocks_place(c->blocks, e));
    if (c->hand == &e->links) {
        c->hand = e->links.newer;
        expect_eviction(c);
    }
    e->links.newer->older = e->links.older;
    e->links.older->newer = e->links.newer;
    expiry_remove(&c->expiry, &e->expiry);
    blocks_give(c->blocks, e);
    c->changes++;
}

const struct questionhash *cache_hash(const struct cache *c)
{
    return &c->hash;
}

void cache_free(struct cache *c)
{
    if (c == NULL)
        return;
    blocks_free(c->blocks);
    expiry_clear(&c->expiry);
    cacheindex_free(c->index);
    free(c);
}

/* The entry SIEVE gives up: the hand goes from old to new and spares, once, what was used. */
static struct cacheentry *sieve(struct cache *c)
{
    struct cacheentry_links *at = c->hand != &c->queue ? c->hand : c->queue.newer;

    for (unsigned steps = 0; entry_of(at)->visited && steps < SIEVE_STEPS; steps++) {
        entry_of(at)->visited = false;
        at = at->newer != &c->queue ? at->newer : c->queue.newer;
    }
    c->hand = at; /* drop() moves it on */
    return entry_of(at);
}

static void evict(struct cache *c, uint64_t now)
{
    uint64_t ends;
    struct expiry_item *first = expiry_first(&c->expiry, &ends);

    if (ends <= now)
        drop(c, (struct cacheentry *)((char *)first - offsetof(struct cacheentry, expiry)));
    else
        drop(c, sieve(c));
    c->evicted++;
}

/* Octets that the blocks may have when there is one entry more. */
static size_t room_for_blocks(const struct cache *c)
{
    size_t others = c->fixed + expiry_bytes_with_one_more(&c->expiry);

    return others < c->options.bytes ? c->options.bytes - others : 0;
}

/* The heap cannot grow, because what it needs was used once and stands in holes: those that lie
 * behind the first 'room' octets make room for it. */
RARE static void clear_end(struct cache *c, size_t room)
{
    struct cacheentry_links *newer;

    for (struct cacheentry_links *at = c->queue.newer; at != &c->queue; at = newer) {
        newer = at->newer;
        if (blocks_is_within(c->blocks, entry_of(at), room))
            continue;
        drop(c, entry_of(at));
        c->evicted++;
    }
    blocks_trim(c->blocks);
}

/* Memory for an entry of so many octets, or NULL if it cannot fit. */
IN_ONE_PIECE APART static struct cacheentry *make_room(struct cache *c, size_t want, uint64_t now)
{
    size_t given_up = 0;
    struct cacheentry *e = NULL;

    if (want > c->entry_most)
        return NULL;
    for (;;) {
        size_t room = room_for_blocks(c), before = blocks_used(c->blocks);

        if (blocks_touched(c->blocks) > room && before + want + BLOCKS_OVERHEAD <= room)
            clear_end(c, room);
        if (blocks_touched(c->blocks) <= room && !cacheindex_is_full(c->index))
            e = blocks_take(c->blocks, want, room);
        if (e != NULL)
            return e;
        if (cacheindex_entries(c->index) == 0 ||
            given_up > GIVEN_UP_MOST * (want + BLOCKS_OVERHEAD))
            return NULL;
        evict(c, now);
        given_up += before - blocks_used(c->blocks);
    }
}

/* What all entries have, and their place in the queue. */
static inline void begin(struct cache *c, struct cacheentry *e, uint64_t hash, uint64_t rest)
{
    e->rest = rest;
    e->hash = hash;
    e->visited = e->cut = e->refreshed = false;
    e->uses = e->turn = 0;
    e->links.newer = &c->queue;
    e->links.older = c->queue.older;
    c->queue.older->newer = &e->links;
    c->queue.older = &e->links;
    c->changes++;
}

/* ---- reading ---- */

static inline void tell_failure(const struct cacheentry *e, uint64_t now, struct cache_hit *out)
{
    out->failed = e != NULL && now < e->ends;
    if (out->failed)
        memcpy(&out->failure, e->message, sizeof out->failure);
}

RARE static bool is_worth_refresh(struct cacheentry *e)
{
    bool worth = e->uses >= REFRESH_USES && !e->refreshed;

    e->refreshed = e->refreshed || worth;
    return worth;
}

static inline enum cache_result tell(struct cache *c, const struct reply_question *q,
                                     struct found known, uint64_t now, struct cache_hit *out)
{
    struct cacheentry *e = known.answer;

    if (e == NULL) {
        tell_failure(known.failure, now, out);
        return CACHE_MISS;
    }
    const struct reply *reply = cacheentry_reply(e);
    *out = (struct cache_hit){.entry = e, .size = reply->end, .reply = reply, .cut = e->cut};
    if (reply->hops_length > 0) {
        cacheentry_lend(e, &c->reply);
        out->reply = &c->reply;
        if (e->cut)
            tell_failure(find(c, q).failure, now, out);
    }
    if (now >= e->ends) {
        tell_failure(find(c, q).failure, now, out);
        if (now >= e->ends + c->options.serve_stale_ms)
            return CACHE_MISS;
        e->visited = true;
        return CACHE_STALE;
    }
    e->visited = true;
    cacheentry_rotate(e);
    if (e->uses < REFRESH_USES)
        e->uses++;
    if (e->ends - now <= reply->ttl * (UINT64_C(1000) / REFRESH_PART))
        out->refresh = is_worth_refresh(e);
    return CACHE_HIT;
}

enum cache_result cache_get(struct cache *c, const struct reply_question *q, uint64_t now,
                            struct cache_hit *out)
{
    return tell(c, q, find(c, q), now, out);
}

enum cache_result cache_get_noted(struct cache *c, const struct reply_question *q,
                                  struct cache_note note, uint64_t now, struct cache_hit *out)
{
    return tell(c, q, find_noted(c, q, note), now, out);
}

void cache_write_records(const struct cache_hit *hit, uint64_t now, uint8_t *out)
{
    cacheentry_write(hit->entry, now, CACHE_STALE_TTL, out);
}

void cache_write(const struct cache_hit *hit, uint64_t now, uint8_t *out)
{
    const struct cacheentry *e = hit->entry;

    memcpy(out, e->message, cacheentry_reply(e)->records_at);
    cache_write_records(hit, now, out);
}

/* ---- keeping ---- */

/* Into the lists that say where it is and when it ends. */
static void enter(struct cache *c, struct cacheentry *e)
{
    cacheindex_add(c->index, e->hash, blocks_place(c->blocks, e));
    expiry_add(&c->expiry, &e->expiry, e->ends);
}

/* Memory for an entry; 'visited' was the one whose place it takes, if there was any. */
static struct cacheentry *make(struct cache *c, const struct reply_question *q, uint64_t rest,
                               bool visited, size_t size, uint64_t now)
{
    struct cacheentry *e = make_room(c, sizeof *e + size, now);

    if (e == NULL)
        return NULL;
    begin(c, e, reply_question_hash(q, &c->hash), rest);
    e->visited = visited; /* what was hot comes back hot */
    return e;
}

static void put_evenly(struct cache *c, const struct reply_question *q, const uint8_t *message,
                       const struct reply *reply, bool visited, uint64_t now)
{
    struct cacheentry *e = NULL;

    if (cacheentry_clamp(&c->limits, reply->ttl) > 0)
        e = make(c, q, q->rest, visited, reply->answer_end, now);
    if (e == NULL)
        return;
    cacheentry_fill_evenly(e, message, reply, now);
    if (reply->longest > c->limits.most_ttl || reply->ttl < c->limits.least_ttl)
        cacheentry_limit_evenly(e, &c->limits, now);
    enter(c, e);
}

static void put_measured(struct cache *c, const struct reply_question *q, const uint8_t *message,
                         const struct reply *reply, bool cut, bool visited, uint64_t now)
{
    struct cacheentry_extent x;
    struct cacheentry *e = NULL;

    if (cacheentry_measure(&x, &c->limits, q, message, reply, cut))
        e = make(c, q, q->rest, visited, x.size, now);
    if (e == NULL)
        return;
    cacheentry_fill(e, &c->limits, message, reply, cut, &x, now);
    enter(c, e);
}

APART static void put_any(struct cache *c, const struct reply_question *q, const uint8_t *message,
                          const struct reply *reply, bool cut, uint64_t now)
{
    struct found old = find(c, q);
    bool visited = old.answer != NULL && old.answer->visited;

    if (old.failure != NULL && (reply->rcode == REPLY_NOERROR || reply->rcode == REPLY_NXDOMAIN))
        drop(c, old.failure);
    if (old.answer != NULL)
        drop(c, old.answer); /* nobody is to be told it any more, even if this one is not kept */
    if (reply->stride > 0 && !cut)
        put_evenly(c, q, message, reply, visited, now);
    else
        put_measured(c, q, message, reply, cut, visited, now);
}

/* Memory for an entry of so many octets, which hardly anything need be done for while the cache
 * grows. */
static inline struct cacheentry *take_room(struct cache *c, size_t want, uint64_t now)
{
    uint32_t place = 0;

    if (!expiry_is_full(&c->expiry) && !cacheindex_is_full(c->index))
        place = blocks_take_simply(c->blocks, want);
    return place != 0 ? blocks_at(c->blocks, place) : make_room(c, want, now);
}

/* The usual reply to a question of which nothing is known.  False: it is another. */
static inline bool put_simply(struct cache *c, const struct reply_question *q,
                              const uint8_t *message, const struct reply *reply, uint64_t now)
{
    size_t size = sizeof(struct cacheentry) + reply->answer_end;
    struct cacheindex_spot spot;

    if (reply->stride == 0 || reply->ttl < c->plain_least || reply->longest > c->limits.most_ttl ||
        size > c->entry_most || q->hash == 0 || !cacheindex_is_simple(c->index, q->hash, &spot))
        return false;
    struct cacheentry *e = take_room(c, size, now);
    if (e == NULL)
        return true;
    cacheindex_add_there(c->index, q->hash, blocks_place(c->blocks, e), &spot);
    begin(c, e, q->hash, q->rest);
    cacheentry_fill_evenly(e, message, reply, now);
    expiry_add(&c->expiry, &e->expiry, e->ends);
    return true;
}

IN_ONE_PIECE void cache_put(struct cache *c, const struct reply_question *q, const uint8_t *message,
                            size_t size, const struct reply *reply, bool cut, uint64_t now)
{
    assert(reply->end <= size);
    if (cut || !put_simply(c, q, message, reply, now))
        put_any(c, q, message, reply, cut, now);
}

/* ---- failures ---- */

_Static_assert(sizeof(struct cache_failure) <= REPLY_HEADER_SIZE, "it stands before the name");

void cache_put_failure(struct cache *c, const struct reply_question *q,
                       struct cache_failure failure, uint64_t now)
{
    struct found old = find(c, q);
    uint32_t ms = FAILURE_FIRST_MS;
    size_t size = REPLY_HEADER_SIZE + q->name_size;
    struct cacheentry *e = old.failure;

    if (old.answer != NULL && !old.answer->cut && now < old.answer->ends)
        return;
    if (e != NULL && now < e->ends + FAILURE_MEMORY_MS) {
        uint32_t before = cacheentry_reply(e)->ttl;
        ms = before * 2 < FAILURE_MAX_MS ? before * 2 : FAILURE_MAX_MS;
    }
    if (e != NULL)
        drop(c, e);
    /* As if nothing had ended: what has may be wanted just because of failures. */
    e = make(c, q, cacheentry_rest_of_failure(q), false, size, 0);
    if (e == NULL)
        return;
    e->ends = now + ms;
    cacheentry_reply(e)->ttl = ms;
    memcpy(e->message, &failure, sizeof failure);
    memcpy(e->message + REPLY_HEADER_SIZE, q->name, q->name_size);
    enter(c, e);
}

/* ---- for people ---- */

size_t cache_flush(struct cache *c, const uint8_t *name, bool subtree)
{
    size_t dropped = 0;
    struct cacheentry_links *newer;

    for (struct cacheentry_links *at = c->queue.newer; at != &c->queue; at = newer) {
        newer = at->newer;
        if (dname_is_in(cacheentry_name(entry_of(at)), name, subtree)) {
            drop(c, entry_of(at));
            dropped++;
        }
    }
    return dropped;
}

size_t cache_bytes(const struct cache *c)
{
    return c->fixed + blocks_used(c->blocks) + expiry_bytes(&c->expiry);
}

size_t cache_entries(const struct cache *c)
{
    return cacheindex_entries(c->index);
}

uint64_t cache_evicted(const struct cache *c)
{
    return c->evicted;
}
