/* Which program this is: what its linker has written into it for that, the GNU build id.  It is a
 * digest of the whole program, so two programs that differ in anything have different ones. */
#ifndef PLDNS_BUILDID_H
#define PLDNS_BUILDID_H

#include <stddef.h>
#include <stdint.h>

/* Lent for ever; NULL: it has none. */
const uint8_t *buildid_own(size_t *size);

/* The build id among the notes of an ELF segment whose entries are aligned so; NULL: none. */
const uint8_t *buildid_find(const uint8_t *notes, size_t notes_size, size_t align, size_t *size);

#endif
