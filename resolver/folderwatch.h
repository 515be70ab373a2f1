/* What inotify(7) tells of a folder by its path, where another folder may stand later. */
#ifndef PLDNS_FOLDERWATCH_H
#define PLDNS_FOLDERWATCH_H

#include <stdbool.h>
#include <stdint.h>

#define FOLDERWATCH_NOW_MAX 64

struct folderwatch {
    int inotify;                   /* -1: none could be had */
    int folder;                    /* watch descriptor, -1: none */
    bool is_short;                 /* it was told that no watch is left */
    const char *who;               /* of lines in the log; lent */
    char now[FOLDERWATCH_NOW_MAX]; /* what goes on without it: for the log */
};

/* Tells in the log if there is none to be had. */
void folderwatch_open(struct folderwatch *, const char *who, const char *now);
void folderwatch_close(struct folderwatch *);

/* Watches the folder that stands at the path now for these events.  True: it is another one than
 * before.  That no watch is left is told once, until there are some again. */
bool folderwatch_set(struct folderwatch *, const char *path, uint32_t events);

#endif
