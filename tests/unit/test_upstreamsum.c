#include "upstreamsum.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* What two workers know of one upstream, and what both together do. */
static const struct {
    struct upstream_state a, b, sum;
} rows[] = {
    {{.queries = 3, .replies = 2, .unanswered = 1, .measured = true, .round_trip_us = 600},
     {.queries = 5, .replies = 4, .unanswered = 1, .measured = true, .round_trip_us = 1200},
     {.queries = 8, .replies = 6, .unanswered = 2, .measured = true, .round_trip_us = 1000}},
    /* one that has asked nothing knows nothing */
    {{.queries = 3, .replies = 3, .measured = true, .round_trip_us = 7},
     {.queries = 0},
     {.queries = 3, .replies = 3, .measured = true, .round_trip_us = 7}},
    {{.queries = 0},
     {.queries = 3, .unanswered = 3, .doubted = true},
     {.queries = 3, .unanswered = 3, .doubted = true}},
    {{.queries = 3, .unanswered = 3, .doubted = true},
     {.queries = 0},
     {.queries = 3, .unanswered = 3, .doubted = true}},
    /* who has lost one reply while others get theirs may be wrong */
    {{.queries = 3, .unanswered = 1, .doubted = true},
     {.queries = 3, .replies = 3, .measured = true, .round_trip_us = 5},
     {.queries = 6, .replies = 3, .unanswered = 1, .measured = true, .round_trip_us = 5}},
    {{.queries = 1, .unanswered = 1, .doubted = true},
     {.queries = 1, .unanswered = 1, .doubted = true},
     {.queries = 2, .unanswered = 2, .doubted = true}},
};

static void test_rows(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LENGTH(rows); i++) {
        struct upstream_state sum[WORKER_UPSTREAMS_MAX];
        const struct upstream_state *want = &rows[i].sum;
        size_t length = 0;

        upstreamsum_add(sum, &length, &rows[i].a, 1);
        upstreamsum_add(sum, &length, &rows[i].b, 1);
        assert_int_equal(length, 1);
        if (sum->queries != want->queries || sum->replies != want->replies ||
            sum->unanswered != want->unanswered || sum->measured != want->measured ||
            sum->doubted != want->doubted || sum->round_trip_us != want->round_trip_us)
            fail_msg("row %zu", i);
    }
}

static void test_each_once(void **state)
{
    static struct upstream_state list[WORKER_UPSTREAMS_MAX + 1], sum[WORKER_UPSTREAMS_MAX];
    size_t length = 0;

    (void)state;
    for (size_t i = 0; i < ARRAY_LENGTH(list); i++) {
        list[i].text[0] = (char)('!' + i);
        list[i].queries = 1;
    }
    upstreamsum_add(sum, &length, list, 3);
    upstreamsum_add(sum, &length, list + 1, 3);
    assert_int_equal(length, 4);
    for (size_t i = 0; i < length; i++)
        assert_int_equal(sum[i].queries, i == 1 || i == 2 ? 2 : 1);
    upstreamsum_add(sum, &length, list, ARRAY_LENGTH(list)); /* more than there is room for */
    assert_int_equal(length, WORKER_UPSTREAMS_MAX);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rows),
        cmocka_unit_test(test_each_once),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
