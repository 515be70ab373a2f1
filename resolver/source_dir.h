/* The directory of documents: which files are documents, what they hold, whether they changed.
 *
 * A document is a file named *.yaml, *.yml or *.json that does not start with a dot; symbolic links
 * are followed (a mounted ConfigMap is nothing else). */
#ifndef PLDNS_SOURCE_DIR_H
#define PLDNS_SOURCE_DIR_H

#include "catalog.h"

#define SOURCE_DIR_DOCUMENTS_MAX 100000

/* Reads the directory into the catalog, in name order, between catalog_begin() and
 * catalog_finish(). False: the directory itself cannot be read; 'why' (lent for ever) says so,
 * nothing was offered. */
MUST_USE bool source_dir_read(const char *path, struct catalog *, const char **why);

/* A fingerprint of what the directory holds, by names, sizes, times and inodes: cheap, and
 * different when anything was touched.  0: the directory cannot be read. */
uint64_t source_dir_fingerprint(const char *path);

#endif
