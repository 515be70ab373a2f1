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

bool hostname_read(struct dname *name, const char *text, const char **why)
{
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
