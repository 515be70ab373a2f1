#include "packing.h"

#include <stdlib.h>
#include <string.h>

#include "alloc.h"

void packing_make_room(struct packing *packing, size_t size)
{
    packing->space = 2 * packing->space + size + 256;
    packing->bytes = alloc_resize(packing->bytes, packing->space, 1);
}

void packing_bytes(struct packing *packing, const void *bytes, size_t size)
{
    uint8_t *at = packing_room(packing, size);

    if (size > 0) {
        memcpy(at, bytes, size);
    }
    packing->size += size;
}

static uint32_t *recent(struct packing *packing, const char *text, size_t length)
{
    size_t mix = (uint8_t)text[0] + (uint8_t)text[length / 2] * 5u +
                 (uint8_t)text[length - 1] * 7u + length * 31u;

    return &packing->recent[mix & (PACKING_RECENT - 1)];
}

void packing_text(struct packing *packing, const char *text)
{
    if (*text == '\0') {
        packing_number(packing, 0);
        return;
    }
    size_t length = strlen(text);
    uint32_t *place = recent(packing, text, length);
    if (*place != 0 && strcmp((const char *)packing->bytes + *place, text) == 0) {
        packing_number(packing, (uint64_t)*place << 1 | PACKING_REFERENCE);
        return;
    }
    packing_number(packing, (uint64_t)length << 1);
    *place = packing->size <= UINT32_MAX ? (uint32_t)packing->size : 0;
    packing_bytes(packing, text, length + 1);
}
