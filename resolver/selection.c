#include "selection.h"

#include <string.h>

/* Servers whose round trips differ by less are equal; the order of the configuration decides. */
#define EQUAL_MS 10
/* A doubted server comes after a good one was asked so many times. */
#define DOUBT_TRIES 2

void selection_begin(struct selection *s, struct upstream *const *upstreams, size_t length)
{
    s->upstreams = upstreams;
    s->length = length;
    s->places[0] = (struct selection_place){0};
    if (length > 1)
        memset(s->places + 1, 0, (length - 1) * sizeof *s->places);
}

/* Lower is better. */
static uint64_t rank(const struct selection *s, unsigned place)
{
    const struct upstream *u = s->upstreams[place];
    uint64_t tries = s->places[place].tries + (upstream_doubted(u) ? DOUBT_TRIES : 0u);

    return tries << 48 | upstream_round_trip(u) / EQUAL_MS << 8 | place;
}

/* True if nothing good will come from there any more. */
static bool is_out(const struct selection *s, unsigned place)
{
    return s->places[place].finished || s->places[place].refused >= SELECTION_REFUSALS_MAX;
}

static bool is_possible(const struct selection *s, unsigned place, uint64_t now)
{
    return !is_out(s, place) && !upstream_loops(s->upstreams[place], now);
}

/* Of several. */
APART static unsigned find_best(const struct selection *s, uint64_t now)
{
    uint64_t best = UINT64_MAX;
    unsigned found = SELECTION_NONE;

    for (unsigned place = 0; place < s->length; place++) {
        uint64_t its = is_possible(s, place, now) ? rank(s, place) : UINT64_MAX;

        if (its < best) {
            best = its;
            found = place;
        }
    }
    return found;
}

unsigned selection_next(const struct selection *s, uint64_t now)
{
    if (s->length != 1)
        return find_best(s, now);
    return is_possible(s, 0, now) ? 0 : SELECTION_NONE;
}

bool selection_is_tried(const struct selection *s, unsigned times)
{
    for (unsigned place = 0; place < s->length; place++) {
        if (!is_out(s, place) && s->places[place].tries < times)
            return false;
    }
    return true;
}
