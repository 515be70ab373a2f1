#include "amount.h"

#include <inttypes.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

struct unit {
    const char *name;
    uint64_t factor;
};

/* Largest first: the first that divides a value writes it shortest. */
static const struct unit durations[] = {
    {"d", 86400000}, {"h", 3600000}, {"m", 60000}, {"s", 1000}, {"ms", 1},
};
static const struct unit sizes[] = {
    {"GiB", 1u << 30},
    {"MiB", 1u << 20},
    {"KiB", 1u << 10},
    {"", 1},
};

#define DURATIONS (sizeof durations / sizeof durations[0])
#define SIZES     (sizeof sizes / sizeof sizes[0])

/* Reads digits.  Returns what follows them, NULL if there is no such number. */
static const char *read_digits(const char *text, uint64_t *out)
{
    const char *c = text;

    *out = 0;
    for (; *c >= '0' && *c <= '9'; c++) {
        if (__builtin_mul_overflow(*out, 10, out) ||
            __builtin_add_overflow(*out, (uint64_t)(*c - '0'), out))
            return NULL;
    }
    if (c == text || (text[0] == '0' && c - text > 1))
        return NULL;
    return c;
}

bool amount_integer(const char *text, int64_t *out)
{
    bool negative = text[0] == '-';
    uint64_t value;
    const char *rest = read_digits(negative ? text + 1 : text, &value);

    if (rest == NULL || *rest != '\0' || value > INT64_MAX)
        return false;
    *out = negative ? -(int64_t)value : (int64_t)value;
    return true;
}

static bool read_amount(const char *text, const struct unit *units, size_t length,
                        const char *bare_unit, uint64_t *out)
{
    uint64_t value;
    const char *rest = read_digits(text, &value);

    if (rest == NULL)
        return false;
    if (*rest == '\0')
        rest = bare_unit;
    for (size_t i = 0; i < length; i++) {
        if (strcmp(rest, units[i].name) == 0)
            return !__builtin_mul_overflow(value, units[i].factor, out);
    }
    return false;
}

bool amount_duration(const char *text, uint64_t *ms)
{
    return read_amount(text, durations, DURATIONS, "s", ms);
}

bool amount_bytes(const char *text, uint64_t *bytes)
{
    return read_amount(text, sizes, SIZES, "", bytes);
}

static char *write_amount(uint64_t value, const struct unit *units, size_t length, char *text)
{
    size_t i = 0;

    while (i + 1 < length && (value == 0 || value % units[i].factor != 0))
        i++;
    snprintf(text, AMOUNT_TEXT, "%" PRIu64 "%s", value / units[i].factor, units[i].name);
    return text;
}

char *amount_duration_text(uint64_t ms, char text[AMOUNT_TEXT])
{
    return ms == 0 ? strcpy(text, "0s") : write_amount(ms, durations, DURATIONS, text);
}

char *amount_bytes_text(uint64_t bytes, char text[AMOUNT_TEXT])
{
    return write_amount(bytes, sizes, SIZES, text);
}
