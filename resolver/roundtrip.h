/* How long a server takes: a smoothed round-trip time with its variation (RFC 6298). */
#ifndef PLDNS_ROUNDTRIP_H
#define PLDNS_ROUNDTRIP_H

#include <stdbool.h>
#include <stdint.h>

/* The weight of a new sample in the mean and in the variation, as shifts. */
#define ROUNDTRIP_MEAN_SHIFT      3
#define ROUNDTRIP_VARIATION_SHIFT 2
#define ROUNDTRIP_SCALE           8 /* times are kept in eighths of a millisecond */

struct roundtrip { /* all zero: not known */
    bool known;
    uint64_t mean, variation; /* in 1/ROUNDTRIP_SCALE ms */
};

static inline void roundtrip_add(struct roundtrip *t, uint64_t ms)
{
    uint64_t sample = ms * ROUNDTRIP_SCALE;
    uint64_t off = sample > t->mean ? sample - t->mean : t->mean - sample;

    if (!t->known) {
        *t = (struct roundtrip){.known = true, .mean = sample, .variation = sample / 2};
        return;
    }
    t->variation = t->variation - (t->variation >> ROUNDTRIP_VARIATION_SHIFT) +
                   (off >> ROUNDTRIP_VARIATION_SHIFT);
    t->mean = t->mean - (t->mean >> ROUNDTRIP_MEAN_SHIFT) + (sample >> ROUNDTRIP_MEAN_SHIFT);
}

/* Of one that is known: in milliseconds, in microseconds, and what hardly any reply takes longer
 * than, in milliseconds. */
static inline uint64_t roundtrip_ms(const struct roundtrip *t)
{
    return t->mean / ROUNDTRIP_SCALE;
}

static inline uint64_t roundtrip_us(const struct roundtrip *t)
{
    return t->mean * 1000 / ROUNDTRIP_SCALE;
}

static inline uint64_t roundtrip_most_ms(const struct roundtrip *t)
{
    return (t->mean + 4 * t->variation) / ROUNDTRIP_SCALE;
}

#endif
