#include "spelling.h"

#include <stddef.h>
#include <string.h>

/* Longer words are no misspelling of a field's name. */
#define WORD_MAX 48

/* The length; 0 if it is too long to be meant. */
static size_t normalise(const char *word, char out[WORD_MAX])
{
    size_t length = 0;

    for (; *word != '\0'; word++) {
        if (*word == '-' || *word == '_')
            continue;
        if (length == WORD_MAX)
            return 0;
        out[length++] = *word >= 'A' && *word <= 'Z' ? (char)(*word - 'A' + 'a') : *word;
    }
    return length;
}

static unsigned least(unsigned a, unsigned b)
{
    return a < b ? a : b;
}

/* The number of letters to leave out, add, replace or swap with the next (optimal string
 * alignment). */
static unsigned distance(const char *a, size_t a_length, const char *b, size_t b_length)
{
    unsigned rows[3][WORD_MAX + 1];
    unsigned *before = rows[0], *above = rows[1], *row = rows[2];

    for (size_t j = 0; j <= b_length; j++)
        above[j] = (unsigned)j;
    for (size_t i = 1; i <= a_length; i++) {
        row[0] = (unsigned)i;
        for (size_t j = 1; j <= b_length; j++) {
            row[j] = least(above[j] + 1, row[j - 1] + 1);
            row[j] = least(row[j], above[j - 1] + (a[i - 1] != b[j - 1]));
            if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
                row[j] = least(row[j], before[j - 2] + 1);
        }
        unsigned *oldest = before;
        before = above;
        above = row;
        row = oldest;
    }
    return above[b_length];
}

const char *spelling_nearest(const char *word, const char *const *known)
{
    char one[WORD_MAX], other[WORD_MAX];
    size_t length = normalise(word, one);
    const char *nearest = NULL;
    unsigned best = 1;

    if (length == 0)
        return NULL;
    /* One mistake in a short word, then one more for every four letters. */
    if (length >= 3)
        best += (unsigned)(length + 2) / 4;
    for (; *known != NULL; known++) {
        size_t known_length = normalise(*known, other);
        unsigned far = distance(one, length, other, known_length);
        if (far < best) {
            best = far;
            nearest = *known;
        }
    }
    return nearest;
}
