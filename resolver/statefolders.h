/* The folders of the state directory, held open and locked. */
#ifndef PLDNS_STATEFOLDERS_H
#define PLDNS_STATEFOLDERS_H

#include "error.h"

#define STATEFOLDERS_WHY 320

struct statefolders {
    int top;      /* -1: none is open */
    int accepted; /* in it: the documents */
    int lock;
};

static const struct statefolders statefolders_none = {-1, -1, -1};

/* Makes what is missing.  False: 'why' and errno say why. */
MUST_USE bool statefolders_open(struct statefolders *, const char *path,
                                char why[STATEFOLDERS_WHY]);
void statefolders_close(struct statefolders *);
/* False: they were removed or moved away, or something is mounted over them. */
MUST_USE bool statefolders_stand(const struct statefolders *, const char *path);

#endif
