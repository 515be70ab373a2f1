/* DNS messages for tests, put together octet by octet and not by the code under test.
 *
 * Names are written with dots and hold plain ASCII; "." and "" are the root. */
#ifndef FAKE_MESSAGE_H
#define FAKE_MESSAGE_H

#include <stddef.h>
#include <stdint.h>

enum fake_section { FAKE_ANSWER, FAKE_AUTHORITY, FAKE_ADDITIONAL };

enum {
    FAKE_TYPE_A = 1,
    FAKE_TYPE_NS = 2,
    FAKE_TYPE_CNAME = 5,
    FAKE_TYPE_SOA = 6,
    FAKE_TYPE_TXT = 16,
    FAKE_TYPE_AAAA = 28,
    FAKE_TYPE_DNAME = 39,
    FAKE_TYPE_OPT = 41,
};

enum {
    FAKE_TC = 0x0200,
    FAKE_AA = 0x0400,
    FAKE_RD = 0x0100,
    FAKE_RA = 0x0080,
    FAKE_AD = 0x0020,
    FAKE_CD = 0x0010,
    FAKE_QR = 0x8000
};

struct fake_message {
    size_t size;
    uint8_t bytes[65535];
};

/* Name in wire form; returns its octets. */
size_t fake_message_name(uint8_t *out, const char *name);

/* A query: header and question. */
void fake_message_query(struct fake_message *, uint16_t id, uint16_t flags, const char *name,
                        uint16_t type);
/* An OPT record for a query or reply. */
void fake_message_opt(struct fake_message *, uint16_t udp_size, uint32_t ttl);

/* A reply to a query seen: its id, opcode, RD, CD and question; QR and RA set, no record yet. */
void fake_message_reply(struct fake_message *, const uint8_t *query, size_t size, unsigned rcode);
void fake_message_flag(struct fake_message *, uint16_t flags); /* sets */

void fake_message_record(struct fake_message *, enum fake_section, const char *owner, uint16_t type,
                         uint32_t ttl, const void *rdata, size_t size);
void fake_message_a(struct fake_message *, const char *owner, uint32_t ttl, const char *address);
void fake_message_aaaa(struct fake_message *, const char *owner, uint32_t ttl, const char *address);
void fake_message_cname(struct fake_message *, const char *owner, uint32_t ttl, const char *target);
/* In the authority section. */
void fake_message_soa(struct fake_message *, const char *owner, uint32_t ttl, uint32_t minimum);

#endif
