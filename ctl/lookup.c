#include "lookup.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "client.h"
#include "explain.h"
#include "offline.h"
#include "spelling.h"

#define WHY_SIZE  4096
#define TYPE_SIZE 24

static const char *const types[] = {
    "A",     "AAAA", "ANY", "CAA",   "CNAME", "DNAME", "DNSKEY", "DS",  "HINFO",
    "HTTPS", "LOC",  "MX",  "NAPTR", "NS",    "NSEC",  "NSEC3",  "PTR", "RRSIG",
    "SOA",   "SPF",  "SRV", "SSHFP", "SVCB",  "TLSA",  "TXT",    "URI", NULL,
};
static const unsigned short numbers[] = {
    1, 28, 255, 257, 5,  39, 48, 43, 13, 65, 29, 15, 35,
    2, 47, 50,  12,  46, 6,  99, 33, 44, 64, 52, 16, 256,
};
_Static_assert(ARRAY_LENGTH(numbers) + 1 == ARRAY_LENGTH(types), "each word has its number");

/* What no record is of: OPT, and what RFC 6895 has for questions, but for ANY. */
static bool is_of_no_record(unsigned long number)
{
    return number == 41 || (number >= 249 && number <= 254);
}

/* "TYPE28" → "AAAA", which is answered like it; TYPE65280 stays. */
static bool read_number(char text[TYPE_SIZE])
{
    const char *digits = text + 4;
    size_t length = strncmp(text, "TYPE", 4) == 0 ? strspn(digits, "0123456789") : 0;
    unsigned long number = strtoul(length > 0 ? digits : "0", NULL, 10);

    if (length == 0 || digits[length] != '\0' || number > 65535 || is_of_no_record(number)) {
        return false;
    }
    (void)snprintf(text, TYPE_SIZE, "TYPE%lu", number);
    for (size_t i = 0; types[i] != NULL; i++) {
        if (numbers[i] == number) {
            (void)snprintf(text, TYPE_SIZE, "%s", types[i]);
        }
    }
    return true;
}

/* "aaaa" → "AAAA"; a number passes; anything else is a slip of the pen. */
static bool read_type(const struct command_call *call, const char *word, char out[TYPE_SIZE])
{
    size_t i;

    for (i = 0; i < TYPE_SIZE - 1 && word[i] != '\0'; i++) {
        out[i] = (char)toupper((unsigned char)word[i]);
    }
    out[i] = '\0';
    for (i = 0; types[i] != NULL; i++) {
        if (strcmp(out, types[i]) == 0) {
            return true;
        }
    }
    if (strlen(word) < TYPE_SIZE && read_number(out)) {
        return true;
    }
    const char *near = spelling_nearest(out, types);
    output_error(&call->output,
                 near == NULL ? "'%s' is no record type"
                              : "'%s' is no record type; did you mean %s?",
                 word, near);
    return false;
}

/* ---- offline ---- */

static void set(json_t *map, const char *key, const char *text)
{
    if (text != NULL && text[0] != '\0') {
        (void)json_object_set_new(map, key, output_string(text));
    }
}

static void set_name(json_t *map, const char *key, const uint8_t *wire)
{
    char text[DNAME_TEXT_MAX];

    set(map, key, dname_to_text(wire, text));
}

static void set_answer(json_t *map, const struct explain *e)
{
    char text[EXPLAIN_TEXT_MAX], *rest = explain_addresses(e, text, sizeof(text)), *one;
    json_t *list = json_array();

    set(map, "pointer", explain_pointer(e));

    while ((one = strsep(&rest, ",")) != NULL) {
        if (*one != '\0') {
            (void)json_array_append_new(list, output_string(one));
        }
    }
    if (json_array_size(list) > 0 || explain_pointer(e) != NULL) {
        (void)json_object_set_new(map, "ttl", json_integer(explain_ttl(e)));
    }
    if (json_array_size(list) > 0) {
        (void)json_object_set_new(map, "addresses", list);
    } else {
        json_decref(list);
    }
}

static json_t *explained(const struct table *table, const struct dname *name, const char *type)
{
    char text[EXPLAIN_TEXT_MAX];
    struct explain e;
    json_t *map = json_object();

    explain_find_near(table, name->wire, type, &e);
    set_name(map, "name", name->wire);
    set(map, "type", type);
    (void)json_object_set_new(map, "owned", json_boolean(explain_is_owned(&e)));
    set(map, "outcome", explain_outcome(&e));
    set(map, "rcode", explain_rcode(&e));
    if (e.match.placeholder) {
        (void)json_object_set_new(map, "placeholder", json_true());
    }
    if (e.ruled) {
        set(map, "rule", e.why.owner);
        set(map, "connection", e.why.connection);
        set(map, "cluster", e.why.cluster);
        set(map, "zone", e.why.zone);
        set(map, "state", e.why.state);
        set(map, "message", e.why.message);
        set(map, "note", e.why.note);
        set(map, "document", e.why.document);
        (void)json_object_set_new(map, "line", json_integer(e.why.line));
    } else if (e.root.size > 0) {
        set_name(map, "root", e.root.wire);
    }
    set_answer(map, &e);
    if (e.match.regional_fallback) {
        set(map, "fallback", "regional");
    }
    if (e.is_near) {
        set_name(map, "near", e.near.wire);
    }
    set(map, "text", explain_text(table, &e, text, sizeof(text)));
    return map;
}

/* Complaints go to standard error: what is explained leaves these documents out. */
static void tell_refused(const struct command_call *call, const struct catalog *catalog)
{
    char line[WHY_SIZE];

    for (size_t i = 0; i < catalog_length(catalog); i++) {
        struct catalog_entry entry;

        catalog_entry(catalog, i, &entry);
        for (size_t j = 0; entry.refused && j < entry.complaints->length; j++) {
            const struct error *complaint = &entry.complaints->items[j];

            if (!complaint->warning) {
                output_error(&call->output, "%s", error_format(complaint, line, sizeof(line)));
            }
        }
    }
}

/* The view of --client.  False: it is no address, said so. */
static bool find_view(const struct command_call *call, unsigned *view)
{
    const char *client = call->options->client;
    union {
        struct sockaddr any;
        struct sockaddr_in v4;
        struct sockaddr_in6 v6;
    } address = {0};

    *view = VIEW_NONE;
    if (client == NULL) {
        return true;
    }
    if (inet_pton(AF_INET, client, &address.v4.sin_addr) == 1) {
        address.v4.sin_family = AF_INET;
    } else if (inet_pton(AF_INET6, client, &address.v6.sin6_addr) == 1) {
        address.v6.sin6_family = AF_INET6;
    } else {
        output_error(&call->output, "--client: wants an IP address, not '%s'", client);
        return false;
    }
    *view = view_of_client(call->views, &address.any);
    return true;
}

/* NULL: said why on standard error.  '*refused' is how many documents were left out. */
static json_t *ask_documents(const struct command_call *call, const char *type, size_t *refused)
{
    struct offline offline = {0};
    struct catalog_change change;
    struct table_options options = {.zone = ""};
    struct dname name;
    const char *wrong;
    char why[WHY_SIZE];
    unsigned view;

    if (!dname_from_text(&name, call->words[0], strlen(call->words[0]), &wrong)) {
        output_error(&call->output, "'%s' is no name: %s", call->words[0], wrong);
        return NULL;
    }
    if (!find_view(call, &view)) {
        return NULL;
    }
    if (!offline_add(&offline, call->options->attachments, OFFLINE_NAMES, why, sizeof(why))) {
        output_error(&call->output, "%s", why);
        return NULL;
    }
    struct catalog *catalog = offline_catalog(&offline, call->views, &change);
    tell_refused(call, catalog);
    *refused = change.refused;
    struct tableset *tables = catalog_build_set(catalog, &options);
    json_t *map = explained(tableset_table(tables, view), &name, type);
    set(map, "view", view_name(call->views, view));
    tableset_free(tables);
    catalog_free(catalog);
    offline_clear(&offline);
    return map;
}

/* ---- for people ---- */

static const char *text_of(const json_t *map, const char *key)
{
    const char *text = json_string_value(json_object_get(map, key));

    return text == NULL ? "" : text;
}

/* The addresses of one family, or of both if 'type' is neither A nor AAAA. */
static char *join_addresses(const json_t *map, const char *type, char *out, size_t size)
{
    const json_t *list = json_object_get(map, "addresses");
    size_t i, used = 0;
    json_t *item;

    out[0] = '\0';
    json_array_foreach(list, i, item)
    {
        const char *one = json_string_value(item);
        bool v6 = one != NULL && strchr(one, ':') != NULL;

        if (one == NULL || (strcmp(type, "A") == 0 && v6) || (strcmp(type, "AAAA") == 0 && !v6)) {
            continue;
        }
        int n = snprintf(out + used, size - used, "%s%s", used == 0 ? "" : " ", one);
        if (n < 0 || (size_t)n >= size - used) {
            break;
        }
        used += (size_t)n;
    }
    return out;
}

/* "NOERROR 10.20.1.15, TTL 30": what dig would show for this type. */
static void add_reply(struct output_grid *grid, const json_t *map)
{
    const char *type = text_of(map, "type"), *rcode = text_of(map, "rcode");
    char addresses[EXPLAIN_TEXT_MAX];
    bool wants = strcmp(type, "A") == 0 || strcmp(type, "AAAA") == 0;
    bool shunned = json_is_false(json_object_get(map, "allowed"));

    if (strcmp(type, "ANY") == 0 && !shunned) {
        output_grid_cell(grid, OUTPUT_BOLD, "reply");
        output_grid_cell(grid, OUTPUT_GREEN, "HINFO, as for every name (RFC 8482)");
        return;
    }
    if (*rcode == '\0' && !shunned) {
        return; /* forwarded: others decide */
    }
    output_grid_cell(grid, OUTPUT_BOLD, "reply");
    if (*rcode == '\0') {
        output_grid_cell(grid, OUTPUT_RED, "none");
    } else if (strcmp(rcode, "NOERROR") != 0) {
        output_grid_cell(grid, OUTPUT_RED, "%s", rcode);
    } else if (wants && *join_addresses(map, type, addresses, sizeof(addresses)) != '\0') {
        output_grid_cell(grid, OUTPUT_GREEN, "%s %s, TTL %" JSON_INTEGER_FORMAT, type, addresses,
                         json_integer_value(json_object_get(map, "ttl")));
    } else if (strcmp(type, "PTR") == 0 && *text_of(map, "pointer") != '\0') {
        output_grid_cell(grid, OUTPUT_GREEN, "PTR %s, TTL %" JSON_INTEGER_FORMAT,
                         text_of(map, "pointer"), json_integer_value(json_object_get(map, "ttl")));
    } else if (strcmp(type, "SOA") == 0) { /* of the owned root: the answer there, else beside it */
        output_grid_cell(grid, OUTPUT_GREEN, "NOERROR, the SOA alone");
    } else {
        output_grid_cell(grid, OUTPUT_YELLOW, "NOERROR, empty: nothing of type %s here", type);
    }
}

static void add_line(struct output_grid *grid, const json_t *map, const char *key,
                     const char *label)
{
    const char *text = text_of(map, key);

    if (*text != '\0') {
        output_grid_cell(grid, OUTPUT_BOLD, "%s", label);
        output_grid_cell(grid, OUTPUT_PLAIN, "%s", text);
    }
}

/* Whose answer it is; and of no client in particular, the views that own the name. */
static void add_views(struct output_grid *grid, const json_t *map)
{
    size_t i;
    json_t *item;

    add_line(grid, map, "view", "view");
    json_array_foreach(json_object_get(map, "views"), i, item)
    {
        output_grid_cell(grid, OUTPUT_BOLD, "in view %s", text_of(item, "view"));
        output_grid_cell(grid, OUTPUT_PLAIN, "%s", text_of(item, "text"));
    }
}

/* What only the daemon knows: where the question goes, and whether this client may ask. */
static void add_client(struct output_grid *grid, const json_t *map)
{
    const json_t *allowed = json_object_get(map, "allowed");
    size_t i;
    json_t *item;

    json_array_foreach(json_object_get(map, "upstreams"), i, item)
    {
        output_grid_cell(grid, OUTPUT_BOLD, i == 0 ? "upstreams" : "");
        output_grid_cell(grid, OUTPUT_PLAIN, "%s",
                         json_is_string(item) ? json_string_value(item) : "?");
    }
    if (json_is_boolean(allowed)) {
        bool yes = json_is_true(allowed);

        output_grid_cell(grid, OUTPUT_BOLD, "client");
        output_grid_cell(grid, yes ? OUTPUT_GREEN : OUTPUT_RED,
                         yes ? "may ask" : "may not ask: not in clients.allow");
    }
}

static bool is_forwarded(const json_t *map)
{
    return json_is_false(json_object_get(map, "owned")) && *text_of(map, "rcode") == '\0' &&
           !json_is_false(json_object_get(map, "allowed"));
}

static void print(const struct output *output, const json_t *map)
{
    struct output_grid grid = {.columns = 2};
    char addresses[EXPLAIN_TEXT_MAX];

    output_text(stdout, text_of(map, "name"));
    putchar(' ');
    output_text(stdout, text_of(map, "type"));
    putchar('\n');
    add_reply(&grid, map);
    output_grid_cell(&grid, OUTPUT_BOLD, "outcome");
    output_grid_cell(&grid, OUTPUT_PLAIN, "%s%s", text_of(map, "outcome"),
                     is_forwarded(map) ? ": forwarded" : "");
    if (*text_of(map, "near") != '\0') {
        output_grid_cell(&grid, OUTPUT_BOLD, "near miss");
        output_grid_cell(&grid, OUTPUT_YELLOW, "%s is attached", text_of(map, "near"));
    }
    if (json_is_true(json_object_get(map, "placeholder"))) {
        output_grid_cell(&grid, OUTPUT_BOLD, "placeholder");
        output_grid_cell(&grid, OUTPUT_YELLOW,
                         "'unique_name' was never replaced in advertised.listeners");
    }
    add_line(&grid, map, "rule", "rule");
    add_line(&grid, map, "root", "root");
    add_line(&grid, map, "connection", "connection");
    add_line(&grid, map, "cluster", "cluster");
    add_line(&grid, map, "zone", "zone");
    add_line(&grid, map, "fallback", "fallback");
    add_line(&grid, map, "state", "state");
    add_line(&grid, map, "message", "message");
    add_line(&grid, map, "note", "note");
    if (*join_addresses(map, "", addresses, sizeof(addresses)) != '\0') {
        output_grid_cell(&grid, OUTPUT_BOLD, "addresses");
        output_grid_cell(&grid, OUTPUT_PLAIN, "%s", addresses);
    }
    if (*text_of(map, "document") != '\0') {
        output_grid_cell(&grid, OUTPUT_BOLD, "document");
        output_grid_cell(&grid, OUTPUT_PLAIN, "%s:%" JSON_INTEGER_FORMAT, text_of(map, "document"),
                         json_integer_value(json_object_get(map, "line")));
    }
    add_views(&grid, map);
    add_client(&grid, map);
    const json_t *generation = json_object_get(map, "generation");
    if (generation != NULL) {
        output_grid_cell(&grid, OUTPUT_BOLD, "generation");
        output_grid_cell(&grid, OUTPUT_PLAIN, "%" JSON_INTEGER_FORMAT,
                         json_integer_value(generation));
    }
    output_grid_print(output, &grid, 2);
}

static enum exitcode show(const struct command_call *call, json_t *map)
{
    bool owned = json_is_true(json_object_get(map, "owned"));

    if (call->output.format == OPTIONS_TABLE) {
        print(&call->output, map);
        json_decref(map);
    } else {
        output_value(&call->output, map);
    }
    return (call->options->given & OPTIONS_OWNED) != 0 && !owned ? EXITCODE_NO : EXITCODE_FINE;
}

static bool fits(const struct command_call *call, bool offline)
{
    uint64_t given = call->options->given;

    if (offline && (given & OPTIONS_DAEMON) != 0) {
        output_error(&call->output,
                     "--attachments asks no daemon: leave out --server and --timeout");
        return false;
    }
    if (offline && (given & OPTIONS_CLIENT) != 0 && (given & OPTIONS_CONFIG) == 0) {
        output_error(&call->output, "--client with --attachments wants the views of --config, too");
        return false;
    }
    if (!offline && (given & OPTIONS_CONFIG) != 0) {
        output_error(&call->output, "--config goes with --attachments: a daemon knows its own");
        return false;
    }
    return true;
}

enum exitcode lookup_explain(const struct command_call *call)
{
    char type[TYPE_SIZE] = "A";
    size_t refused = 0;
    bool offline = (call->options->given & OPTIONS_ATTACHMENTS) != 0;

    if (!fits(call, offline)) {
        return EXITCODE_WRONG;
    }
    if (call->length == 2 && !read_type(call, call->words[1], type)) {
        return EXITCODE_WRONG;
    }
    if (offline) {
        json_t *map = ask_documents(call, type, &refused);
        enum exitcode code = map == NULL ? EXITCODE_WRONG : show(call, map);
        return code == EXITCODE_FINE && refused > 0 ? EXITCODE_WRONG : code;
    }
    struct client_request request = {
        .path = "/api/explain",
        .query = {{"name", call->words[0]}, {"type", type}, {"client", call->options->client}},
    };
    struct client_reply reply;
    enum exitcode code = client_ask(call, &request, &reply);
    if (code == EXITCODE_FINE) {
        code = show(call, json_incref(reply.json));
        client_reply_clear(&reply);
    }
    return code;
}
