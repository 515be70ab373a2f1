#include "crew.h"

#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>

struct crew {
    atomic_size_t next; /* piece that nobody has taken */
    size_t pieces;
    crew_fn *work;
    void *arg;
};

static void *work(void *arg)
{
    struct crew *crew = arg;
    size_t piece;

    while ((piece = atomic_fetch_add(&crew->next, 1)) < crew->pieces)
        crew->work(crew->arg, piece);
    return NULL;
}

/* How many were started. */
static size_t start(struct crew *crew, pthread_t *threads, size_t wanted)
{
    sigset_t all, before;
    size_t started = 0;

    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    while (started < wanted && pthread_create(&threads[started], NULL, work, crew) == 0)
        started++;
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return started;
}

void crew_run(size_t pieces, size_t hands, crew_fn *fn, void *arg)
{
    struct crew crew = {.pieces = pieces, .work = fn, .arg = arg};
    pthread_t threads[CREW_MAX - 1];
    size_t started = 0;

    hands = hands < pieces ? hands : pieces;
    hands = hands < CREW_MAX ? hands : CREW_MAX;
    if (hands > 1)
        started = start(&crew, threads, hands - 1);
    work(&crew); /* all of it, if no thread could be had */
    while (started > 0)
        pthread_join(threads[--started], NULL);
}
