/* Documents made by hand in C, for tests that are not about parsing.  Everything lives in the
 * document until handmade_free(). */
#ifndef PLDNS_HANDMADE_H
#define PLDNS_HANDMADE_H

#include "document.h"

#define HANDMADE_CONNECTIONS 8
#define HANDMADE_DOMAINS     8

struct document *handmade_new(const char *name);
void handmade_free(struct document *);

/* A usable AWS connection without endpoints, strict, TTL 30. */
struct connection *handmade_connection(struct document *, const char *id);

/* Adds an endpoint; addresses are separated by blanks ("" = none). */
struct connection_endpoint *handmade_endpoint(struct document *, struct connection *,
                                              const char *zone, const char *addresses);

/* Adds a CUSTOM domain with these names, separated by blanks, or a typed one with this root. */
struct connection_domain *handmade_custom(struct document *, struct connection *,
                                          const char *names);
struct connection_domain *handmade_typed(struct document *, struct connection *, const char *root);
/* Writes names out in domains[] of the domain. */
void handmade_names(struct document *, struct connection_domain *, const char *names);

/* A name in text, which must be one. */
struct dname handmade_dname(const char *text);

/* The i-th of the names written out, to change its state. */
struct connection_name *handmade_name(struct connection_domain *, unsigned i);

#endif
