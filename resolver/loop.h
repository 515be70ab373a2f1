/* Upstreams that lead back to us: questions sent there would go in a circle.
 *
 * Each upstream has a name that nobody else can know, below loop.pldns.test (RFC 6761: "test" is
 * nobody's).  The probes ask for it there (loopprobe.h); a client's question for it has come round,
 * and that upstream is not asked for LOOP_HOLD_MS.
 *
 * Shared by all threads.  Who may ask an upstream joins; a member lives until all have left it. */
#ifndef PLDNS_LOOP_H
#define PLDNS_LOOP_H

#include "configaddress.h"

#define LOOP_HOLD_MS  90000
#define LOOP_PROBE_MS 30000 /* one that loops is looked at so often, the others … */
#define LOOP_LOOK_MS  600000

struct loop;
struct loop_member; /* one upstream */

/* 'nonce' is from the operating system. */
struct loop *loop_new(uint64_t nonce);
/* Everybody has left. */
void loop_free(struct loop *);

/* One member for each server, whoever joins; 'server' is copied. */
struct loop_member *loop_join(struct loop *, const struct config_upstream *server);
void loop_leave(struct loop_member *); /* NULL is fine */

const struct config_upstream *loop_server(const struct loop_member *);
const struct dname *loop_name(const struct loop_member *);
/* True if a question came round from there lately.  False for NULL. */
bool loop_has(const struct loop_member *, uint64_t now);
/* The same of any server, for people. */
bool loop_knows(struct loop *, const struct config_upstream *server, uint64_t now);

/* A client asks for this (folded) name.  True: it is one of ours that came round; its upstream
 * loops from now on, and the log says so. */
MUST_USE bool loop_take(struct loop *, const uint8_t *name, uint64_t now);

#endif
