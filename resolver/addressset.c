#include "addressset.h"

#include <arpa/inet.h>
#include <ldns/ldns.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "alloc.h"
#include "endpoint.h"
#include "record.h"

#define OCTETS_A    4
#define OCTETS_AAAA 16
/* More than are kept: which of many are, shall not hang on their order. */
#define READ_MAX 256

static int compare_addresses(const void *a, const void *b)
{
    const struct connection_address *x = a, *y = b;

    return memcmp(x->bytes, y->bytes, sizeof x->bytes);
}

/* The address in a record, if it is of that type and somebody can connect to it. */
static bool take_address(const ldns_rr *rr, uint16_t type, struct connection_address *out)
{
    size_t octets = type == RECORD_AAAA ? OCTETS_AAAA : OCTETS_A;
    const ldns_rdf *rdf = ldns_rr_rdf(rr, 0);

    if (ldns_rr_get_type(rr) != (ldns_rr_type)type || ldns_rr_get_class(rr) != LDNS_RR_CLASS_IN ||
        rdf == NULL || ldns_rdf_size(rdf) != octets)
        return false;
    *out = (struct connection_address){.v6 = type == RECORD_AAAA};
    memcpy(out->bytes, ldns_rdf_data(rdf), octets);
    return endpoint_is_useful(out);
}

void addressset_read(struct addressset *out, const uint8_t *message, size_t size,
                     const struct reply *reply, uint16_t type)
{
    struct connection_address all[READ_MAX];
    size_t at = reply->records_at;
    unsigned length = 0;

    for (unsigned i = 0; i < reply->answer_count && length < READ_MAX; i++) {
        ldns_rr *rr;
        ldns_status status = ldns_wire2rr(&rr, message, size, &at, LDNS_SECTION_ANSWER);
        if (status == LDNS_STATUS_MEM_ERR)
            alloc_had(NULL);
        if (status != LDNS_STATUS_OK)
            break; /* cannot be: it was checked, and ldns agrees (tests/fuzz/fuzz_codec.c) */
        length += take_address(rr, type, &all[length]);
        ldns_rr_free(rr);
    }
    qsort(all, length, sizeof *all, compare_addresses);
    *out = (struct addressset){0};
    for (unsigned i = 0; i < length && out->length < CONNECTION_ADDRESSES_MAX; i++) {
        if (i == 0 || compare_addresses(&all[i - 1], &all[i]) != 0)
            out->items[out->length++] = all[i];
    }
}

bool addressset_replace(struct addressset *set, const struct addressset *other)
{
    bool same = set->length == other->length;

    for (unsigned i = 0; i < other->length && same; i++)
        same = compare_addresses(&set->items[i], &other->items[i]) == 0;
    *set = *other;
    return !same;
}

size_t addressset_list(const struct addressset *set, char *text, size_t size, size_t used)
{
    for (unsigned i = 0; i < set->length; i++) {
        char one[INET6_ADDRSTRLEN] = "?";

        inet_ntop(set->items[i].v6 ? AF_INET6 : AF_INET, set->items[i].bytes, one, sizeof one);
        int n = snprintf(text + used, size - used, "%s%s", used > 0 ? "," : "", one);
        if (n < 0 || (size_t)n >= size - used) {
            text[used] = '\0';
            return used;
        }
        used += (size_t)n;
    }
    return used;
}
