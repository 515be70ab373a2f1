#include "hostname.h"

#include <string.h>

static bool is_plain(uint8_t c)
{
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_';
}

static bool check_label(const uint8_t *label, size_t length, bool first, const char **why)
{
    if (length == 1 && label[0] == '*') {
        *why = "'*' stands for whole labels in front only: *.example.com";
        return first;
    }
    for (size_t i = 0; i < length; i++) {
        if (is_plain(label[i]))
            continue;
        if (label[i] == '*')
            *why = "'*' must be a label of its own";
        else if (label[i] >= 0x80)
            *why = "a letter outside ASCII; write the xn-- form";
        else
            *why = "a character that is no letter, digit, '-' or '_'";
        return false;
    }
    return true;
}

/* Reads what nearly all names are, right ones, in one go.  False: look closer, it may still be
 * right. */
static bool read_plain(struct dname *name, const char *text)
{
    size_t size = 1, label = 0; /* label: where the length octet of the current one stands */

    if (text[0] == '*' && text[1] == '.') {
        memcpy(name->wire, "\1*", 2);
        label = 2;
        size = 3;
        text += 2;
    }
    for (; *text != '\0'; text++) {
        uint8_t c = (uint8_t)*text;
        if (size + 1 >= DNAME_MAX)
            return false;
        if (c == '.') {
            if (size == label + 1 || size - label - 1 > DNAME_LABEL_MAX)
                return false;
            name->wire[label] = (uint8_t)(size - label - 1);
            label = size;
        } else if (!is_plain(c)) {
            return false;
        }
        name->wire[size++] = c;
    }
    if (size == label + 1 || size - label - 1 > DNAME_LABEL_MAX)
        return false;
    name->wire[label] = (uint8_t)(size - label - 1);
    name->wire[size] = 0;
    name->size = (uint8_t)(size + 1);
    return true;
}

bool hostname_read(struct dname *name, const char *text, const char **why)
{
    if (read_plain(name, text))
        return true;
    if (!dname_from_text(name, text, strlen(text), why))
        return false;
    if (name->size == 1) {
        *why = "the root of all names cannot be attached";
        return false;
    }
    for (const uint8_t *at = name->wire; *at != 0; at += 1 + *at) {
        if (!check_label(at + 1, *at, at == name->wire, why))
            return false;
    }
    if (dname_is_wildcard(name->wire) && name->wire[2] == 0) {
        *why = "'*' alone would own every name there is";
        return false;
    }
    return true;
}

bool hostname_read_label(struct dname *name, const char *text, const char **why)
{
    if (text[0] == '*') {
        *why = "a '*' has no meaning here";
        return false;
    }
    if (!hostname_read(name, text, why))
        return false;
    if (dname_labels(name->wire) == 1)
        return true;
    *why = "more than one label";
    return false;
}
