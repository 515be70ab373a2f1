#include "healthcheck.h"

#include <string.h>

#define SECOND 1000u /* milliseconds */

enum { PORT, INTERVAL, TIMEOUT, RISE, FALL, MIN_HEALTHY };
static const char *const known[] = {"port", "interval",   "timeout", "rise",
                                    "fall", "minHealthy", NULL};

static bool read_percent(const struct fields *fields, uint8_t *out)
{
    const char *text = "50%";
    char what[YAMLDOC_WHAT_MAX];
    unsigned percent = 0;
    size_t digits;

    if (!fields_text(fields, MIN_HEALTHY, &text))
        return false;
    digits = strspn(text, "0123456789");
    for (size_t i = 0; i < digits && i < 4; i++)
        percent = percent * 10 + (unsigned)(text[i] - '0');
    if (digits == 0 || digits > 3 || percent > 100 || strcmp(text + digits, "%") != 0) {
        fields_error(fields, MIN_HEALTHY, NULL, "wants a share from 0%% to 100%%, has %s",
                     yamldoc_what(fields->at[MIN_HEALTHY], what));
        return false;
    }
    *out = (uint8_t)percent;
    return true;
}

bool healthcheck_read(const struct fields *parent, unsigned field, struct connection_health *health)
{
    struct fields fields;
    int64_t port = 0, rise = 2, fall = 3;
    uint64_t interval = 5 * SECOND, timeout = 2 * SECOND;
    bool ok = true;

    if (parent->at[field] == NULL)
        return true;
    if (!fields_enter(&fields, parent, field, parent->at[field], known))
        return false;
    if (fields.at[PORT] == NULL) {
        fields_error(&fields, PORT, NULL, "missing");
        ok = false;
    }
    ok &= fields_integer(&fields, PORT, 1, 65535, &port);
    ok &= fields_duration(&fields, INTERVAL, SECOND, 3600 * SECOND, &interval);
    ok &= fields_duration(&fields, TIMEOUT, 10, 60 * SECOND, &timeout);
    ok &= fields_integer(&fields, RISE, 1, 100, &rise);
    ok &= fields_integer(&fields, FALL, 1, 100, &fall);
    ok &= read_percent(&fields, &health->min_healthy_percent);
    if (ok && timeout > interval) {
        fields_error(&fields, TIMEOUT, NULL, "must not be longer than the interval");
        ok = false;
    }
    health->on = true;
    health->port = (uint16_t)port;
    health->interval_ms = (uint32_t)interval;
    health->timeout_ms = (uint32_t)timeout;
    health->rise = (uint8_t)rise;
    health->fall = (uint8_t)fall;
    return ok;
}
