/* What libFuzzer calls, and replay.c in its place. */
#ifndef PLDNS_REPLAY_H
#define PLDNS_REPLAY_H

#include <stddef.h>
#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#endif
