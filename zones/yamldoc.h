/* YAML (and so JSON) as a tree of nodes with places, and strict readers over it.  The only home of
 * libyaml.  Used for attachment documents and for the daemon's configuration alike.
 *
 * Safe on hostile input: event interface only; aliases, anchors, tags and merge keys refused;
 * nesting and size bounded; duplicate keys are errors.  Time and memory are linear in the input.
 *
 * All nodes of a yamldoc live in its arena and die with yamldoc_free(). */
#ifndef PLDNS_YAMLDOC_H
#define PLDNS_YAMLDOC_H

#include "error.h"
#include <stdint.h>

#define YAMLDOC_SIZE_MAX  (64u << 20)
#define YAMLDOC_DEPTH_MAX 32

enum yamldoc_kind { YAMLDOC_SCALAR, YAMLDOC_LIST, YAMLDOC_MAP };

struct yamldoc_node {
    enum yamldoc_kind kind;
    unsigned line, column; /* of the value, from 1 */
    bool plain;            /* scalar without quotes: may be null, a number, a boolean; no NUL */
    bool used;             /* set by yamldoc_get(): what stays false is an unknown field */
    const char *key;       /* when this node is a map's value; else NULL */
    unsigned key_line, key_column;
    const char *text;           /* scalar: bytes, always terminated; may hold NUL before 'size' */
    size_t size;                /* scalar: bytes; list and map: number of children */
    struct yamldoc_node *child; /* first child */
    struct yamldoc_node *next;  /* next child of the same parent */
};

struct yamldoc; /* one file: zero or more YAML documents separated by '---' */

/* The octets of a byte order mark in front: 3 or 0.  It is skipped, and no part of the first line.
 */
size_t yamldoc_bom(const void *bytes, size_t size);

/* Reads 'size' bytes.  NULL if anything is wrong; 'errors' then says what, with places.  'file'
 * names the input in complaints and is copied. */
MUST_USE struct yamldoc *yamldoc_parse(const char *file, const void *bytes, size_t size,
                                       struct error_list *errors);
void yamldoc_free(struct yamldoc *);

/* Where a node stands in the bytes: for those who edit them.  Offsets in octets. */
struct yamldoc_span {
    uint32_t start, end;         /* the value, without what follows it */
    uint32_t key_start, key_end; /* of its key, quotes included, if it is a map's value */
    bool flow;                   /* a list or map in brackets */
};

/* As yamldoc_parse(), and keeps the spans; nodes are larger then. */
MUST_USE struct yamldoc *yamldoc_parse_marked(const char *file, const void *bytes, size_t size,
                                              struct error_list *errors);
/* Lives as long as the node, which must come from yamldoc_parse_marked(). */
const struct yamldoc_span *yamldoc_span(const struct yamldoc_node *);

const char *yamldoc_file(const struct yamldoc *);
/* The i-th document's root, or NULL behind the last. */
struct yamldoc_node *yamldoc_root(const struct yamldoc *, size_t i);

/* The child of a map under 'key', marked as used; NULL if absent (or if its value is null). */
struct yamldoc_node *yamldoc_get(struct yamldoc_node *map, const char *key);

/* True for what YAML reads as null: nothing, "~" or "null" without quotes. */
bool yamldoc_is_null(const struct yamldoc_node *);

/* "a list", "a map", "nothing" or the value in quotes, cut if it is long: for complaints. */
#define YAMLDOC_WHAT_MAX 96
char *yamldoc_what(const struct yamldoc_node *, char text[YAMLDOC_WHAT_MAX]);

/* Complains about every child that yamldoc_get() was never asked for, with the nearest name of
 * 'known' (NULL-terminated) as a suggestion: "uniqename: unknown field; did you mean 'uniqueName'?"
 * 'path' is put in front ("attachedDomains[1]."). */
void yamldoc_unknown(const struct yamldoc *, const struct yamldoc_node *map, const char *path,
                     const char *const *known, struct error_list *errors);

/* The word of 'known' (NULL-terminated) nearest to 'word', or NULL if none is near. */
const char *yamldoc_nearest(const char *word, const char *const *known);

/* Typed readers.  False: a complaint "path: wants an integer from 1 to 3600, has 'x'" was added.
 * Durations: 10ms, 5s, 2m, 1h, 1d or a bare number of seconds → milliseconds.
 * Sizes: 512, 64KiB, 16MiB, 1GiB → bytes.  Booleans: true/false only. */
MUST_USE bool yamldoc_integer(const struct yamldoc *, const struct yamldoc_node *, const char *path,
                              int64_t least, int64_t most, int64_t *out, struct error_list *errors);
MUST_USE bool yamldoc_boolean(const struct yamldoc *, const struct yamldoc_node *, const char *path,
                              bool *out, struct error_list *errors);
MUST_USE bool yamldoc_duration(const struct yamldoc *, const struct yamldoc_node *,
                               const char *path, uint64_t least_ms, uint64_t most_ms,
                               uint64_t *out_ms, struct error_list *errors);
MUST_USE bool yamldoc_bytes(const struct yamldoc *, const struct yamldoc_node *, const char *path,
                            uint64_t least, uint64_t most, uint64_t *out,
                            struct error_list *errors);
/* A scalar without NUL characters that is not null.  '*out' is lent until yamldoc_free(). */
MUST_USE bool yamldoc_string(const struct yamldoc *, const struct yamldoc_node *, const char *path,
                             const char **out, struct error_list *errors);

#endif
