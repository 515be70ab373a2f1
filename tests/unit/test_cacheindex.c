/* The index against a list of what is in it: whatever comes and goes, everything that is in is
 * found, and nothing else but what looks alike. */
#include "cacheindex.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#define MANY 4000

struct held {
    uint64_t hash;
    bool in;
};

static uint32_t dice = 7;

static uint32_t roll(uint32_t below)
{
    dice = dice * 1664525u + 1013904223u;
    return (dice >> 8) % below;
}

/* How hashes are made: all over, in few lines only (also the last one, behind which is the first),
 * or with few tags. */
enum shape { WIDE, LAST_LINES, FEW_TAGS, ONE_HASH, SHAPES };

static uint64_t some_hash(enum shape shape)
{
    uint64_t wide = (uint64_t)roll(1 << 24) << 40 | (uint64_t)roll(1 << 20) << 20 | roll(1 << 20);

    switch (shape) {
    case LAST_LINES:
        return wide | UINT64_C(0xff800000);
    case FEW_TAGS:
        return (wide & (UINT64_MAX >> 8)) | (uint64_t)roll(3) << 56;
    case ONE_HASH:
        return UINT64_C(0x0123456789abcdef);
    default:
        return wide;
    }
}

static unsigned times_found(const struct cacheindex *x, uint64_t hash, uint32_t place)
{
    struct cacheindex_look look;
    unsigned found = 0;

    for (uint32_t at = cacheindex_first(x, hash, &look); at != 0; at = cacheindex_next(&look))
        found += at == place;
    return found;
}

/* Places are 1 and up, as their number in 'held'. */
static void check_all(const struct cacheindex *x, const struct held *held)
{
    for (uint32_t i = 0; i < MANY; i++)
        assert_int_equal(times_found(x, held[i].hash, i + 1), held[i].in);
}

static void play(enum shape shape, size_t most, unsigned steps)
{
    static struct held held[MANY];
    struct cacheindex *x = cacheindex_new(most);
    size_t length = 0;

    for (uint32_t i = 0; i < MANY; i++)
        held[i] = (struct held){.hash = some_hash(shape)};
    for (unsigned step = 0; step < steps; step++) {
        uint32_t i = roll(MANY);

        if (held[i].in) {
            cacheindex_remove(x, held[i].hash, i + 1);
            held[i].in = false;
            held[i].hash = some_hash(shape);
            length--;
        } else if (!cacheindex_is_full(x)) {
            struct cacheindex_spot spot;
            bool simple = step % 2 == 0 && cacheindex_is_simple(x, held[i].hash, &spot);
            if (simple)
                cacheindex_add_there(x, held[i].hash, i + 1, &spot);
            else
                cacheindex_add(x, held[i].hash, i + 1);
            held[i].in = true;
            length++;
        }
        assert_true(length >= most || !cacheindex_is_full(x));
        assert_int_equal(cacheindex_entries(x), length);
    }
    check_all(x, held);
    for (uint32_t i = 0; i < MANY; i++) {
        if (held[i].in)
            cacheindex_remove(x, held[i].hash, i + 1);
        held[i].in = false;
    }
    check_all(x, held);
    cacheindex_free(x);
}

static void test_any_order(void **state)
{
    static const size_t sizes[] = {0, 1, 19, 300, 1500, 3000};

    (void)state;
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        for (enum shape shape = 0; shape < SHAPES; shape++)
            play(shape, sizes[i], shape == ONE_HASH ? 4000 : 30000);
    }
}

/* What stands behind full lines is found no longer than it has to be: not at all, when nothing was
 * passed on. */
static void test_nothing_is_passed_on_in_vain(void **state)
{
    enum { SAME = 12 }; /* slots of a line */
    struct cacheindex *x = cacheindex_new(1000);
    struct cacheindex_look look;
    size_t home;

    (void)state;
    for (uint32_t place = 1; place <= SAME; place++)
        cacheindex_add(x, 5, place);
    cacheindex_add(x, 5, 100);
    cacheindex_remove(x, 5, 100);
    assert_int_not_equal(cacheindex_first(x, 5, &look), 0);
    home = look.line;
    for (unsigned i = 1; i < SAME; i++)
        assert_int_not_equal(cacheindex_next(&look), 0);
    assert_int_equal(cacheindex_next(&look), 0);
    assert_int_equal(look.line, home);
    cacheindex_free(x);
}

static void test_memory(void **state)
{
    static const size_t sizes[] = {0, 1000, 1000000};

    (void)state;
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        struct cacheindex *x = cacheindex_new(sizes[i]);

        assert_true(cacheindex_bytes(x) < 7 * sizes[i] + 512);
        cacheindex_free(x);
    }
    cacheindex_free(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_any_order),
        cmocka_unit_test(test_nothing_is_passed_on_in_vain),
        cmocka_unit_test(test_memory),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
