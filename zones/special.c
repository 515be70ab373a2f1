#include "special.h"

#include "dname.h"

#define SPECIAL_TTL 60 /* seconds; a name attached over a special one is seen within a minute */

/* Lengths of the names in octets, the root label included. */
static const uint8_t localhost[] = "\11localhost";
static const uint8_t loopback4[] = "\003127\7in-addr\4arpa";
static const uint8_t loopback4_host[] = "\0011\0010\0010\003127\7in-addr\4arpa";
static const uint8_t loopback6[] = "\0011\0010\0010\0010\0010\0010\0010\0010\0010\0010\0010\0010"
                                   "\0010\0010\0010\0010\0010\0010\0010\0010\0010\0010\0010\0010"
                                   "\0010\0010\0010\0010\0010\0010\0010\0010\3ip6\4arpa";
static const uint8_t invalid[] = "\7invalid";
static const uint8_t onion[] = "\5onion";

static enum special find_reverse(const uint8_t *name, size_t *root_offset)
{
    size_t host;

    if (dname_under(name, loopback6, root_offset))
        return *root_offset == 0 ? SPECIAL_POINTER : SPECIAL_NOTHING;
    if (!dname_under(name, loopback4, root_offset))
        return SPECIAL_NONE;
    if (dname_under(name, loopback4_host, &host))
        return host == 0 ? SPECIAL_POINTER : SPECIAL_NOTHING;
    /* 127.in-addr.arpa, 0.127.… and 0.0.127.… exist, for they have the pointer below them. */
    return dname_under(loopback4_host, name, NULL) ? SPECIAL_EMPTY : SPECIAL_NOTHING;
}

enum special special_find(const uint8_t *name, size_t *root_offset)
{
    const uint8_t *last = name; /* the last label decides for nearly every name */

    for (const uint8_t *label = name; *label != 0; label += *label + 1)
        last = label;
    switch (*last) {
    case 4:
        return dname_equal(last, (const uint8_t *)"\4arpa") ? find_reverse(name, root_offset)
                                                            : SPECIAL_NONE;
    case 5:
        *root_offset = (size_t)(last - name);
        return dname_equal(last, onion) ? SPECIAL_NOTHING : SPECIAL_NONE;
    case 7:
        *root_offset = (size_t)(last - name);
        return dname_equal(last, invalid) ? SPECIAL_NOTHING : SPECIAL_NONE;
    case 9:
        *root_offset = (size_t)(last - name);
        return dname_equal(last, localhost) ? SPECIAL_LOCALHOST : SPECIAL_NONE;
    default:
        return SPECIAL_NONE;
    }
}

static bool put_data(struct wire_reply *r, enum special special, const struct wire_owner *name)
{
    static const uint8_t v4[4] = {127, 0, 0, 1};
    static const uint8_t v6[16] = {[15] = 1};
    uint16_t type = r->query->type;

    if (special == SPECIAL_LOCALHOST && type == WIRE_A)
        wire_reply_record(r, WIRE_ANSWER, name, 0, type, WIRE_IN, SPECIAL_TTL, v4, sizeof v4);
    else if (special == SPECIAL_LOCALHOST && type == WIRE_AAAA)
        wire_reply_record(r, WIRE_ANSWER, name, 0, type, WIRE_IN, SPECIAL_TTL, v6, sizeof v6);
    else if (special == SPECIAL_POINTER && type == WIRE_PTR)
        wire_reply_record(r, WIRE_ANSWER, name, 0, type, WIRE_IN, SPECIAL_TTL, localhost,
                          sizeof localhost);
    else
        return false;
    return true;
}

void special_write(struct wire_reply *r, enum special special, size_t root_offset)
{
    struct wire_owner name = {.name = wire_name(r->query), .at = WIRE_HEADER_SIZE};
    bool exists = special != SPECIAL_NOTHING;
    bool at_root = exists && root_offset == 0 && r->query->type == WIRE_SOA;

    r->rcode = exists ? WIRE_NOERROR : WIRE_NXDOMAIN;
    if (put_data(r, special, &name))
        return;
    wire_reply_soa(r, at_root ? WIRE_ANSWER : WIRE_AUTHORITY, &name, root_offset, 1, SPECIAL_TTL);
}
