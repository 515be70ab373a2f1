/* One log line a query, for those who switched it on (log.queries). */
#ifndef PLDNS_QUERYLOG_H
#define PLDNS_QUERYLOG_H

#include "config.h"
#include "wire.h"

/* 'view' is the client's, 'how' it was answered: "owned", "cached", "forwarded", … */
void querylog_write(const struct config *, const struct sockaddr *client, unsigned view, bool tcp,
                    const struct wire_reply *, const char *how);

#endif
