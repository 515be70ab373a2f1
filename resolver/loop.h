/* Upstreams that lead back to us: questions sent there would go in a circle.
 *
 * Each upstream has a name that nobody else can know, below loop.pldns.test (RFC 6761: "test" is
 * nobody's).  The probes ask for it there (loopprobe.h); a client's question for it has come round,
 * and that upstream is not asked for LOOP_HOLD_MS.  Shared by all threads. */
#ifndef PLDNS_LOOP_H
#define PLDNS_LOOP_H

#include "configaddress.h"

#define LOOP_HOLD_MS  90000
#define LOOP_PROBE_MS 30000 /* one that loops is looked at so often, the others … */
#define LOOP_LOOK_MS  600000

struct loop;

/* Over the standard upstreams and those of all routes; both are lent for ever.  'nonce' is from the
 * operating system. */
struct loop *loop_new(const struct config_upstreams *standard, const struct config_route *routes,
                      size_t routes_length, uint64_t nonce);
void loop_free(struct loop *);

size_t loop_length(const struct loop *);
const struct config_upstream *loop_server(const struct loop *, size_t i);
void loop_name(const struct loop *, size_t i, struct dname *out);

/* A client asks for this (folded) name.  True: it is one of ours that came round; its upstream
 * loops from now on, and the log says so. */
MUST_USE bool loop_take(struct loop *, const uint8_t *name, uint64_t now);

/* True if a question came round from there lately.  'loop' may be NULL. */
bool loop_has(const struct loop *, const struct config_upstream *, uint64_t now);

#endif
