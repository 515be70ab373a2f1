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

enum kind { KIND_ANSWER, KIND_FAILURE };

struct entry {
    uint64_t hash, rest;         /* of the question */
    struct entry *newer, *older; /* in the queue */
    struct expiry_item expiry;
    uint32_t ttl; /* seconds; failures: milliseconds */
    uint64_t stored, ends;
    uint16_t message_size, ttls_length, rcode, answer_count, authority_count, answer_end;
    uint16_t records_at;
    uint8_t hops_length, uses, kind;
    bool authoritative, authentic_data, negative, has_soa, cut, refreshed;
    bool visited; /* used since the hand came by */
    /* struct reply_hop hops[hops_length]; uint16_t ttls[ttls_length]; uint8_t message[]; */
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
    return (uint8_t *)(ttls_of(e) + e->ttls_length);
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
    c->fixed = c->bytes = sizeof *c + cacheindex_bytes(c->index);
    return c;
}

/* ---- one entry in all its lists ---- */

/* Both kinds of one question are in one line of the index: it is looked for failures as often as
 * for answers. */
static uint64_t hash_of(const struct cache *c, const struct reply_question *q, enum kind kind)
{
    return reply_question_hash(q, &c->hash) ^ (uint64_t)kind << 63;
}

static bool matches(const struct entry *e, uint64_t hash, const struct reply_question *q,
                    enum kind kind)
{
    return e->hash == hash && e->rest == q->rest && e->kind == kind &&
           dname_same(name_of(e), q->name, q->name_size);
}

static inline struct entry *find(const struct cache *c, uint64_t hash,
                                 const struct reply_question *q, enum kind kind)
{
    struct cacheindex_look look;
    uint32_t place = cacheindex_first(c->index, hash, &look);

    for (; place != 0; place = cacheindex_next(&look)) {
        struct entry *e = blocks_at(c->blocks, place);

        if (matches(e, hash, q, kind))
            return e;
    }
    return NULL;
}

void cache_expect(const struct cache *c, const struct reply_question *q)
{
    cacheindex_expect(c->index, hash_of(c, q, KIND_ANSWER));
}

void cache_expect_entry(const struct cache *c, const struct reply_question *q)
{
    enum { OCTETS = 320 }; /* an entry with a few addresses */
    struct cacheindex_look look;
    uint32_t place = cacheindex_first(c->index, hash_of(c, q, KIND_ANSWER), &look);

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

static void drop(struct cache *c, struct entry *e)
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

static void evict(struct cache *c, uint64_t now)
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

static void lend_reply(struct cache *c, const struct entry *e)
{
    struct reply *r = &c->reply; /* all of it but hops beyond the last */

    r->rcode = e->rcode;
    r->authoritative = e->authoritative;
    r->truncated = r->referral = false;
    r->authentic_data = e->authentic_data;
    r->answer_count = e->answer_count;
    r->authority_count = e->authority_count;
    r->records_at = e->records_at;
    r->answer_end = e->answer_end;
    r->authority_end = r->end = e->message_size;
    r->negative = e->negative;
    r->has_soa = e->has_soa;
    r->authority_plain = r->sound = true;
    r->ttl = e->ttl;
    r->hops_length = e->hops_length;
    if (e->hops_length > 0)
        memcpy(r->hops, hops_of(e), e->hops_length * sizeof(struct reply_hop));
}

enum cache_result cache_get(struct cache *c, const struct reply_question *q, uint64_t now,
                            struct cache_hit *out)
{
    struct entry *e = find(c, hash_of(c, q, KIND_ANSWER), q, KIND_ANSWER);

    if (e == NULL || now >= e->ends + c->options.serve_stale_ms)
        return CACHE_MISS;
    e->visited = true;
    if (e->uses < UINT8_MAX)
        e->uses++;
    lend_reply(c, e);
    *out =
        (struct cache_hit){.entry = e, .size = e->message_size, .reply = &c->reply, .cut = e->cut};
    if (now >= e->ends)
        return CACHE_STALE;
    if (!e->refreshed && e->uses >= REFRESH_USES &&
        (e->ends - now) * REFRESH_PART <= e->ends - e->stored)
        out->refresh = e->refreshed = true;
    return CACHE_HIT;
}

void cache_write_records(const struct cache_hit *hit, uint64_t now, uint8_t *out)
{
    const struct entry *e = hit->entry;
    const uint16_t *ttls = ttls_of(e);
    bool stale = now >= e->ends;
    uint32_t passed = now > e->stored ? (uint32_t)((now - e->stored) / 1000) : 0;

    memcpy(out + e->records_at, message_of(e) + e->records_at,
           (size_t)e->message_size - e->records_at);
    for (size_t i = 0; i < e->ttls_length; i++) {
        uint8_t *at = out + ttls[i];
        uint32_t ttl = wire_get32(at);

        wire_put32(at, stale ? CACHE_STALE_TTL : ttl > passed ? ttl - passed : 0);
    }
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

/* Copies the kept part and settles its TTLs: none above our limits; a negative answer's are all no
 * longer than the answer may live, because that is what clients go by. */
static void copy_message(const struct cache *c, struct entry *e, const uint8_t *message,
                         const struct extent *x)
{
    uint8_t *to = message_of(e);

    memcpy(to, message, x->end);
    wire_put16(to, 0);
    wire_put16(to + COUNTS_AT, e->answer_count);
    wire_put16(to + COUNTS_AT + 2, e->authority_count);
    wire_put16(to + COUNTS_AT + 4, 0);
    for (size_t i = 0; i < x->records; i++) {
        uint32_t ttl = clamp(c, wire_get32(message + x->ttls[i]));

        wire_put32(to + x->ttls[i], e->negative && ttl > e->ttl ? e->ttl : ttl);
        ttls_of(e)[i] = x->ttls[i];
    }
}

static void fill_key(struct entry *e, const struct reply_question *q, enum kind kind, uint64_t hash)
{
    e->hash = hash;
    e->kind = (uint8_t)kind;
    e->rest = q->rest;
}

static void forget(struct cache *c, const struct reply_question *q, enum kind kind)
{
    struct entry *e = find(c, hash_of(c, q, kind), q, kind);

    if (e != NULL)
        drop(c, e);
}

void cache_put(struct cache *c, const struct reply_question *q, const uint8_t *message, size_t size,
               const struct reply *reply, bool cut, uint64_t now)
{
    uint64_t hash = hash_of(c, q, KIND_ANSWER);
    struct extent x;

    assert(reply->end <= size);
    if (reply->rcode == REPLY_NOERROR || reply->rcode == REPLY_NXDOMAIN)
        forget(c, q, KIND_FAILURE);
    if (!measure(c, q, message, reply, cut, &x))
        return;
    struct entry *old = find(c, hash, q, KIND_ANSWER), *e;
    bool visited = old != NULL && old->visited;
    if (old != NULL)
        drop(c, old);
    e = make_room(
        c, reply->hops_length * sizeof(struct reply_hop) + x.records * sizeof(uint16_t) + x.end,
        now);
    if (e == NULL)
        return;
    fill_key(e, q, KIND_ANSWER, hash);
    e->ttl = x.ttl;
    e->stored = now;
    e->ends = now + x.ttl * UINT64_C(1000);
    e->message_size = (uint16_t)x.end;
    e->ttls_length = (uint16_t)x.records;
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
    e->visited = visited; /* what was hot comes back hot */
    memcpy(hops_of(e), reply->hops, reply->hops_length * sizeof(struct reply_hop));
    copy_message(c, e, message, &x);
    enter(c, e);
}

/* ---- failures ---- */

void cache_put_failure(struct cache *c, const struct reply_question *q, uint64_t now)
{
    uint64_t hash = hash_of(c, q, KIND_FAILURE);
    struct entry *e = find(c, hash_of(c, q, KIND_ANSWER), q, KIND_ANSWER);
    uint32_t ms = FAILURE_FIRST_MS;
    size_t size = REPLY_HEADER_SIZE + q->name_size + 4u;

    if (e != NULL && now < e->ends)
        return;
    e = find(c, hash, q, KIND_FAILURE);
    if (e != NULL) {
        if (now < e->ends + FAILURE_MEMORY_MS)
            ms = e->ttl * 2 < FAILURE_MAX_MS ? e->ttl * 2 : FAILURE_MAX_MS;
        drop(c, e);
    }
    e = make_room(c, size, now);
    if (e == NULL)
        return;
    fill_key(e, q, KIND_FAILURE, hash);
    e->ttl = ms;
    e->stored = now;
    e->ends = now + ms;
    e->message_size = (uint16_t)size;
    memcpy(message_of(e) + REPLY_HEADER_SIZE, q->name, q->name_size);
    wire_put16(message_of(e) + size - 4, q->type);
    wire_put16(message_of(e) + size - 2, q->class);
    enter(c, e);
}

bool cache_failed(struct cache *c, const struct reply_question *q, uint64_t now)
{
    struct entry *e = find(c, hash_of(c, q, KIND_FAILURE), q, KIND_FAILURE);

    return e != NULL && now < e->ends;
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
