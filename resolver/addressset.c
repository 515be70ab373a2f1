#include "addressset.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "endpoint.h"
#include "record.h"

#define CLASS_IN    1
#define OCTETS_A    4
#define OCTETS_AAAA 16
/* More than are kept: which of many are, shall not hang on their order. */
#define READ_MAX 256

static int compare_addresses(const void *a, const void *b)
{
    const struct connection_address *x = a, *y = b;

    return memcmp(x->bytes, y->bytes, sizeof x->bytes);
}

void addressset_read(struct addressset *out, const uint8_t *message, size_t size,
                     const struct reply *reply, uint16_t type)
{
    struct connection_address all[READ_MAX];
    size_t octets = type == RECORD_AAAA ? OCTETS_AAAA : OCTETS_A, at = reply->records_at;
    unsigned length = 0;
    struct record record;

    for (unsigned i = 0; i < reply->answer_count && length < READ_MAX; i++, at = record.end) {
        if (!record_read(message, size, at, &record))
            break; /* cannot be: it was checked */
        if (record.type != type || record.class != CLASS_IN || record.rdata_size != octets)
            continue;
        all[length] = (struct connection_address){.v6 = type == RECORD_AAAA};
        memcpy(all[length].bytes, message + record.rdata, octets);
        length += endpoint_is_useful(&all[length]);
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
