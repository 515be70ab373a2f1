#include "spelling.h"

#include <stdbool.h>
#include <stddef.h>
#include <string.h>

/* Longer words are no misspelling of a field's name. */
#define WORD_MAX 48

struct word {
    char letters[WORD_MAX];
    bool begins[WORD_MAX]; /* a part of it, as the N of uniqueName or unique_name */
    size_t length;         /* 0: it is too long to be meant */
};

static bool is_capital(char c)
{
    return c >= 'A' && c <= 'Z';
}

static void normalise(const char *text, struct word *out)
{
    char before = '_';

    out->length = 0;
    for (; *text != '\0'; before = *text++) {
        bool joint = before == '-' || before == '_';
        if (*text == '-' || *text == '_')
            continue;
        if (out->length == WORD_MAX) {
            out->length = 0;
            return;
        }
        out->begins[out->length] = joint || (is_capital(*text) && !is_capital(before));
        out->letters[out->length++] = is_capital(*text) ? (char)(*text - 'A' + 'a') : *text;
    }
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

/* One mistake for every three letters of the longer word; none in one or two letters. */
static unsigned mistakes(size_t length, size_t known_length)
{
    return length < 3 ? 0 : (unsigned)(length > known_length ? length : known_length) / 3;
}

const char *spelling_nearest(const char *word, const char *const *known)
{
    struct word one, other;
    const char *nearest = NULL;
    unsigned best = 2 * WORD_MAX;

    normalise(word, &one);
    if (one.length == 0)
        return NULL;
    for (; *known != NULL; known++) {
        normalise(*known, &other);
        unsigned far = distance(one.letters, one.length, other.letters, other.length);
        if (far < best && far <= mistakes(one.length, other.length)) {
            best = far;
            nearest = *known;
        }
    }
    return nearest;
}

/* Where 'part', as a word or several, begins in 'whole'; its length if it does nowhere. */
static size_t find(const struct word *whole, const struct word *part)
{
    for (size_t i = 0; part->length > 1 && i + part->length < whole->length + 1; i++) {
        size_t end = i + part->length;
        if (whole->begins[i] && (end == whole->length || whole->begins[end]) &&
            memcmp(whole->letters + i, part->letters, part->length) == 0)
            return i;
    }
    return whole->length;
}

const char *spelling_nearest_field(const char *word, const char *const *known)
{
    const char *nearest = spelling_nearest(word, known), *end = NULL;
    struct word one, other;

    normalise(word, &one);
    for (; nearest == NULL && *known != NULL; known++) {
        normalise(*known, &other);
        if (find(&other, &one) < other.length)
            nearest = *known;
        size_t at = find(&one, &other);
        if (at < one.length && at + other.length == one.length)
            end = *known;
    }
    return nearest != NULL ? nearest : end;
}
