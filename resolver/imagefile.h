/* The file of an image of what is in service (catalogimage.h) in the state directory, and the shelf
 * that was read from it or will be written to it.
 *
 * The shelf is a file of its own without a name, so that nothing that becomes of the image, which
 * anybody may cut short, write over or remove, reaches who looks into the shelf.  'folder' is that
 * of statedir_folder(). */
#ifndef PLDNS_IMAGEFILE_H
#define PLDNS_IMAGEFILE_H

#include "shelf.h"

struct digest;

/* A shelf with a copy of the image on it.  NULL: there is none, or none under this stamp; 'why'
 * (lent for ever) says why, NULL in the former case. */
struct shelf *imagefile_open(int folder, const struct digest *stamp, const char **why);

/* A new shelf, with room for an image's head.  NULL: see errno. */
struct shelf *imagefile_begin(int folder);

/* The image that was written to the shelf takes the place of the old one.  False: see errno. */
MUST_USE bool imagefile_commit(int folder, const struct shelf *);
void imagefile_remove(int folder);

#endif
