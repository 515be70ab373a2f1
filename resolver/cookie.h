/* The server's half of a DNS cookie (RFC 7873), in the interoperable form of RFC 9018. */
#ifndef PLDNS_COOKIE_H
#define PLDNS_COOKIE_H

#include <stdint.h>
#include <sys/socket.h>

#define COOKIE_CLIENT_SIZE 8
#define COOKIE_SERVER_SIZE 16
#define COOKIE_SECRET_SIZE 16

/* 'seconds': wall clock, modulo 2^32. */
void cookie_make(const uint8_t secret[COOKIE_SECRET_SIZE], const uint8_t client[COOKIE_CLIENT_SIZE],
                 uint32_t seconds, const struct sockaddr *, uint8_t out[COOKIE_SERVER_SIZE]);

#endif
