#include "config.h"

#include <arpa/inet.h>
#include <assert.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "alloc.h"
#include "build.h"
#include "configaddress.h"
#include "configvalue.h"
#include "cpus.h"
#include "slurp.h"
#include "viewread.h"
#include "yamldoc.h"
#include "zoneid.h"

#define FILE_MOST  (1u << 20) /* a configuration of a megabyte is a mistake */
#define GROUPS_MAX 64         /* names in one map; the table of keys has fewer */
#define NAME_ROOM  48         /* one member's name */
#define PATH_ROOM  128        /* a dotted path with its index */
#define PREFIX     "PLDNS_"

#define SECOND 1000ULL
#define MINUTE (60 * SECOND)
#define HOUR   (60 * MINUTE)
#define DAY    (24 * HOUR)
#define KIB    1024ULL
#define MIB    (1024 * KIB)
#define GIB    (1024 * MIB)

#define FIELD(member) offsetof(struct config, member)

/* tests/checks/keys.py reads this table: one row begins with {"name". */
/* clang-format off */
static const struct configvalue_key keys[] = {
    {"listen", CONFIGVALUE_LISTEN, FIELD(listen), "127.0.0.1:53", 0, 0, {0}, FIELD(listen_length)},
    {"workers", CONFIGVALUE_WORKERS, FIELD(workers), "auto", 1, CONFIG_WORKERS_MAX, {0}, 0},
    {"instance", CONFIGVALUE_STRING, FIELD(instance), "", 0, 0, {0}, 0},
    {"zone", CONFIGVALUE_ZONE, FIELD(zone), "", 0, 0, {0}, 0},
    {"identity", CONFIGVALUE_SHOWN, FIELD(identity_hidden), "shown", 0, 0, {0}, 0},
    {"udpSize", CONFIGVALUE_PORTION, FIELD(udp_size), "1232", 512, 4096, {0}, 0},
    {"udpSegmentation", CONFIGVALUE_BOOLEAN, FIELD(udp_segmentation), "true", 0, 0, {0}, 0},
    {"attachments.directory", CONFIGVALUE_PATH, FIELD(attachments.directory),
     PLDNS_SYSCONFDIR "/pldns/attachments.d", 0, 0, {0}, 0},
    {"attachments.state", CONFIGVALUE_STRING, FIELD(attachments.state), "/var/lib/pldns", 0, 0, {0}, 0},
    {"attachments.detachHold", CONFIGVALUE_DURATION, FIELD(attachments.detach_hold_ms), "60s",
     0, DAY, {0}, 0},
    {"attachments.onStartError", CONFIGVALUE_WORD, FIELD(attachments.on_start_error), "exit", 0, 0,
     {"exit", "serve"}, 0},
    {"attachments.views", CONFIGVALUE_VIEWS, FIELD(attachments.views), "", 0, 0, {0}, 0},
    {"forward.upstreams", CONFIGVALUE_UPSTREAMS, FIELD(forward.upstreams), "", 0, 0, {0},
     FIELD(forward.upstreams.length)},
    {"forward.resolvConf", CONFIGVALUE_PATH, FIELD(forward.resolv_conf), "/etc/resolv.conf", 0, 0, {0}, 0},
    {"forward.routes", CONFIGVALUE_ROUTES, FIELD(forward.routes), "", 0, 0, {0},
     FIELD(forward.routes_length)},
    {"forward.timeout", CONFIGVALUE_DURATION, FIELD(forward.timeout_ms), "2s", 100, 30 * SECOND, {0}, 0},
    {"forward.case", CONFIGVALUE_WORD, FIELD(forward.letter_case), "plain", 0, 0,
     {"plain", "random"}, 0},
    {"forward.tlsCertBundle", CONFIGVALUE_STRING, FIELD(forward.tls_cert_bundle), "", 0, 0, {0}, 0},
    {"cache.size", CONFIGVALUE_BYTES, FIELD(cache.bytes), "16MiB", 0, 64 * GIB, {0}, 0},
    {"cache.minTtl", CONFIGVALUE_DURATION, FIELD(cache.min_ttl_ms), "0s", 0, DAY, {0}, 0},
    {"cache.maxTtl", CONFIGVALUE_DURATION, FIELD(cache.max_ttl_ms), "1d", SECOND, DAY, {0}, 0},
    {"cache.maxNegativeTtl", CONFIGVALUE_DURATION, FIELD(cache.max_negative_ttl_ms), "5m", 0, DAY, {0}, 0},
    {"cache.serveStale", CONFIGVALUE_DURATION, FIELD(cache.serve_stale_ms), "1d", 0, 7 * DAY, {0}, 0},
    {"cache.prefetch", CONFIGVALUE_BOOLEAN, FIELD(cache.prefetch), "true", 0, 0, {0}, 0},
    {"fence", CONFIGVALUE_NAMES, FIELD(fence), "", 0, 0, {0}, FIELD(fence.length)},
    {"searchSuffixes", CONFIGVALUE_SUFFIXES, FIELD(search_suffixes), "", 0, 0, {0},
     FIELD(search_suffixes.length)},
    {"clients.allow", CONFIGVALUE_NETWORKS, FIELD(allow), "loopback,private", 0, 0, {0}, 0},
    {"clients.otherwise", CONFIGVALUE_WORD, FIELD(otherwise), "refuse", 0, 0, {"refuse", "drop"}, 0},
    {"diagnostics.clients", CONFIGVALUE_NETWORKS, FIELD(diagnostics), "loopback", 0, 0, {0}, 0},
    {"limits.tcpConnections", CONFIGVALUE_INTEGER, FIELD(limits.tcp_connections), "1024", 1, 1000000, {0}, 0},
    {"limits.tcpPerClient", CONFIGVALUE_INTEGER, FIELD(limits.tcp_per_client), "256", 1, 1000000, {0}, 0},
    {"limits.tcpIdleTimeout", CONFIGVALUE_DURATION, FIELD(limits.tcp_idle_ms), "10s", 100, HOUR, {0}, 0},
    {"limits.inFlight", CONFIGVALUE_INTEGER, FIELD(limits.in_flight), "4096", 1, 1000000, {0}, 0},
    {"admin.listen", CONFIGVALUE_ADMIN, FIELD(admin), "unix:/run/pldns/admin.sock", 0, 0, {0},
     FIELD(admin_length)},
    {"log.level", CONFIGVALUE_WORD, FIELD(log.level), "info", 0, 0,
     {"error", "warning", "info", "debug"}, 0},
    {"log.format", CONFIGVALUE_WORD, FIELD(log.format), "logfmt", 0, 0, {"logfmt", "json"}, 0},
    {"log.queries", CONFIGVALUE_WORD, FIELD(log.queries), "off", 0, 0,
     {"off", "errors", "owned", "all"}, 0},
    {"drain", CONFIGVALUE_DURATION, FIELD(drain_ms), "1s", 0, MINUTE, {0}, 0},
};
/* clang-format on */

/* CONFIGVALUE_WORD fields are written as int. */
_Static_assert(sizeof(enum config_query_log) == sizeof(int) &&
                   sizeof(enum log_level) == sizeof(int) && sizeof(enum config_case) == sizeof(int),
               "an enum is an int");

_Static_assert(ARRAY_LENGTH(keys) <= GROUPS_MAX, "all names of keys fit a list of suggestions");

/* ---- texts ---- */

char *config_address_text(const struct sockaddr *address, char *text, size_t size)
{
    const union config_address *a = (const union config_address *)(const void *)address;
    char host[INET6_ADDRSTRLEN];

    switch (address->sa_family) {
    case AF_INET:
        inet_ntop(AF_INET, &a->v4.sin_addr, host, sizeof host);
        snprintf(text, size, "%s:%u", host, ntohs(a->v4.sin_port));
        break;
    case AF_INET6:
        inet_ntop(AF_INET6, &a->v6.sin6_addr, host, sizeof host);
        snprintf(text, size, "[%s]:%u", host, ntohs(a->v6.sin6_port));
        break;
    case AF_UNIX:
        snprintf(text, size, "unix:%s", a->path.sun_path);
        break;
    default:
        snprintf(text, size, "unknown");
    }
    return text;
}

/* ---- the file ---- */

struct reading {
    struct config *config;
    const struct yamldoc *doc;
    struct error_list *errors;
};

static void complain(struct reading *r, const struct yamldoc_node *node, const char *path,
                     const char *text)
{
    error_add(r->errors, yamldoc_file(r->doc), node->line, node->column, "%s: %s", path, text);
}

static void take(struct reading *r, const struct configvalue_key *key,
                 const struct yamldoc_node *node, const char *path, const char *text)
{
    char why[CONFIGVALUE_WHY];

    if (!configvalue_set(key, r->config, text, why))
        complain(r, node, path, why);
}

static void take_scalar(struct reading *r, const struct configvalue_key *key,
                        const struct yamldoc_node *node, const char *path)
{
    const char *text;

    if (yamldoc_string(r->doc, node, path, &text, r->errors))
        take(r, key, node, path, text);
}

/* {suffix: cluster.local, upstreams: [10.96.0.10]} */
static void take_route(struct reading *r, const struct configvalue_key *key,
                       struct yamldoc_node *node, const char *path)
{
    static const char *const known[] = {"suffix", "upstreams", NULL};
    char inside[PATH_ROOM + 16], why[CONFIGVALUE_WHY], *route;
    const char *suffix, *text;
    struct dname checked;

    if (node->kind != YAMLDOC_MAP) {
        complain(r, node, path,
                 "wants a map, as in {suffix: cluster.local, upstreams: [10.0.0.2]}");
        return;
    }
    struct yamldoc_node *name = yamldoc_get(node, "suffix");
    struct yamldoc_node *upstreams = yamldoc_get(node, "upstreams");
    snprintf(inside, sizeof inside, "%s.", path);
    yamldoc_unknown(r->doc, node, inside, known, r->errors);
    if (name == NULL || upstreams == NULL || upstreams->kind != YAMLDOC_LIST ||
        upstreams->size == 0) {
        complain(r, node, path, "wants a suffix and a list of at least one upstream");
        return;
    }
    snprintf(inside, sizeof inside, "%s.suffix", path);
    if (!yamldoc_string(r->doc, name, inside, &suffix, r->errors))
        return;
    if (!configvalue_suffix(&checked, suffix, strlen(suffix), why)) {
        complain(r, name, inside, why);
        return;
    }
    snprintf(inside, sizeof inside, "%s.upstreams", path);
    for (struct yamldoc_node *item = upstreams->child; item != NULL; item = item->next) {
        if (!yamldoc_string(r->doc, item, inside, &text, r->errors))
            continue;
        if (asprintf(&route, "%s=%s", suffix, text) < 0)
            continue; /* no memory: the next allocation ends the process with a message */
        take(r, key, item, inside, route);
        free(route);
    }
}

static void take_list(struct reading *r, const struct configvalue_key *key,
                      struct yamldoc_node *list)
{
    char path[PATH_ROOM];
    size_t i = 0;

    if (key->kind == CONFIGVALUE_VIEWS) {
        viewread_list(r->doc, list, key->name, &r->config->attachments.views, r->errors);
        return;
    }
    if (list->kind != YAMLDOC_LIST) {
        complain(r, list, key->name, "wants a list, as in [a, b]");
        return;
    }
    configvalue_clear(key, r->config);
    for (struct yamldoc_node *item = list->child; item != NULL; item = item->next) {
        snprintf(path, sizeof path, "%s[%zu]", key->name, i++);
        if (key->kind == CONFIGVALUE_ROUTES)
            take_route(r, key, item, path);
        else
            take_scalar(r, key, item, path);
    }
}

static void read_map(struct reading *r, struct yamldoc_node *map, const char *prefix);

static void read_member(struct reading *r, const struct configvalue_key *key,
                        struct yamldoc_node *node, const char *path)
{
    char inside[PATH_ROOM + 1];

    if (strcmp(key->name, path) == 0) {
        if (configvalue_is_list(key))
            take_list(r, key, node);
        else
            take_scalar(r, key, node, key->name);
        return;
    }
    if (node->kind != YAMLDOC_MAP) {
        complain(r, node, path, "wants a map");
        return;
    }
    snprintf(inside, sizeof inside, "%s.", path);
    read_map(r, node, inside);
}

/* Reads the members of 'map' whose keys begin with 'prefix' ("", "cache."), which may be maps. */
static void read_map(struct reading *r, struct yamldoc_node *map, const char *prefix)
{
    char names[GROUPS_MAX][NAME_ROOM];
    const char *known[GROUPS_MAX + 1];
    size_t length = 0, skip = strlen(prefix);

    for (size_t i = 0; i < ARRAY_LENGTH(keys); i++) {
        const char *name = keys[i].name;
        char path[PATH_ROOM];
        if (strncmp(name, prefix, skip) != 0)
            continue;
        size_t size = strcspn(name + skip, ".");
        /* Keys of one group stand together in the table. */
        if (length > 0 && strlen(known[length - 1]) == size &&
            strncmp(known[length - 1], name + skip, size) == 0)
            continue;
        assert(length < GROUPS_MAX);
        snprintf(names[length], NAME_ROOM, "%.*s", (int)size, name + skip);
        known[length] = names[length];
        snprintf(path, sizeof path, "%s%s", prefix, names[length]);
        struct yamldoc_node *node = yamldoc_get(map, names[length++]);
        if (node != NULL)
            read_member(r, &keys[i], node, path);
    }
    known[length] = NULL;
    yamldoc_unknown(r->doc, map, prefix, known, r->errors);
}

static void read_document(struct config *config, const struct yamldoc *doc,
                          struct error_list *errors)
{
    struct reading r = {config, doc, errors};
    struct yamldoc_node *root = yamldoc_root(doc, 0);

    if (root == NULL) /* comments only */
        return;
    if (yamldoc_root(doc, 1) != NULL)
        error_add(errors, yamldoc_file(doc), yamldoc_root(doc, 1)->line, 0,
                  "the configuration is one YAML document, here begins a second one");
    if (root->kind == YAMLDOC_MAP)
        read_map(&r, root, "");
    else
        error_add(errors, yamldoc_file(doc), root->line, root->column,
                  "wants a map of keys, such as 'zone: use1-az1'");
}

static void read_file(struct config *config, const char *path, struct error_list *errors)
{
    char *bytes;
    size_t size;
    const char *why;

    if (!slurp_file(AT_FDCWD, path, FILE_MOST, &bytes, &size, NULL, &why)) {
        error_add(errors, path, 0, 0, "cannot be read: %s", why);
        return;
    }
    size_t before = errors->length;
    struct yamldoc *doc = yamldoc_parse(path, bytes, size, errors);
    if (doc != NULL)
        read_document(config, doc, errors);
    error_sort(errors, before); /* from top to bottom, not in the order of our table */
    yamldoc_free(doc);
    free(bytes);
}

/* ---- environment and flags ---- */

/* Takes a value as one text; 'source' names it in complaints. */
static void take_text(struct config *config, const struct configvalue_key *key, const char *text,
                      const char *source, struct error_list *errors)
{
    char why[CONFIGVALUE_WHY];

    if (configvalue_is_list(key))
        configvalue_split(key, config, text, source, errors);
    else if (!configvalue_set(key, config, text, why))
        error_add(errors, source, 0, 0, "%s", why);
}

/* 'name' is one of ours. */
static const struct configvalue_key *key_of(const char *name)
{
    const struct configvalue_key *key = keys;

    while (strcmp(key->name, name) != 0) {
        key++;
        assert(key < keys + ARRAY_LENGTH(keys));
    }
    return key;
}

/* Kubernetes sets PLDNS_SERVICE_HOST, PLDNS_PORT, PLDNS_PORT_53_UDP … in every pod of a namespace
 * that has a service named pldns: they are nobody's mistake. */
static bool is_of_kubernetes(const char *name)
{
    return strncmp(name, PREFIX "SERVICE_", sizeof PREFIX "SERVICE_" - 1) == 0 ||
           strcmp(name, PREFIX "PORT") == 0 ||
           strncmp(name, PREFIX "PORT_", sizeof PREFIX "PORT_" - 1) == 0;
}

static void take_variable(struct config *config, const char *variable, const char *value,
                          struct error_list *errors)
{
    char names[GROUPS_MAX][CONFIGVALUE_VARIABLE];
    const char *known[GROUPS_MAX + 1];

    for (size_t i = 0; i < ARRAY_LENGTH(keys); i++) {
        known[i] = configvalue_variable(&keys[i], names[i]);
        if (strcmp(known[i], variable) == 0) {
            take_text(config, &keys[i], value, variable, errors);
            return;
        }
    }
    known[ARRAY_LENGTH(keys)] = NULL;
    if (is_of_kubernetes(variable))
        return;
    const char *near = yamldoc_nearest(variable, known);
    error_warn(errors, variable, 0, 0,
               near != NULL ? "no such setting, ignored; did you mean %s?"
                            : "no such setting, ignored",
               near);
}

static void read_environment(struct config *config, char *const *environment,
                             struct error_list *errors)
{
    for (; environment != NULL && *environment != NULL; environment++) {
        const char *equals = strchr(*environment, '=');
        if (equals == NULL || strncmp(*environment, PREFIX, sizeof PREFIX - 1) != 0)
            continue;
        char *variable = alloc_string(*environment);
        variable[equals - *environment] = '\0';
        take_variable(config, variable, equals + 1, errors);
        free(variable);
    }
}

static void take_flags(struct config *config, const char *name, const char *flag,
                       const char *const *texts, size_t length, struct error_list *errors)
{
    const struct configvalue_key *key = key_of(name);
    char why[CONFIGVALUE_WHY];

    if (length > 0)
        configvalue_clear(key, config);
    for (size_t i = 0; i < length; i++) {
        if (!configvalue_set(key, config, texts[i], why))
            error_add(errors, flag, 0, 0, "%s", why);
    }
}

static void read_flags(struct config *config, const struct config_flags *flags,
                       struct error_list *errors)
{
    take_flags(config, "listen", "--listen", flags->listen, flags->listen_length, errors);
    take_flags(config, "attachments.directory", "--attachments", &flags->attachments,
               flags->attachments != NULL, errors);
    take_flags(config, "forward.upstreams", "--upstream", flags->upstreams, flags->upstreams_length,
               errors);
}

/* ---- all together ---- */

static void set_standard(struct config *config)
{
    struct error_list errors = {0};

    for (size_t i = 0; i < ARRAY_LENGTH(keys); i++)
        take_text(config, &keys[i], keys[i].standard, keys[i].name, &errors);
    assert(errors.errors == 0);
}

static void fill_instance(struct config *config)
{
    char host[256] = "";

    if (config->instance[0] != '\0' || gethostname(host, sizeof host - 1) != 0)
        return;
    free(config->instance);
    config->instance = alloc_string(host);
}

/* What no single key can tell.  'file' stands for the whole configuration. */
static void check_together(const struct config *config, const char *file, struct error_list *errors)
{
    if (config->listen_length == 0)
        error_add(errors, file, 0, 0, "listen: wants at least one address");
    if (config->cache.min_ttl_ms > config->cache.max_ttl_ms)
        error_add(errors, file, 0, 0, "cache.minTtl: is longer than cache.maxTtl");
    if (config->allow.length == 0)
        error_warn(errors, file, 0, 0, "clients.allow: is empty, so nobody may ask");
    if (zoneid_is_aws_name(config->zone, strlen(config->zone)))
        error_warn(errors, file, 0, 0,
                   "zone: '%s' looks like a zone name; wants a zone id such as use1-az1",
                   config->zone);
}

static void fill_workers(struct config *config)
{
    if (config->workers > 0)
        return;
    config->workers = cpus_allowed();
    if (config->workers > CONFIG_WORKERS_MAX)
        config->workers = CONFIG_WORKERS_MAX;
}

struct config *config_read(const struct config_flags *flags, char *const *environment,
                           struct error_list *errors)
{
    struct config *config = alloc_array(1, sizeof *config);
    size_t before = errors->errors;

    set_standard(config);
    if (flags->file != NULL)
        read_file(config, flags->file, errors);
    read_environment(config, environment, errors);
    read_flags(config, flags, errors);
    check_together(config, flags->file != NULL ? flags->file : "configuration", errors);
    if (errors->errors > before) {
        config_free(config);
        return NULL;
    }
    fill_instance(config);
    fill_workers(config);
    return config;
}

void config_free(struct config *config)
{
    if (config == NULL)
        return;
    for (size_t i = 0; i < ARRAY_LENGTH(keys); i++)
        configvalue_clear(&keys[i], config);
    free(config->instance);
    free(config->zone);
    free(config->attachments.directory);
    free(config->attachments.state);
    free(config->forward.resolv_conf);
    free(config->forward.tls_cert_bundle);
    free(config);
}
