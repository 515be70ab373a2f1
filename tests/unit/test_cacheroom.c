/* What the cache's memory is good for after other days than these. */
#include "cache.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "fake_message.h"

#define START   UINT64_C(5000000)
#define DAY     UINT64_C(86400000)
#define UNKNOWN 65400 /* a type */

static const struct cache_options plain = {
    .bytes = 1 << 20, .key = {1, 2}, .max_ttl_ms = DAY, .max_negative_ttl_ms = 300000};

static struct reply_question ask(const char *name)
{
    static uint8_t wire[255];

    return (struct reply_question){.name = wire,
                                   .name_size = (uint8_t)fake_message_name(wire, name),
                                   .type = UNKNOWN,
                                   .class = 1};
}

/* Keeps an answer with so many octets of data under a new name. */
static void put(struct cache *c, size_t size)
{
    static const uint8_t data[30000];
    static unsigned names;
    struct fake_message query, m;
    struct reply reply;
    char name[32];

    snprintf(name, sizeof name, "n%u.example", names++);
    struct reply_question q = ask(name);
    fake_message_query(&query, 0, FAKE_RD, name, UNKNOWN);
    fake_message_reply(&m, query.bytes, query.size, 0);
    fake_message_record(&m, FAKE_ANSWER, name, UNKNOWN, 60, data, size);
    assert_int_equal(reply_check(m.bytes, m.size, 0, q.name, &q, &reply), REPLY_GOOD);
    cache_put(c, &q, m.bytes, m.size, &reply, false, START);
    assert_true(cache_bytes(c) <= plain.bytes);
}

/* How many there are when the cache is full of them. */
static size_t fill(struct cache *c, size_t size)
{
    for (unsigned i = 0; i < 20000; i++)
        put(c, size);
    return cache_entries(c);
}

/* Once full of large answers, it still has room for as many small ones as ever. */
static void test_large_ones_leave_room(void **state)
{
    static const size_t sizes[] = {30000, 4000, 1000, 300};
    struct cache *fresh = cache_new(&plain), *c = cache_new(&plain);
    size_t fits = fill(fresh, 16);

    (void)state;
    for (size_t i = 0; i < ARRAY_LENGTH(sizes); i++)
        assert_true(fill(c, sizes[i]) < fits);
    assert_in_range(fill(c, 16), fits * 9 / 10, fits);
    cache_free(fresh);
    cache_free(c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_large_ones_leave_room),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
