/* A whole file in memory, bounded.  Anything but a regular file (a directory, a FIFO that would
 * make us wait) is refused; symbolic links are followed. */
#ifndef PLDNS_SLURP_H
#define PLDNS_SLURP_H

#include "error.h"
#include <stdint.h>
#include <sys/stat.h>

/* Reads 'name' relative to the directory 'folder' (or AT_FDCWD).  '*bytes' is the caller's to
 * free() and has a terminator behind '*size'.  '*status' (may be NULL) is how the file stood before
 * it was read.  False: 'why' (lent for ever) says what is wrong. */
MUST_USE bool slurp_file(int folder, const char *name, size_t most, char **bytes, size_t *size,
                         struct stat *status, const char **why);

#endif
