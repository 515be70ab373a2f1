/* One record of a message that nobody has looked at yet: where its parts are, and whether its RDATA
 * can be what its type says.
 *
 * Safe on any octets.  Compression pointers must point strictly backwards, each to before the place
 * the one before it led to, so that every name ends; and at most RECORD_POINTERS_MAX of them. */
#ifndef PLDNS_RECORD_H
#define PLDNS_RECORD_H

#include "dname.h"

#define RECORD_POINTERS_MAX 127 /* one for each label a name can have */
#define RECORD_FIXED_SIZE   10  /* type, class, TTL, RDLENGTH */
#define RECORD_POINTER_MAX  0x3fff
#define RECORD_HEADER_SIZE  12                            /* of the message: no name stands there */
#define RECORD_TO_QUESTION  (0xc000 | RECORD_HEADER_SIZE) /* a pointer to the first name */

enum { /* types with a meaning of their own here */
       RECORD_A = 1,
       RECORD_NS = 2,
       RECORD_CNAME = 5,
       RECORD_SOA = 6,
       RECORD_AAAA = 28,
       RECORD_DNAME = 39,
       RECORD_OPT = 41,
       RECORD_DS = 43,
       RECORD_RRSIG = 46,
       RECORD_NSEC = 47,
       RECORD_NSEC3 = 50,
       RECORD_TKEY = 249,
       RECORD_ANY = 255,
};

struct record {
    uint16_t owner; /* offset of the record */
    uint16_t type, class;
    uint32_t ttl;
    uint16_t ttl_at; /* offset of the TTL */
    uint16_t rdata, rdata_size;
    uint16_t end; /* offset behind the record */
};

/* Where names and their tails begin, as far as a message has been walked: one bit for each offset
 * that a pointer can hold.  A pointer to anything else is refused: what it
 * leads to may be a TTL that counts down, or RDATA of somebody's choice. */
struct record_names {
    uint8_t starts[RECORD_POINTER_MAX / 8 + 1];
};

/* None, for the walk through a message of that size. */
void record_names_clear(struct record_names *, size_t size);

/* Reads the possibly compressed name at 'offset', letter case kept, into 'out' (may be NULL).
 * Returns the offset behind it, 0 if it is broken.  'names' may be NULL: then pointers may lead
 * anywhere before. */
MUST_USE size_t record_name(const uint8_t *message, size_t size, size_t offset,
                            struct record_names *names, struct dname *out);

/* True if the name at 'offset' is nothing but a pointer to the first one behind the header. */
bool record_is_questions(const uint8_t *message, size_t size, size_t offset);

/* Finds the parts of the record at 'offset' of a message that was checked.  False: it breaks off.
 * Neither RDATA nor what the owner points to is looked at. */
MUST_USE bool record_read(const uint8_t *message, size_t size, size_t offset, struct record *out);

/* The same of a record nobody has looked at yet, names and RDATA included.  False: it is broken. */
MUST_USE bool record_check(const uint8_t *message, size_t size, size_t offset,
                           struct record_names *names, struct record *out);

/* True if the type's RDATA is looked at at all. */
bool record_is_known(uint16_t type);

#endif
