#include "cache.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "fake_message.h"

#define START UINT64_C(5000000)
#define DAY   UINT64_C(86400000)

static struct fake_message m;
static uint8_t wire[255];

static const struct cache_options plain = {
    .bytes = 1 << 20, .key = {1, 2}, .max_ttl_ms = DAY, .max_negative_ttl_ms = 300000};

/* Questions come with their hashes and are expected, as a client's are; or neither. */
static bool usual;

static struct reply_question ask(const char *name, uint16_t type)
{
    struct reply_question q = {.name = wire,
                               .name_size = (uint8_t)fake_message_name(wire, name),
                               .type = type,
                               .class = 1};
    struct questionhash h;

    if (usual) {
        questionhash_init(&h, &plain.key);
        q.hash = reply_hash(&q, &h);
    }
    return q;
}

static void begin(const char *name, uint16_t type, unsigned rcode)
{
    static struct fake_message query;

    fake_message_query(&query, 0, FAKE_RD, name, type);
    fake_message_reply(&m, query.bytes, query.size, rcode);
}

/* Checks what is in 'm' and gives it to the cache. */
static struct reply put(struct cache *c, const struct reply_question *q, bool cut, uint64_t now)
{
    struct reply reply;

    assert_int_equal(reply_check(m.bytes, m.size, 0, q->name, q, &reply), REPLY_GOOD);
    cache_put(c, q, m.bytes, m.size, &reply, cut, now);
    return reply;
}

static void put_address(struct cache *c, const char *name, uint32_t ttl, uint64_t now)
{
    struct reply_question q = ask(name, 1);

    begin(name, 1, 0);
    fake_message_a(&m, name, ttl, "192.0.2.1");
    put(c, &q, false, now);
}

/* The answer as a reply of its own: it must be one.  Returns what cache_get() says. */
static enum cache_result get(struct cache *c, const struct reply_question *q, uint64_t now,
                             struct reply *reply, uint8_t *out)
{
    struct cache_hit hit;
    struct cache_note note;
    enum cache_result result;

    if (usual) {
        cache_expect(c, q);
        cache_expect_entry(c, q, &note);
        result = cache_get_noted(c, q, note, now, &hit);
    } else {
        result = cache_get(c, q, now, &hit);
    }
    if (result == CACHE_MISS)
        return result;
    cache_write(&hit, now, out);
    assert_int_equal(reply_check(out, hit.size, 0, q->name, q, reply), REPLY_GOOD);
    assert_int_equal(reply->end, hit.reply->end);
    assert_int_equal(reply->answer_end, hit.reply->answer_end);
    assert_int_equal(reply->hops_length, hit.reply->hops_length);
    assert_memory_equal(reply->hops, hit.reply->hops,
                        reply->hops_length * sizeof(struct reply_hop));
    assert_int_equal(reply->answer_count, hit.reply->answer_count);
    assert_int_equal(reply->authority_count, hit.reply->authority_count);
    return result;
}

static bool has(struct cache *c, const char *name, uint64_t now)
{
    struct reply_question q = ask(name, 1);
    struct reply reply;
    static uint8_t out[65535];

    return get(c, &q, now, &reply, out) != CACHE_MISS;
}

static const struct cache_failure unreachable = {2, 22};

static bool failed(struct cache *c, const struct reply_question *q, uint64_t now)
{
    struct cache_hit hit;

    return cache_get(c, q, now, &hit) != CACHE_HIT && hit.failed;
}

static uint32_t ttl_of(const uint8_t *message, const struct reply *reply, unsigned record)
{
    uint16_t offsets[64];

    assert_true(reply_ttl_offsets(message, reply, 64, offsets) > record);
    const uint8_t *at = message + offsets[record];
    return (uint32_t)at[0] << 24 | (uint32_t)at[1] << 16 | (uint32_t)at[2] << 8 | at[3];
}

/* ---- time ---- */

static void test_ttl_counts_down(void **state)
{
    static const struct {
        uint64_t after_ms;
        enum cache_result result;
        uint32_t ttl;
    } rows[] = {
        {0, CACHE_HIT, 10},   {999, CACHE_HIT, 10},   {1000, CACHE_HIT, 9},
        {9999, CACHE_HIT, 1}, {10000, CACHE_MISS, 0}, {1000000, CACHE_MISS, 0},
    };
    struct cache *c = cache_new(&plain);
    struct reply_question q = ask("a.example", 1);

    (void)state;
    put_address(c, "a.example", 10, START);
    for (size_t i = 0; i < ARRAY_LENGTH(rows); i++) {
        struct reply reply;
        uint8_t out[512];

        assert_int_equal(get(c, &q, START + rows[i].after_ms, &reply, out), rows[i].result);
        if (rows[i].result == CACHE_HIT)
            assert_int_equal(ttl_of(out, &reply, 0), rows[i].ttl);
    }
    cache_free(c);
}

static void test_ttl_limits(void **state)
{
    static const struct {
        uint32_t ttl;
        uint64_t min_ms, max_ms;
        uint32_t kept; /* 0 = not */
    } rows[] = {
        {0, 0, DAY, 0}, {1, 0, DAY, 1},     {604800, 0, DAY, 86400}, {5, 30000, DAY, 30},
        {0, 1, DAY, 1}, {50, 0, 20000, 20}, {0x80000001, 0, DAY, 0}, {0x7fffffff, 0, DAY, 86400},
        {50, 0, 0, 0},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LENGTH(rows); i++) {
        struct cache_options options = plain;
        struct cache *c;
        struct reply_question q = ask("a.example", 1);
        struct reply reply;
        uint8_t out[512];

        options.min_ttl_ms = rows[i].min_ms;
        options.max_ttl_ms = rows[i].max_ms;
        c = cache_new(&options);
        put_address(c, "a.example", rows[i].ttl, START);
        assert_int_equal(get(c, &q, START, &reply, out), rows[i].kept > 0 ? CACHE_HIT : CACHE_MISS);
        if (rows[i].kept > 0) {
            assert_int_equal(ttl_of(out, &reply, 0), rows[i].kept);
            assert_int_equal(get(c, &q, START + rows[i].kept * UINT64_C(1000) - 1, &reply, out),
                             CACHE_HIT);
            assert_int_equal(get(c, &q, START + rows[i].kept * UINT64_C(1000), &reply, out),
                             CACHE_MISS);
        }
        cache_free(c);
    }
}

static void test_shortest_ttl_ends_it(void **state)
{
    struct cache *c = cache_new(&plain);
    struct reply_question q = ask("a.example", 1);
    struct reply reply;
    uint8_t out[512];

    (void)state;
    begin("a.example", 1, 0);
    fake_message_cname(&m, "a.example", 300, "b.example");
    fake_message_a(&m, "b.example", 7, "192.0.2.1");
    put(c, &q, false, START);
    assert_int_equal(get(c, &q, START + 6999, &reply, out), CACHE_HIT);
    assert_int_equal(ttl_of(out, &reply, 0), 294);
    assert_int_equal(ttl_of(out, &reply, 1), 1);
    assert_int_equal(get(c, &q, START + 7000, &reply, out), CACHE_MISS);
    cache_free(c);
}

static void test_stale(void **state)
{
    struct cache_options options = plain;
    struct cache *c;
    struct reply_question q = ask("a.example", 1);
    struct reply reply;
    uint8_t out[512];

    (void)state;
    options.serve_stale_ms = 60000;
    c = cache_new(&options);
    put_address(c, "a.example", 10, START);
    assert_int_equal(get(c, &q, START + 9999, &reply, out), CACHE_HIT);
    assert_int_equal(get(c, &q, START + 10000, &reply, out), CACHE_STALE);
    assert_int_equal(ttl_of(out, &reply, 0), CACHE_STALE_TTL);
    assert_int_equal(get(c, &q, START + 69999, &reply, out), CACHE_STALE);
    assert_int_equal(get(c, &q, START + 70000, &reply, out), CACHE_MISS);
    cache_free(c);
}

static void test_refresh_is_said_once(void **state)
{
    struct cache *c = cache_new(&plain);
    struct reply_question q = ask("a.example", 1);
    struct cache_hit hit;

    (void)state;
    put_address(c, "a.example", 100, START);
    assert_int_equal(cache_get(c, &q, START + 1000, &hit), CACHE_HIT);
    assert_int_equal(cache_get(c, &q, START + 95000, &hit), CACHE_HIT);
    assert_false(hit.refresh); /* asked twice only */
    assert_int_equal(cache_get(c, &q, START + 95001, &hit), CACHE_HIT);
    assert_true(hit.refresh);
    assert_int_equal(cache_get(c, &q, START + 95002, &hit), CACHE_HIT);
    assert_false(hit.refresh);
    cache_free(c);
}

/* ---- what is kept ---- */

static void test_key(void **state)
{
    struct cache *c = cache_new(&plain);
    struct reply_question q = ask("a.example", 1);
    struct cache_hit hit;

    (void)state;
    put_address(c, "a.example", 100, START);
    assert_int_equal(cache_get(c, &q, START, &hit), CACHE_HIT);
    q.authentic_data = true; /* no part of the key */
    assert_int_equal(cache_get(c, &q, START, &hit), CACHE_HIT);
    for (int bit = 0; bit < 4; bit++) {
        struct reply_question other = ask("a.example", 1);

        other.type = bit == 0 ? 28 : 1;
        other.class = bit == 1 ? 3 : 1;
        other.dnssec_ok = bit == 2;
        other.checking_disabled = bit == 3;
        assert_int_equal(cache_get(c, &other, START, &hit), CACHE_MISS);
    }
    q = ask("b.example", 1);
    assert_int_equal(cache_get(c, &q, START, &hit), CACHE_MISS);
    cache_free(c);
}

/* Two questions with the same hash are two all the same. */
static void test_equal_hashes(void **state)
{
    struct reply_question others[7], q = ask("a.example", 1);
    struct cache *c = cache_new(&plain);
    struct cache_hit hit;

    (void)state;
    q.hash = 7;
    begin("a.example", 1, 0);
    fake_message_a(&m, "a.example", 100, "192.0.2.1");
    put(c, &q, false, START);
    for (size_t i = 0; i < ARRAY_LENGTH(others); i++)
        others[i] = q;
    others[1].type = 28;
    others[2].class = 3;
    others[3].dnssec_ok = true;
    others[4].checking_disabled = true;
    others[5].view = 1;
    others[6].name = (const uint8_t *)"\1b\7example";
    for (size_t i = 0; i < ARRAY_LENGTH(others); i++) {
        if (cache_get(c, &others[i], START, &hit) != (i == 0 ? CACHE_HIT : CACHE_MISS))
            fail_msg("question %zu", i);
        assert_false(failed(c, &others[i], START));
    }
    others[6].name = (const uint8_t *)"\1a\6exampl";
    others[6].name_size = 10;
    assert_int_equal(cache_get(c, &others[6], START, &hit), CACHE_MISS);
    cache_free(c);
}

static void make_negative(unsigned rcode, const char *soa)
{
    begin("a.example", 1, rcode);
    fake_message_cname(&m, "a.example", 600, "b.example");
    if (soa != NULL)
        fake_message_soa(&m, soa, 900, 200);
}

static void test_negative(void **state)
{
    static const struct {
        unsigned rcode;
        const char *soa;
        uint64_t most_ms;
        uint32_t ttl; /* 0 = not kept */
    } rows[] = {
        {REPLY_NXDOMAIN, "example", 300000, 200}, {REPLY_NOERROR, "example", 300000, 200},
        {REPLY_NXDOMAIN, "example", 60000, 60},   {REPLY_NXDOMAIN, NULL, 300000, 0},
        {REPLY_NXDOMAIN, "other", 300000, 0},     {REPLY_NOERROR, NULL, 300000, 0},
        {REPLY_SERVFAIL, "example", 300000, 0},   {REPLY_REFUSED, "example", 300000, 0},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LENGTH(rows); i++) {
        struct cache_options options = plain;
        struct cache *c;
        struct reply_question q = ask("a.example", 1);
        struct reply reply;
        uint8_t out[512];

        options.max_negative_ttl_ms = rows[i].most_ms;
        c = cache_new(&options);
        make_negative(rows[i].rcode, rows[i].soa);
        put(c, &q, false, START);
        if (rows[i].ttl == 0) {
            assert_int_equal(get(c, &q, START, &reply, out), CACHE_MISS);
        } else {
            assert_int_equal(get(c, &q, START, &reply, out), CACHE_HIT);
            assert_true(reply.negative && reply.has_soa);
            assert_int_equal(reply.rcode, rows[i].rcode);
            assert_int_equal(ttl_of(out, &reply, 0), rows[i].ttl);
            assert_int_equal(ttl_of(out, &reply, 1), rows[i].ttl);
            assert_int_equal(get(c, &q, START + rows[i].ttl * 1000, &reply, out), CACHE_MISS);
        }
        cache_free(c);
    }
}

static void make_rich(bool plain_authority)
{
    begin("a.example", 1, 0);
    fake_message_a(&m, "a.example", 60, "192.0.2.1");
    fake_message_record(&m, FAKE_AUTHORITY, "example", FAKE_TYPE_NS, 50, "\1n\7example", 11);
    if (!plain_authority)
        fake_message_record(&m, FAKE_AUTHORITY, "victim.example", 1, 60, "\1\2\3\4", 4);
    fake_message_record(&m, FAKE_ADDITIONAL, "n.example", 1, 60, "\1\2\3\4", 4);
    fake_message_opt(&m, 1232, 0);
}

static void test_sections(void **state)
{
    static const struct {
        bool dnssec_ok, plain_authority, kept;
        unsigned authority;
        uint32_t ttl;
    } rows[] = {
        {false, true, true, 0, 60},
        {true, true, true, 1, 50},
        {false, false, true, 0, 60},
        {true, false, false, 0, 0},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LENGTH(rows); i++) {
        struct cache *c = cache_new(&plain);
        struct reply_question q = ask("a.example", 1);
        struct reply reply;
        uint8_t out[512];

        q.dnssec_ok = rows[i].dnssec_ok;
        make_rich(rows[i].plain_authority);
        put(c, &q, false, START);
        assert_int_equal(get(c, &q, START, &reply, out), rows[i].kept ? CACHE_HIT : CACHE_MISS);
        if (rows[i].kept) {
            assert_int_equal(reply.authority_count, rows[i].authority);
            assert_int_equal(reply.end, reply.authority_end);
            assert_int_equal(get(c, &q, START + rows[i].ttl * 1000 - 1, &reply, out), CACHE_HIT);
            assert_int_equal(get(c, &q, START + rows[i].ttl * 1000, &reply, out), CACHE_MISS);
        }
        cache_free(c);
    }
}

static void test_cut(void **state)
{
    struct cache *c = cache_new(&plain);
    struct reply_question q = ask("a.example", 1);
    struct reply reply;
    struct cache_hit hit;
    uint8_t out[512];

    (void)state;
    begin("a.example", 1, REPLY_NOERROR);
    fake_message_cname(&m, "a.example", 300, "b.example");
    fake_message_cname(&m, "b.example", 200, "c.example");
    fake_message_a(&m, "c.example", 0, "192.0.2.1");
    assert_int_equal(reply_check(m.bytes, m.size, 0, q.name, &q, &reply), REPLY_GOOD);
    reply.hops_length = 1; /* b.example is ours */
    cache_put(c, &q, m.bytes, m.size, &reply, true, START);
    assert_int_equal(cache_get(c, &q, START, &hit), CACHE_HIT);
    assert_true(hit.cut);
    assert_int_equal(hit.size, reply.hops[0].end);
    cache_write(&hit, START, out);
    assert_int_equal(out[7], 1);
    assert_int_equal(hit.reply->hops_length, 1);
    assert_false(hit.reply->negative);
    assert_int_equal(cache_get(c, &q, START + 299999, &hit), CACHE_HIT);
    assert_int_equal(cache_get(c, &q, START + 300000, &hit), CACHE_MISS);
    cache_free(c);
}

static void test_not_kept(void **state)
{
    struct cache *c = cache_new(&plain);
    struct cache_options nothing = plain;
    struct reply_question q = ask("a.example", 1);
    struct cache_hit hit;

    (void)state;
    begin("a.example", 1, 0); /* a referral */
    fake_message_record(&m, FAKE_AUTHORITY, "example", FAKE_TYPE_NS, 50, "\1n\7example", 11);
    put(c, &q, false, START);
    assert_int_equal(cache_get(c, &q, START, &hit), CACHE_MISS);
    begin("a.example", 1, 0);
    fake_message_flag(&m, FAKE_TC);
    put(c, &q, false, START);
    assert_int_equal(cache_get(c, &q, START, &hit), CACHE_MISS);
    cache_free(c);
    nothing.min_ttl_ms = 60000;
    c = cache_new(&nothing);
    begin("a.example", 1, 3); /* without SOA, whatever the least TTL is */
    put(c, &q, false, START);
    assert_int_equal(cache_get(c, &q, START, &hit), CACHE_MISS);
    cache_free(c);
    nothing.bytes = 0;
    c = cache_new(&nothing);
    put_address(c, "a.example", 60, START);
    cache_put_failure(c, &q, unreachable, START);
    assert_int_equal(cache_entries(c), 0);
    cache_free(c);
}

/* ---- failures ---- */

static void test_failures(void **state)
{
    static const unsigned times[] = {1000, 2000, 4000, 5000, 5000};
    struct cache *c = cache_new(&plain);
    struct reply_question q = ask("a.example", 1);
    uint64_t now = START;

    (void)state;
    assert_false(failed(c, &q, now));
    for (size_t i = 0; i < ARRAY_LENGTH(times); i++) {
        cache_put_failure(c, &q, unreachable, now);
        assert_true(failed(c, &q, now));
        assert_true(failed(c, &q, now + times[i] - 1));
        assert_false(failed(c, &q, now + times[i]));
        now += times[i];
    }
    assert_int_equal(cache_entries(c), 1);
    cache_put_failure(c, &q, unreachable, now + 60000); /* long ago is forgiven */
    assert_false(failed(c, &q, now + 61000));
    cache_put_failure(c, &q, unreachable, now + 61000);
    put_address(c, "a.example", 10, now + 61001); /* good news end it */
    q = ask("a.example", 1);
    assert_false(failed(c, &q, now + 61001));
    cache_put_failure(c, &q, unreachable, now + 61002); /* and are not replaced */
    assert_false(failed(c, &q, now + 61002));
    assert_true(has(c, "a.example", now + 61002));
    cache_put_failure(c, &q, unreachable, now + 80000); /* the answer has ended */
    q = ask("a.example", 1);
    assert_true(failed(c, &q, now + 80000));
    cache_free(c);
}

/* ---- room ---- */

#define HOT 100

static void use_hot(struct cache *c, uint64_t now, unsigned *lost)
{
    char name[32];

    for (unsigned i = 0; i < HOT; i++) {
        snprintf(name, sizeof name, "hot%u.example", i);
        if (!has(c, name, now)) {
            (*lost)++;
            put_address(c, name, 3600, now);
        }
    }
}

static void test_flood(void **state)
{
    struct cache_options options = plain;
    struct cache *c;
    unsigned lost = 0;
    char name[32];

    (void)state;
    options.bytes = 256 << 10;
    c = cache_new(&options);
    use_hot(c, START, &lost);
    assert_int_equal(lost, HOT);
    lost = 0;
    for (unsigned i = 0; i < 100000; i++) {
        snprintf(name, sizeof name, "x%u.flood.example", i);
        put_address(c, name, 3600, START);
        assert_true(cache_bytes(c) <= options.bytes);
        if (i % 300 == 0)
            use_hot(c, START, &lost);
    }
    assert_true(cache_evicted(c) > 90000);
    if (lost > HOT / 20)
        fail_msg("%u hot names were pushed out", lost);
    cache_free(c);
}

/* Names of all lengths, each always the same. */
static uint32_t write_any(char *name, size_t size, unsigned i)
{
    uint32_t dice = i * 2654435761u >> 8;

    snprintf(name, size, "x%u.%.*s.example", i, (int)(1 + dice / 97 % 50),
             "abcdefghijklmnopqrstuvwxyzabcdefghijklmnopqrstuvwxyz");
    return dice;
}

/* Of all sizes, in a full cache for long: almost everything that comes is kept, and the limit
 * holds. */
static void test_all_sizes(void **state)
{
    struct cache_options options = plain;
    struct cache *c;
    unsigned lost = 0;
    char name[256];

    (void)state;
    options.bytes = 512 << 10;
    c = cache_new(&options);
    for (unsigned i = 0; i < 30000; i++) {
        uint32_t dice = write_any(name, sizeof name, i);
        struct reply_question q = ask(name, 1);
        unsigned records = dice % 97 == 0 ? 40 : 1 + dice % 9;

        begin(name, 1, 0);
        for (unsigned n = 0; n < records; n++)
            fake_message_a(&m, name, 3600, "192.0.2.1");
        put(c, &q, false, START);
        lost += has(c, name, START) ? 0 : 1;
        if (i % 3 == 0 && i > 100) { /* some are used again */
            write_any(name, sizeof name, i - 100);
            (void)has(c, name, START);
        }
        assert_true(cache_bytes(c) <= options.bytes);
    }
    if (lost > 30000 / 200)
        fail_msg("%u were not kept", lost);
    cache_free(c);
}

static void test_ended_go_first(void **state)
{
    struct cache_options options = plain;
    struct cache *c;
    char name[32];
    unsigned fits;

    (void)state;
    options.bytes = 64 << 10;
    c = cache_new(&options);
    for (fits = 0; cache_evicted(c) == 0; fits++) {
        snprintf(name, sizeof name, "a%03u.example", fits);
        put_address(c, name, fits % 2 == 0 ? 10 : 1000, START);
    }
    for (unsigned i = 0; i < fits / 2 - 4; i++) { /* as many as have ended */
        snprintf(name, sizeof name, "b%03u.example", i);
        put_address(c, name, 1000, START + 10000);
    }
    for (unsigned i = 3; i < fits; i += 2) {
        snprintf(name, sizeof name, "a%03u.example", i);
        assert_true(has(c, name, START + 10000));
    }
    cache_free(c);
}

/* A hot answer that is fetched anew is hot still. */
static void test_renewed_stays_hot(void **state)
{
    struct cache_options options = plain;
    struct cache *c;
    char name[32];

    (void)state;
    options.bytes = 64 << 10;
    c = cache_new(&options);
    put_address(c, "hot.example", 1000, START);
    assert_true(has(c, "hot.example", START));
    put_address(c, "hot.example", 1000, START);
    for (unsigned i = 0; cache_evicted(c) < 3; i++) {
        snprintf(name, sizeof name, "x%u.example", i);
        put_address(c, name, 1000, START);
    }
    assert_true(has(c, "hot.example", START));
    cache_free(c);
}

/* Before the first entry, too, there is something: what leads to entries. */
static void test_bookkeeping_counts(void **state)
{
    static const size_t sizes[] = {0, 1 << 10, 1 << 14, 1 << 20, 64 << 20};

    (void)state;
    for (size_t i = 0; i < ARRAY_LENGTH(sizes); i++) {
        struct cache_options options = plain;
        struct cache *c;

        options.bytes = sizes[i];
        c = cache_new(&options);
        /* a pointer for what an entry with an address takes, which is some 200 octets */
        assert_true(cache_bytes(c) > sizes[i] / 256 * sizeof(void *));
        put_address(c, "a.example", 60, START);
        assert_true(has(c, "a.example", START) == (sizes[i] > 1 << 13));
        cache_free(c);
    }
}

/* A large one costs no more than its share, though what is used again leaves only holes. */
static void test_large_ones_cost_little(void **state)
{
    enum { LARGE = 4000, SMALL_LEAST = 150, UNKNOWN = 65400 };
    static const uint8_t data[LARGE];
    struct reply_question q = ask("large.example", UNKNOWN);
    struct cache *c = cache_new(&plain);
    uint64_t before;
    char name[32];

    (void)state;
    for (unsigned i = 0; cache_evicted(c) == 0; i++) {
        snprintf(name, sizeof name, "n%u.example", i);
        put_address(c, name, 60, START);
        if (i % 2 == 0)
            assert_true(has(c, name, START));
    }
    before = cache_evicted(c);
    q = ask("large.example", UNKNOWN);
    begin("large.example", UNKNOWN, 0);
    fake_message_record(&m, FAKE_ANSWER, "large.example", UNKNOWN, 60, data, LARGE);
    put(c, &q, false, START);
    assert_in_range(cache_evicted(c) - before, 1, 20 * LARGE / SMALL_LEAST);
    cache_free(c);
}

static void test_too_big(void **state)
{
    struct cache_options options = plain;
    struct cache *c;
    struct reply_question q = ask("a.example", FAKE_TYPE_TXT);
    struct cache_hit hit;
    static char text[60000];

    (void)state;
    options.bytes = 64 << 10;
    c = cache_new(&options);
    put_address(c, "b.example", 60, START);
    q = ask("a.example", FAKE_TYPE_TXT);
    begin("a.example", FAKE_TYPE_TXT, 0);
    fake_message_record(&m, FAKE_ANSWER, "a.example", FAKE_TYPE_TXT, 60, text, sizeof text);
    put(c, &q, false, START);
    assert_int_equal(cache_get(c, &q, START, &hit), CACHE_MISS);
    assert_true(has(c, "b.example", START));
    cache_free(c);
}

static void test_same_question_replaces(void **state)
{
    struct cache *c = cache_new(&plain);
    size_t bytes;

    (void)state;
    put_address(c, "a.example", 60, START);
    bytes = cache_bytes(c);
    for (unsigned i = 0; i < 1000; i++)
        put_address(c, "a.example", 60, START + i);
    assert_int_equal(cache_entries(c), 1);
    assert_int_equal(cache_bytes(c), bytes);
    cache_free(c);
}

static void test_flush(void **state)
{
    static const char *const names[] = {"example", "a.example", "b.a.example", "xa.example",
                                        "a.example.net"};
    static const struct {
        const char *name;
        bool subtree;
        size_t dropped;
    } rows[] = {
        {"A.example", false, 2}, {"a.EXAMPLE", true, 3}, {"example", true, 5},
        {".", true, 6},          {"b.example", true, 0}, {"b.example", false, 0},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LENGTH(rows); i++) {
        struct cache *c = cache_new(&plain);
        uint8_t name[255];
        struct reply_question q;

        for (size_t n = 0; n < ARRAY_LENGTH(names); n++)
            put_address(c, names[n], 60, START);
        q = ask("a.example", FAKE_TYPE_AAAA);
        cache_put_failure(c, &q, unreachable, START);
        fake_message_name(name, rows[i].name);
        assert_int_equal(cache_flush(c, name, rows[i].subtree), rows[i].dropped);
        assert_int_equal(cache_entries(c), 6 - rows[i].dropped);
        cache_free(c);
    }
}

/* What was seen of a question is void once anything came or went. */
static void test_note(void **state)
{
    struct cache *c = cache_new(&plain);
    struct reply_question q;
    struct cache_note none, some;
    struct cache_hit hit;

    (void)state;
    usual = true;
    q = ask("a.example", 1);
    cache_expect_entry(c, &q, &none);
    assert_int_equal(cache_get_noted(c, &q, none, START, &hit), CACHE_MISS);
    assert_false(hit.failed);
    put_address(c, "a.example", 100, START);
    q = ask("a.example", 1);
    assert_int_equal(cache_get_noted(c, &q, none, START, &hit), CACHE_HIT);
    cache_expect_entry(c, &q, &some);
    assert_int_equal(cache_get_noted(c, &q, some, START, &hit), CACHE_HIT);
    assert_int_equal(cache_get_noted(c, &q, some, START + 100000, &hit), CACHE_MISS);
    cache_flush(c, q.name, false);
    assert_int_equal(cache_get_noted(c, &q, some, START, &hit), CACHE_MISS);
    cache_put_failure(c, &q, unreachable, START);
    cache_expect_entry(c, &q, &some);
    assert_int_equal(cache_get_noted(c, &q, some, START, &hit), CACHE_MISS);
    assert_true(hit.failed);
    assert_memory_equal(&hit.failure, &unreachable, sizeof unreachable);
    cache_free(c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_ttl_counts_down),
        cmocka_unit_test(test_ttl_limits),
        cmocka_unit_test(test_shortest_ttl_ends_it),
        cmocka_unit_test(test_stale),
        cmocka_unit_test(test_refresh_is_said_once),
        cmocka_unit_test(test_key),
        cmocka_unit_test(test_equal_hashes),
        cmocka_unit_test(test_negative),
        cmocka_unit_test(test_sections),
        cmocka_unit_test(test_cut),
        cmocka_unit_test(test_not_kept),
        cmocka_unit_test(test_failures),
        cmocka_unit_test(test_flood),
        cmocka_unit_test(test_all_sizes),
        cmocka_unit_test(test_ended_go_first),
        cmocka_unit_test(test_renewed_stays_hot),
        cmocka_unit_test(test_bookkeeping_counts),
        cmocka_unit_test(test_large_ones_cost_little),
        cmocka_unit_test(test_too_big),
        cmocka_unit_test(test_same_question_replaces),
        cmocka_unit_test(test_flush),
        cmocka_unit_test(test_note),
    };
    int failures = cmocka_run_group_tests(tests, NULL, NULL);

    usual = true; /* once more */
    return failures + cmocka_run_group_tests(tests, NULL, NULL);
}
