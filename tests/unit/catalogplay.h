/* What tests of catalogs share: small documents, and what comes of them. */
#ifndef PLDNS_CATALOGPLAY_H
#define PLDNS_CATALOGPLAY_H

#include "catalog.h"
#include "shelf.h"

#define CATALOGPLAY_HOLD 60000 /* of what is detached, milliseconds */

/* A document with one connection: an address and names, separated by blanks ("-": not told).  Lent
 * until the next call, as all texts here are. */
const char *catalogplay_document(const char *id, const char *names, const char *address);

enum catalog_offer catalogplay_offer_text(struct catalog *, const char *name, const char *text);
enum catalog_offer catalogplay_offer(struct catalog *, const char *name, const char *id,
                                     const char *names);
struct catalog_change catalogplay_finish(struct catalog *);
/* Offers a new version before the reload that brings it. */
bool catalogplay_take_early(struct catalog *, const char *name, const char *text,
                            struct catalog_change *);

/* "a b(refused) c(restored) d(none)" */
const char *catalogplay_served(const struct catalog *);
/* The connection that answers for a name, or what else is said of it. */
const char *catalogplay_whose(struct catalog *, const char *text);

/* A shelf in this file, whose descriptor stays the caller's. */
struct shelf *catalogplay_shelf(int file);

#endif
