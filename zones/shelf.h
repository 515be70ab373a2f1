/* Where bytes rest that are seldom read: in a file that is looked into, so that they take no memory
 * of the process while nobody reads them.  What lies there is trusted, and a file that somebody
 * else cuts short ends who looks into it: it has to be one that nobody else reaches.
 *
 * What was put stays as it is and where it is until the last holder drops the shelf.  One thread at
 * a time puts, holds and drops; what lies there may be read by any. */
#ifndef PLDNS_SHELF_H
#define PLDNS_SHELF_H

#include "error.h"
#include <stdint.h>

#define SHELF_PAGE 4096 /* what is to be mapped alone begins at a multiple of it */

struct shelf;

/* The file's first 'size' octets are there already.  The descriptor is taken over; NULL: it cannot
 * be looked into (errno), and is closed. */
struct shelf *shelf_new(int file, uint64_t size);
struct shelf *shelf_hold(struct shelf *);
void shelf_drop(struct shelf *); /* NULL is fine; the last holder frees */

/* Puts bytes at a multiple of 'align'; their place in the file is told.  NULL: the file does not
 * take them (errno), and nothing was put. */
const void *shelf_put(struct shelf *, const void *bytes, size_t size, size_t align,
                      uint64_t *place);
/* What lies at a place; NULL: not all of it is there. */
const void *shelf_at(const struct shelf *, uint64_t place, size_t size);
/* The same as memory of its own that may be written to, without the file's changing; 'place' is a
 * multiple of SHELF_PAGE.  NULL: not possible.  The caller's to munmap(). */
void *shelf_copy(const struct shelf *, uint64_t place, size_t size);

/* Writes over what was put; for what is known last and read first.  False: see errno. */
MUST_USE bool shelf_write_over(struct shelf *, uint64_t place, const void *bytes, size_t size);
/* Copies all that was put to another file, which is empty.  False: see errno. */
MUST_USE bool shelf_save(const struct shelf *, int file);

uint64_t shelf_size(const struct shelf *);

/* What was read lately is given back to the system. */
void shelf_rest(struct shelf *);

#endif
