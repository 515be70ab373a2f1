/* Which upstreams a name is forwarded to: the list of the longest configured suffix it is under, or
 * the default list.  A server named in several lists is one upstream. */
#ifndef PLDNS_ROUTE_H
#define PLDNS_ROUTE_H

#include "upstream.h"

struct route_group {
    struct route_group *next;   /* of those that are not in use any more */
    const struct dname *suffix; /* NULL: the default */
    struct upstream *upstreams[CONFIG_UPSTREAMS_MAX];
    size_t length;
    size_t in_flight; /* forward's note: questions on their way; the group stays for them */
};

struct route;

/* Servers that are ourselves (see resolvconf_is_ours) are left out with an error in the log: they
 * would send every question round in a circle.  'config' is lent for ever, 'upstreams' is copied.
 */
struct route *route_new(const struct config *, const struct config_upstreams *upstreams,
                        struct network *, struct stats *, upstream_fn *, network_socket_fn *hear);
void route_free(struct route *);

/* From now on these are the default list; copied.  A server that was in use before keeps what is
 * known of it; one that nobody needs any more goes when its questions have ended. */
void route_set_standard(struct route *, const struct config_upstreams *, uint64_t now);

/* Never NULL; may be empty. */
struct route_group *route_find(struct route *, const uint8_t *name);
/* Every server once, 'most' at most; returns how many. */
size_t route_read(const struct route *, struct upstream_state *out, size_t most);
bool route_is_empty(const struct route *); /* nobody to ask for anything */

#endif
