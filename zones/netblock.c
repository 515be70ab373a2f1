#include "netblock.h"

#include <arpa/inet.h>
#include <endian.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

#include "alloc.h"

#define V4_BITS   96 /* what stands in front of an IPv4 address in its mapped form … */
#define V4_MAPPED UINT64_C(0xffff00000000) /* … its lower half */

static const uint8_t v4_prefix[V4_BITS / 8] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};

static const struct {
    const char *word;
    const char *ranges[8]; /* ended by NULL */
} words[] = {
    {"loopback", {"127.0.0.0/8", "::1"}},
    {"private",
     {"10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10", "169.254.0.0/16",
      "fc00::/7", "fe80::/10"}},
    {"any", {"::/0"}}, /* mapped IPv4 addresses lie in it */
};

/* The prefix length behind the slash; false if it is no number up to 'most'. */
static bool read_bits(const char *text, unsigned most, unsigned *out)
{
    unsigned value = 0;

    if (*text == '\0' || strlen(text) > 3) {
        return false;
    }
    for (; *text != '\0'; text++) {
        if (*text < '0' || *text > '9') {
            return false;
        }
        value = value * 10 + (unsigned)(*text - '0');
    }
    *out = value;
    return value <= most;
}

static bool is_clean(const struct netblock *block)
{
    for (unsigned bit = block->bits; bit < 128; bit++) {
        if (block->address[bit / 8] & 0x80u >> bit % 8) {
            return false;
        }
    }
    return true;
}

static bool read_range(struct netblock *out, const char *text, const char **why)
{
    char host[INET6_ADDRSTRLEN];
    const char *slash = strchrnul(text, '/');
    size_t length = (size_t)(slash - text);
    unsigned offset = 0, bits;

    if (length >= sizeof(host)) {
        *why = "not an IP address";
        return false;
    }
    memcpy(host, text, length);
    host[length] = '\0';
    if (inet_pton(AF_INET, host, out->address + sizeof(v4_prefix)) == 1) {
        memcpy(out->address, v4_prefix, sizeof(v4_prefix));
        offset = V4_BITS;
    } else if (inet_pton(AF_INET6, host, out->address) != 1) {
        *why = "not an IP address, a range like 10.0.0.0/8, or loopback, private, any";
        return false;
    }
    bits = 128 - offset;
    if (*slash == '/' && !read_bits(slash + 1, 128 - offset, &bits)) {
        *why = offset != 0 ? "prefix length wants a number from 0 to 32"
                           : "prefix length wants a number from 0 to 128";
        return false;
    }
    out->bits = (uint8_t)(offset + bits);
    /* 10.1.2.3/8 is more often a slip than a wish to let 10.0.0.0/8 in. */
    if (!is_clean(out)) {
        *why = "address has bits set behind the prefix length";
        return false;
    }
    return true;
}

static uint64_t load(const uint8_t *at)
{
    uint64_t word;

    memcpy(&word, at, sizeof(word));
    return be64toh(word);
}

/* The upper so many bits of a word, none or all if it has no such number. */
static uint64_t upper_bits(int bits)
{
    return bits <= 0 ? 0 : bits >= 64 ? UINT64_MAX : ~(UINT64_MAX >> bits);
}

static struct netblock_range range_of(const struct netblock *block)
{
    return (struct netblock_range){
        .high = load(block->address),
        .low = load(block->address + 8),
        .high_mask = upper_bits(block->bits),
        .low_mask = upper_bits(block->bits - 64),
    };
}

/* False: no IPv4 address lies in it. */
static bool v4_of(const struct netblock_range *range, struct netblock_v4 *out)
{
    uint64_t above = range->low_mask & ~(uint64_t)UINT32_MAX;

    *out = (struct netblock_v4){htonl((uint32_t)range->low), htonl((uint32_t)range->low_mask)};
    return (range->high & range->high_mask) == 0 && ((range->low ^ V4_MAPPED) & above) == 0;
}

static bool append(struct netblock_list *list, const struct netblock *block, const char **why)
{
    if (list->length >= NETBLOCK_LIST_MAX) {
        *why = "too many ranges";
        return false;
    }
    list->items = alloc_resize(list->items, list->length + 1, sizeof(*list->items));
    list->ranges = alloc_resize(list->ranges, list->length + 1, sizeof(*list->ranges));
    list->v4 = alloc_resize(list->v4, list->v4_length + 1, sizeof(*list->v4));
    list->items[list->length] = *block;
    list->ranges[list->length] = range_of(block);
    if (v4_of(&list->ranges[list->length], &list->v4[list->v4_length])) {
        list->v4_length++;
    }
    list->length++;
    return true;
}

bool netblock_add(struct netblock_list *list, const char *text, const char **why)
{
    struct netblock block;

    for (size_t i = 0; i < ARRAY_LENGTH(words); i++) {
        if (strcmp(words[i].word, text) != 0) {
            continue;
        }
        size_t before = list->length, v4_before = list->v4_length;
        for (const char *const *range = words[i].ranges; *range != NULL; range++) {
            if (!read_range(&block, *range, why) || !append(list, &block, why)) {
                list->length = before;
                list->v4_length = v4_before;
                return false;
            }
        }
        return true;
    }
    return read_range(&block, text, why) && append(list, &block, why);
}

bool netblock_contains_v6(const struct netblock_list *list, const struct sockaddr *address)
{
    if (address->sa_family != AF_INET6) {
        return false;
    }
    const struct sockaddr_in6 *v6 = (const void *)address;
    uint64_t high = load(v6->sin6_addr.s6_addr);
    uint64_t low = load(v6->sin6_addr.s6_addr + sizeof(high));
    for (size_t i = 0; i < list->length; i++) {
        const struct netblock_range *r = &list->ranges[i];
        if ((((high ^ r->high) & r->high_mask) | ((low ^ r->low) & r->low_mask)) == 0) {
            return true;
        }
    }
    return false;
}

bool netblock_of(struct netblock *out, const struct sockaddr *address)
{
    out->bits = 128;
    if (address->sa_family == AF_INET) {
        memcpy(out->address, v4_prefix, sizeof(v4_prefix));
        memcpy(out->address + sizeof(v4_prefix),
               &((const struct sockaddr_in *)(const void *)address)->sin_addr, 4);
        return true;
    }
    if (address->sa_family == AF_INET6) {
        memcpy(out->address, &((const struct sockaddr_in6 *)(const void *)address)->sin6_addr, 16);
        return true;
    }
    return false;
}

void netblock_shorten(const struct netblock *from, unsigned bits, struct netblock *out)
{
    unsigned whole = bits / 8;

    memset(out, 0, sizeof(*out));
    out->bits = (uint8_t)bits;
    memcpy(out->address, from->address, whole);
    if (bits % 8 != 0) {
        out->address[whole] = (uint8_t)(from->address[whole] & 0xffu << (8 - bits % 8));
    }
}

void netblock_clear(struct netblock_list *list)
{
    free(list->items);
    free(list->ranges);
    free(list->v4);
    *list = (struct netblock_list){0};
}
