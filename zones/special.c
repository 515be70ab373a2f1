#include "special.h"

#include "dname.h"

/* Lengths of the names in octets, the root label included. */
static const uint8_t localhost[] = "\11localhost";
static const uint8_t loopback4[] = "\003127\7in-addr\4arpa";
static const uint8_t loopback4_host[] = "\0011\0010\0010\003127\7in-addr\4arpa";
static const uint8_t loopback6[] = "\0011\0010\0010\0010\0010\0010\0010\0010\0010\0010\0010\0010"
                                   "\0010\0010\0010\0010\0010\0010\0010\0010\0010\0010\0010\0010"
                                   "\0010\0010\0010\0010\0010\0010\0010\0010\3ip6\4arpa";
static const uint8_t resolver_arpa[] = "\10resolver\4arpa";
static const uint8_t invalid[] = "\7invalid";
static const uint8_t onion[] = "\5onion";

static enum special find_in_arpa(const uint8_t *name, size_t *root_offset)
{
    size_t host;

    if (dname_under(name, resolver_arpa, root_offset))
        return SPECIAL_EMPTY;
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
        return dname_equal(last, (const uint8_t *)"\4arpa") ? find_in_arpa(name, root_offset)
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
