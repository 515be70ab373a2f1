/* The standard upstreams: those of the configuration, or those of a resolv.conf and as it changes.
 *
 * The file is looked at every NAMESERVERS_LOOK_MS, through links and mounts, and read when it has
 * stood still for NAMESERVERS_SETTLE_MS.  One that is gone, cannot be read or names nobody but
 * ourselves changes nothing: the last good list stays.  One with a line that is no use is read
 * again at every look, for the interface that a link-local address names may come later.  Belongs
 * to the control thread. */
#ifndef PLDNS_NAMESERVERS_H
#define PLDNS_NAMESERVERS_H

#include "config.h"

#define NAMESERVERS_LOOK_MS   2000
#define NAMESERVERS_SETTLE_MS 200

struct event_base;
struct nameservers;

/* There are others now; never an empty list. */
typedef void nameservers_changed_fn(void *arg, const struct config_upstreams *);

/* Reads once.  Our own addresses are left out; with no upstream at all owned names are served
 * still, so whatever is wrong is a warning.  'config' is lent for as long as this lives. */
struct nameservers *nameservers_new(const struct config *, struct error_list *warnings);
void nameservers_free(struct nameservers *); /* NULL is fine */

/* Lent: the list itself changes when the file does. */
const struct config_upstreams *nameservers_list(const struct nameservers *);

/* Begins to look, if they are from a file. */
void nameservers_watch(struct nameservers *, struct event_base *, nameservers_changed_fn *,
                       void *arg);

#endif
