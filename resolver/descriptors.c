#include "descriptors.h"

#include <limits.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <unistd.h>

/* A daemon of many workers and clients needs more than the soft limit gives. */
#define WANTED 65536
/* What a worker opens when it starts: its events, and the reserve of network_event.h. */
#define WORKER_TAKES 24
/* Ids and ports are unguessable with far fewer. */
#define UPSTREAMS_MAX 2048

void descriptors_raise(void)
{
    struct rlimit limit;

    if (getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur >= WANTED)
        return;
    limit.rlim_cur = limit.rlim_max < WANTED ? limit.rlim_max : (rlim_t)WANTED;
    (void)setrlimit(RLIMIT_NOFILE, &limit); /* what is there must do then */
}

/* The lowest one that is free tells how many are taken. */
unsigned descriptors_count(void)
{
    struct rlimit limit;
    int lowest = eventfd(0, EFD_CLOEXEC);

    if (lowest < 0)
        return 0;
    close(lowest);
    if (getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur <= (rlim_t)lowest)
        return 0;
    return limit.rlim_cur - (rlim_t)lowest > INT_MAX ? INT_MAX
                                                     : (unsigned)limit.rlim_cur - (unsigned)lowest;
}

bool descriptors_suffice(struct error_list *errors)
{
    struct rlimit limit = {0};

    if (descriptors_count() >= DESCRIPTORS_FREE)
        return true;
    (void)getrlimit(RLIMIT_NOFILE, &limit);
    error_add(errors, "start", 0, 0,
              "the limit of %llu descriptors (RLIMIT_NOFILE) leaves fewer than %d to work with",
              (unsigned long long)limit.rlim_cur, DESCRIPTORS_FREE);
    return false;
}

/* Upstreams get two thirds, as long as there are not enough for all: a forger has to guess among
 * their ports. */
struct descriptors_share descriptors_divide(unsigned free, unsigned workers)
{
    unsigned fixed = DESCRIPTORS_FREE + workers * WORKER_TAKES;
    unsigned each = free > fixed ? (free - fixed) / workers : 0;
    unsigned upstreams = each - each / 3;

    if (upstreams > UPSTREAMS_MAX)
        upstreams = UPSTREAMS_MAX;
    struct descriptors_share share = {.clients = each - upstreams, .upstreams = upstreams};
    if (share.clients == 0)
        share.clients = 1;
    if (share.upstreams == 0)
        share.upstreams = 1;
    return share;
}
