#include "stage.h"

#include <assert.h>
#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "alloc.h"
#include "fake_message.h"
#include "log.h"
#include "packet.h"
#include "query.h"
#include "tls.h"

#define START         UINT64_C(1000000)
#define SETTINGS_MAX  64
#define UPSTREAMS_MAX 16

struct stage {
    FILE *trace;
    char *settings[SETTINGS_MAX + 1];
    size_t settings_length;
    int config_file; /* 0: none */
    const char *upstreams[UPSTREAMS_MAX];
    size_t upstreams_length;
    bool upstreams_given;
    struct documents *documents;

    struct config *config; /* NULL: not open yet */
    struct fake_network *network;
    struct publish *table;
    struct cache *cache;
    struct stats stats;
    struct query_desk *desk;

    struct stage_client clients[STAGE_CLIENTS_MAX];
    struct stage_sent *sent;
    size_t sent_length;
    uint64_t taken;
    struct tls_trust *trust;
};

/* ---- before it opens ---- */

struct stage *stage_new(FILE *trace)
{
    struct stage *s = alloc_array(1, sizeof *s);

    s->trace = trace;
    s->documents = documents_new();
    return s;
}

/* forward.timeout → PLDNS_FORWARD_TIMEOUT, cache.minTtl → PLDNS_CACHE_MIN_TTL */
void stage_configure(struct stage *s, const char *key, const char *value)
{
    char text[2048] = "PLDNS_";
    size_t at = strlen(text);

    assert(strlen(key) + strlen(value) < sizeof text / 2 && s->settings_length < SETTINGS_MAX);
    for (; *key != '\0'; key++) {
        if (isupper((unsigned char)*key))
            text[at++] = '_';
        text[at++] = *key == '.' ? '_' : (char)toupper((unsigned char)*key);
    }
    text[at++] = '=';
    for (size_t i = 0; i < s->settings_length; i++) {
        if (strncmp(s->settings[i], text, at) == 0) {
            free(s->settings[i]);
            s->settings[i] = s->settings[--s->settings_length];
            s->settings[s->settings_length] = NULL;
            break;
        }
    }
    strcpy(text + at, value);
    s->settings[s->settings_length++] = alloc_string(text);
}

void stage_upstream(struct stage *s, const char *text)
{
    s->upstreams_given = true;
    if (strcmp(text, "none") == 0)
        s->upstreams_length = 0;
    else if (s->upstreams_length < UPSTREAMS_MAX)
        s->upstreams[s->upstreams_length++] = text;
}

int stage_config_file(struct stage *s)
{
    if (s->config_file == 0)
        s->config_file = memfd_create("config", MFD_CLOEXEC);
    return s->config_file;
}

/* ---- documents ---- */

struct documents *stage_documents(struct stage *s)
{
    return s->documents;
}

static void publish(struct stage *s)
{
    tableset_free(publish_swap(s->table, documents_build(s->documents)));
    if (s->trace != NULL)
        fprintf(s->trace, "%10.3f        == a new table is in service\n",
                (double)stage_now(s) / 1000);
}

/* ---- opening ---- */

/* The system's certificates take a while to read: only for those who need them. */
static bool open_trust(struct stage *s, struct error_list *errors)
{
    const struct config_upstreams *upstreams = &s->config->forward.upstreams;
    bool wanted = false;
    char why[256];

    for (size_t i = 0; i < upstreams->length; i++)
        wanted |= upstreams->items[i].transport == CONFIG_TLS;
    if (!wanted)
        return true;
    s->config->forward.trust = s->trust = tls_trust_new("", why, sizeof why);
    if (s->trust == NULL)
        error_add(errors, "the system's certificates", 0, 0, "%s", why);
    return s->trust != NULL;
}

static bool read_config(struct stage *s, struct error_list *errors)
{
    static const char *const standard[] = {"192.0.2.1", "192.0.2.2"};
    struct config_flags flags = {.upstreams = s->upstreams,
                                 .upstreams_length = s->upstreams_length};

    char path[32];

    if (!s->upstreams_given)
        flags = (struct config_flags){.upstreams = standard, .upstreams_length = 2};
    stage_configure(s, "instance", "stage");
    snprintf(path, sizeof path, "/proc/self/fd/%d", s->config_file);
    flags.file = s->config_file > 0 ? path : NULL;
    s->config = config_read(&flags, s->settings, errors);
    if (s->config == NULL)
        return false;
    return open_trust(s, errors);
}

static bool open_stage(struct stage *s, struct error_list *errors)
{
    if (!read_config(s, errors))
        return false;
    log_setup(s->trace != NULL ? LOG_LEVEL_INFO : LOG_LEVEL_ERROR, LOG_FORMAT_LOGFMT);
    publish_thread_enter();
    s->network = fake_network_new(START);
    documents_open(s->documents, s->config);
    documents_read(s->documents, START, errors);
    s->table = publish_new(documents_build(s->documents));
    s->cache = cache_new(&(struct cache_options){
        .bytes = s->config->cache.bytes,
        .min_ttl_ms = s->config->cache.min_ttl_ms,
        .max_ttl_ms = s->config->cache.max_ttl_ms,
        .max_negative_ttl_ms = s->config->cache.max_negative_ttl_ms,
        .serve_stale_ms = s->config->cache.serve_stale_ms,
    });
    s->desk = query_desk_new(&(struct query_desk_options){
        .config = s->config,
        .table = s->table,
        .cache = s->cache,
        .stats = &s->stats,
        .network = fake_network_of(s->network),
        .upstreams = &s->config->forward.upstreams,
        .in_flight = s->config->limits.in_flight,
    });
    return errors->errors == 0;
}

bool stage_settle(struct stage *s, struct error_list *errors)
{
    size_t before = errors->errors;

    if (s->config == NULL)
        return open_stage(s, errors);
    if (documents_changed(s->documents)) {
        documents_read(s->documents, fake_network_now(s->network), errors);
        publish(s);
    }
    return errors->errors == before;
}

void stage_stop(struct stage *s)
{
    query_desk_free(s->desk);
    s->desk = NULL;
}

static void close_stage(struct stage *s)
{
    stage_stop(s);
    cache_free(s->cache);
    tableset_free(publish_swap(s->table, NULL));
    publish_free(s->table);
    fake_network_free(s->network);
    publish_thread_leave();
    tls_trust_free(s->trust);
    config_free(s->config);
}

void stage_free(struct stage *s)
{
    if (s->config != NULL)
        close_stage(s);
    for (unsigned i = 0; i < STAGE_CLIENTS_MAX; i++) {
        free(s->clients[i].query);
        free(s->clients[i].reply);
    }
    for (size_t i = 0; i < s->settings_length; i++)
        free(s->settings[i]);
    documents_free(s->documents);
    if (s->config_file > 0)
        close(s->config_file);
    free(s->sent);
    free(s);
}

/* ---- what leaves ---- */

static unsigned connection_of(const struct stage *s, const struct fake_sent *sent)
{
    unsigned highest = 0;

    if (!sent->stream)
        return 0;
    for (size_t i = 0; i < s->sent_length; i++) {
        const struct stage_sent *other = &s->sent[i];
        if (!other->sent.stream || strcmp(other->sent.to, sent->to) != 0)
            continue;
        if (other->sent.socket == sent->socket)
            return other->connection;
        highest = other->connection > highest ? other->connection : highest;
    }
    return highest + 1;
}

static void tell_sent(const struct stage *s, const struct stage_sent *sent)
{
    char question[1400];

    if (s->trace == NULL)
        return;
    (void)!packet_question_text(sent->sent.message, sent->sent.size, question, sizeof question);
    fprintf(s->trace, "%10.3f        -> %s is %s %s%s\n", (double)(sent->sent.at - START) / 1000,
            sent->sent.to, sent->probe ? "probed:" : "asked", question,
            sent->sent.stream ? " over tcp" : "");
}

/* Connections are made, and what was sent is written down. */
static void collect(struct stage *s)
{
    struct fake_sent sent;

    while (fake_network_take(s->network, &sent)) {
        struct stage_sent out = {.sent = sent, .connection = connection_of(s, &sent)};

        out.probe = sent.size > 14 && sent.message[12] == 0 && sent.message[14] == FAKE_TYPE_NS;
        tell_sent(s, &out);
        s->sent = alloc_resize(s->sent, s->sent_length + 1, sizeof *s->sent);
        s->sent[s->sent_length++] = out;
    }
}

static void settle_network(struct stage *s)
{
    fake_network_pass(s->network, 0);
    collect(s);
}

size_t stage_sent_length(const struct stage *s)
{
    return s->sent_length;
}

struct stage_sent *stage_sent(struct stage *s, size_t i)
{
    return &s->sent[i];
}

void stage_take(struct stage *s, struct stage_sent *sent)
{
    sent->taken = ++s->taken;
}

size_t stage_connections(const struct stage *s, const char *to)
{
    size_t open = 0;
    unsigned counted = 0;

    for (size_t i = 0; i < s->sent_length; i++) {
        const struct stage_sent *sent = &s->sent[i];
        if (strcmp(sent->sent.to, to) != 0 || sent->connection <= counted)
            continue;
        counted = sent->connection;
        open += fake_network_is_open(s->network, &sent->sent);
    }
    return open;
}

void stage_set_upstreams(struct stage *s, const struct config_upstreams *upstreams)
{
    forward_set_upstreams(query_desk_forward(s->desk), upstreams, fake_network_now(s->network));
}

void stage_deliver(struct stage *s, const struct stage_sent *sent, const void *message, size_t size)
{
    fake_network_deliver(s->network, &sent->sent, message, size);
    settle_network(s);
}

void stage_octets(struct stage *s, const struct stage_sent *sent, const void *octets, size_t size)
{
    fake_network_octets(s->network, &sent->sent, octets, size);
    settle_network(s);
}

void stage_break(struct stage *s, const struct stage_sent *sent)
{
    fake_network_break(s->network, &sent->sent);
    settle_network(s);
}

/* ---- time ---- */

uint64_t stage_now(const struct stage *s)
{
    return fake_network_now(s->network) - START;
}

void stage_pass(struct stage *s, uint64_t ms)
{
    uint64_t until = fake_network_now(s->network) + ms, next;

    while ((next = documents_next_expiry(s->documents)) <= until) {
        uint64_t now = fake_network_now(s->network);
        fake_network_pass(s->network, next > now ? next - now : 0);
        if (!documents_expire(s->documents, fake_network_now(s->network)))
            break;
        publish(s);
    }
    fake_network_pass(s->network, until - fake_network_now(s->network));
    collect(s);
}

/* ---- clients ---- */

static void tell(struct stage *s, unsigned client, const uint8_t *reply, size_t size)
{
    struct stage_client *c = &s->clients[client];

    assert(c->state == STAGE_WAITING && size > 0);
    c->state = STAGE_TOLD;
    c->reply = alloc_copy(reply, size);
    c->reply_size = size;
    if (s->trace != NULL)
        fprintf(s->trace, "%10.3f        <- client %u has an answer of %zu octets\n",
                (double)stage_now(s) / 1000, client, size);
}

static void on_late(const struct query_client *client, const uint8_t *reply, size_t size)
{
    unsigned number;

    memcpy(&number, client->route, sizeof number);
    tell(client->transport, number, reply, size);
}

struct stage_client *stage_client(struct stage *s, unsigned client)
{
    return &s->clients[client];
}

void stage_dismiss(struct stage *s, unsigned client)
{
    struct stage_client *c = &s->clients[client];

    free(c->query);
    free(c->reply);
    *c = (struct stage_client){0};
}

bool stage_ask(struct stage *s, unsigned number, const void *query, size_t size, bool tcp,
               const union config_address *from, unsigned line, const char **why)
{
    static uint8_t out[QUERY_REPLY_MAX];
    struct stage_client *c = &s->clients[number];
    struct query_client client = {
        .address = from->ip, .tcp = tcp, .reply = on_late, .transport = s};
    size_t space = s->config->udp_size > 1232 ? s->config->udp_size : 1232, out_size;

    if (c->state == STAGE_WAITING || c->state == STAGE_TOLD) {
        *why = c->state == STAGE_TOLD ? "this client has an answer that nobody looked at"
                                      : "this client still waits";
        return false;
    }
    memcpy(client.route, &number, sizeof number);
    stage_dismiss(s, number);
    c->tcp = tcp;
    c->line = line;
    c->query = alloc_copy(query, size);
    c->query_size = size;
    /* A block of exactly that size: reading behind it is seen by the sanitizer. */
    publish_read_begin();
    enum query_result result =
        query_handle(s->desk, &client, c->query, size, out, tcp ? sizeof out : space, &out_size,
                     fake_network_now(s->network));
    publish_read_end();
    c->state = result == QUERY_SILENT ? STAGE_DROPPED : STAGE_WAITING;
    if (result == QUERY_DONE)
        tell(s, number, out, out_size);
    settle_network(s);
    return true;
}

/* ---- the rest of the world ---- */

struct fake_network *stage_network(struct stage *s)
{
    return s->network;
}

const struct config *stage_config(const struct stage *s)
{
    return s->config;
}

bool stage_counter(const struct stage *s, const char *name, uint64_t *out)
{
    for (unsigned i = 0; i < STATS_COUNT; i++) {
        if (strcmp(stats_name(i), name) != 0)
            continue;
        *out = stats_read(&s->stats, i);
        return true;
    }
    if (strcmp(name, "cache_entries") == 0)
        *out = cache_entries(s->cache);
    else if (strcmp(name, "cache_bytes") == 0)
        *out = cache_bytes(s->cache);
    else if (strcmp(name, "sockets_opened") == 0)
        *out = fake_network_opened(s->network);
    else
        return false;
    return true;
}

size_t stage_flush(struct stage *s, const uint8_t *name, bool subtree)
{
    return query_desk_flush(s->desk, name, subtree);
}
