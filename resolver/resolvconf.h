/* Upstreams from a resolv.conf: its nameserver lines, without our own listening addresses. */
#ifndef PLDNS_RESOLVCONF_H
#define PLDNS_RESOLVCONF_H

#include "config.h"

/* Fills 'out' (owned by the caller; free(out->items)).  Lines that make no sense are warned about and
 * skipped; an unreadable file is an error. */
MUST_USE bool resolvconf_read(const char *path, const struct config *, struct config_upstreams *out,
                              struct error_list *errors);

#endif
