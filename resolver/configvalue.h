/* The one list of configuration keys: names, kinds, defaults, bounds; and how a text becomes a
 * value.
 *
 * The file's reader, the environment, the command line and the documentation check all follow it.
 */
#ifndef PLDNS_CONFIGVALUE_H
#define PLDNS_CONFIGVALUE_H

#include "configaddress.h"
#include "netblock.h"

enum configvalue_kind {
    CONFIGVALUE_STRING,
    CONFIGVALUE_PATH,  /* a string that may not be empty */
    CONFIGVALUE_ZONE,  /* a zone id, or empty */
    CONFIGVALUE_WORD,  /* one of 'words'; the field is an enum in their order */
    CONFIGVALUE_SHOWN, /* shown or hidden; the field is a boolean: hidden */
    CONFIGVALUE_BOOLEAN,
    CONFIGVALUE_INTEGER,  /* unsigned */
    CONFIGVALUE_PORTION,  /* uint16_t: octets */
    CONFIGVALUE_WORKERS,  /* an integer or "auto" */
    CONFIGVALUE_DURATION, /* uint64_t, milliseconds */
    CONFIGVALUE_BYTES,    /* uint64_t */
    /* From here on the value is a list; each text adds one item. */
    CONFIGVALUE_LISTEN,
    CONFIGVALUE_ADMIN,
    CONFIGVALUE_UPSTREAMS,
    CONFIGVALUE_ROUTES, /* "suffix=upstream"; the same suffix again adds an upstream to it */
    CONFIGVALUE_NAMES,
    CONFIGVALUE_SUFFIXES, /* names, but not the root */
    CONFIGVALUE_NETWORKS,
    CONFIGVALUE_VIEWS, /* "name=network" or "name=cluster:id" */
};

struct configvalue_key {
    const char *name; /* dotted */
    enum configvalue_kind kind;
    size_t offset;        /* of the value in the record */
    const char *standard; /* the default; list items separated by commas */
    uint64_t least, most; /* integers, durations (ms), bytes */
    const char *words[5]; /* CONFIGVALUE_WORD; ended by NULL */
    size_t length;        /* lists kept as pointer and length: offset of the length */
};

#define CONFIGVALUE_WHY 320 /* bytes of a reason */

bool configvalue_is_list(const struct configvalue_key *);

/* Empties a list before its items are added; a single value needs none of it. */
void configvalue_clear(const struct configvalue_key *, void *record);

/* A name with all below it, as routes, fences and search lists have it.  False: 'why' as below. */
MUST_USE bool configvalue_suffix(struct dname *, const char *text, size_t length, char *why);

/* Sets the value, or adds one item to a list.  False: 'why' (CONFIGVALUE_WHY bytes) says what the
 * key wants. */
MUST_USE bool configvalue_set(const struct configvalue_key *, void *record, const char *text,
                              char *why);

/* Sets a list to what one text says, items separated by commas.  Complaints name 'source'. */
void configvalue_split(const struct configvalue_key *, void *record, const char *text,
                       const char *source, struct error_list *errors);

/* The environment variable of a key: cache.serveStale → PLDNS_CACHE_SERVE_STALE.  Returns 'text'.
 */
#define CONFIGVALUE_VARIABLE 64
char *configvalue_variable(const struct configvalue_key *, char text[CONFIGVALUE_VARIABLE]);

#endif
