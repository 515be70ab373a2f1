#include "random.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

/* Without unpredictable ids every upstream answer could be forged: there is nothing to go on with.
 */
static void fill(void *out, size_t size)
{
    uint8_t *at = out;

    while (size > 0) {
        ssize_t n = getrandom(at, size, 0);
        if (n < 0 && errno == EINTR)
            continue;
        assert(n > 0);
        at += n;
        size -= (size_t)n;
    }
}

/* A used number is not to be found in memory afterwards.  Those of one question are this large:
 * with the sizes known, no function is called. */
static void take(void *out, uint8_t *from, size_t size)
{
    switch (size) {
    case sizeof(uint16_t):
        memcpy(out, from, sizeof(uint16_t));
        memset(from, 0, sizeof(uint16_t));
        return;
    case sizeof(uint32_t):
        memcpy(out, from, sizeof(uint32_t));
        memset(from, 0, sizeof(uint32_t));
        return;
    case sizeof(uint64_t):
        memcpy(out, from, sizeof(uint64_t));
        memset(from, 0, sizeof(uint64_t));
        return;
    default:
        memcpy(out, from, size);
        memset(from, 0, size);
    }
}

void random_bytes(struct random *random, void *out, size_t size)
{
    if (size > RANDOM_BUFFER) {
        fill(out, size);
        return;
    }
    if (random->left < size) {
        fill(random->buffer, RANDOM_BUFFER);
        random->left = RANDOM_BUFFER;
    }
    random->left -= size;
    take(out, random->buffer + random->left, size);
}

uint16_t random_u16(struct random *random)
{
    uint16_t value;

    random_bytes(random, &value, sizeof value);
    return value;
}

uint32_t random_below(struct random *random, uint32_t limit)
{
    assert(limit >= 1);
    /* The first 2^32 mod limit values are drawn again: the rest is a whole multiple of 'limit'. */
    uint32_t biased = -limit % limit;
    uint32_t value;

    do {
        random_bytes(random, &value, sizeof value);
    } while (value < biased);
    return value % limit;
}
