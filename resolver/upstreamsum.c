#include "upstreamsum.h"

#include <stdlib.h>
#include <string.h>

#include "alloc.h"

static void join(struct upstream_state *sum, const struct upstream_state *one)
{
    uint64_t replies = sum->replies + one->replies;

    if (one->measured && replies > 0)
        sum->round_trip_us =
            (sum->round_trip_us * sum->replies + one->round_trip_us * one->replies) / replies;
    if (one->queries > 0)
        sum->doubted = one->doubted && (sum->doubted || sum->queries == 0);
    sum->measured = sum->measured || one->measured;
    sum->queries += one->queries;
    sum->replies = replies;
    sum->unanswered += one->unanswered;
}

void upstreamsum_add(struct upstream_state *sum, size_t *sum_length,
                     const struct upstream_state *list, size_t length)
{
    for (size_t i = 0; i < length; i++) {
        size_t n = 0;

        while (n < *sum_length && strcmp(sum[n].text, list[i].text) != 0)
            n++;
        if (n < *sum_length) {
            join(&sum[n], &list[i]);
        } else if (n < WORKER_UPSTREAMS_MAX) {
            sum[n] = list[i];
            ++*sum_length;
        }
    }
}

size_t upstreamsum_read(struct worker *const *workers, unsigned length, struct upstream_state **out)
{
    struct upstream_state *sum = alloc_array(WORKER_UPSTREAMS_MAX, sizeof *sum);
    struct upstream_state *one = alloc_array(WORKER_UPSTREAMS_MAX, sizeof *one);
    size_t sum_length = 0;

    for (unsigned i = 0; i < length; i++)
        upstreamsum_add(sum, &sum_length, one,
                        worker_upstreams(workers[i], one, WORKER_UPSTREAMS_MAX));
    free(one);
    *out = sum;
    return sum_length;
}
