#include "cache.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "alloc.h"
#include "blocks.h"
#include "cacheentry.h"
#include "cacheindex.h"
#include "fetch.h"

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
    size_t bytes, entries; /* without 'expiry' */
    uint64_t evicted;
    struct cacheentry *newest, *oldest, *hand;
    struct expiry expiry;
    struct reply reply; /* what cache_get() lends */
};

static uint32_t seconds(uint64_t ms)
{
    return ms / 1000 < UINT32_MAX ? (uint32_t)(ms / 1000) : UINT32_MAX;
}

struct cache *cache_new(const struct cache_options *options)
{
    struct cache *c = alloc_array(1, sizeof *c);

    c->options = *options;
    questionhash_init(&c->hash, &options->key);
    c->limits.least_ttl = seconds(options->min_ttl_ms + 999);
    c->limits.most_ttl = seconds(options->max_ttl_ms);
    c->limits.most_negative_ttl = seconds(options->max_negative_ttl_ms);
    c->index = cacheindex_new(options->bytes / ENTRY_LEAST);
    c->blocks = blocks_new(options->bytes < BLOCKS_LIMIT_MAX ? options->bytes : BLOCKS_LIMIT_MAX);
    c->reply.authority_plain = c->reply.sound = true;
    c->fixed = c->bytes = sizeof *c + cacheindex_bytes(c->index);
    return c;
}

/* ---- one entry in all its lists ---- */

static uint64_t hash_of(const struct cache *c, const struct reply_question *q)
{
    return reply_question_hash(q, &c->hash);
}

static bool matches(const struct cacheentry *e, uint64_t hash, const struct reply_question *q)
{
    return e->hash == hash && e->rest == q->rest &&
           dname_same(cacheentry_name(e), q->name, q->name_size);
}

/* What is known of a question. */
struct found {
    struct cacheentry *answer, *failure;
};

/* 'enough': once there is an answer, whether the question failed too does not matter. */
static inline struct found find(const struct cache *c, uint64_t hash,
                                const struct reply_question *q, bool enough)
{
    struct found found = {NULL, NULL};
    struct cacheindex_look look;
    uint32_t place = cacheindex_first(c->index, hash, &look);

    for (; place != 0; place = cacheindex_next(&look)) {
        struct cacheentry *e = blocks_at(c->blocks, place);

        if (!matches(e, hash, q))
            continue;
        if (e->failure) {
            found.failure = e;
            continue;
        }
        found.answer = e;
        if (enough)
            break;
    }
    return found;
}

void cache_expect(const struct cache *c, const struct reply_question *q)
{
    cacheindex_expect(c->index, hash_of(c, q));
}

void cache_expect_entry(const struct cache *c, const struct reply_question *q)
{
    enum { OCTETS = 320 }; /* an entry with a few addresses */
    struct cacheindex_look look;
    uint32_t place = cacheindex_first(c->index, hash_of(c, q), &look);

    if (place != 0)
        fetch_memory(blocks_at(c->blocks, place), OCTETS);
}

/* The next to be given up, and where it stands in index and heap, are old: they would be waited
 * for.  Its own memory was asked for when the one before it went. */
static void expect_eviction(const struct cache *c)
{
    enum { OCTETS = 192 };

    if (c->hand == NULL)
        return;
    cacheindex_expect(c->index, c->hand->hash);
    expiry_expect(&c->expiry, &c->hand->expiry);
    fetch_memory(c->hand->newer, OCTETS);
}

APART static void drop(struct cache *c, struct cacheentry *e)
{
    cacheindex_remove(c->index, e->hash, blocks_place(c->blocks, e));
    if (c->hand == e) {
        c->hand = e->newer;
        expect_eviction(c);
    }
    *(e->newer != NULL ? &e->newer->older : &c->newest) = e->older;
    *(e->older != NULL ? &e->older->newer : &c->oldest) = e->newer;
    expiry_remove(&c->expiry, &e->expiry);
    c->bytes -= blocks_size(e);
    c->entries--;
    blocks_give(c->blocks, e);
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
    struct cacheentry *e = c->hand != NULL ? c->hand : c->oldest;

    for (unsigned steps = 0; e->visited && steps < SIEVE_STEPS; steps++) {
        e->visited = false;
        e = e->newer != NULL ? e->newer : c->oldest;
    }
    c->hand = e; /* drop() moves it on */
    return e;
}

APART static void evict(struct cache *c, uint64_t now)
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

/* Memory for an entry with so many octets behind it, or NULL if it cannot fit. */
static struct cacheentry *make_room(struct cache *c, size_t rest, uint64_t now)
{
    size_t want = sizeof(struct cacheentry) + rest, given_up = 0;
    struct cacheentry *e = NULL;

    if (want > c->options.bytes / ENTRY_PART)
        return NULL;
    for (;;) {
        size_t room = room_for_blocks(c), before = c->bytes;

        if (blocks_touched(c->blocks) <= room && !cacheindex_is_full(c->index))
            e = blocks_take(c->blocks, want, room);
        if (e != NULL)
            break;
        if (c->entries == 0 || given_up > GIVEN_UP_MOST * (want + BLOCKS_OVERHEAD))
            return NULL;
        evict(c, now);
        given_up += before - c->bytes;
    }
    memset(e, 0, sizeof *e); /* what is behind it is written */
    return e;
}

/* Puts a filled entry into all lists. */
static void enter(struct cache *c, struct cacheentry *e)
{
    cacheindex_add(c->index, e->hash, blocks_place(c->blocks, e));
    e->older = c->newest;
    *(c->newest != NULL ? &c->newest->newer : &c->oldest) = e;
    c->newest = e;
    expiry_add(&c->expiry, &e->expiry, e->ends);
    c->bytes += blocks_size(e);
    c->entries++;
}

/* ---- reading ---- */

static bool lasts(const struct cacheentry *failure, uint64_t now)
{
    return failure != NULL && now < failure->ends;
}

/* Beside an answer that is too old to be a hit. */
RARE static bool has_failed(const struct cache *c, const struct reply_question *q, uint64_t now)
{
    return lasts(find(c, hash_of(c, q), q, false).failure, now);
}

enum cache_result cache_get(struct cache *c, const struct reply_question *q, uint64_t now,
                            struct cache_hit *out)
{
    struct found known = find(c, hash_of(c, q), q, true);
    struct cacheentry *e = known.answer;

    if (e == NULL) {
        out->failed = lasts(known.failure, now);
        return CACHE_MISS;
    }
    *out =
        (struct cache_hit){.entry = e, .size = e->message_size, .reply = &c->reply, .cut = e->cut};
    if (now >= e->ends) {
        out->failed = has_failed(c, q, now);
        if (now >= e->ends + c->options.serve_stale_ms)
            return CACHE_MISS;
    }
    e->visited = true;
    cacheentry_lend(e, &c->reply);
    if (now >= e->ends)
        return CACHE_STALE;
    if (e->uses < REFRESH_USES)
        e->uses++;
    if (e->uses == REFRESH_USES && !e->refreshed &&
        e->ends - now <= e->ttl * (UINT64_C(1000) / REFRESH_PART))
        out->refresh = e->refreshed = true;
    return CACHE_HIT;
}

void cache_write_records(const struct cache_hit *hit, uint64_t now, uint8_t *out)
{
    cacheentry_write(hit->entry, now, CACHE_STALE_TTL, out);
}

void cache_write(const struct cache_hit *hit, uint64_t now, uint8_t *out)
{
    const struct cacheentry *e = hit->entry;

    memcpy(out, cacheentry_message(e), e->records_at);
    cache_write_records(hit, now, out);
}

/* ---- keeping ---- */

/* Memory for an entry that takes the place of an old one, which may be NULL. */
static struct cacheentry *replace(struct cache *c, const struct reply_question *q, bool failure,
                                  struct cacheentry *old, size_t size, uint64_t now)
{
    bool visited = old != NULL && old->visited;
    struct cacheentry *e;

    if (old != NULL)
        drop(c, old);
    e = make_room(c, size, now);
    if (e == NULL)
        return NULL;
    e->hash = hash_of(c, q);
    e->rest = q->rest;
    e->failure = failure;
    e->stored = now;
    e->visited = visited; /* what was hot comes back hot */
    return e;
}

static void put_evenly(struct cache *c, const struct reply_question *q, const uint8_t *message,
                       const struct reply *reply, struct cacheentry *old, uint64_t now)
{
    uint32_t ttl = cacheentry_clamp(&c->limits, reply->ttl);
    struct cacheentry *e;

    if (ttl == 0)
        return;
    e = replace(c, q, false, old, reply->answer_end, now);
    if (e == NULL)
        return;
    cacheentry_fill_evenly(e, &c->limits, message, reply, ttl);
    enter(c, e);
}

APART static void put_any(struct cache *c, const struct reply_question *q, const uint8_t *message,
                          const struct reply *reply, bool cut, struct cacheentry *old, uint64_t now)
{
    struct cacheentry_extent x;
    struct cacheentry *e;

    if (!cacheentry_measure(&x, &c->limits, q, message, reply, cut))
        return;
    e = replace(c, q, false, old, x.size, now);
    if (e == NULL)
        return;
    cacheentry_fill(e, &c->limits, message, reply, cut, &x);
    enter(c, e);
}

IN_ONE_PIECE void cache_put(struct cache *c, const struct reply_question *q, const uint8_t *message,
                            size_t size, const struct reply *reply, bool cut, uint64_t now)
{
    struct found old = find(c, hash_of(c, q), q, false);

    assert(reply->end <= size);
    if (old.failure != NULL && (reply->rcode == REPLY_NOERROR || reply->rcode == REPLY_NXDOMAIN))
        drop(c, old.failure);
    if (reply->stride > 0 && !cut)
        put_evenly(c, q, message, reply, old.answer, now);
    else
        put_any(c, q, message, reply, cut, old.answer, now);
}

/* ---- failures ---- */

void cache_put_failure(struct cache *c, const struct reply_question *q, uint64_t now)
{
    struct found old = find(c, hash_of(c, q), q, false);
    uint32_t ms = FAILURE_FIRST_MS;
    size_t size = REPLY_HEADER_SIZE + q->name_size;
    struct cacheentry *e = old.failure;

    if (old.answer != NULL && now < old.answer->ends)
        return;
    if (e != NULL && now < e->ends + FAILURE_MEMORY_MS)
        ms = e->ttl * 2 < FAILURE_MAX_MS ? e->ttl * 2 : FAILURE_MAX_MS;
    e = replace(c, q, true, e, size, now);
    if (e == NULL)
        return;
    e->ttl = ms;
    e->ends = now + ms;
    e->message_size = (uint16_t)size;
    memcpy(cacheentry_message(e) + REPLY_HEADER_SIZE, q->name, q->name_size);
    enter(c, e);
}

/* ---- for people ---- */

size_t cache_flush(struct cache *c, const uint8_t *name, bool subtree)
{
    size_t dropped = 0;
    struct cacheentry *newer;

    for (struct cacheentry *e = c->oldest; e != NULL; e = newer) {
        newer = e->newer;
        if (dname_is_in(cacheentry_name(e), name, subtree)) {
            drop(c, e);
            dropped++;
        }
    }
    return dropped;
}

size_t cache_bytes(const struct cache *c)
{
    return c->bytes + expiry_bytes(&c->expiry);
}

size_t cache_entries(const struct cache *c)
{
    return c->entries;
}

uint64_t cache_evicted(const struct cache *c)
{
    return c->evicted;
}
