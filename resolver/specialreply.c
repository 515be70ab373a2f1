#include "specialreply.h"

static const uint8_t localhost[] = "\11localhost";

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

void specialreply_write(struct wire_reply *r, enum special special, size_t root_offset)
{
    struct wire_owner name = {.name = wire_name(r->query), .at = WIRE_HEADER_SIZE};
    bool exists = special != SPECIAL_NOTHING;
    bool at_root = exists && root_offset == 0 && r->query->type == WIRE_SOA;

    r->rcode = exists ? WIRE_NOERROR : WIRE_NXDOMAIN;
    if (put_data(r, special, &name))
        return;
    wire_reply_soa(r, at_root ? WIRE_ANSWER : WIRE_AUTHORITY, &name, root_offset, 1, SPECIAL_TTL);
}
