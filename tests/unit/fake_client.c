#include "fake_client.h"

#include <arpa/inet.h>
#include <assert.h>
#include <ldns/ldns.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "alloc.h"
#include "codec.h"
#include "configaddress.h"
#include "tableset.h"
#include "viewsplit.h"

#define LATE_MAX 64
#define TEXT_MAX 65536

struct late {
    size_t size;
    uint8_t *bytes;
};

struct fake_client {
    struct config *config;
    struct fake_network *network;
    struct cache *cache;
    struct stats stats;
    struct publish *table;
    struct query_desk *desk;
    uint64_t generation;
    struct late late[LATE_MAX];
    size_t late_from, late_to;
    size_t size;
    uint8_t reply[QUERY_REPLY_MAX];
    char text[TEXT_MAX];
    size_t used;
};

/* ---- making ---- */

static void show(const struct error_list *errors)
{
    char line[2048];

    for (size_t i = 0; i < errors->length; i++)
        fprintf(stderr, "%s\n", error_format(&errors->items[i], line, sizeof line));
}

static struct tableset *build(struct fake_client *c, const char *text)
{
    struct error_list errors = {0};
    struct document *document = document_parse("doc.yaml", text, strlen(text), &errors);
    struct table_options options = {
        .generation = ++c->generation,
        .zone = c->config->zone,
        .fences = c->config->fence.items,
        .fences_length = c->config->fence.length,
        .search_suffixes = c->config->search_suffixes.items,
        .search_suffixes_length = c->config->search_suffixes.length,
    };

    if (document == NULL)
        show(&errors);
    assert(document != NULL);
    const struct view_list *views = &c->config->attachments.views;
    struct viewsplit *split = viewsplit_new(views, &document, 1);
    struct table **tables = alloc_array(view_count(views), sizeof(struct table *));
    for (unsigned view = 0; view < view_count(views); view++) {
        size_t length;
        struct document *const *documents = viewsplit_documents(split, view, &length);
        tables[view] = table_build(&options, documents, length);
    }
    struct tableset *set = tableset_new(views, tables, 1);
    free(tables);
    viewsplit_free(split);
    document_release(document);
    error_clear(&errors);
    return set;
}

struct fake_client *fake_client_new(char *const *environment, const char *documents)
{
    static const char *const upstreams[] = {"192.0.2.1", "192.0.2.2"};
    struct fake_client *c = calloc(1, sizeof *c);
    struct error_list errors = {0};
    static bool entered;

    assert(c != NULL);
    c->config = config_read(&(struct config_flags){.upstreams = upstreams, .upstreams_length = 2},
                            environment, &errors);
    if (c->config == NULL)
        show(&errors);
    assert(c->config != NULL);
    error_clear(&errors);
    c->network = fake_network_new(1000000);
    c->table = publish_new(build(c, documents));
    c->cache = cache_new(&(struct cache_options){
        .bytes = 1 << 20,
        .min_ttl_ms = c->config->cache.min_ttl_ms,
        .max_ttl_ms = c->config->cache.max_ttl_ms,
        .max_negative_ttl_ms = c->config->cache.max_negative_ttl_ms,
        .serve_stale_ms = c->config->cache.serve_stale_ms,
    });
    if (!entered) {
        publish_thread_enter(); /* for as long as the program runs */
        entered = true;
    }
    c->desk = query_desk_new(&(struct query_desk_options){
        .config = c->config,
        .table = c->table,
        .cache = c->cache,
        .stats = &c->stats,
        .network = fake_network_of(c->network),
        .upstreams = &c->config->forward.upstreams,
        .in_flight = c->config->limits.in_flight,
    });
    return c;
}

void fake_client_close(struct fake_client *c)
{
    query_desk_free(c->desk);
    c->desk = NULL;
}

void fake_client_free(struct fake_client *c)
{
    fake_client_close(c);
    cache_free(c->cache);
    tableset_free(publish_swap(c->table, NULL));
    publish_free(c->table);
    fake_network_free(c->network);
    config_free(c->config);
    for (size_t i = 0; i < c->late_to; i++)
        free(c->late[i].bytes);
    free(c);
}

void fake_client_publish(struct fake_client *c, const char *documents)
{
    tableset_free(publish_swap(c->table, build(c, documents)));
}

void fake_client_flush(struct fake_client *c)
{
    static const uint8_t root[] = {0};

    cache_flush(c->cache, root, true);
}

/* ---- asking ---- */

struct words {
    bool tcp, edns, dnssec_ok, nsid, keepalive, cookie;
    unsigned udp_size, flags, class;
    const char *from;
};

static void read_words(struct words *w, char *text)
{
    *w = (struct words){.udp_size = 1232, .flags = FAKE_RD, .class = 1, .from = "127.0.0.1"};
    for (char *save = NULL, *word = strtok_r(text, " ", &save); word != NULL;
         word = strtok_r(NULL, " ", &save)) {
        w->tcp |= strcmp(word, "tcp") == 0;
        w->dnssec_ok |= strcmp(word, "do") == 0;
        w->nsid |= strcmp(word, "nsid") == 0;
        w->keepalive |= strcmp(word, "keepalive") == 0;
        w->cookie |= strcmp(word, "cookie") == 0;
        w->edns |= strcmp(word, "edns") == 0 || sscanf(word, "edns=%u", &w->udp_size) == 1;
        w->edns |= w->dnssec_ok || w->nsid || w->keepalive || w->cookie;
        if (strcmp(word, "nord") == 0)
            w->flags &= ~(unsigned)FAKE_RD;
        else if (strcmp(word, "cd") == 0)
            w->flags |= FAKE_CD;
        else if (strcmp(word, "ad") == 0)
            w->flags |= FAKE_AD;
        else if (strcmp(word, "ch") == 0)
            w->class = 3;
        else if (strcmp(word, "hs") == 0)
            w->class = 4;
        else if (strncmp(word, "from=", 5) == 0)
            w->from = word + 5;
    }
}

static void add(struct fake_message *m, const uint8_t *bytes, size_t size)
{
    memcpy(m->bytes + m->size, bytes, size);
    m->size += size;
}

static void make(struct fake_message *m, const char *question, struct words *w, char *rest)
{
    char name[300], type[32];
    int used = 0;

    assert(sscanf(question, "%299s %31s %n", name, type, &used) >= 2);
    strcpy(rest, question + used);
    read_words(w, rest);
    ldns_rr_type number = ldns_get_rr_type_by_name(type);
    fake_message_query(m, 0x1234, (uint16_t)w->flags, name, (uint16_t)number);
    m->bytes[m->size - 1] = (uint8_t)w->class;
    if (!w->edns)
        return;
    fake_message_opt(m, (uint16_t)w->udp_size, w->dnssec_ok ? 0x8000 : 0);
    static const uint8_t nsid[] = {0, 3, 0, 0}, keepalive[] = {0, 11, 0, 0};
    static const uint8_t cookie[] = {0, 10, 0, 8, 1, 2, 3, 4, 5, 6, 7, 8};
    size_t before = m->size;
    if (w->nsid)
        add(m, nsid, sizeof nsid);
    if (w->keepalive)
        add(m, keepalive, sizeof keepalive);
    if (w->cookie)
        add(m, cookie, sizeof cookie);
    m->bytes[before - 1] = (uint8_t)(m->size - before);
}

void fake_client_make(struct fake_message *m, const char *question)
{
    struct words w;
    char rest[512];

    make(m, question, &w, rest);
}

/* ---- reading ---- */

__attribute__((format(printf, 2, 3))) static void say(struct fake_client *c, const char *format,
                                                      ...)
{
    va_list arguments;

    va_start(arguments, format);
    int n = vsnprintf(c->text + c->used, sizeof c->text - c->used, format, arguments);
    va_end(arguments);
    assert(n >= 0 && (size_t)n < sizeof c->text - c->used);
    c->used += (size_t)n;
}

static void say_record(struct fake_client *c, const ldns_rr *rr, const ldns_rdf *qname)
{
    char *type = ldns_rr_type2str(ldns_rr_get_type(rr));

    if (qname == NULL || ldns_dname_compare(ldns_rr_owner(rr), qname) != 0) {
        char *owner = ldns_rdf2str(ldns_rr_owner(rr));
        say(c, "%s ", owner);
        free(owner);
    }
    say(c, "%u %s", ldns_rr_ttl(rr), type);
    free(type);
    bool soa = ldns_rr_get_type(rr) == LDNS_RR_TYPE_SOA;
    for (size_t i = 0; i < ldns_rr_rd_count(rr); i++) {
        if (soa && i != 2 && i != 6)
            continue;
        char *rdf = ldns_rdf2str(ldns_rr_rdf(rr, i));
        say(c, " %s", rdf);
        free(rdf);
    }
}

static void say_options(struct fake_client *c, const ldns_pkt *p)
{
    const ldns_rdf *data = ldns_pkt_edns_data(p);
    size_t size = data != NULL ? ldns_rdf_size(data) : 0;
    const uint8_t *at = data != NULL ? ldns_rdf_data(data) : NULL;

    say(c, " | opt %u%s", ldns_pkt_edns_udp_size(p), ldns_pkt_edns_do(p) ? " do" : "");
    assert(ldns_pkt_edns_version(p) == 0);
    while (size > 0) {
        assert(size >= 4);
        unsigned code = (unsigned)(at[0] << 8 | at[1]), length = (unsigned)(at[2] << 8 | at[3]);
        assert(size - 4 >= length);
        const char *text = (const char *)at + 4;
        if (code == 15)
            say(c, " ede %u%s%.*s", (unsigned)(at[4] << 8 | at[5]), length > 2 ? " " : "",
                (int)length - 2, text + 2);
        else if (code == 3)
            say(c, " nsid %.*s", (int)length, text);
        else if (code == 11)
            say(c, " keepalive %u", (unsigned)(at[4] << 8 | at[5]));
        else
            say(c, " option %u of %u", code, length);
        at += 4 + length;
        size -= 4 + length;
    }
}

static void say_packet(struct fake_client *c, const ldns_pkt *p)
{
    unsigned rcode = (unsigned)ldns_pkt_get_rcode(p) | (unsigned)ldns_pkt_edns_extended_rcode(p)
                                                           << 4;
    char *name = rcode == 16  ? strdup("BADVERS")
                 : rcode == 4 ? strdup("NOTIMP")
                              : ldns_pkt_rcode2str((ldns_pkt_rcode)rcode);
    const ldns_rr_list *question = ldns_pkt_question(p);
    const ldns_rdf *qname =
        ldns_rr_list_rr_count(question) == 1 ? ldns_rr_owner(ldns_rr_list_rr(question, 0)) : NULL;

    say(c, "%s%s%s%s%s%s%s%s", name, ldns_pkt_aa(p) ? " aa" : "", ldns_pkt_tc(p) ? " tc" : "",
        ldns_pkt_rd(p) ? " rd" : "", ldns_pkt_ra(p) ? " ra" : "", ldns_pkt_ad(p) ? " ad" : "",
        ldns_pkt_cd(p) ? " cd" : "", qname == NULL ? " bare" : "");
    free(name);
    assert(ldns_pkt_qr(p));
    for (size_t i = 0; i < ldns_pkt_ancount(p); i++) {
        say(c, " | ");
        say_record(c, ldns_rr_list_rr(ldns_pkt_answer(p), i), qname);
    }
    for (size_t i = 0; i < ldns_pkt_nscount(p); i++) {
        say(c, " | auth ");
        say_record(c, ldns_rr_list_rr(ldns_pkt_authority(p), i), qname);
    }
    assert(ldns_pkt_edns(p) || ldns_pkt_arcount(p) == 0);
    if (ldns_pkt_edns(p))
        say_options(c, p);
}

static const char *read_reply(struct fake_client *c)
{
    ldns_pkt *p = NULL;

    c->used = 0;
    c->text[0] = 0;
    if (ldns_wire2pkt(&p, c->reply, c->size) != LDNS_STATUS_OK)
        return "broken";
    /* What we write we would take from others. */
    assert(ldns_pkt_qdcount(p) == 0 || codec_compare_reply(c->reply, c->size));
    say_packet(c, p);
    ldns_pkt_free(p);
    return c->text;
}

/* ---- talking to the desk ---- */

static void on_late(const struct query_client *client, const uint8_t *reply, size_t size)
{
    struct fake_client *c = client->transport;

    assert(c->late_to < LATE_MAX && size > 0);
    struct late *late = &c->late[c->late_to++];
    late->size = size;
    late->bytes = malloc(size);
    assert(late->bytes != NULL);
    memcpy(late->bytes, reply, size);
}

static const char *hand(struct fake_client *c, const void *message, size_t size, bool tcp,
                        const char *from)
{
    struct query_client client = {.tcp = tcp, .reply = on_late, .transport = c};
    const char *why;
    struct config_upstream peer; /* reads "127.0.0.1:4242" for us */

    if (!configaddress_upstream(from, &peer, &why))
        return why;
    client.address = peer.address.ip;
    publish_read_begin();
    enum query_result result =
        query_handle(c->desk, &client, message, size, c->reply, tcp ? sizeof c->reply : 1232,
                     &c->size, fake_network_now(c->network));
    publish_read_end();
    switch (result) {
    case QUERY_DONE:
        return read_reply(c);
    case QUERY_SILENT:
        return "silent";
    case QUERY_WAITING:
        return "waiting";
    }
    return "?";
}

const char *fake_client_ask(struct fake_client *c, const char *question)
{
    static struct fake_message m;
    struct words w;
    char rest[512], from[80];

    make(&m, question, &w, rest);
    snprintf(from, sizeof from, strchr(w.from, ']') || strchr(w.from, ':') ? "%s" : "%s:4242",
             w.from);
    return hand(c, m.bytes, m.size, w.tcp, from);
}

const char *fake_client_send(struct fake_client *c, const void *message, size_t size, bool tcp)
{
    return hand(c, message, size, tcp, "127.0.0.1:4242");
}

const char *fake_client_late(struct fake_client *c)
{
    if (c->late_from == c->late_to)
        return NULL;
    struct late *late = &c->late[c->late_from++];
    memcpy(c->reply, late->bytes, late->size);
    c->size = late->size;
    free(late->bytes);
    late->bytes = NULL;
    if (c->late_from == c->late_to)
        c->late_from = c->late_to = 0;
    return read_reply(c);
}

const uint8_t *fake_client_reply(const struct fake_client *c, size_t *size)
{
    *size = c->size;
    return c->reply;
}

struct fake_network *fake_client_network(struct fake_client *c)
{
    return c->network;
}

struct query_desk *fake_client_desk(struct fake_client *c)
{
    return c->desk;
}

const struct table *fake_client_table(const struct fake_client *c)
{
    return tableset_table(publish_get(c->table), VIEW_NONE);
}

uint64_t fake_client_count(const struct fake_client *c, enum stats_counter counter)
{
    return stats_read(&c->stats, counter);
}
