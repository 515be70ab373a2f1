/* The documents of files and directories, read as the daemon would: for the commands that work
 * without it. */
#ifndef PLDNS_OFFLINE_H
#define PLDNS_OFFLINE_H

#include "catalog.h"
#include "viewread.h"

#define OFFLINE_FILES_MAX 100000

struct offline_file {
    char *name; /* as complaints and rules call it */
    char *bytes;
    size_t size;
    char *trouble; /* why it cannot be read, or NULL */
};

struct offline {
    struct offline_file *files;
    size_t length;
};

enum offline_naming { OFFLINE_PATHS, OFFLINE_NAMES }; /* with the directory in front, or without */

/* Adds a file, every document of a directory (not those below it), or standard input ("-").  A file
 * that cannot be read is added with its trouble.  False: 'why' (at least 256 bytes) says what is
 * wrong with the path as a whole: it is not there, or is a directory that cannot be read. */
MUST_USE bool offline_add(struct offline *, const char *path, enum offline_naming, char *why,
                          size_t why_size);

/* Offers all to a fresh catalog, from a cold start.  The caller frees it.  'views' (may be NULL) is
 * lent for as long as it lives. */
struct catalog *offline_catalog(const struct offline *, const struct view_list *views,
                                struct catalog_change *change);

/* The views of pldnsd's configuration file. */
void offline_views(const char *path, struct view_list *out, struct error_list *errors);

void offline_clear(struct offline *);

#endif
