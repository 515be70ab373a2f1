#include "unpacking.h"

#include <string.h>

#include "packing.h"

struct unpacking unpacking_of(const void *bytes, size_t size)
{
    struct unpacking unpacking = {.bytes = bytes, .at = bytes, .end = bytes};

    if (size > 0) { /* nothing may be nowhere */
        unpacking.end += size;
    }
    return unpacking;
}

uint64_t unpacking_long_number(struct unpacking *unpacking)
{
    uint64_t number = 0;

    for (unsigned shift = 0; unpacking->at < unpacking->end && shift < 7 * PACKING_NUMBER_MAX;
         shift += 7) {
        uint8_t octet = *unpacking->at++;
        number |= (uint64_t)(octet & ~PACKING_MORE) << shift;
        if (octet < PACKING_MORE) {
            return number;
        }
    }
    unpacking->broken = true;
    return 0;
}

const uint8_t *unpacking_bytes(struct unpacking *unpacking, size_t size)
{
    const uint8_t *at = unpacking->at;

    if (size > (size_t)(unpacking->end - at)) {
        unpacking->broken = true;
        return NULL;
    }
    unpacking->at += size;
    return at;
}

/* What stood further left. */
static const char *known_text(struct unpacking *unpacking, uint64_t place)
{
    size_t before = (size_t)(unpacking->at - unpacking->bytes);

    if (place >= before || memchr(unpacking->bytes + place, '\0', before - place) == NULL) {
        unpacking->broken = true;
        return "";
    }
    return (const char *)unpacking->bytes + place;
}

const char *unpacking_text(struct unpacking *unpacking)
{
    uint64_t head = unpacking_number(unpacking), length = head >> 1;

    if (head & PACKING_REFERENCE) {
        return known_text(unpacking, length);
    }
    if (length == 0) {
        return "";
    }
    if (length >= (size_t)(unpacking->end - unpacking->at) || unpacking->at[length] != '\0') {
        unpacking->broken = true;
        return "";
    }
    return (const char *)unpacking_bytes(unpacking, length + 1);
}

size_t unpacking_length(struct unpacking *unpacking)
{
    uint64_t length = unpacking_number(unpacking);

    if (length > (size_t)(unpacking->end - unpacking->at)) {
        unpacking->broken = true;
        return 0;
    }
    return length;
}
