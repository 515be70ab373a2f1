/* What changed a moment ago and nobody asked about: who asks now is told of it, too, for he most
 * often asks about his own change, which was taken up before he did. */
#ifndef PLDNS_RECENT_H
#define PLDNS_RECENT_H

#include "catalog.h"

#define RECENT_MS 2000
/* Changes that are remembered; bursts of 20 ms are one. */
#define RECENT_CHANGES_MAX 128

struct recent { /* zeros: nothing */
    struct recent_change {
        struct catalog_change change;
        uint64_t at;
    } changes[RECENT_CHANGES_MAX]; /* the oldest first */
    size_t length;
};

/* Times are monotonic milliseconds. */
void recent_add(struct recent *, const struct catalog_change *, uint64_t now);
void recent_clear(struct recent *);
/* Adds the changes of the last RECENT_MS to 'sum'.  Returns when the first of them was; 0: there is
 * none. */
uint64_t recent_join(struct recent *, uint64_t now, struct catalog_change *sum);

#endif
