/* private to catalog: one document, and the versions of it that may be served. */
#ifndef PLDNS_CATALOGENTRY_H
#define PLDNS_CATALOGENTRY_H

#include "halfwritten.h"
#include "wanted.h"

/* One version of a document. */
struct catalog_version {
    struct document *document; /* NULL: it did not load */
    struct digest digest;
    bool summed; /* 'sum' is known */
    struct digest_sum sum;
    struct error_list errors; /* of reading it, warnings too */
    void *bytes;              /* until they were kept; NULL: they were, or were too many */
    size_t size;
};

/* One document by its name.  Versions are owned; pointers may be the same one. */
struct catalog_document {
    char *name;
    struct catalog_version *newest;   /* what the source has; NULL: not known */
    struct catalog_version *served;   /* what is in the table */
    struct catalog_version *foreseen; /* read before its reload; NULL: none was */
    bool offered;                     /* since catalog_begin() */
    bool restored;                    /* what is served is what was served before a restart */
    struct error_list conflicts;      /* of the newest version with other documents */
    struct error_list complaints;     /* all of the newest version … */
    bool told;                        /* … as it is, without conflicts */
    /* While judging: */
    struct catalog_version
        *standing; /* contradicts nothing and keeps its names, as what is served does */
    struct catalog_version *chosen; /* what may be served … */
    bool accepted;                  /* … and contradicts nothing */
    size_t number;                  /* of what stands, in 'claims' … */
    size_t refused_for;             /* … and of who was in the way when it was tried last */
    bool in_the_way;                /* of others, in the latest contest */
};

struct catalog_document *catalogentry_new(const char *name);
void catalogentry_free(struct catalog_document *);

/* Reads a version.  'bytes' are taken over and kept in it if it loads.  'before' is what was
 * accepted last, or NULL; its octets are asked of 'accepted'. */
struct catalog_version *catalogentry_read(const char *name, void *bytes, size_t size,
                                          const struct digest *digest,
                                          const struct catalog_version *before,
                                          const struct halfwritten_source *accepted);

/* True if it loaded, and wants something found out; NULL does not. */
bool catalogentry_wants(const struct catalog_version *);

/* One that stands nowhere. */
void catalogentry_drop(struct catalog_version *);

/* Puts a version, or NULL, into one of the places; who stood there is freed if that was the last.
 */
void catalogentry_set(struct catalog_document *, struct catalog_version **place,
                      struct catalog_version *);

/* Puts its complaints together: those of the newest version, and its conflicts. */
void catalogentry_tell(struct catalog_document *);

/* Octets that its versions hold to be kept. */
size_t catalogentry_bytes(const struct catalog_document *);
/* What is served was kept: its bytes are freed. */
void catalogentry_kept(struct catalog_document *);

/* The version that these bytes are, or NULL. */
struct catalog_version *catalogentry_known(const struct catalog_document *, const struct digest *);

/* What bytes are: the digest, and a sum, under a key of our own, by which they are known again
 * in less time. */
struct catalog_identity {
    struct digest digest;
    struct digest_sum sum;
};
/* True: they are one of the entry's versions.  'entry' may be NULL. */
bool catalogentry_identify(const struct catalog_document *entry, const struct hash_key *,
                           const void *bytes, size_t size, struct catalog_identity *out);

/* What reading bytes came to. */
struct catalog_reading {
    struct catalog_identity identity;
    struct catalog_version *version; /* NULL: one with this digest is known */
};
/* Ends a reading of the entry.  The version, if it is a new one, is the caller's, its document on
 * the shelf (NULL: there is none) if it fits; otherwise NULL. */
struct catalog_version *catalogentry_take(const struct catalog_document *, struct catalog_reading *,
                                          struct shelf *);

#endif
