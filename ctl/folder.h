/* A directory of documents: read whole, locked while it is changed, and the home of connections. */
#ifndef PLDNS_FOLDER_H
#define PLDNS_FOLDER_H

#include "command.h"
#include "offline.h"
#include "rewrite.h"

struct folder {
    const struct command_call *call;
    const char *path;
    int fd; /* the lock; -1: only read */
    struct offline files;
    struct catalog *catalog; /* as the daemon would take them */
};

/* Reads all; for a writer it is locked first, against other writers, for as long as --timeout says
 * at most (10 s).  EXITCODE_FINE, or a complaint was printed and nothing is open. */
enum exitcode folder_open(struct folder *, const struct command_call *, bool writer);
void folder_close(struct folder *);
/* Lets other writers in; what was read stays. */
void folder_unlock(struct folder *);

/* Says on standard error which documents are refused and why; true if there is any. */
bool folder_tell_refused(const struct folder *);

struct folder_found {
    const struct offline_file *file;
    struct rewrite *rewrite;
    struct rewrite_place place;
};

/* The connection that the command names (argument 0 or --private-link-connection-id), of the
 * cluster that --cluster-id names.  EXITCODE_FINE: rewrite_free() it; EXITCODE_NO: there is none,
 * said so; EXITCODE_WRONG: it is in two documents, or its document does not parse. */
enum exitcode folder_find(const struct folder *, struct folder_found *out);
/* The connection with this id, quietly; false: there is none. */
bool folder_find_id(const struct folder *, const char *id, struct folder_found *out);

/* The id that the command names; NULL after a complaint. */
const char *folder_id(const struct command_call *);

#endif
