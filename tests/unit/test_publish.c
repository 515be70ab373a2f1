/* Publication: readers never see an object that was freed, and see the new one at last. */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "alloc.h"
#include "publish.h"

#define READERS 3
#define SWAPS   200

struct thing {
    uint64_t generation, twice;
};

static struct publish *shared;
static atomic_bool over;

static struct thing *thing_new(uint64_t generation)
{
    struct thing *thing = alloc_array(1, sizeof *thing);

    *thing = (struct thing){generation, generation * 2};
    return thing;
}

static void *reader(void *arg)
{
    uint64_t newest = 0, *wrong = arg;

    publish_thread_enter();
    while (!atomic_load_explicit(&over, memory_order_relaxed)) {
        publish_read_begin();
        const struct thing *thing = publish_get(shared);
        publish_read_begin(); /* sections may nest */
        *wrong += thing->twice != thing->generation * 2 || thing->generation < newest;
        publish_read_end();
        newest = thing->generation;
        publish_read_end();
    }
    publish_thread_leave();
    return NULL;
}

static void readers_and_a_writer(void **state)
{
    pthread_t threads[READERS];
    uint64_t wrong[READERS] = {0};

    (void)state;
    shared = publish_new(thing_new(1));
    for (int i = 0; i < READERS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, reader, &wrong[i]), 0);
    for (uint64_t i = 2; i < SWAPS; i++) {
        struct thing *old = publish_swap(shared, thing_new(i));
        assert_int_equal(old->generation, i - 1);
        *old = (struct thing){0, 1}; /* a reader that still looks finds a contradiction */
        free(old);
    }
    atomic_store(&over, true);
    for (int i = 0; i < READERS; i++) {
        assert_int_equal(pthread_join(threads[i], NULL), 0);
        assert_int_equal(wrong[i], 0);
    }
    free(publish_swap(shared, NULL));
    publish_free(shared);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {cmocka_unit_test(readers_and_a_writer)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
