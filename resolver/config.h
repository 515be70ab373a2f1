/* The daemon's configuration: file, environment, command line, in rising order of strength.
 *
 * Read once at start; immutable afterwards.  Every mistake is reported with its place, all at once,
 * before anything is bound.  The table of keys in config.c is the one list of what exists: the
 * file's reader, the environment (PLDNS_FORWARD_TIMEOUT) and the documentation check follow it. */
#ifndef PLDNS_CONFIG_H
#define PLDNS_CONFIG_H

#include "configaddress.h"
#include "log.h"
#include "netblock.h"
#include "view.h"

#define CONFIG_WORKERS_MAX 256

enum config_otherwise { CONFIG_REFUSE, CONFIG_DROP };
enum config_case { CONFIG_CASE_PLAIN, CONFIG_CASE_RANDOM };
enum config_start_error { CONFIG_START_EXIT, CONFIG_START_SERVE };
enum config_query_log {
    CONFIG_QUERIES_OFF,
    CONFIG_QUERIES_ERRORS,
    CONFIG_QUERIES_OWNED,
    CONFIG_QUERIES_ALL
};

struct config {
    union config_address *listen;
    size_t listen_length;
    unsigned workers; /* 'auto' already turned into a number */
    char *instance;   /* host name if not set */
    char *zone;
    bool identity_hidden;
    uint16_t udp_size;     /* our EDNS UDP size, default 1232 */
    bool udp_segmentation; /* see bundle.h */
    struct {
        char *directory;
        char *state; /* "" = keep none */
        uint64_t detach_hold_ms;
        enum config_start_error on_start_error;
        struct view_list views;
    } attachments;
    struct {
        struct config_upstreams upstreams; /* empty: resolv.conf */
        char *resolv_conf;
        struct config_route *routes;
        size_t routes_length;
        uint64_t timeout_ms;
        enum config_case letter_case;
        char *tls_cert_bundle;   /* "" = the system's */
        struct tls_trust *trust; /* the server's, if an upstream speaks TLS */
        struct loop *loop;       /* the server's: which upstreams lead back to us, or NULL */
    } forward;
    struct {
        uint64_t bytes; /* all workers together */
        uint64_t min_ttl_ms, max_ttl_ms, max_negative_ttl_ms, serve_stale_ms;
        bool prefetch;
    } cache;
    struct config_names fence;
    struct config_names search_suffixes;
    struct netblock_list allow;
    enum config_otherwise otherwise;
    struct netblock_list diagnostics;
    struct {
        unsigned tcp_connections, tcp_per_client, in_flight;
        uint64_t tcp_idle_ms;
    } limits;
    union config_address *admin;
    size_t admin_length;
    struct {
        enum log_level level;
        enum log_format format;
        enum config_query_log queries;
    } log;
    uint64_t drain_ms;
};

/* What the command line said; NULL / 0 = not given. */
struct config_flags {
    const char *file;
    const char *const *listen;
    size_t listen_length;
    const char *attachments;
    const char *const *upstreams;
    size_t upstreams_length;
};

/* Reads everything.  'environment' is environ (tests pass their own).  NULL: 'errors' says what. */
MUST_USE struct config *config_read(const struct config_flags *, char *const *environment,
                                    struct error_list *errors);
void config_free(struct config *);

/* "127.0.0.1:53" of an address, for people.  Returns 'text' (at least 128 bytes). */
char *config_address_text(const struct sockaddr *, char *text, size_t size);

#endif
