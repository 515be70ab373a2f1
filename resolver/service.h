/* The running daemon, as its admin pages see it.  All of it belongs to the control thread; counters
 * of workers may be read at any time, gauges after worker_look(). */
#ifndef PLDNS_SERVICE_H
#define PLDNS_SERVICE_H

#include "reach.h"
#include "reload.h"
#include "worker.h"

struct service {
    const struct config *config;
    const struct config_upstreams *upstreams; /* from the configuration or resolv.conf */
    struct reload *reload;
    struct reach *reach;
    struct worker *const *workers;
    unsigned workers_length;
    uint64_t started_ms;   /* monotonic */
    uint64_t published_ms; /* monotonic: since when the current table is served */
    bool ready;            /* answering, and not about to end */
};

#endif
