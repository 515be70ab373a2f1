/* Characters beyond 16 bits in JSON, which writes them as two escapes ("\ud83d\ude00"): YAML has
 * one for them ("\U0001f600"), and refuses halves. */
#ifndef PLDNS_SURROGATES_H
#define PLDNS_SURROGATES_H

#include <stddef.h>
#include <stdint.h>

/* A copy of a JSON text in which every pair is one escape of YAML, two characters shorter. */
struct surrogates {
    char *bytes; /* NULL: there is no pair, or the text is no JSON: read it as it is */
    size_t size;
    uint32_t *behind; /* the pairs: which character of the copy comes behind each */
    size_t length;
};

/* Halves without partner stay, to be complained about. */
void surrogates_join(struct surrogates *, const char *bytes, size_t size);
void surrogates_free(struct surrogates *);

/* Which character of the text the copy's character is, both from 0; without a copy the same. */
static inline size_t surrogates_origin(const struct surrogates *, size_t character);

/* ---- private: in line, for it is asked twice for every value, and there is hardly ever a pair
 * ---- */

size_t surrogates_origin_joined(const struct surrogates *, size_t character);

static inline size_t surrogates_origin(const struct surrogates *surrogates, size_t character)
{
    return surrogates->length == 0 ? character : surrogates_origin_joined(surrogates, character);
}

#endif
