/* Addresses, upstreams and names of the configuration, and how people write addresses. */
#ifndef PLDNS_CONFIGADDRESS_H
#define PLDNS_CONFIGADDRESS_H

#include "dname.h"
#include <netinet/in.h>
#include <sys/un.h>

#define CONFIG_LISTEN_MAX    64
#define CONFIG_UPSTREAMS_MAX 32
#define CONFIG_ROUTES_MAX    256
#define CONFIG_NAMES_MAX     1024

/* What a client can have. */
union config_ip {
    struct sockaddr any;
    struct sockaddr_in v4;
    struct sockaddr_in6 v6;
};

union config_address {
    union config_ip ip;
    struct sockaddr any;
    struct sockaddr_in v4;
    struct sockaddr_in6 v6;
    struct sockaddr_un path;
};

enum config_transport { CONFIG_UDP, CONFIG_TCP, CONFIG_TLS }; /* how an upstream is spoken to */

struct config_upstream {
    union config_address address; /* port filled in (53, TLS: 853, if none was given) */
    enum config_transport transport;
    char name[DNAME_TEXT_MAX];      /* TLS: whose certificate it must be, "" = the address's */
    char text[80 + DNAME_TEXT_MAX]; /* as written */
};

struct config_upstreams {
    struct config_upstream *items;
    size_t length;
};

struct config_route {
    struct dname suffix;
    struct config_upstreams upstreams;
};

struct config_names {
    struct dname *items;
    size_t length;
};

/* "127.0.0.1:53", "[::1]:53", "::1": where we listen; port 53 if none is given.  False: 'why' (lent
 * for ever) says what is wrong. */
MUST_USE bool configaddress_listen(const char *text, union config_address *out, const char **why);

/* "unix:/run/pldns/admin.sock", "127.0.0.1:8053" (loopback only: there is no token to ask for). */
MUST_USE bool configaddress_admin(const char *text, union config_address *out, const char **why);

/* "10.0.0.2", "10.0.0.2:5353", "[fd00::2]:53", "tcp://…", "tls://10.0.0.2:853#dns.example.com". */
MUST_USE bool configaddress_upstream(const char *text, struct config_upstream *out,
                                     const char **why);

/* The interface that a link-local address names may have another number by now. */
void configaddress_follow(struct config_upstream *);

/* Same family, address, port and interface (or path). */
bool configaddress_equal(const union config_address *, const union config_address *);
/* Of an IP address: 127.0.0.0/8 or ::1. */
bool configaddress_is_loopback(const union config_address *);

/* An IP address, with or without port, in any of the forms above. */
MUST_USE bool configaddress_ip(const char *text, uint16_t port, union config_address *out,
                               const char **why);

#endif
