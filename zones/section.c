#include "section.h"

#include <string.h>

#include "digest.h"

void section_tell(struct packing *packing, uint64_t place, const void *bytes, size_t size)
{
    struct digest_sum sum;

    digest_sum_of(&sum, NULL, bytes, size);
    packing_number(packing, place);
    packing_number(packing, size);
    packing_bytes(packing, sum.bytes, sizeof(sum.bytes));
}

bool section_put(struct packing *packing, struct shelf *shelf, const void *bytes, size_t size,
                 size_t align)
{
    uint64_t place;

    if (shelf_put(shelf, bytes, size, align, &place) == NULL) {
        return false;
    }
    section_tell(packing, place, bytes, size);
    return true;
}

const void *section_take(struct unpacking *unpacking, const struct shelf *shelf, uint64_t *place,
                         size_t *size)
{
    struct digest_sum sum;

    *place = unpacking_number(unpacking);
    *size = unpacking_number(unpacking);
    const uint8_t *expected = unpacking_bytes(unpacking, sizeof(sum.bytes));
    const void *bytes = expected != NULL ? shelf_at(shelf, *place, *size) : NULL;
    if (bytes != NULL) {
        digest_sum_of(&sum, NULL, bytes, *size);
    }
    if (bytes == NULL || memcmp(sum.bytes, expected, sizeof(sum.bytes)) != 0) {
        unpacking->broken = true;
        return NULL;
    }
    return bytes;
}
