#include "portrange.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Linux's own default; also taken when the administrator left so few that they could be guessed. */
#define DEFAULT_FIRST 32768
#define DEFAULT_LAST  60999
#define LEAST_PORTS   4096

#define RANGE_FILE    "/proc/sys/net/ipv4/ip_local_port_range"
#define RESERVED_FILE "/proc/sys/net/ipv4/ip_local_reserved_ports"
#define TEXT_MAX      4096

static bool is_reserved(const struct portrange *r, unsigned port)
{
    return (r->reserved[port / 8] >> port % 8 & 1) != 0;
}

static bool has_enough(const struct portrange *r)
{
    unsigned n = 0;

    for (unsigned port = r->first; port <= r->last && n < LEAST_PORTS; port++)
        n += !is_reserved(r, port);
    return n >= LEAST_PORTS;
}

/* "8080,9148,30000-32767" */
static void reserve(struct portrange *r, const char *text)
{
    while (*text >= '0' && *text <= '9') {
        char *end;
        unsigned long first = strtoul(text, &end, 10), last = first;

        if (*end == '-')
            last = strtoul(end + 1, &end, 10);
        for (unsigned long port = first; port <= last && port <= UINT16_MAX; port++)
            r->reserved[port / 8] = (uint8_t)(r->reserved[port / 8] | 1u << port % 8);
        text = *end == ',' ? end + 1 : "";
    }
}

void portrange_set(struct portrange *r, const char *range, const char *reserved)
{
    unsigned first, last;

    *r = (struct portrange){.first = DEFAULT_FIRST, .last = DEFAULT_LAST};
    reserve(r, reserved);
    if (sscanf(range, "%u %u", &first, &last) == 2 && first > 0 && first <= last &&
        last <= UINT16_MAX) {
        r->first = (uint16_t)first;
        r->last = (uint16_t)last;
    }
    if (has_enough(r))
        return;
    *r = (struct portrange){.first = DEFAULT_FIRST, .last = DEFAULT_LAST};
    reserve(r, reserved);
    if (!has_enough(r))
        memset(r->reserved, 0, sizeof r->reserved);
}

static void read_text(const char *path, char *text)
{
    FILE *file = fopen(path, "re");
    size_t size = 0;

    if (file != NULL) {
        size = fread(text, 1, TEXT_MAX - 1, file);
        fclose(file);
    }
    text[size] = '\0';
}

void portrange_read(struct portrange *r)
{
    char range[TEXT_MAX], reserved[TEXT_MAX];

    read_text(RANGE_FILE, range);
    read_text(RESERVED_FILE, reserved);
    portrange_set(r, range, reserved);
}

uint16_t portrange_draw(const struct portrange *r, struct random *random)
{
    for (;;) { /* ends: portrange_set() leaves at least LEAST_PORTS */
        uint32_t port = r->first + random_below(random, (uint32_t)(r->last - r->first) + 1);

        if (!is_reserved(r, port))
            return (uint16_t)port;
    }
}
