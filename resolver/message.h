/* What an upstream said becomes our reply to this client: relayed, or, where its chain leads to an
 * owned name, up to there with our own answer behind it. */
#ifndef PLDNS_MESSAGE_H
#define PLDNS_MESSAGE_H

#include "owned.h"
#include "visit.h"

/* 'fresh': from the upstream, not from the cache: its records live no longer, and no shorter, than
 * they would there. */
void message_write(struct visit *, const uint8_t *message, const struct reply *, bool fresh,
                   struct owned_turns *);

#endif
