/* Names that no resolver should pass on: localhost and the loopback reverse names are answered here
 * (RFC 6761, RFC 6303), `invalid` and `onion` do not exist (RFC 6761, RFC 7686), and in
 * `resolver.arpa` there are no records (RFC 9462): what the upstream says there is of itself.
 * Attached names come first: a table may own them. */
#ifndef PLDNS_SPECIAL_H
#define PLDNS_SPECIAL_H

#include "dname.h"

#define SPECIAL_TTL 60 /* seconds; a name attached over a special one is seen within a minute */

enum special {
    SPECIAL_NONE,
    SPECIAL_LOCALHOST, /* localhost and below: 127.0.0.1, ::1 */
    SPECIAL_POINTER,   /* the reverse name of 127.0.0.1 or ::1 */
    SPECIAL_EMPTY,     /* exists, without any records */
    SPECIAL_NOTHING,   /* does not exist */
};

/* False: no special name has a last label of so many octets.  Most names end so. */
static inline bool special_may_end(unsigned length)
{
    return length == 4 || length == 5 || length == 7 || length == 9;
}

/* 'root_offset': octets of the name left of the special one ("localhost", "127.in-addr.arpa"). */
MUST_USE enum special special_find(const uint8_t *name, size_t *root_offset);

#endif
