/* Writing all of something to a file. */
#ifndef PLDNS_FULLWRITE_H
#define PLDNS_FULLWRITE_H

#include "error.h"
#include <stdint.h>

/* Writes the bytes at this place of the file.  False: not all of them, see errno. */
MUST_USE bool fullwrite_at(int file, const void *bytes, size_t size, uint64_t place);

/* Writes the first 'size' octets of a file to another, which is empty.  False: not all of them, see
 * errno (ENODATA: there are less). */
MUST_USE bool fullwrite_copy(int file, int from, uint64_t size);

#endif
