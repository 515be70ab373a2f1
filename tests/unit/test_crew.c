#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>

#include "crew.h"

#define PIECES 5000

struct count {
    unsigned done[PIECES]; /* each is one thread's at a time: no lock */
    atomic_uint open;      /* a piece was done by a thread that takes signals */
    pthread_t caller;
};

static void count(void *arg, size_t piece)
{
    struct count *all = arg;
    sigset_t set;

    all->done[piece]++;
    pthread_sigmask(SIG_BLOCK, NULL, &set);
    if (!pthread_equal(pthread_self(), all->caller) && !sigismember(&set, SIGTERM))
        atomic_store(&all->open, 1);
}

static void each_piece_once(void **unused)
{
    static const struct {
        size_t pieces, hands;
    } rows[] = {{0, 1}, {0, 8}, {1, 8}, {3, 8}, {PIECES, 1}, {PIECES, 4}, {PIECES, 1000}};

    (void)unused;
    for (size_t r = 0; r < sizeof rows / sizeof rows[0]; r++) {
        struct count all = {.caller = pthread_self()};
        crew_run(rows[r].pieces, rows[r].hands, count, &all);
        for (size_t i = 0; i < PIECES; i++)
            assert_int_equal(all.done[i], i < rows[r].pieces);
        assert_int_equal(atomic_load(&all.open), 0);
    }
}

static void the_callers_signals_stay(void **unused)
{
    struct count all = {.caller = pthread_self()};
    sigset_t set;

    (void)unused;
    crew_run(10, 4, count, &all);
    pthread_sigmask(SIG_BLOCK, NULL, &set);
    assert_false(sigismember(&set, SIGTERM));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_piece_once),
        cmocka_unit_test(the_callers_signals_stay),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
