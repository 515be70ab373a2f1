/* A new unique name for a TIDBCLOUD_MANAGED domain: a random UUID of version 4 (RFC 9562 5.4) in
 * base32 (RFC 4648 6), lower case, without padding: 26 characters of a-z and 2-7. */
#ifndef PLDNS_UNIQUENAME_H
#define PLDNS_UNIQUENAME_H

#include <stdint.h>

#define UNIQUENAME_RANDOM 16
#define UNIQUENAME_LENGTH 26

/* 'random' are octets that nobody can guess; six of their bits become the UUID's version and
 * variant. */
void uniquename_make(const uint8_t random[UNIQUENAME_RANDOM], char out[UNIQUENAME_LENGTH + 1]);

#endif
