#include "unpacking.h"

#include <string.h>

struct unpacking unpacking_of(const void *bytes, size_t size)
{
    struct unpacking unpacking = {.bytes = bytes, .at = bytes, .end = bytes, .terminated = bytes};
    const uint8_t *last = size > 0 ? memrchr(bytes, '\0', size) : NULL;

    if (size > 0) { /* nothing may be nowhere */
        unpacking.end += size;
    }
    if (last != NULL) {
        unpacking.terminated = last + 1;
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
