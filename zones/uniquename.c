#include "uniquename.h"

#include <string.h>

void uniquename_make(const uint8_t random[UNIQUENAME_RANDOM], char out[UNIQUENAME_LENGTH + 1])
{
    static const char letters[] = "abcdefghijklmnopqrstuvwxyz234567";
    uint8_t uuid[UNIQUENAME_RANDOM];
    unsigned bits = 0, held = 0;
    char *at = out;

    memcpy(uuid, random, sizeof uuid);
    uuid[6] = (uint8_t)((uuid[6] & 0x0f) | 0x40); /* version 4 */
    uuid[8] = (uint8_t)((uuid[8] & 0x3f) | 0x80); /* variant of RFC 9562 */
    for (unsigned i = 0; i < sizeof uuid; i++) {
        bits = (bits << 8 | uuid[i]) & 0xfff;
        for (held += 8; held >= 5; held -= 5)
            *at++ = letters[bits >> (held - 5) & 31];
    }
    *at++ = letters[bits << (5 - held) & 31];
    *at = '\0';
}
