/* An upstream's message → reply_check() → the cache → what clients get.
 *
 * Input: one octet of options, then the message; the question asked is the one that stands in it,
 * so that the fuzzer need not guess.  Beside the sanitizers' findings: ldns can read whatever is
 * let through, and what comes out of the cache is a right answer to the same question again. */
#include "replay.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "addressset.h"
#include "alloc.h"
#include "cache.h"
#include "chainorder.h"
#include "codec.h"
#include "record.h"

#define START      UINT64_C(1000000)
#define CACHE_SIZE (1 << 20)

enum { OPTION_DO = 1, OPTION_CD = 2, OPTION_CUT = 4, OPTION_STALE = 8, OPTION_HASHED = 16 };

static uint32_t get32(const uint8_t *at)
{
    return (uint32_t)at[0] << 24 | (uint32_t)at[1] << 16 | (uint32_t)at[2] << 8 | at[3];
}

/* What the cache gives back answers the question, with TTLs that only went down. */
static void check_hit(struct cache *cache, const struct reply_question *q,
                      const struct reply *reply, uint64_t now)
{
    static uint16_t offsets[REPLY_RECORDS_MAX];
    struct cache_hit hit;
    struct reply again;
    uint8_t *out;
    size_t records;

    if (cache_get(cache, q, now, &hit) == CACHE_MISS)
        return;
    out = alloc_array(hit.size, 1);
    cache_write(&hit, now, out);
    assert(hit.size == hit.reply->end && hit.size <= reply->end);
    assert(reply_check(out, hit.size, 0, q->name, q, &again) == REPLY_GOOD);
    assert(again.answer_count == hit.reply->answer_count);
    assert(again.authority_count == hit.reply->authority_count);
    assert(again.answer_end == hit.reply->answer_end && again.end == hit.reply->end);
    assert(again.hops_length == hit.reply->hops_length);
    assert(memcmp(again.hops, hit.reply->hops, again.hops_length * sizeof again.hops[0]) == 0);
    assert(hit.cut || again.negative == hit.reply->negative);
    (void)codec_compare_reply(out, hit.size);
    records = reply_ttl_offsets(out, &again, REPLY_RECORDS_MAX, offsets);
    assert(records == (size_t)again.answer_count + again.authority_count);
    for (size_t i = 0; i < records; i++)
        assert(get32(out + offsets[i]) <= 86400 && get32(out + offsets[i]) > 0);
    free(out);
}

static void through_the_cache(const struct reply_question *q, const uint8_t *message, size_t size,
                              const struct reply *reply, uint8_t options)
{
    struct cache *cache = cache_new(&(struct cache_options){.bytes = CACHE_SIZE,
                                                            .key = {1, 2},
                                                            .max_ttl_ms = 86400000,
                                                            .max_negative_ttl_ms = 300000,
                                                            .serve_stale_ms = 86400000});
    bool cut = (options & OPTION_CUT) != 0 && reply->hops_length > 0;
    struct reply head = *reply;
    struct reply_question hashed = *q;

    if ((options & OPTION_HASHED) != 0)
        hashed.hash = reply_hash(q, cache_hash(cache));
    q = &hashed;

    if (cut)
        head.hops_length = (uint8_t)(1u + (options >> 4) % reply->hops_length);
    cache_put(cache, q, message, size, &head, cut, START);
    assert(cache_bytes(cache) <= CACHE_SIZE);
    check_hit(cache, q, reply, START + (options & OPTION_STALE ? 86400000 : options * 10u));
    cache_flush(cache, (const uint8_t *)"", true);
    assert(cache_entries(cache) == 0);
    cache_free(cache);
}

/* What becomes of it when it is about the name of an endpoint. */
static void read_addresses(const uint8_t *message, size_t size, const struct reply *reply,
                           uint16_t type)
{
    struct addressset set;

    addressset_read(&set, message, size, reply, type);
    assert(set.length <= CONNECTION_ADDRESSES_MAX && set.length <= reply->answer_count);
}

static uint8_t in_order[REPLY_SIZE_MAX];

/* Whatever is put in order stays so, and has as many records. */
static size_t mend(const uint8_t *message, size_t size, const struct reply *reply)
{
    static uint8_t again[REPLY_SIZE_MAX];
    size_t mended = chainorder_mend(message, size, in_order);

    assert(mended == 0 || chainorder_mend(in_order, mended, again) == 0);
    assert(mended == 0 || (in_order[6] << 8 | in_order[7]) == reply->answer_count);
    return mended;
}

/* But for what only the short way says. */
static bool same(const struct reply *a, struct reply *b)
{
    b->stride = a->stride;
    return memcmp(a, b, offsetof(struct reply, hops) + a->hops_length * sizeof *a->hops) == 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const uint8_t *message = data + 1;
    uint8_t folded[DNAME_MAX], *copy;
    struct reply_question q = {.name = folded};
    struct dname name;
    struct reply reply, again;
    uint16_t id;

    if (size < 1 + REPLY_HEADER_SIZE || size > 1 + REPLY_SIZE_MAX)
        return 0;
    size--;
    if (!dname_from_wire(&name, message + REPLY_HEADER_SIZE, size - REPLY_HEADER_SIZE) ||
        size < REPLY_HEADER_SIZE + name.size + 4u)
        return 0;
    q.name_size = (uint8_t)dname_fold(folded, name.wire);
    q.type = (uint16_t)(message[REPLY_HEADER_SIZE + name.size] << 8 |
                        message[REPLY_HEADER_SIZE + name.size + 1]);
    q.class = (uint16_t)(message[REPLY_HEADER_SIZE + name.size + 2] << 8 |
                         message[REPLY_HEADER_SIZE + name.size + 3]);
    q.dnssec_ok = (data[0] & OPTION_DO) != 0;
    q.checking_disabled = (data[0] & OPTION_CD) != 0;
    id = (uint16_t)(message[0] << 8 | message[1]);
    enum reply_verdict verdict = reply_check(message, size, id, name.wire, &q, &reply);
    assert(reply_check_whole(message, size, id, name.wire, &q, &again) == verdict);
    if (verdict == REPLY_MALFORMED && reply.sound) {
        size_t mended = mend(message, size, &reply);
        if (mended == 0)
            return 0;
        message = in_order;
        size = mended;
        verdict = reply_check(message, size, id, name.wire, &q, &reply);
        assert(reply_check_whole(message, size, id, name.wire, &q, &again) == verdict);
    }
    if (verdict != REPLY_GOOD)
        return 0;
    assert(same(&reply, &again));
    assert(reply.truncated || reply.end == size);
    if (!reply.truncated)
        (void)codec_compare_reply(message, size);
    copy = alloc_copy(message, size);
    reply_normalise(copy, &q, &reply);
    assert(reply_check(copy, size, 0, folded, &q, &again) == REPLY_GOOD);
    assert(again.longest <= reply.longest && again.longest >> 31 == 0);
    reply.longest = again.longest;
    assert(same(&reply, &again));
    through_the_cache(&q, copy, size, &again, data[0]);
    read_addresses(copy, size, &again, q.type);
    free(copy);
    return 0;
}
