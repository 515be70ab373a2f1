/* Names of files in a folder of which something was heard, or that it may be any of them. */
#ifndef PLDNS_FILESET_H
#define PLDNS_FILESET_H

#include <stdbool.h>
#include <stddef.h>

#define FILESET_MAX 256 /* of more names it may be any */

/* Empty when all its bytes are zero. */
struct fileset {
    char **names; /* no two equal */
    size_t length;
    bool any; /* 'names' does not count */
};

void fileset_add(struct fileset *, const char *name); /* copied */
void fileset_add_any(struct fileset *);
/* Adds all of 'from', which is empty afterwards. */
void fileset_move(struct fileset *to, struct fileset *from);
void fileset_clear(struct fileset *);

#endif
