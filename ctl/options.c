#include "options.h"

#include <ctype.h>
#include <errno.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "build.h"
#include "spelling.h"

#define TIMEOUT_MAX_MS UINT64_C(86400000) /* a day */
#define ROWS_MAX       48

/* What may end in a document. */
#define WRITTEN                                                                                    \
    (OPTIONS_CLUSTER | OPTIONS_DISPLAY_NAME | OPTIONS_TYPE | OPTIONS_AWS_NAME |                    \
     OPTIONS_AWS_REGION | OPTIONS_ALICLOUD_NAME | OPTIONS_ENDPOINT | OPTIONS_ENDPOINT_DNS |        \
     OPTIONS_UNIQUE_NAME | OPTIONS_DOMAIN | OPTIONS_REGION | OPTIONS_CLOUD | OPTIONS_PROJECT |     \
     OPTIONS_ZONE_ID)

static const struct options_row rows[] = {
    {"server", "ADDR", "the daemon's admin address: unix:/path or http://127.0.0.1:8053",
     OPTIONS_SERVER, 's'},
    {"attachments", "DIR", "work offline on the documents of this directory", OPTIONS_ATTACHMENTS,
     'a'},
    {"config", "FILE", "judge documents with the views of this configuration of pldnsd",
     OPTIONS_CONFIG, 0},
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
    {"private-link-connection-id", "ID", "the connection, if no argument names it", OPTIONS_ID, 0},
    {"id", "ID", "the same, short", OPTIONS_ID, 0},
    {"cluster-id", "ID", "of this cluster only", OPTIONS_CLUSTER, 'c'},
    {"display-name", "TEXT", "what people call it", OPTIONS_DISPLAY_NAME, 0},
    {"type", "TYPE", "of the connection, or of the domain to attach", OPTIONS_TYPE, 0},
    {"aws.endpoint-service-name", "NAME", "com.amazonaws.vpce.REGION.vpce-svc-…", OPTIONS_AWS_NAME,
     0},
    {"aws.endpoint-service-region", "REGION", "where that service is", OPTIONS_AWS_REGION, 0},
    {"alicloud.endpoint-service-name", "NAME", "com.aliyuncs.privatelink.REGION.epsrv-…",
     OPTIONS_ALICLOUD_NAME, 0},
    {"endpoint", "[ZONE=]ADDR[,ADDR]…", "an endpoint and its addresses", OPTIONS_ENDPOINT, 0},
    {"endpoint-dns", "[ZONE=]NAME", "an endpoint and its DNS name", OPTIONS_ENDPOINT_DNS, 0},
    {"file", "FILE", "take the connection from this document; '-' is standard input", OPTIONS_FILE,
     'f'},
    {"force", NULL, "do not ask", OPTIONS_FORCE, 0},
    {"yes", NULL, "the same", OPTIONS_FORCE, 'y'},
    {"unique-name", "NAME", "what makes the attached domain one customer's", OPTIONS_UNIQUE_NAME,
     0},
    {"domain", "NAME", "a name to attach: a host, or *.…", OPTIONS_DOMAIN, 0},
    {"region", "REGION", "of a TIDBCLOUD_DEDICATED domain", OPTIONS_REGION, 0},
    {"cloud", "CLOUD", "of a TIDBCLOUD_DEDICATED domain", OPTIONS_CLOUD, 0},
    {"project-id", "ID", "of a TIDBCLOUD_DEDICATED domain", OPTIONS_PROJECT, 0},
    {"attach-domain-id", "ID", "the attached domain", OPTIONS_ATTACH_DOMAIN, 0},
    {"zone-id", "NAME=ID", "the id of a zone name, as us-east-1a=use1-az4", OPTIONS_ZONE_ID, 0},
    {"dry-run", NULL, "show what would be, and write nothing", OPTIONS_DRY_RUN, 0},
    {"no-wait", NULL, "do not wait until it is served", OPTIONS_NO_WAIT, 0},
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

/* Options that are kept as they are written. */
static const struct {
    uint64_t bit;
    size_t place; /* in struct options */
} texts[] = {
    {OPTIONS_SERVER, offsetof(struct options, server)},
    {OPTIONS_ATTACHMENTS, offsetof(struct options, attachments)},
    {OPTIONS_CLIENT, offsetof(struct options, client)},
    {OPTIONS_DOCUMENT, offsetof(struct options, document)},
    {OPTIONS_NAME, offsetof(struct options, name)},
    {OPTIONS_ID, offsetof(struct options, id)},
    {OPTIONS_CLUSTER, offsetof(struct options, cluster)},
    {OPTIONS_DISPLAY_NAME, offsetof(struct options, display_name)},
    {OPTIONS_TYPE, offsetof(struct options, type)},
    {OPTIONS_AWS_NAME, offsetof(struct options, aws_name)},
    {OPTIONS_AWS_REGION, offsetof(struct options, aws_region)},
    {OPTIONS_ALICLOUD_NAME, offsetof(struct options, alicloud_name)},
    {OPTIONS_FILE, offsetof(struct options, file)},
    {OPTIONS_CONFIG, offsetof(struct options, config)},
    {OPTIONS_UNIQUE_NAME, offsetof(struct options, unique_name)},
    {OPTIONS_REGION, offsetof(struct options, region)},
    {OPTIONS_CLOUD, offsetof(struct options, cloud)},
    {OPTIONS_PROJECT, offsetof(struct options, project)},
    {OPTIONS_ATTACH_DOMAIN, offsetof(struct options, attach_domain)},
};
static const struct {
    uint64_t bit;
    size_t place;
} lists[] = {
    {OPTIONS_DOMAIN, offsetof(struct options, domains)},
    {OPTIONS_ENDPOINT, offsetof(struct options, endpoints)},
    {OPTIONS_ENDPOINT_DNS, offsetof(struct options, endpoints_dns)},
    {OPTIONS_ZONE_ID, offsetof(struct options, zone_ids)},
};

static void keep_text(struct options *o, uint64_t bit, const char *value)
{
    for (size_t i = 0; i < ARRAY_LENGTH(texts); i++) {
        if (texts[i].bit == bit) {
            *(const char **)(void *)((char *)o + texts[i].place) = value;
        }
    }
}

static bool keep_item(struct options *o, uint64_t bit, const char *value)
{
    for (size_t i = 0; i < ARRAY_LENGTH(lists); i++) {
        struct options_list *list = (void *)((char *)o + lists[i].place);

        if (lists[i].bit == bit) {
            if (list->length == OPTIONS_LIST_MAX) {
                return false;
            }
            list->items[list->length++] = value;
        }
    }
    return true;
}

static bool is_utf8(const char *text)
{
    json_t *value = json_string(text);

    json_decref(value);
    return value != NULL;
}

static bool take(struct options *o, const struct options_row *row, const char *value, char *why,
                 size_t size)
{
    if ((row->bit & WRITTEN) != 0 && !is_utf8(value)) {
        return say(why, size, "--%s: that is no UTF-8", row->name);
    }
    o->given |= row->bit;
    keep_text(o, row->bit, value);
    switch (row->bit) {
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
        return keep_item(o, row->bit, value) ||
               say(why, size, "--%s: more than %d of them", row->name, OPTIONS_LIST_MAX);
    }
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
