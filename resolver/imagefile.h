/* The file of an image of what is in service (catalogimage.h), and the one that is to take its
 * place, in the state directory. */
#ifndef PLDNS_IMAGEFILE_H
#define PLDNS_IMAGEFILE_H

#include "shelf.h"

/* The image as a shelf; 'folder' is that of statedir_folder().  NULL: there is none. */
struct shelf *imagefile_open(int folder);

/* A new one, with room for its head; one that was begun before is left to who still looks into it.
 * NULL: see errno. */
struct shelf *imagefile_begin(int folder);
/* It is given up; or both are. */
void imagefile_give_up(int folder);
void imagefile_remove(int folder);
/* It takes the place of the old; it was synced before.  False: see errno. */
MUST_USE bool imagefile_commit(int folder);

#endif
