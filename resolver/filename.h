/* File names for names of any kind: what is not plain becomes %XX. */
#ifndef PLDNS_FILENAME_H
#define PLDNS_FILENAME_H

#include "error.h"
#include <limits.h>

/* False: too long for a file. */
MUST_USE bool filename_of(const char *name, char file[NAME_MAX + 1]);
/* The name that a file was named after.  False: none. */
MUST_USE bool filename_read(const char *file, char name[NAME_MAX + 1]);

#endif
