/* Upstreams from a resolv.conf: its nameserver lines, without our own listening addresses. */
#ifndef PLDNS_RESOLVCONF_H
#define PLDNS_RESOLVCONF_H

#include "config.h"

#define RESOLVCONF_SIZE_MAX (64 << 10) /* octets read; a real one has a few hundred */

/* Fills 'out' (owned by the caller; free(out->items)).  Lines that make no sense are warned about
 * and skipped; an unreadable file is an error. */
MUST_USE bool resolvconf_read(const char *path, const struct config *, struct config_upstreams *out,
                              struct error_list *errors);

/* True if a question sent there would come back to us: it is one of our listening addresses, or we
 * listen on all addresses of this host and it is one of them. */
bool resolvconf_is_ours(const struct config *, const struct config_upstream *);

#endif
