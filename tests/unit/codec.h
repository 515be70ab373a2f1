/* Our reading of messages held against ldns's, which shares no line with it: what we take ldns
 * takes, and sees the same in it; what ldns takes and we don't has a reason that codec.c names.  A
 * difference without one fails an assert. */
#ifndef CODEC_H
#define CODEC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The octets as a client's query: wire_decode().  True: it was accepted. */
bool codec_compare_query(const uint8_t *packet, size_t size);

/* The octets as an upstream's reply: record_check() on every record of it.  True: all of it was
 * accepted. */
bool codec_compare_reply(const uint8_t *message, size_t size);

#endif
