#include "tls.h"

#include <assert.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include "alloc.h"
#include "log.h"

#define RECORD_MAX SSL3_RT_MAX_PLAIN_LENGTH
#define REMIND_MS  600000 /* what stays wrong is told again after so long */

struct tls_trust {
    SSL_CTX *context;
};

struct tls_network {
    struct network network; /* first: the two are one */
    struct network *below;
    struct tls_trust *trust;
    char *name, *text;
    SSL_SESSION *session; /* of the last connection, or NULL */
    size_t sockets;
    const char *trouble; /* what was told last; NULL: nothing since a connection stood */
    uint64_t told;       /* when that was */
    struct log_limit limit;
};

struct network_socket {
    struct tls_network *owner;
    struct network_socket *below;
    SSL *ssl;
    BIO *in, *out; /* octets of the wire; they belong to 'ssl' */
    bool begun;    /* it stands below: the handshake is on its way */
    bool connected;
    bool busy, closed; /* in its own callback; closed there */
    network_socket_fn *fn;
    void *arg;
};

/* The first complaint is the cause, what follows is who heard of it. */
static const char *reason(const char *otherwise)
{
    unsigned long error = ERR_peek_error();
    const char *text = ERR_SYSTEM_ERROR(error) ? strerrordesc_np(ERR_GET_REASON(error))
                                               : ERR_reason_error_string(error);

    return text != NULL ? text : otherwise;
}

/* ---- trust ---- */

/* The library offers a session to keep.  1: it is ours now. */
static int on_session(SSL *ssl, SSL_SESSION *session)
{
    struct network_socket *s = SSL_get_app_data(ssl);

    SSL_SESSION_free(s->owner->session);
    s->owner->session = session;
    return 1;
}

struct tls_trust *tls_trust_new(const char *file, char *why, size_t size)
{
    SSL_CTX *context = SSL_CTX_new(TLS_client_method());

    ERR_clear_error();
    if (context == NULL || (file[0] != '\0' ? SSL_CTX_load_verify_file(context, file)
                                            : SSL_CTX_set_default_verify_paths(context)) != 1) {
        snprintf(why, size, "no certificates can be read there: %s", reason("it holds none"));
        SSL_CTX_free(context);
        return NULL;
    }
    SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION);
    SSL_CTX_set_options(context, SSL_OP_NO_RENEGOTIATION);
    SSL_CTX_set_mode(context, SSL_MODE_RELEASE_BUFFERS); /* idle connections stay small */
    SSL_CTX_set_verify(context, SSL_VERIFY_PEER, NULL);
    SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
    SSL_CTX_sess_set_new_cb(context, on_session);

    struct tls_trust *trust = alloc_array(1, sizeof *trust);
    trust->context = context;
    return trust;
}

void tls_trust_free(struct tls_trust *trust)
{
    if (trust == NULL)
        return;
    SSL_CTX_free(trust->context);
    free(trust);
}

/* ---- one stream ---- */

static void tell(struct network_socket *s, enum network_event event, const uint8_t *data,
                 size_t size, uint64_t now)
{
    if (!s->closed)
        s->fn(s->arg, event, data, size, now);
}

/* Hands what the library wants to send to the network below.  What that does not take stays for the
 * next time: a gap would be the end of the stream for everybody on it. */
static bool flush(struct network_socket *s)
{
    uint8_t *octets, taken[RECORD_MAX];
    long size;

    while ((size = BIO_get_mem_data(s->out, &octets)) > 0) {
        size_t part = (size_t)size < sizeof taken ? (size_t)size : sizeof taken;
        if (!s->owner->below->send(s->below, octets, part))
            return false;
        (void)BIO_read(s->out, taken, (int)part);
    }
    return true;
}

static void complain(struct network_socket *s, uint64_t now)
{
    struct tls_network *n = s->owner;
    long verdict = SSL_get_verify_result(s->ssl);
    const char *why = verdict != X509_V_OK ? X509_verify_cert_error_string(verdict)
                                           : reason("the handshake was cut");
    uint64_t suppressed;

    if (n->trouble != NULL && strcmp(n->trouble, why) == 0 && now - n->told < REMIND_MS)
        return;
    if (!log_allowed(&n->limit, now, &suppressed))
        return;
    n->trouble = why;
    n->told = now;
    log_warning("upstream",
                "upstream=%s why=\"TLS: %s\" now=\"nothing is asked there\" suppressed=%llu",
                n->text, why, (unsigned long long)suppressed);
}

/* The stream below is over. */
static void end_below(struct network_socket *s, uint64_t now)
{
    if (!s->begun || s->connected)
        return;
    ERR_clear_error();
    complain(s, now);
}

/* False: the stream is over. */
static bool shake_hands(struct network_socket *s, uint64_t now)
{
    ERR_clear_error();
    int result = SSL_do_handshake(s->ssl);
    bool waits = result != 1 && SSL_get_error(s->ssl, result) == SSL_ERROR_WANT_READ;
    bool sent = flush(s); /* an alert, too, says what was wrong */

    if (waits && sent)
        return true;
    if (result != 1 || !sent) {
        complain(s, now);
        return false;
    }
    s->connected = true;
    s->owner->trouble = NULL;
    tell(s, NETWORK_CONNECTED, NULL, 0, now);
    return true;
}

/* Hands out what has been decrypted.  False: the stream is over. */
static bool hand_out(struct network_socket *s, uint64_t now)
{
    uint8_t octets[RECORD_MAX];

    while (!s->closed) {
        ERR_clear_error();
        int size = SSL_read(s->ssl, octets, sizeof octets);
        if (size <= 0) {
            (void)flush(s); /* if it is broken below, that is told when all was read */
            return SSL_get_error(s->ssl, size) == SSL_ERROR_WANT_READ;
        }
        tell(s, NETWORK_DATA, octets, (size_t)size, now);
    }
    return true;
}

/* The octets of the wire as the library reads them: they are kept by it until a record is whole. */
static bool take_in(struct network_socket *s, const uint8_t *data, size_t size)
{
    return size == 0 || BIO_write(s->in, data, (int)size) == (int)size;
}

static void release(struct network_socket *s)
{
    s->owner->sockets--;
    SSL_free(s->ssl);
    free(s);
}

static void on_below(void *arg, enum network_event event, const uint8_t *data, size_t size,
                     uint64_t now)
{
    struct network_socket *s = arg;
    bool lives = event != NETWORK_CLOSED && take_in(s, data, size);

    s->busy = true;
    s->begun |= event == NETWORK_CONNECTED;
    if (event == NETWORK_CLOSED)
        end_below(s, now);
    if (lives && !s->connected)
        lives = shake_hands(s, now);
    if (lives && s->connected)
        lives = hand_out(s, now);
    if (!lives)
        tell(s, NETWORK_CLOSED, NULL, 0, now);
    s->busy = false;
    if (s->closed)
        release(s);
}

/* Whose certificate it must be. */
static bool expect(SSL *ssl, const char *name, const struct sockaddr *to)
{
    X509_VERIFY_PARAM *wanted = SSL_get0_param(ssl);
    const struct sockaddr_in *v4 = (const struct sockaddr_in *)(const void *)to;
    const struct sockaddr_in6 *v6 = (const struct sockaddr_in6 *)(const void *)to;

    if (name[0] == '\0')
        return to->sa_family == AF_INET6
                   ? X509_VERIFY_PARAM_set1_ip(wanted, v6->sin6_addr.s6_addr,
                                               sizeof v6->sin6_addr) == 1
                   : X509_VERIFY_PARAM_set1_ip(wanted, (const uint8_t *)&v4->sin_addr,
                                               sizeof v4->sin_addr) == 1;
    X509_VERIFY_PARAM_set_hostflags(wanted, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
    return X509_VERIFY_PARAM_set1_host(wanted, name, 0) == 1 &&
           SSL_set_tlsext_host_name(ssl, name) == 1;
}

static SSL *make_session(struct tls_network *n, struct network_socket *s, const struct sockaddr *to)
{
    static const uint8_t dot[] = {3, 'd', 'o', 't'}; /* RFC 7858's name in ALPN */
    SSL *ssl = SSL_new(n->trust->context);

    s->in = BIO_new(BIO_s_mem());
    s->out = BIO_new(BIO_s_mem());
    if (ssl == NULL || s->in == NULL || s->out == NULL ||
        SSL_set_alpn_protos(ssl, dot, sizeof dot) != 0 || !expect(ssl, n->name, to)) {
        BIO_free(s->in);
        BIO_free(s->out);
        SSL_free(ssl);
        return NULL;
    }
    BIO_set_mem_eof_return(s->in, -1); /* no octets now is not the end */
    SSL_set_bio(ssl, s->in, s->out);
    SSL_set_app_data(ssl, s);
    SSL_set_connect_state(ssl);
    if (n->session != NULL && SSL_SESSION_is_resumable(n->session))
        (void)SSL_set_session(ssl, n->session);
    return ssl;
}

static struct network_socket *open_stream(struct network *network, const struct sockaddr *to,
                                          network_socket_fn *fn, void *arg)
{
    struct tls_network *n = (struct tls_network *)network;
    struct network_socket *s = alloc_array(1, sizeof *s);

    *s = (struct network_socket){.owner = n, .fn = fn, .arg = arg};
    s->ssl = make_session(n, s, to);
    if (s->ssl == NULL) {
        free(s);
        errno = ENOMEM;
        return NULL;
    }
    n->sockets++;
    s->below = n->below->stream(n->below, to, on_below, s);
    if (s->below == NULL) {
        int error = errno;

        release(s);
        errno = error;
        return NULL;
    }
    return s;
}

static bool send_octets(struct network_socket *s, const uint8_t *data, size_t size)
{
    assert(s->connected); /* who sends earlier could not know to whom */
    ERR_clear_error();
    if (flush(s) && SSL_write(s->ssl, data, (int)size) == (int)size && flush(s))
        return true;
    errno = ENOBUFS;
    return false;
}

/* One that never stood may have been cut because of the session that it came with: the next one
 * begins without. */
static void forget_session(struct tls_network *n)
{
    SSL_SESSION_free(n->session);
    n->session = NULL;
}

static void close_stream(struct network_socket *s)
{
    assert(!s->closed);
    if (s->connected) {
        ERR_clear_error();
        (void)SSL_shutdown(s->ssl); /* a word of good-bye, if it gets through */
        (void)flush(s);
    } else {
        forget_session(s->owner);
    }
    s->owner->below->close(s->below);
    s->closed = true;
    if (!s->busy)
        release(s);
}

/* ---- the network ---- */

static struct network_socket *no_datagrams(struct network *network, const struct sockaddr *to,
                                           network_socket_fn *fn, void *arg,
                                           const struct network_awaited *awaited)
{
    (void)network;
    (void)to;
    (void)fn;
    (void)arg;
    (void)awaited;
    errno = EPROTONOSUPPORT;
    return NULL;
}

static struct network_timer *make_timer(struct network *network, network_timer_fn *fn, void *arg)
{
    struct network *below = ((struct tls_network *)network)->below;

    return below->timer(below, fn, arg);
}

static void draw(struct network *network, void *out, size_t size)
{
    struct network *below = ((struct tls_network *)network)->below;

    below->random(below, out, size);
}

struct network *tls_network_new(struct network *below, struct tls_trust *trust, const char *name,
                                const char *text)
{
    struct tls_network *n = alloc_array(1, sizeof *n);

    n->network = (struct network){
        .datagram = no_datagrams,
        .stream = open_stream,
        .send = send_octets,
        .close = close_stream,
        .timer = make_timer,
        .timer_set = below->timer_set,
        .timer_clear = below->timer_clear,
        .timer_free = below->timer_free,
        .random = draw,
    };
    n->below = below;
    n->trust = trust;
    n->name = alloc_string(name);
    n->text = alloc_string(text);
    return &n->network;
}

void tls_network_free(struct network *network)
{
    struct tls_network *n = (struct tls_network *)network;

    if (n == NULL)
        return;
    assert(n->sockets == 0);
    SSL_SESSION_free(n->session);
    free(n->name);
    free(n->text);
    free(n);
}
