#include "dname.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "octets.h"

static uint8_t fold_octet(uint8_t c)
{
    return c >= 'A' && c <= 'Z' ? (uint8_t)(c + ('a' - 'A')) : c;
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* Reads one octet of a label that may be escaped; returns the characters used, 0 if it is wrong. */
static size_t read_octet(const char *text, size_t left, uint8_t *out)
{
    if (text[0] != '\\') {
        *out = fold_octet((uint8_t)text[0]);
        return 1;
    }
    if (left < 2) {
        return 0;
    }
    if (!is_digit(text[1])) {
        *out = fold_octet((uint8_t)text[1]);
        return 2;
    }
    if (left < 4 || !is_digit(text[2]) || !is_digit(text[3])) {
        return 0;
    }
    unsigned value = (unsigned)(text[1] - '0') * 100 + (unsigned)(text[2] - '0') * 10 +
                     (unsigned)(text[3] - '0');
    if (value > UINT8_MAX) {
        return 0;
    }
    *out = fold_octet((uint8_t)value);
    return 4;
}

bool dname_from_text(struct dname *out, const char *text, size_t length, const char **why)
{
    size_t size = 1, label = 0; /* label: where the length octet of the current one stands */

    *why = length == 0 ? "empty name" : NULL;
    if (length == 1 && text[0] == '.') {
        length = 0;
    }
    for (size_t i = 0; i < length && *why == NULL;) {
        uint8_t octet;
        size_t used = 1;

        if (text[i] == '.') {
            if (size == label + 1) {
                *why = "empty label";
            }
            out->wire[label] = (uint8_t)(size - label - 1);
            label = size;
        } else if ((used = read_octet(text + i, length - i, &octet)) == 0) {
            *why = "a backslash wants one character or three digits up to 255 behind it";
        } else if (size - label > DNAME_LABEL_MAX) {
            *why = "label longer than 63 octets";
        } else if (size < DNAME_MAX) {
            out->wire[size] = octet;
        }
        size++;
        i += used;
        /* An open label needs room for the root behind it. */
        if (*why == NULL && size + (size > label + 1) > DNAME_MAX) {
            *why = "name longer than 255 octets";
        }
    }
    if (*why != NULL) {
        return false;
    }
    if (size > label + 1) { /* no final dot: close the last label, then the root */
        out->wire[label] = (uint8_t)(size - label - 1);
        label = size++;
    }
    out->wire[label] = 0;
    out->size = (uint8_t)size;
    return true;
}

#define FOUR    true, true, true, true
#define SIXTEEN OCTETS_SIXTEEN(true)

/* By the octet in front of a label: false for those that the walk over a name has to look at, the
 * root, a marked label and what is no label at all. */
static const bool is_usual[UINT8_MAX + 1] = {
    false,   true,    true,    true,  FOUR, /* 0 is the root */
    true,    true,    true,    false, FOUR, /* 11 is marked */
    SIXTEEN, SIXTEEN, SIXTEEN,
};
_Static_assert(DNAME_MARKED == 11 && DNAME_LABEL_MAX == 4 * 16 - 1, "as the table says");

bool dname_cut(struct dname_cut *out, const uint8_t *wire, size_t size)
{
    size_t end = size < DNAME_MAX ? size : DNAME_MAX, at = 0, labels = 0;

    out->marked = false;
    while (at < end) {
        size_t length = wire[at];
        out->at[labels] = (uint8_t)at;
        at += length + 1;
        if (!is_usual[length]) {
            if (length != DNAME_MARKED) {
                out->labels = (uint8_t)labels;
                out->size = (uint8_t)at;
                return length == 0;
            }
            out->marked = true;
        }
        labels++;
    }
    return false;
}

bool dname_from_wire(struct dname *out, const uint8_t *wire, size_t size)
{
    struct dname_cut cut;

    if (!dname_cut(&cut, wire, size)) {
        return false;
    }
    out->size = cut.size;
    memcpy(out->wire, wire, cut.size);
    return true;
}

size_t dname_size(const uint8_t *wire)
{
    size_t at = 0;

    while (wire[at] != 0) {
        at += 1u + wire[at];
    }
    assert(at < DNAME_MAX);
    return at + 1;
}

unsigned dname_labels(const uint8_t *wire)
{
    unsigned labels = 0;

    for (; *wire != 0; wire += 1u + *wire) {
        labels++;
    }
    return labels;
}

/* What a master file would take for something else than itself. */
static bool is_special(uint8_t c)
{
    return c == '.' || c == '\\' || c == '"' || c == '(' || c == ')' || c == ';' || c == '@' ||
           c == '$';
}

char *dname_to_text(const uint8_t *wire, char *text)
{
    char *at = text;

    if (*wire == 0) {
        *at++ = '.';
    }
    while (*wire != 0) {
        unsigned length = *wire++;
        if (at != text) {
            *at++ = '.';
        }
        for (; length > 0; length--, wire++) {
            if (is_special(*wire)) {
                *at++ = '\\';
                *at++ = (char)*wire;
            } else if (*wire > ' ' && *wire < 0x7f) {
                *at++ = (char)*wire;
            } else {
                at += sprintf(at, "\\%03u", *wire);
            }
        }
    }
    assert(at < text + DNAME_TEXT_MAX);
    *at = '\0';
    return text;
}

/* Length octets are below 'A', so the whole name can be folded without regard to labels. */
void dname_fold_sized(uint8_t *out, const uint8_t *wire, size_t size)
{
    if (size < DNAME_STEP) {
        for (size_t i = 0; i < size; i++) {
            out[i] = fold_octet(wire[i]);
        }
        return;
    }
    /* The first sixteen overlap those behind: cheaper than one by one.  From the end, as names are
     * read: a word that stands across two stores would have to wait for both. */
    dname_fold16(out, wire);
    for (size_t left = size; left > DNAME_STEP; left -= DNAME_STEP) {
        dname_fold16(out + left - DNAME_STEP, wire + left - DNAME_STEP);
    }
}

size_t dname_fold(uint8_t *out, const uint8_t *wire)
{
    size_t size = dname_size(wire);

    dname_fold_sized(out, wire, size);
    return size;
}

static bool octets_equal(const uint8_t *a, const uint8_t *b, size_t size)
{
    for (size_t i = 0; i < size; i++) {
        if (fold_octet(a[i]) != fold_octet(b[i])) {
            return false;
        }
    }
    return true;
}

bool dname_equal(const uint8_t *a, const uint8_t *b)
{
    size_t size = dname_size(a);

    return size == dname_size(b) && octets_equal(a, b, size);
}

bool dname_under(const uint8_t *name, const uint8_t *suffix, size_t *offset)
{
    size_t name_size = dname_size(name), suffix_size = dname_size(suffix);

    if (suffix_size > name_size) {
        return false;
    }
    size_t at = 0;
    while (name_size - at > suffix_size) {
        at += 1u + name[at];
    }
    if (name_size - at != suffix_size || !octets_equal(name + at, suffix, suffix_size)) {
        return false;
    }
    if (offset != NULL) {
        *offset = at;
    }
    return true;
}

bool dname_is_in(const uint8_t *name, const uint8_t *top, bool subtree)
{
    return subtree ? dname_under(name, top, NULL) : dname_equal(name, top);
}

bool dname_is_wildcard(const uint8_t *wire)
{
    return wire[0] == 1 && wire[1] == '*';
}

bool dname_prepend(struct dname *out, const uint8_t *label, size_t length,
                   const struct dname *parent)
{
    assert(length > 0 && length <= DNAME_LABEL_MAX);
    if (1 + length + parent->size > DNAME_MAX) {
        return false;
    }
    memmove(out->wire + 1 + length, parent->wire, parent->size); /* 'out' may be 'parent' */
    out->wire[0] = (uint8_t)length;
    memcpy(out->wire + 1, label, length);
    out->size = (uint8_t)(1 + length + parent->size);
    return true;
}
