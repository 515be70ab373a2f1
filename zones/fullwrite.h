/* Writing all of something to a file. */
#ifndef PLDNS_FULLWRITE_H
#define PLDNS_FULLWRITE_H

#include "error.h"
#include <stdint.h>

/* Writes the bytes at this place of the file.  False: not all of them, see errno. */
MUST_USE bool fullwrite_at(int file, const void *bytes, size_t size, uint64_t place);

#endif
