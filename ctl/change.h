/* New versions of documents: judged as the daemon would, then written one by one, each whole or not
 * at all. */
#ifndef PLDNS_CHANGE_H
#define PLDNS_CHANGE_H

#include "folder.h"

struct change_item {
    char *name;
    char *bytes; /* NULL: the document goes */
    size_t size;
    const struct offline_file *old; /* NULL: it is new */
};

struct change { /* zero but for 'folder' is a good start */
    struct folder *folder;
    bool compared; /* keep the tables */
    struct change_item *items;
    size_t length;
    json_t *names;                   /* of all items, as keys */
    struct tableset *before, *after; /* of all documents, after change_judge(), if 'compared' */
};

/* Takes over 'bytes'.  'old': what it replaces, NULL if it is new. */
void change_put(struct change *, const char *name, const struct offline_file *old, char *bytes,
                size_t size);
void change_remove(struct change *, const struct offline_file *old);

/* EXITCODE_WRONG: a document would be refused; said why. */
enum exitcode change_judge(struct change *);

/* EXITCODE_WRONG: it cannot be written, said why and what became of it. */
enum exitcode change_write(const struct change *);

/* Waits until the daemon that serves this directory, if one answers, serves what was written.  Lets
 * other writers in.  EXITCODE_FINE also if there is none. */
enum exitcode change_follow(const struct change *);

void change_clear(struct change *);

#endif
