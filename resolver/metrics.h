/* The figures of the daemon as Prometheus text. */
#ifndef PLDNS_METRICS_H
#define PLDNS_METRICS_H

#include "service.h"

/* The caller frees.  'now' is monotonic milliseconds; inside a read-side section of the table. */
char *metrics_text(const struct service *, uint64_t now);

#endif
