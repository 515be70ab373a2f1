/* Unpredictable numbers from the operating system's generator (getrandom), buffered per owner so
 * that a DNS id does not cost a system call.  One owner is one thread. */
#ifndef PLDNS_RANDOM_H
#define PLDNS_RANDOM_H

#include <stddef.h>
#include <stdint.h>

#define RANDOM_BUFFER 512

struct random {
    size_t left;
    uint8_t buffer[RANDOM_BUFFER];
};

/* All zero bytes is a valid start. */
void random_bytes(struct random *, void *out, size_t size);
uint16_t random_u16(struct random *);
/* 0 … limit-1 without bias; limit ≥ 1. */
uint32_t random_below(struct random *, uint32_t limit);

#endif
