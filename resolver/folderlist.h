/* Which files of a folder are documents: those named *.yaml, *.yml or *.json that do not start with
 * a dot. */
#ifndef PLDNS_FOLDERLIST_H
#define PLDNS_FOLDERLIST_H

#include "error.h"

#define FOLDERLIST_MAX 100000 /* documents in a folder */

struct folderlist {
    char **names;
    size_t length;
    bool linked; /* some of them are symbolic links, or nobody knows */
};

bool folderlist_is_document(const char *name);

/* Those of the folder at this path, in any order; '*folder' is open then, and the caller's to
 * close. False: 'why' (lent for ever). */
MUST_USE bool folderlist_read(const char *path, int *folder, struct folderlist *, const char **why);
void folderlist_sort(struct folderlist *); /* as strcmp() has them */
void folderlist_clear(struct folderlist *);

#endif
