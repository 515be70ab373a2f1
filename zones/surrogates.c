#include "surrogates.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "alloc.h"

#define HALF_SIZE   6                                     /* \ud83d */
#define JOINED_SIZE 10                                    /* \U0001f600 */
#define SHORTER     ((size_t)2 * HALF_SIZE - JOINED_SIZE) /* in characters, too: all is ASCII */

/* ---- pairs ---- */

/* The number in "\uXXXX"; 0 if that is not what stands there. */
static unsigned escape_at(const char *at, const char *end)
{
    unsigned value = 0;

    if (end - at < HALF_SIZE || at[0] != '\\' || at[1] != 'u')
        return 0;
    for (int i = 2; i < HALF_SIZE; i++) {
        static const char digits[] = "0123456789abcdefABCDEF";
        const char *digit = at[i] == '\0' ? NULL : strchr(digits, at[i]);
        if (digit == NULL)
            return 0;
        unsigned n = (unsigned)(digit - digits);
        value = value << 4 | (n < 16 ? n : n - 6);
    }
    return value;
}

/* The character that the pair there stands for; 0: there is none. */
static unsigned pair_at(const char *at, const char *end)
{
    unsigned high = escape_at(at, end);

    if (high < 0xd800 || high > 0xdbff)
        return 0;
    unsigned low = escape_at(at + HALF_SIZE, end);
    if (low < 0xdc00 || low > 0xdfff)
        return 0;
    return 0x10000 + ((high - 0xd800) << 10 | (low - 0xdc00));
}

/* ---- where they count ---- */

static bool is_space(char c)
{
    return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

static bool is_json(const char *at, const char *end)
{
    while (at < end && is_space(*at))
        at++;
    return at < end && (*at == '{' || *at == '[');
}

/* Most documents have none: this is all that is done with them. */
static bool may_have_pair(const char *at, const char *end)
{
    for (; at < end && (at = memchr(at, '\\', (size_t)(end - at))) != NULL; at++) {
        if (pair_at(at, end) != 0)
            return true;
    }
    return false;
}

static void put(struct surrogates *out, const char *bytes, size_t size)
{
    memcpy(out->bytes + out->size, bytes, size);
    out->size += size;
}

static void put_joined(struct surrogates *out, unsigned value, size_t characters)
{
    char text[JOINED_SIZE + 1];

    snprintf(text, sizeof text, "\\U%08x", value);
    put(out, text, JOINED_SIZE);
    /* Room grows in powers of two: it is full exactly when the length is one. */
    if ((out->length & (out->length - 1)) == 0)
        out->behind =
            alloc_resize(out->behind, out->length == 0 ? 1 : 2 * out->length, sizeof *out->behind);
    out->behind[out->length++] = (uint32_t)characters;
}

/* Brackets, commas, numbers, true, false, null. */
static bool is_of_json(char c)
{
    return c != '\0' && strchr("{}[],+-.0123456789eEtrufalsn", c) != NULL;
}

/* Copies a string, without its first quote; returns where it ends, NULL: nowhere. */
static const char *copy_string(struct surrogates *out, size_t *characters, const char *at,
                               const char *end)
{
    while (at < end && *at != '"') {
        unsigned value = *at == '\\' ? pair_at(at, end) : 0;
        if (value != 0) {
            *characters += JOINED_SIZE;
            put_joined(out, value, *characters);
            at += (size_t)2 * HALF_SIZE;
            continue;
        }
        /* A backslash takes the next one with it. */
        size_t size = *at == '\\' && end - at > 1 && (unsigned char)at[1] < 0x80 ? 2 : 1;
        for (size_t i = 0; i < size; i++)
            *characters += ((unsigned char)at[i] & 0xc0) != 0x80;
        put(out, at, size);
        at += size;
    }
    return at < end ? at : NULL;
}

/* False: it is no JSON.  What is a string is told by what stands in front of its quote; where that
 * leaves a doubt, YAML may see it otherwise. */
static bool copy(struct surrogates *out, const char *at, const char *end)
{
    size_t characters = 0;
    char before = ','; /* the last that is no space */

    for (; at < end; at++) {
        put(out, at, 1);
        characters++;
        if (is_space(*at))
            continue;
        if (*at == '"') {
            if (strchr("{[,:", before) == NULL)
                return false;
            at = copy_string(out, &characters, at + 1, end);
            if (at == NULL)
                return false;
            put(out, at, 1);
            characters++;
        } else if (*at == ':' ? before != '"' : !is_of_json(*at)) {
            return false;
        }
        before = *at;
    }
    return true;
}

void surrogates_join(struct surrogates *out, const char *bytes, size_t size)
{
    const char *end = bytes + size;

    *out = (struct surrogates){0};
    if (!is_json(bytes, end) || !may_have_pair(bytes, end))
        return;
    out->bytes = alloc_array(size, 1);
    if (!copy(out, bytes, end) || out->length == 0)
        surrogates_free(out);
}

void surrogates_free(struct surrogates *surrogates)
{
    free(surrogates->bytes);
    free(surrogates->behind);
    *surrogates = (struct surrogates){0};
}

size_t surrogates_origin_joined(const struct surrogates *surrogates, size_t character)
{
    size_t first = 0, last = surrogates->length; /* the first one behind it is in between */

    while (first < last) {
        size_t middle = (first + last) / 2;
        if (surrogates->behind[middle] <= character)
            first = middle + 1;
        else
            last = middle;
    }
    return character + first * SHORTER;
}
