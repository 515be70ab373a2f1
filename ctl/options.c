#include "options.h"

#include <ctype.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "build.h"
#include "spelling.h"

#define TIMEOUT_MAX_MS UINT64_C(86400000) /* a day */
#define ROWS_MAX       32

static const struct options_row rows[] = {
    {"server", "ADDR", "the daemon's admin address: unix:/path or http://127.0.0.1:8053",
     OPTIONS_SERVER, 's'},
    {"attachments", "DIR", "work offline on the documents of this directory", OPTIONS_ATTACHMENTS,
     'a'},
    {"output", "FORMAT", "table (for people), json or yaml", OPTIONS_OUTPUT, 'o'},
    {"no-color", NULL, "no colours, as with NO_COLOR set", OPTIONS_NO_COLOR, 0},
    {"help", NULL, "explain the command", OPTIONS_HELP, 'h'},
    {"version", NULL, "print the version", OPTIONS_VERSION, 'V'},
    {"strict", NULL, "warnings count too: exit 1 if there are any", OPTIONS_STRICT, 0},
    {"owned", NULL, "exit 1 unless the name is owned", OPTIONS_OWNED, 0},
    {"client", "IP", "explain for a query from this client", OPTIONS_CLIENT, 0},
    {"generation", "N", "wait until generation N or a later one is served", OPTIONS_GENERATION, 0},
    {"document", "NAME", "wait until the document's newest version is served", OPTIONS_DOCUMENT, 0},
    {"name", "NAME", "wait until the name is owned and answered", OPTIONS_NAME, 0},
    {"timeout", "TIME", "how long at most: 5s, 500ms, 2m", OPTIONS_TIMEOUT, 't'},
    {"subtree", NULL, "all names below, too", OPTIONS_SUBTREE, 0},
};

const struct options_row *options_table(size_t *length)
{
    *length = ARRAY_LENGTH(rows);
    return rows;
}

static bool PRINTF_LIKE(3, 4) say(char *why, size_t size, const char *format, ...)
{
    va_list ap;

    va_start(ap, format);
    (void)vsnprintf(why, size, format, ap);
    va_end(ap);
    return false;
}

bool options_duration(const char *text, uint64_t *out_ms)
{
    static const struct {
        const char *unit;
        uint64_t ms;
    } units[] = {{"", 1000}, {"ms", 1}, {"s", 1000}, {"m", 60000}, {"h", 3600000}, {"d", 86400000}};
    char *end;

    if (!isdigit((unsigned char)*text)) {
        return false;
    }
    errno = 0;
    uint64_t n = strtoull(text, &end, 10);
    for (size_t i = 0; i < ARRAY_LENGTH(units); i++) {
        if (errno == 0 && strcmp(end, units[i].unit) == 0) {
            *out_ms = n * units[i].ms;
            return n <= TIMEOUT_MAX_MS / units[i].ms;
        }
    }
    return false;
}

static bool read_generation(const char *text, uint64_t *out)
{
    char *end;

    errno = 0;
    *out = strtoull(text, &end, 10);
    return isdigit((unsigned char)*text) && *end == '\0' && errno == 0;
}

static bool read_format(const char *text, enum options_format *out)
{
    static const char *const words[] = {"table", "json", "yaml"};

    for (size_t i = 0; i < ARRAY_LENGTH(words); i++) {
        if (strcmp(text, words[i]) == 0) {
            *out = (enum options_format)i;
            return true;
        }
    }
    return false;
}

static bool take(struct options *o, const struct options_row *row, const char *value, char *why,
                 size_t size)
{
    o->given |= row->bit;
    switch (row->bit) {
    case OPTIONS_SERVER:
        o->server = value;
        break;
    case OPTIONS_ATTACHMENTS:
        o->attachments = value;
        break;
    case OPTIONS_CLIENT:
        o->client = value;
        break;
    case OPTIONS_DOCUMENT:
        o->document = value;
        break;
    case OPTIONS_NAME:
        o->name = value;
        break;
    case OPTIONS_OUTPUT:
        return read_format(value, &o->format) ||
               say(why, size, "-o wants table, json or yaml, not '%s'", value);
    case OPTIONS_GENERATION:
        return read_generation(value, &o->generation) ||
               say(why, size, "--generation wants a number, not '%s'", value);
    case OPTIONS_TIMEOUT:
        return (options_duration(value, &o->timeout_ms) && o->timeout_ms > 0) ||
               say(why, size, "--timeout wants a time such as 5s, 500ms or 2m, not '%s'", value);
    default:
        break;
    }
    return true;
}

/* Finds "--name", "--name=value" or one letter; '*value' is what stands behind it in the same word,
 * or NULL. */
static const struct options_row *find(const char *word, const char **value)
{
    const char *name = word + 2, *equals = strchr(word, '=');
    size_t length = equals == NULL ? strlen(name) : (size_t)(equals - name);

    *value = NULL;
    for (size_t i = 0; i < ARRAY_LENGTH(rows); i++) {
        const struct options_row *row = &rows[i];

        if (word[1] != '-') {
            if (word[1] == row->letter) {
                *value = word[2] == '\0' ? NULL : word + 2;
                return row;
            }
        } else if (strlen(row->name) == length && strncmp(row->name, name, length) == 0) {
            *value = equals == NULL ? NULL : equals + 1;
            return row;
        }
    }
    return NULL;
}

static bool unknown(const char *word, char *why, size_t size)
{
    const char *names[ROWS_MAX + 1] = {NULL};
    size_t i;

    _Static_assert(ARRAY_LENGTH(rows) <= ROWS_MAX, "room for all names");
    if (word[1] != '-') {
        return say(why, size, "there is no option -%c", word[1]);
    }
    for (i = 0; i < ARRAY_LENGTH(rows); i++) {
        names[i] = rows[i].name;
    }
    const char *near = spelling_nearest(word + 2, names);
    return near == NULL ? say(why, size, "there is no option %s", word)
                        : say(why, size, "there is no option %s; did you mean --%s?", word, near);
}

bool options_read(int argc, char **argv, struct options *out, char **words, int *length, char *why,
                  size_t why_size)
{
    const char *server = getenv("PLDNSCTL_SERVER");
    bool ended = false;

    *out = (struct options){
        .server = server != NULL && *server != '\0' ? server : "unix:" PLDNS_RUNDIR "/admin.sock",
        .attachments = PLDNS_SYSCONFDIR "/pldns/attachments.d",
    };
    *length = 0;
    for (int i = 1; i < argc; i++) {
        const char *value;

        if (ended || argv[i][0] != '-' || argv[i][1] == '\0') {
            words[(*length)++] = argv[i];
            continue;
        }
        if (strcmp(argv[i], "--") == 0) {
            ended = true;
            continue;
        }
        const struct options_row *row = find(argv[i], &value);
        if (row == NULL) {
            return unknown(argv[i], why, why_size);
        }
        if (row->value == NULL && value != NULL) {
            return say(why, why_size, "--%s takes no value", row->name);
        }
        if (row->value != NULL && value == NULL) {
            if (i + 1 == argc) {
                return say(why, why_size, "--%s wants %s behind it", row->name, row->value);
            }
            value = argv[++i];
        }
        if (value == NULL) {
            value = "";
        } else if (*value == '\0') {
            return say(why, why_size, "--%s: the %s is empty", row->name, row->value);
        }
        if (!take(out, row, value, why, why_size)) {
            return false;
        }
    }
    return true;
}
