#include "explain.h"

#include <arpa/inet.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

struct line {
    char *text;
    size_t size, used;
};

static void add(struct line *, const char *format, ...) PRINTF_LIKE(2, 3);

static void add(struct line *line, const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    int n = vsnprintf(line->text + line->used, line->size - line->used, format, arguments);
    va_end(arguments);
    if (n > 0) {
        size_t left = line->size - line->used - 1;
        line->used += (size_t)n < left ? (size_t)n : left;
    }
}

static void add_field(struct line *line, const char *field, const char *value)
{
    if (value[0] != 0)
        add(line, " %s=%s", field, value);
}

void explain_find(const struct table *table, const uint8_t *name, const char *type,
                  struct explain *out)
{
    memset(out, 0, sizeof *out);
    table_find(table, name, &out->match);
    if (strcmp(type, "A") == 0)
        table_narrow(&out->match, ANSWER_A);
    if (out->match.outcome == TABLE_NOT_OWNED) {
        size_t root;
        out->special = special_find(name, &root);
        return;
    }
    if (!dname_from_wire(&out->root, name + out->match.root_offset,
                         dname_size(name) - out->match.root_offset))
        memset(&out->root, 0, sizeof out->root);
    if (out->match.rule != NULL) {
        out->ruled = true;
        table_describe(table, out->match.rule, &out->why);
    }
}

void explain_find_near(const struct table *table, const uint8_t *name, const char *type,
                       struct explain *out)
{
    explain_find(table, name, type, out);
    if (out->match.outcome == TABLE_NOT_OWNED || out->match.outcome == TABLE_FENCED)
        out->is_near = table_near(table, name, &out->near);
}

bool explain_is_owned(const struct explain *explain)
{
    switch (explain->match.outcome) {
    case TABLE_NOT_OWNED:
    case TABLE_FENCED:
    case TABLE_SEARCH:
        return false;
    default:
        return true;
    }
}

const char *explain_outcome(const struct explain *explain)
{
    switch (explain->match.outcome) {
    case TABLE_NOT_OWNED:
        return explain->special != SPECIAL_NONE ? "built in, never forwarded" : "not owned";
    case TABLE_ANSWER:
        return "owned";
    case TABLE_EMPTY:
        return "owned, empty";
    case TABLE_NXDOMAIN:
        return "owned, no rule covers it: NXDOMAIN";
    case TABLE_NOT_READY:
        return "owned, not ready: SERVFAIL";
    case TABLE_GONE:
        return "owned, gone: NXDOMAIN";
    case TABLE_NO_ZONE:
        return "owned, no endpoint in its zone: NXDOMAIN";
    case TABLE_DETACHED:
        return "owned, detached: NXDOMAIN";
    case TABLE_FENCED:
        return "fenced and not attached: NXDOMAIN";
    case TABLE_SEARCH:
        return "owned name with a search suffix: NXDOMAIN";
    }
    return "unknown";
}

const char *explain_rcode(const struct explain *explain)
{
    switch (explain->match.outcome) {
    case TABLE_NOT_OWNED:
        return explain->special == SPECIAL_NONE      ? NULL
               : explain->special == SPECIAL_NOTHING ? "NXDOMAIN"
                                                     : "NOERROR";
    case TABLE_ANSWER:
    case TABLE_EMPTY:
        return "NOERROR";
    case TABLE_NOT_READY:
        return "SERVFAIL";
    default:
        return "NXDOMAIN";
    }
}

char *explain_addresses(const struct explain *explain, char *text, size_t size)
{
    enum { V4 = 4, V6 = 16 }; /* octets */
    struct line line = {.text = text, .size = size};
    const struct answer *answer = explain->match.answer;

    text[0] = 0;
    if (explain->special == SPECIAL_LOCALHOST)
        add(&line, "127.0.0.1,::1");
    if (explain->match.outcome != TABLE_ANSWER)
        return text;
    const uint8_t *address = answer->addresses;
    for (unsigned i = 0; i < (unsigned)answer->a_count + answer->aaaa_count; i++) {
        bool v6 = i >= answer->a_count;
        char one[INET6_ADDRSTRLEN];
        inet_ntop(v6 ? AF_INET6 : AF_INET, address, one, sizeof one);
        add(&line, "%s%s", i == 0 ? "" : ",", one);
        address += v6 ? V6 : V4;
    }
    return text;
}

uint32_t explain_ttl(const struct explain *explain)
{
    return explain->match.outcome == TABLE_ANSWER ? explain->match.answer->ttl : SPECIAL_TTL;
}

const char *explain_pointer(const struct explain *explain)
{
    return explain->special == SPECIAL_POINTER ? "localhost" : NULL;
}

/* What the rule is, and where it stands. */
static void add_rule(struct line *line, const struct explain *explain)
{
    const struct table_why *why = &explain->why;

    add_field(line, "rule", why->owner);
    add_field(line, "connection", why->connection);
    add_field(line, "zone", why->zone);
    add_field(line, "state",
              why->state[0] == 0 && explain->match.outcome == TABLE_ANSWER
                  ? state_name(STATE_USABLE)
                  : why->state);
    if (why->message[0] != 0)
        add(line, " message=\"%s\"", why->message);
    if (explain->match.outcome == TABLE_ANSWER) {
        char addresses[EXPLAIN_TEXT_MAX / 2];
        add_field(line, "addresses", explain_addresses(explain, addresses, sizeof addresses));
    }
    if (why->note[0] != 0)
        add(line, " %s", why->note);
    if (why->document[0] != 0)
        add(line, " document=%s:%u", why->document, why->line);
}

static void add_special(struct line *line, const struct explain *explain)
{
    char addresses[INET6_ADDRSTRLEN + INET_ADDRSTRLEN];
    const char *pointer = explain_pointer(explain);

    add(line, "%s", explain_outcome(explain));
    if (explain->special == SPECIAL_NOTHING)
        add(line, ": %s", explain_rcode(explain));
    add_field(line, "addresses", explain_addresses(explain, addresses, sizeof addresses));
    add_field(line, "pointer", pointer != NULL ? pointer : "");
}

char *explain_text(const struct table *table, const struct explain *explain, char *text,
                   size_t size)
{
    struct line line = {.text = text, .size = size};
    char name[DNAME_TEXT_MAX];

    text[0] = 0;
    if (explain->match.placeholder)
        add(&line, "placeholder never replaced in advertised.listeners; ");
    if (explain->special != SPECIAL_NONE) {
        add_special(&line, explain);
        return text;
    }
    add(&line, "%s", explain_outcome(explain));
    if (explain->is_near)
        add(&line, "; %s is attached", dname_to_text(explain->near.wire, name));
    if (explain->match.outcome == TABLE_NOT_OWNED)
        return text;
    if (explain->ruled)
        add_rule(&line, explain);
    else if (explain->root.size > 0)
        add_field(&line, "root", dname_to_text(explain->root.wire, name));
    if (explain->match.regional_fallback)
        add_field(&line, "fallback", "regional");
    add(&line, " generation=%" PRIu64, table_generation(table));
    return text;
}
