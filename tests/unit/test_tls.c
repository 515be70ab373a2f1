/* Both ends of TLS in one program: the server is the library's, with certificates made here. */
#include "tls.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include "alloc.h"

#define DAY 86400L

/* ---- certificates ---- */

struct identity {
    EVP_PKEY *key;
    X509 *certificate;
};

static void add_extension(X509 *certificate, X509 *issuer, int kind, const char *text)
{
    X509V3_CTX context;

    X509V3_set_ctx(&context, issuer, certificate, NULL, NULL, 0);
    X509_EXTENSION *extension = X509V3_EXT_conf_nid(NULL, &context, kind, text);
    assert_non_null(extension);
    assert_int_equal(X509_add_ext(certificate, extension, -1), 1);
    X509_EXTENSION_free(extension);
}

/* 'issuer' NULL: an authority of its own. */
static struct identity make_identity(const char *names, long from, long to,
                                     const struct identity *issuer)
{
    struct identity made = {.key = EVP_EC_gen("P-256"), .certificate = X509_new()};
    const struct identity *by = issuer != NULL ? issuer : &made;
    static long serial;

    X509_set_version(made.certificate, X509_VERSION_3);
    ASN1_INTEGER_set(X509_get_serialNumber(made.certificate), ++serial);
    X509_gmtime_adj(X509_getm_notBefore(made.certificate), from);
    X509_gmtime_adj(X509_getm_notAfter(made.certificate), to);
    X509_set_pubkey(made.certificate, made.key);
    X509_NAME_add_entry_by_txt(X509_get_subject_name(made.certificate), "CN", MBSTRING_ASC,
                               (const uint8_t *)(issuer != NULL ? "server" : "authority"), -1, -1,
                               0);
    X509_set_issuer_name(made.certificate, X509_get_subject_name(by->certificate));
    add_extension(made.certificate, by->certificate, NID_basic_constraints,
                  issuer != NULL ? "critical,CA:FALSE" : "critical,CA:TRUE");
    if (names != NULL)
        add_extension(made.certificate, by->certificate, NID_subject_alt_name, names);
    assert_true(X509_sign(made.certificate, by->key, EVP_sha256()) > 0);
    return made;
}

static void free_identity(struct identity *identity)
{
    EVP_PKEY_free(identity->key);
    X509_free(identity->certificate);
}

static char *write_authority(const struct identity *authority)
{
    char *path = alloc_string("/tmp/test_tls.XXXXXX");
    int fd = mkstemp(path);
    FILE *file = fdopen(fd, "w");

    assert_non_null(file);
    assert_int_equal(PEM_write_X509(file, authority->certificate), 1);
    fclose(file);
    return path;
}

/* ---- a network of one stream: what is sent waits here for the far end ---- */

struct wire {
    struct network network; /* first */
    network_socket_fn *fn;
    void *arg;
    uint8_t bytes[1 << 18];
    size_t length;
    bool open, refuses;
};

struct network_socket {
    struct wire *wire;
};

static struct network_socket the_socket;

static struct network_socket *wire_stream(struct network *network, const struct sockaddr *to,
                                          network_socket_fn *fn, void *arg)
{
    struct wire *wire = (struct wire *)network;

    (void)to;
    wire->fn = fn;
    wire->arg = arg;
    wire->open = true;
    wire->length = 0;
    the_socket.wire = wire;
    return wire->refuses ? NULL : &the_socket;
}

static bool wire_send(struct network_socket *s, const uint8_t *data, size_t size)
{
    struct wire *wire = s->wire;

    if (!wire->open || size > sizeof wire->bytes - wire->length)
        return false;
    memcpy(wire->bytes + wire->length, data, size);
    wire->length += size;
    return true;
}

static void wire_close(struct network_socket *s)
{
    s->wire->open = false;
}

/* ---- the far end, and what our end was told ---- */

struct world {
    struct wire wire;
    struct tls_trust *trust;
    struct network *network;
    struct network_socket *socket;
    SSL_CTX *context;
    SSL *server;
    size_t step; /* octets handed to us at a time */
    unsigned connected, closed, asked_for_dot;
    bool close_on_data;
    uint8_t got[1 << 17];
    size_t got_length;
};

static void on_told(void *arg, enum network_event event, const uint8_t *data, size_t size,
                    uint64_t now)
{
    struct world *w = arg;

    (void)now;
    w->connected += event == NETWORK_CONNECTED;
    w->closed += event == NETWORK_CLOSED;
    if (event != NETWORK_DATA)
        return;
    assert_true(size <= sizeof w->got - w->got_length);
    memcpy(w->got + w->got_length, data, size);
    w->got_length += size;
    if (w->close_on_data) {
        w->network->close(w->socket);
        w->socket = NULL;
    }
}

/* The far end takes the protocol that we offer. */
static int on_alpn(SSL *ssl, const uint8_t **out, uint8_t *length, const uint8_t *in, unsigned size,
                   void *arg)
{
    struct world *w = arg;

    (void)ssl;
    w->asked_for_dot += size == 4 && memcmp(in, "\3dot", 4) == 0;
    *out = in + 1;
    *length = in[0];
    return SSL_TLSEXT_ERR_OK;
}

static struct world *begin(const char *authority, const char *name, const struct identity *who)
{
    struct world *w = alloc_array(1, sizeof *w);
    char why[200];

    w->step = SIZE_MAX;
    w->wire.network =
        (struct network){.stream = wire_stream, .send = wire_send, .close = wire_close};
    w->trust = tls_trust_new(authority, why, sizeof why);
    assert_non_null(w->trust);
    w->network = tls_network_new(&w->wire.network, w->trust, name, "tls://192.0.2.1");
    w->context = SSL_CTX_new(TLS_server_method());
    assert_int_equal(SSL_CTX_use_certificate(w->context, who->certificate), 1);
    assert_int_equal(SSL_CTX_use_PrivateKey(w->context, who->key), 1);
    SSL_CTX_set_alpn_select_cb(w->context, on_alpn, w);
    SSL_CTX_set_session_id_context(w->context, (const uint8_t *)"test", 4);
    return w;
}

static void dial(struct world *w)
{
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(853)};

    inet_pton(AF_INET, "192.0.2.1", &to.sin_addr);
    w->connected = w->closed = 0;
    w->got_length = 0;
    w->server = SSL_new(w->context);
    BIO *in = BIO_new(BIO_s_mem());
    BIO *out = BIO_new(BIO_s_mem());
    BIO_set_mem_eof_return(in, -1);
    BIO_set_mem_eof_return(out, -1);
    SSL_set_bio(w->server, in, out);
    SSL_set_accept_state(w->server);
    w->socket = w->network->stream(w->network, (struct sockaddr *)&to, on_told, w);
    assert_non_null(w->socket);
    w->wire.fn(w->wire.arg, NETWORK_CONNECTED, NULL, 0, 1);
}

/* Octets go both ways until nobody has any. */
static void exchange(struct world *w)
{
    uint8_t octets[1 << 15];
    bool moved = true;

    while (moved) {
        moved = false;
        if (w->wire.length > 0) {
            BIO_write(SSL_get_rbio(w->server), w->wire.bytes, (int)w->wire.length);
            w->wire.length = 0;
            moved = true;
        }
        if (!SSL_is_init_finished(w->server))
            SSL_do_handshake(w->server);
        int size = BIO_read(SSL_get_wbio(w->server), octets, sizeof octets);
        for (int at = 0; at < size && w->wire.open;) {
            size_t part = (size_t)(size - at) < w->step ? (size_t)(size - at) : w->step;

            w->wire.fn(w->wire.arg, NETWORK_DATA, octets + at, part, 1);
            at += (int)part;
            moved = true;
        }
    }
}

static void hang_up(struct world *w)
{
    if (w->socket != NULL)
        w->network->close(w->socket);
    w->socket = NULL;
    SSL_free(w->server);
    w->server = NULL;
}

static void end(struct world *w)
{
    hang_up(w);
    tls_network_free(w->network);
    tls_trust_free(w->trust);
    SSL_CTX_free(w->context);
    free(w);
}

/* ---- who is let in ---- */

struct meeting {
    const char *about, *name, *certificate;
    long from, to;
    bool stranger; /* signed by somebody else */
    bool good;
};

static const struct meeting meetings[] = {
    {"the name", "dns.example.com", "DNS:dns.example.com", -DAY, DAY, false, true},
    {"the name in other letters", "DNS.example.COM", "DNS:dns.example.com", -DAY, DAY, false, true},
    {"one of two names", "b.example.com", "DNS:a.example.com,DNS:b.example.com", -DAY, DAY, false,
     true},
    {"a wildcard", "dns.example.com", "DNS:*.example.com", -DAY, DAY, false, true},
    {"a part of a label", "dns.example.com", "DNS:d*.example.com", -DAY, DAY, false, false},
    {"another name", "dns.example.com", "DNS:dns.example.net", -DAY, DAY, false, false},
    {"a name above", "dns.example.com", "DNS:example.com", -DAY, DAY, false, false},
    {"the address, but a name is wanted", "dns.example.com", "IP:192.0.2.1", -DAY, DAY, false,
     false},
    {"the address", "", "IP:192.0.2.1", -DAY, DAY, false, true},
    {"another address", "", "IP:192.0.2.2", -DAY, DAY, false, false},
    {"a name, but the address is wanted", "", "DNS:dns.example.com", -DAY, DAY, false, false},
    {"nobody's", "dns.example.com", NULL, -DAY, DAY, false, false},
    {"ended", "dns.example.com", "DNS:dns.example.com", -2 * DAY, -DAY, false, false},
    {"not begun", "dns.example.com", "DNS:dns.example.com", DAY, 2 * DAY, false, false},
    {"an authority that nobody knows", "dns.example.com", "DNS:dns.example.com", -DAY, DAY, true,
     false},
};

static void test_who(void **state)
{
    struct identity authority = make_identity(NULL, -DAY, DAY, NULL);
    struct identity other = make_identity(NULL, -DAY, DAY, NULL);
    char *path = write_authority(&authority);

    (void)state;
    for (size_t i = 0; i < ARRAY_LENGTH(meetings); i++) {
        const struct meeting *m = &meetings[i];
        struct identity who =
            make_identity(m->certificate, m->from, m->to, m->stranger ? &other : &authority);
        struct world *w = begin(path, m->name, &who);

        dial(w);
        exchange(w);
        if (w->connected != m->good || w->closed != !m->good)
            fail_msg("%s: connected %u, closed %u", m->about, w->connected, w->closed);
        end(w);
        free_identity(&who);
    }
    unlink(path);
    free(path);
    free_identity(&authority);
    free_identity(&other);
}

/* ---- what goes through ---- */

static struct identity authority, server;
static char *authority_path;

static int setup(void **state)
{
    (void)state;
    authority = make_identity(NULL, -DAY, DAY, NULL);
    server = make_identity("DNS:dns.example.com", -DAY, DAY, &authority);
    authority_path = write_authority(&authority);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    unlink(authority_path);
    free(authority_path);
    free_identity(&server);
    free_identity(&authority);
    return 0;
}

static void talk(struct world *w, size_t size)
{
    static uint8_t question[1 << 16], heard[1 << 16];
    size_t so_far = 0;
    int part;

    for (size_t i = 0; i < size; i++)
        question[i] = (uint8_t)(i * 7);
    assert_true(w->network->send(w->socket, question, size));
    exchange(w);
    while ((part = SSL_read(w->server, heard + so_far, (int)(sizeof heard - so_far))) > 0)
        so_far += (size_t)part;
    assert_int_equal(so_far, size);
    assert_memory_equal(heard, question, size);
    w->got_length = 0;
    assert_int_equal(SSL_write(w->server, question, (int)size), (int)size);
    exchange(w);
    assert_int_equal(w->got_length, size);
    assert_memory_equal(w->got, question, size);
}

static void test_octets(void **state)
{
    static const size_t steps[] = {1, 7, 1400, SIZE_MAX}, sizes[] = {1, 40, 16384, 16385, 65535};

    (void)state;
    for (size_t i = 0; i < ARRAY_LENGTH(steps); i++) {
        struct world *w = begin(authority_path, "dns.example.com", &server);
        w->step = steps[i];
        dial(w);
        exchange(w);
        assert_int_equal(w->connected, 1);
        assert_string_equal(SSL_get_servername(w->server, TLSEXT_NAMETYPE_host_name),
                            "dns.example.com");
        assert_int_equal(w->asked_for_dot, 1);
        for (size_t j = 0; j < ARRAY_LENGTH(sizes); j++)
            talk(w, sizes[j]);
        assert_int_equal(w->closed, 0);
        end(w);
    }
}

static void test_next_connection_resumes(void **state)
{
    struct world *w = begin(authority_path, "dns.example.com", &server);

    (void)state;
    for (unsigned i = 0; i < 4; i++) {
        dial(w);
        exchange(w);
        assert_int_equal(w->connected, 1);
        assert_int_equal(SSL_session_reused(w->server), i > 0);
        talk(w, 100);
        hang_up(w);
    }
    end(w);
}

/* Some far ends cut whoever comes with a session that they do not know any more: the next
 * connection begins without. */
static void test_cut_while_it_resumes(void **state)
{
    struct world *w = begin(authority_path, "dns.example.com", &server);

    (void)state;
    for (unsigned i = 0; i < 3; i++) {
        dial(w);
        exchange(w);
        assert_int_equal(w->connected, 1);
        assert_int_equal(SSL_session_reused(w->server), i == 1);
        talk(w, 100);
        hang_up(w);
        if (i == 0)
            continue;
        dial(w);
        w->wire.fn(w->wire.arg, NETWORK_CLOSED, NULL, 0, 1);
        assert_int_equal(w->closed, 1);
        hang_up(w);
    }
    end(w);
}

static void test_far_end_says_good_bye(void **state)
{
    struct world *w = begin(authority_path, "dns.example.com", &server);

    (void)state;
    dial(w);
    exchange(w);
    SSL_shutdown(w->server);
    exchange(w);
    assert_int_equal(w->closed, 1);
    end(w);
}

static void test_far_end_breaks(void **state)
{
    (void)state;
    for (unsigned i = 0; i < 2; i++) {
        struct world *w = begin(authority_path, "dns.example.com", &server);

        dial(w);
        if (i == 1)
            exchange(w);
        w->wire.fn(w->wire.arg, NETWORK_CLOSED, NULL, 0, 1);
        assert_int_equal(w->connected, i);
        assert_int_equal(w->closed, 1);
        end(w);
    }
}

static void test_no_tls_at_all(void **state)
{
    static const uint8_t octets[] = "\0\14this is no TLS";
    struct world *w = begin(authority_path, "dns.example.com", &server);

    (void)state;
    dial(w);
    w->wire.fn(w->wire.arg, NETWORK_DATA, octets, sizeof octets, 1);
    assert_int_equal(w->connected, 0);
    assert_int_equal(w->closed, 1);
    end(w);
}

static void test_garbled_record(void **state)
{
    struct world *w = begin(authority_path, "dns.example.com", &server);
    uint8_t record[64] = {23, 3, 3, 0, 59};

    (void)state;
    dial(w);
    exchange(w);
    w->wire.fn(w->wire.arg, NETWORK_DATA, record, sizeof record, 1);
    assert_int_equal(w->got_length, 0);
    assert_int_equal(w->closed, 1);
    end(w);
}

static void test_closed_in_its_callback(void **state)
{
    struct world *w = begin(authority_path, "dns.example.com", &server);

    (void)state;
    dial(w);
    exchange(w);
    w->close_on_data = true;
    SSL_write(w->server, "one", 3);
    SSL_write(w->server, "two", 3);
    exchange(w);
    assert_int_equal(w->got_length, 3);
    assert_int_equal(w->closed, 0);
    end(w);
}

static void test_full_below(void **state)
{
    struct world *w = begin(authority_path, "dns.example.com", &server);

    (void)state;
    dial(w);
    exchange(w);
    w->wire.length = sizeof w->wire.bytes; /* as if much waited there */
    assert_false(w->network->send(w->socket, (const uint8_t *)"x", 1));
    w->wire.length = 0;
    /* The stream has no gap: others are on it. */
    assert_true(w->network->send(w->socket, (const uint8_t *)"yz", 2));
    exchange(w);
    char got[8] = "";
    int first = SSL_read(w->server, got, sizeof got);
    assert_int_equal(first, 1);
    assert_int_equal(SSL_read(w->server, got + 1, (int)sizeof got - 1), 2);
    assert_string_equal(got, "xyz");
    end(w);
}

static void test_no_socket(void **state)
{
    struct world *w = begin(authority_path, "dns.example.com", &server);
    struct sockaddr_in to = {.sin_family = AF_INET};
    struct network_awaited none = {0};

    (void)state;
    w->wire.refuses = true;
    assert_null(w->network->stream(w->network, (struct sockaddr *)&to, on_told, w));
    assert_null(w->network->datagram(w->network, (struct sockaddr *)&to, on_told, w, &none));
    end(w);
}

static void test_trust(void **state)
{
    char why[200] = "";
    struct tls_trust *system = tls_trust_new("", why, sizeof why);

    (void)state;
    assert_non_null(system);
    tls_trust_free(system);
    assert_null(tls_trust_new("/nonexistent", why, sizeof why));
    assert_non_null(strstr(why, "no certificates can be read there"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_who),
        cmocka_unit_test(test_octets),
        cmocka_unit_test(test_next_connection_resumes),
        cmocka_unit_test(test_cut_while_it_resumes),
        cmocka_unit_test(test_far_end_says_good_bye),
        cmocka_unit_test(test_far_end_breaks),
        cmocka_unit_test(test_no_tls_at_all),
        cmocka_unit_test(test_garbled_record),
        cmocka_unit_test(test_closed_in_its_callback),
        cmocka_unit_test(test_full_below),
        cmocka_unit_test(test_no_socket),
        cmocka_unit_test(test_trust),
    };

    return cmocka_run_group_tests(tests, setup, teardown);
}
