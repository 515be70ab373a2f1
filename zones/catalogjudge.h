/* private to catalog: what a catalog is made of, and which versions of its documents can be served
 * together. */
#ifndef PLDNS_CATALOGJUDGE_H
#define PLDNS_CATALOGJUDGE_H

#include "catalog.h"
#include "catalogtables.h"
#include "ledger.h"
#include "tombstone.h"

/* One version of a document. */
struct catalog_version {
    struct document *document; /* NULL: it did not load */
    bool wants;                /* wanted_any() */
    struct digest digest;
    struct error_list errors; /* of reading it, warnings too */
    void *bytes;              /* until they were handed out */
    size_t size;
};

/* One document by its name.  Versions are owned; two of the pointers may be the same one. */
struct catalog_document {
    char *name;
    struct catalog_version *newest; /* what the source has; NULL: not known */
    struct catalog_version *served; /* what is in the table */
    struct catalog_version *kept;   /* from the state directory, until the first reload is done */
    bool offered;                   /* since catalog_begin() */
    bool restored;                  /* what is served came from the state directory */
    bool newly;                     /* what is served was accepted by the last catalog_finish() */
    struct error_list conflicts;    /* of the newest version with other documents */
    struct error_list complaints;   /* all of the newest version */
    /* While judging: */
    struct catalog_version
        *standing; /* contradicts nothing and keeps its names, as what is served does */
    struct catalog_version *chosen; /* what may be served … */
    bool accepted;                  /* … and contradicts nothing */
};

struct catalog {
    uint64_t hold_ms;
    const struct view_list *views;     /* NULL = there are none */
    struct catalog_document **entries; /* by name */
    size_t length, space;
    struct hash_key key;   /* set with … */
    struct ledger *ledger; /* … the claims of all that is served; NULL before the first load */
    struct tombstone_list tombstones;
    struct catalogtables *tables;
    bool failing;   /* in this reload the source could not be read as a whole */
    char *degraded; /* why, since the last reload; NULL: it is not */
};

/* Chooses for every document the version to be served and leaves it in 'standing' (NULL: none), so
 * that no two contradict each other: what is served comes first, then what changed, by name.  The
 * ledger then holds the claims of all that is to be served.  False: all stays as it is. */
MUST_USE bool catalogjudge_run(struct catalog *);

#endif
