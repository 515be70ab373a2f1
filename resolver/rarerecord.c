#include "rarerecord.h"

#include <ldns/ldns.h>
#include <string.h>

#include "alloc.h"

#define STRING_MAX 255 /* octets of one string (RFC 1035 3.3) */
/* Most records are shorter; ldns lets the buffer grow. */
#define RDATA_USUAL 512

ldns_rr *rarerecord_new(const struct wire_query *query, enum wire_type type, uint32_t ttl)
{
    ldns_rr *rr = alloc_had(ldns_rr_new());

    ldns_rr_set_type(rr, (ldns_rr_type)type);
    ldns_rr_set_class(rr, (ldns_rr_class)query->class);
    ldns_rr_set_ttl(rr, ttl);
    return rr;
}

static void add_string(ldns_rr *rr, const char *octets, size_t size)
{
    uint8_t string[1 + STRING_MAX];

    string[0] = (uint8_t)size;
    memcpy(string + 1, octets, size);
    ldns_rdf *rdf = alloc_had(ldns_rdf_new_frm_data(LDNS_RDF_TYPE_STR, 1 + size, string));
    if (!ldns_rr_push_rdf(rr, rdf))
        alloc_had(NULL);
}

void rarerecord_add(ldns_rr *rr, const char *text)
{
    size_t left = strlen(text);

    do {
        size_t part = left < STRING_MAX ? left : STRING_MAX;
        add_string(rr, text, part);
        text += part;
        left -= part;
    } while (left > 0);
}

/* ldns would write the owner out; as a pointer to the question it is two octets. */
void rarerecord_put(struct wire_reply *r, ldns_rr *rr)
{
    const struct wire_owner owner = {.name = wire_name(r->query), .at = WIRE_HEADER_SIZE};
    ldns_buffer *rdata = alloc_had(ldns_buffer_new(RDATA_USUAL));

    if (ldns_rr_rdata2buffer_wire(rdata, rr) != LDNS_STATUS_OK)
        alloc_had(NULL); /* strings can fail in no other way */
    wire_reply_record(r, WIRE_ANSWER, &owner, 0, (uint16_t)ldns_rr_get_type(rr),
                      (uint16_t)ldns_rr_get_class(rr), ldns_rr_ttl(rr), ldns_buffer_begin(rdata),
                      ldns_buffer_position(rdata));
    ldns_buffer_free(rdata);
    ldns_rr_free(rr);
}
