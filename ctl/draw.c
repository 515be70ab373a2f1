#include "draw.h"

#include <assert.h>
#include <stdio.h>
#include <sys/random.h>

#include "uniquename.h"

#define ID_LETTERS 10

char *draw_unique_name(char out[DRAW_SIZE])
{
    uint8_t random[UNIQUENAME_RANDOM];

    /* So few octets come whole, once the kernel has any. */
    ssize_t n = getrandom(random, sizeof(random), 0);
    assert(n == (ssize_t)sizeof(random));
    uniquename_make(random, out);
    return out;
}

char *draw_id(const char *prefix, char out[DRAW_SIZE])
{
    char letters[DRAW_SIZE];

    (void)snprintf(out, DRAW_SIZE, "%s%.*s", prefix, ID_LETTERS, draw_unique_name(letters));
    return out;
}
