#include "octetmark.h"

#include <stdbool.h>
#include <stdlib.h>

#include "alloc.h"

/* Characters from one mark to the next. */
#define STEP 1024

static bool is_inside_character(char octet)
{
    return ((unsigned char)octet & 0xc0) == 0x80;
}

void octetmark_open(struct octetmark *marks, const void *bytes, size_t size)
{
    size_t characters = 0, step = 0;

    *marks = (struct octetmark){.bytes = bytes, .size = size};
    for (size_t i = 0; i < size; i++)
        characters += !is_inside_character(marks->bytes[i]);
    if (characters == size)
        return;
    marks->octets = alloc_array(characters / STEP + 1, sizeof *marks->octets);
    characters = 0;
    for (size_t i = 0; i < size; i++) {
        if (!is_inside_character(marks->bytes[i]) && characters++ % STEP == 0)
            marks->octets[step++] = (uint32_t)i;
    }
}

void octetmark_close(struct octetmark *marks)
{
    free(marks->octets);
    marks->octets = NULL;
}

uint32_t octetmark_of(const struct octetmark *marks, size_t character)
{
    if (marks->octets == NULL)
        return (uint32_t)character;
    size_t at = marks->octets[character / STEP];
    for (size_t left = character % STEP; at < marks->size && left > 0; left--) {
        do
            at++;
        while (at < marks->size && is_inside_character(marks->bytes[at]));
    }
    return (uint32_t)at;
}
