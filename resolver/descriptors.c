#include "descriptors.h"

#include <fcntl.h>
#include <limits.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <unistd.h>

#include "network_event.h"

/* A daemon of many workers and clients needs more than the soft limit gives. */
#define WANTED 65536
/* What a worker opens when it starts, beside its reserve. */
#define WORKER_TAKES 8
/* Ids and ports are unguessable with far fewer. */
#define UPSTREAMS_MAX 2048
/* Endpoints get an eighth: what hangs on them can wait. */
#define ENDPOINTS_PART 8
#define ENDPOINTS_MAX  1536
#define ENDPOINTS_MIN  2

void descriptors_occupy(void)
{
    int fd;

    do {
        fd = open("/dev/null", O_RDWR);
    } while (fd >= 0 && fd <= STDERR_FILENO);
    if (fd >= 0)
        close(fd);
}

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

bool descriptors_suffice(unsigned workers, struct error_list *errors)
{
    struct rlimit limit = {0};

    if (descriptors_count() >= DESCRIPTORS_FREE + workers * WORKER_TAKES)
        return true;
    (void)getrlimit(RLIMIT_NOFILE, &limit);
    error_add(errors, "start", 0, 0,
              "the limit of %llu descriptors (RLIMIT_NOFILE) leaves fewer than %d to work with",
              (unsigned long long)limit.rlim_cur, DESCRIPTORS_FREE);
    return false;
}

/* Upstreams get their reserve and two thirds of the rest, as long as there are not enough for all:
 * a forger has to guess among their ports. */
struct descriptors_share descriptors_divide(unsigned free, unsigned workers)
{
    unsigned fixed = DESCRIPTORS_FREE + workers * WORKER_TAKES;
    unsigned rest = free > fixed ? free - fixed : 0, endpoints = rest / ENDPOINTS_PART;

    if (endpoints > ENDPOINTS_MAX)
        endpoints = ENDPOINTS_MAX;
    unsigned each = (rest - endpoints) / workers;
    unsigned reserve = each / 2 < NETWORK_EVENT_RESERVE ? each / 2 : NETWORK_EVENT_RESERVE;
    unsigned upstreams = each - (each - reserve) / 3;

    if (upstreams > UPSTREAMS_MAX)
        upstreams = UPSTREAMS_MAX;
    return (struct descriptors_share){
        .clients = each > upstreams ? each - upstreams : 1,
        .upstreams = upstreams > 0 ? upstreams : 1,
        .reserve = reserve,
        .endpoints = endpoints > ENDPOINTS_MIN ? endpoints : ENDPOINTS_MIN,
    };
}
