#include "cache.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "alloc.h"
#include "blocks.h"
#include "cacheindex.h"
#include "expiry.h"
#include "fetch.h"
#include "wire.h"
#include "record.h"

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

#define COUNTS_AT 6 /* of ANCOUNT in the header; NSCOUNT and ARCOUNT follow */

struct entry {
    uint64_t hash, rest;         /* of the question */
    struct entry *newer, *older; /* in the queue */
    struct expiry_item expiry;
    uint32_t ttl; /* seconds; failures: milliseconds */
    uint64_t stored, ends;
    /* In the order of struct reply: they are lent together. */
    uint16_t rcode, answer_count, authority_count, records_at, answer_end;
    uint16_t message_size, message_at; /* 'message_at' in 'behind' */
    bool authoritative, authentic_data;
    bool negative, has_soa;
    uint8_t stride, hops_length;
    uint8_t uses;
    bool visited; /* used since the hand came by */
    bool failure : 1, cut : 1, refreshed : 1;
    /* struct reply_hop hops[hops_length]; without a stride, uint16_t ttls[], one for each record;
     * uint8_t message[]; */
    _Alignas(struct reply_hop) uint8_t behind[];
};

struct cache {
    struct cache_options options;
    struct questionhash hash;
    uint32_t least_ttl, most_ttl, most_negative_ttl; /* of them, in seconds */
    struct cacheindex *index;
    struct blocks *blocks; /* memory of the entries */
    size_t fixed;          /* octets of what there always is */
    size_t bytes, entries; /* without 'expiry' */
    uint64_t evicted;
    struct entry *newest, *oldest, *hand;
    struct expiry expiry;
    struct reply reply; /* what cache_get() lends */
};

static struct reply_hop *hops_of(const struct entry *e)
{
    return (struct reply_hop *)(uintptr_t)e->behind;
}

static uint16_t *ttls_of(const struct entry *e)
{
    return (uint16_t *)(uintptr_t)(e->behind + e->hops_length * sizeof(struct reply_hop));
}

static uint8_t *message_of(const struct entry *e)
{
    return (uint8_t *)(uintptr_t)e->behind + e->message_at;
}

static const uint8_t *name_of(const struct entry *e)
{
    return message_of(e) + REPLY_HEADER_SIZE;
}

static uint32_t seconds(uint64_t ms)
{
    return ms / 1000 < UINT32_MAX ? (uint32_t)(ms / 1000) : UINT32_MAX;
}

struct cache *cache_new(const struct cache_options *options)
{
    struct cache *c = alloc_array(1, sizeof *c);

    c->options = *options;
    questionhash_init(&c->hash, &options->key);
    c->least_ttl = seconds(options->min_ttl_ms + 999);
    c->most_ttl = seconds(options->max_ttl_ms);
    c->most_negative_ttl = seconds(options->max_negative_ttl_ms);
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

static bool matches(const struct entry *e, uint64_t hash, const struct reply_question *q)
{
    return e->hash == hash && e->rest == q->rest && dname_same(name_of(e), q->name, q->name_size);
}

/* The answer to a question.  NULL: there is none; '*failure' is then what says that it failed, or
 * NULL. */
static inline struct entry *find_answer(const struct cache *c, uint64_t hash,
                                        const struct reply_question *q, struct entry **failure)
{
    struct cacheindex_look look;
    uint32_t place = cacheindex_first(c->index, hash, &look);

    *failure = NULL;
    for (; place != 0; place = cacheindex_next(&look)) {
        struct entry *e = blocks_at(c->blocks, place);

        if (!matches(e, hash, q))
            continue;
        if (!e->failure)
            return e;
        *failure = e;
    }
    return NULL;
}

/* All that is known of a question. */
struct found {
    struct entry *answer, *failure;
};

static inline struct found find(const struct cache *c, uint64_t hash,
                                const struct reply_question *q)
{
    struct found found = {NULL, NULL};
    struct cacheindex_look look;
    uint32_t place = cacheindex_first(c->index, hash, &look);

    for (; place != 0; place = cacheindex_next(&look)) {
        struct entry *e = blocks_at(c->blocks, place);

        if (!matches(e, hash, q))
            continue;
        if (!e->failure)
            found.answer = e;
        else
            found.failure = e;
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

APART static void drop(struct cache *c, struct entry *e)
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
static struct entry *sieve(struct cache *c)
{
    struct entry *e = c->hand != NULL ? c->hand : c->oldest;

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
        drop(c, (struct entry *)((char *)first - offsetof(struct entry, expiry)));
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
static struct entry *make_room(struct cache *c, size_t rest, uint64_t now)
{
    size_t want = sizeof(struct entry) + rest, given_up = 0;
    struct entry *e = NULL;

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
static void enter(struct cache *c, struct entry *e)
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

/* What is the same of all was set once. */
static void lend_reply(struct cache *c, const struct entry *e)
{
    struct reply *r = &c->reply;

    r->rcode = e->rcode;
    r->answer_count = e->answer_count;
    r->authority_count = e->authority_count;
    r->records_at = e->records_at;
    r->answer_end = e->answer_end;
    r->authority_end = r->end = e->message_size;
    r->authoritative = e->authoritative;
    r->authentic_data = e->authentic_data;
    r->negative = e->negative;
    r->has_soa = e->has_soa;
    r->ttl = e->ttl;
    r->hops_length = e->hops_length;
    if (e->hops_length > 0)
        memcpy(r->hops, hops_of(e), e->hops_length * sizeof(struct reply_hop));
}

static bool lasts(const struct entry *failure, uint64_t now)
{
    return failure != NULL && now < failure->ends;
}

/* Beside an answer that is too old to be a hit. */
RARE static bool has_failed(const struct cache *c, const struct reply_question *q, uint64_t now)
{
    return lasts(find(c, hash_of(c, q), q).failure, now);
}

enum cache_result cache_get(struct cache *c, const struct reply_question *q, uint64_t now,
                            struct cache_hit *out)
{
    struct entry *failure, *e = find_answer(c, hash_of(c, q), q, &failure);

    if (e == NULL) {
        out->failed = lasts(failure, now);
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
    lend_reply(c, e);
    if (now >= e->ends)
        return CACHE_STALE;
    if (e->uses < REFRESH_USES)
        e->uses++;
    if (e->uses == REFRESH_USES && !e->refreshed &&
        e->ends - now <= e->ttl * (UINT64_C(1000) / REFRESH_PART))
        out->refresh = e->refreshed = true;
    return CACHE_HIT;
}

static void put_ttl(uint8_t *at, bool stale, uint32_t passed)
{
    uint32_t ttl = wire_get32(at);

    wire_put32(at, stale ? CACHE_STALE_TTL : ttl > passed ? ttl - passed : 0);
}

APART static void put_ttls(const struct entry *e, uint8_t *out, bool stale, uint32_t passed)
{
    size_t records = (size_t)e->answer_count + e->authority_count;

    for (size_t i = 0; i < records; i++)
        put_ttl(out + ttls_of(e)[i], stale, passed);
}

void cache_write_records(const struct cache_hit *hit, uint64_t now, uint8_t *out)
{
    const struct entry *e = hit->entry;
    bool stale = now >= e->ends;
    uint32_t passed = now > e->stored ? (uint32_t)((now - e->stored) / 1000) : 0;

    memcpy(out + e->records_at, message_of(e) + e->records_at,
           (size_t)e->message_size - e->records_at);
    if (e->stride == 0) {
        put_ttls(e, out, stale, passed);
        return;
    }
    for (size_t at = e->records_at; at < e->message_size; at += e->stride)
        put_ttl(out + at + REPLY_TTL_AT, stale, passed);
}

void cache_write(const struct cache_hit *hit, uint64_t now, uint8_t *out)
{
    const struct entry *e = hit->entry;

    memcpy(out, message_of(e), e->records_at);
    cache_write_records(hit, now, out);
}

/* ---- keeping ---- */

/* What of a message is kept. */
struct extent {
    size_t end; /* octets */
    size_t records, answers;
    uint32_t ttl; /* seconds */
    uint16_t ttls[REPLY_RECORDS_MAX];
};

static uint32_t clamp(const struct cache *c, uint32_t ttl)
{
    uint32_t wide = ttl < c->least_ttl ? c->least_ttl : ttl;

    return wide > c->most_ttl ? c->most_ttl : wide;
}

/* Works out what of a message would be kept.  False: nothing. */
static bool measure(const struct cache *c, const struct reply_question *q, const uint8_t *message,
                    const struct reply *reply, bool cut, struct extent *x)
{
    bool negative = reply->negative && !cut, authority = !cut && (negative || q->dnssec_ok);
    unsigned count = reply->answer_count + (authority ? reply->authority_count : 0u);
    size_t found;

    if (reply->truncated || reply->referral || (cut && reply->hops_length == 0) ||
        (!cut && reply->rcode != REPLY_NOERROR && reply->rcode != REPLY_NXDOMAIN) ||
        (negative && !reply->has_soa) || (authority && !reply->authority_plain))
        return false;
    x->end = cut         ? reply->hops[reply->hops_length - 1].end
             : authority ? reply->authority_end
                         : reply->answer_end;
    x->ttl = cut ? UINT32_MAX : reply->ttl;
    found = reply_ttl_offsets(message, reply, count, x->ttls);
    for (x->records = x->answers = 0; x->records < found; x->records++) {
        size_t at = x->ttls[x->records];

        if (at >= x->end)
            break;
        x->answers += at < reply->answer_end;
        if (cut && wire_get32(message + at) < x->ttl)
            x->ttl = wire_get32(message + at);
    }
    x->ttl = clamp(c, x->ttl);
    if (negative && x->ttl > c->most_negative_ttl)
        x->ttl = c->most_negative_ttl;
    return x->ttl > 0;
}

static void copy_message(struct entry *e, const uint8_t *message)
{
    uint8_t *to = message_of(e);

    memcpy(to, message, e->message_size);
    wire_put16(to, 0);
    wire_put16(to + COUNTS_AT, e->answer_count);
    wire_put16(to + COUNTS_AT + 2, e->authority_count);
    wire_put16(to + COUNTS_AT + 4, 0);
}

/* None is above our limits; a negative answer's are all no longer than the answer may live, because
 * that is what clients go by. */
static void settle_ttls(const struct cache *c, struct entry *e, const uint8_t *message,
                        const struct extent *x)
{
    for (size_t i = 0; i < x->records; i++) {
        uint32_t ttl = clamp(c, wire_get32(message + x->ttls[i]));

        wire_put32(message_of(e) + x->ttls[i], e->negative && ttl > e->ttl ? e->ttl : ttl);
        ttls_of(e)[i] = x->ttls[i];
    }
}

/* Memory for an entry that takes the place of an old one, which may be NULL. */
static struct entry *replace(struct cache *c, const struct reply_question *q, bool failure,
                             struct entry *old, size_t size, uint64_t now)
{
    bool visited = old != NULL && old->visited;
    struct entry *e;

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

/* What nearly every reply is: its records stand at equal distances, and there is nothing else to be
 * found out. */
static void put_evenly(struct cache *c, const struct reply_question *q, const uint8_t *message,
                       const struct reply *reply, struct entry *old, uint64_t now)
{
    uint32_t ttl = clamp(c, reply->ttl);
    struct entry *e;

    if (ttl == 0)
        return;
    e = replace(c, q, false, old, reply->answer_end, now);
    if (e == NULL)
        return;
    e->ttl = ttl;
    e->ends = now + ttl * UINT64_C(1000);
    e->message_size = e->answer_end = reply->answer_end;
    e->stride = reply->stride;
    e->answer_count = reply->answer_count;
    e->records_at = reply->records_at;
    e->authoritative = reply->authoritative;
    e->authentic_data = reply->authentic_data;
    copy_message(e, message);
    if (reply->longest > c->most_ttl || reply->ttl < c->least_ttl) {
        for (size_t at = e->records_at + REPLY_TTL_AT; at < e->message_size; at += e->stride)
            wire_put32(message_of(e) + at, clamp(c, wire_get32(message + at)));
    }
    enter(c, e);
}

APART static void put_any(struct cache *c, const struct reply_question *q, const uint8_t *message,
                          const struct reply *reply, bool cut, struct entry *old, uint64_t now)
{
    struct extent x;
    size_t front;
    struct entry *e;

    if (!measure(c, q, message, reply, cut, &x))
        return;
    front = reply->hops_length * sizeof(struct reply_hop) + x.records * sizeof(uint16_t);
    e = replace(c, q, false, old, front + x.end, now);
    if (e == NULL)
        return;
    e->ttl = x.ttl;
    e->ends = now + x.ttl * UINT64_C(1000);
    e->message_size = (uint16_t)x.end;
    e->message_at = (uint16_t)front;
    e->rcode = cut ? REPLY_NOERROR : reply->rcode;
    e->answer_count = (uint16_t)x.answers;
    e->authority_count = (uint16_t)(x.records - x.answers);
    e->answer_end = cut ? (uint16_t)x.end : reply->answer_end;
    e->records_at = reply->records_at;
    e->hops_length = (uint8_t)reply->hops_length;
    e->authoritative = reply->authoritative;
    e->authentic_data = reply->authentic_data;
    e->negative = reply->negative && !cut;
    e->has_soa = reply->has_soa && e->authority_count > 0;
    e->cut = cut;
    memcpy(hops_of(e), reply->hops, reply->hops_length * sizeof(struct reply_hop));
    copy_message(e, message);
    settle_ttls(c, e, message, &x);
    enter(c, e);
}

IN_ONE_PIECE void cache_put(struct cache *c, const struct reply_question *q, const uint8_t *message,
                            size_t size, const struct reply *reply, bool cut, uint64_t now)
{
    struct found old = find(c, hash_of(c, q), q);

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
    struct found old = find(c, hash_of(c, q), q);
    uint32_t ms = FAILURE_FIRST_MS;
    size_t size = REPLY_HEADER_SIZE + q->name_size;
    struct entry *e = old.failure;

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
    memcpy(message_of(e) + REPLY_HEADER_SIZE, q->name, q->name_size);
    enter(c, e);
}

/* ---- for people ---- */

size_t cache_flush(struct cache *c, const uint8_t *name, bool subtree)
{
    size_t dropped = 0;
    struct entry *newer;

    for (struct entry *e = c->oldest; e != NULL; e = newer) {
        newer = e->newer;
        if (dname_is_in(name_of(e), name, subtree)) {
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
