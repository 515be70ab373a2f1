/* The accepted documents: who is served, who was refused and why, what to fall back on.
 *
 * Pure: told what the source holds, it decides.  One thread at a time uses a catalog (the builder).
 *
 * Rules (docs/attachments.md "Failing alone"):
 * - a document that does not load keeps its last accepted version in service;
 * - two documents that use one connection id, or attach one owner name, conflict, and so do a
 *   document with an endpoint's dnsName and one that owns that name.  What is served already keeps
 *   it; then come changes of documents that are served, then new ones, each by name.  Who loses is
 *   refused, naming both places.  Changes that arrive together are judged together: a name may move
 *   between two documents in one reload;
 * - what was detached stays as a tombstone for the hold, across restarts, too;
 * - with views all this is decided for each view alone, but for connection ids. */
#ifndef PLDNS_CATALOG_H
#define PLDNS_CATALOG_H

#include "halfwritten.h"
#include "learned.h"
#include "tableset.h"
#include "tombstone.h"
#include "wanted.h"

struct catalog;

/* 'hold_ms': how long a detached domain stays owned (attachments.detachHold). */
struct catalog *catalog_new(uint64_t hold_ms);
void catalog_free(struct catalog *);

/* Before anything is offered or restored; lent for as long as the catalog lives. */
void catalog_set_views(struct catalog *, const struct view_list *);
/* Documents that were read before are known by sums under this key; best nobody can guess it.  An
 * image brings its own. */
void catalog_set_sum_key(struct catalog *, const struct hash_key *);

/* Who knows the octets of what is served, so that half of them is refused. */
void catalog_set_accepted(struct catalog *, struct halfwritten_source);

/* A reload in three steps: begin, tell all that the source holds (offer), finish.
 * Time is monotonic milliseconds. */
void catalog_begin(struct catalog *);

enum catalog_offer { CATALOG_UNCHANGED, CATALOG_PARSED, CATALOG_REFUSED };

/* The source holds 'name' with these bytes.  Bytes with the digest of the version already served
 * (or already refused) are not parsed again, but judged again: what they contradicted may be gone.
 */
enum catalog_offer catalog_offer(struct catalog *, const char *name, const void *bytes,
                                 size_t size);

/* The same in two steps, of which the first is the long one: any number of threads may read as long
 * as nothing else is done with the catalog.  'bytes' are from malloc() and taken over. */
struct catalog_reading;
struct catalog_reading *catalog_read(struct catalog *, const char *name, void *bytes, size_t size);
enum catalog_offer catalog_offer_reading(struct catalog *, const char *name,
                                         struct catalog_reading *); /* which is freed */

/* The source holds 'name' with the very bytes that were offered last: told without reading them.
 * False: nothing was offered for it before, so its bytes are wanted. */
MUST_USE bool catalog_offer_same(struct catalog *, const char *name);

/* The same, of which nothing but the digest is known.  False: it is not what is served, so the
 * bytes are wanted. */
MUST_USE bool catalog_offer_digest(struct catalog *, const char *name, const struct digest *);

/* The source holds 'name', in a state that is not to be read now: all stays as it is. */
void catalog_offer_standing(struct catalog *, const char *name);

/* The source holds 'name' but it cannot be read (why: "is a directory", strerror…): refused. */
void catalog_offer_unreadable(struct catalog *, const char *name, const char *why);

/* What was accepted before a restart is told like a reload, before the first: begin, offer all of
 * it, and this.  It is what is served then, until the source says otherwise; what the source does
 * not attach any more was detached meanwhile. */
void catalog_restored(struct catalog *);

/* The tombstones that catalog_detached() wrote before a restart; before the first reload, or when
 * they are found later: then those that came are to be built into a table.  '*damaged' is how many
 * lines could not be understood: what they held is not. */
void catalog_restore_detached(struct catalog *, const char *text, size_t size,
                              const struct tombstone_moment *, size_t *damaged);

/* The source as a whole cannot be read: everything accepted stays ("degraded").  The
 * catalog_finish() that follows then removes nothing. */
void catalog_source_failed(struct catalog *, const char *why);

struct catalog_change {                /* of one catalog_finish() */
    bool changed;                      /* the served set differs: build a table */
    bool wants;                        /* and so may what it wants found out */
    size_t accepted, refused, removed; /* documents: newly accepted, now refused, gone */
    size_t names_added, names_moved, names_removed; /* owner names */
    size_t names_not_held; /* detached, and let go before their hold is over (TOMBSTONE_MAX) */
};

/* Decides.  Documents that were not offered since catalog_begin() are removed. */
void catalog_finish(struct catalog *, uint64_t now, struct catalog_change *out);

/* Drops tombstones whose hold has ended; true if any was (build a new table then). */
bool catalog_expire(struct catalog *, uint64_t now);
/* When the next tombstone ends; UINT64_MAX if there is none. */
uint64_t catalog_next_expiry(const struct catalog *);

/* The tombstones as text for the state directory, the caller's to free(); and a number that changes
 * with them. */
char *catalog_detached(const struct catalog *, const struct tombstone_moment *, size_t *size);
uint64_t catalog_detached_changes(const struct catalog *);

/* Builds the tables of what is served now; documents and tombstones of 'options' are filled in
 * here.  From call to call of one catalog, 'options' differ in nothing but the generation, and the
 * targets and the health: what changed of these is told by catalog_learned() first. */
struct tableset *catalog_build_set(struct catalog *, struct table_options *options);
void catalog_learned(struct catalog *, const struct learned_facts *before,
                     const struct learned_facts *after);
/* The next tables are built in one piece. */
void catalog_join(struct catalog *);
/* True if the tables built last are what changed laid over older ones: those of the same documents
 * built behind catalog_join() take less memory, and less of every look-up. */
bool catalog_patched(const struct catalog *);

/* What the documents that are served want found out; the caller's to free. */
struct wanted *catalog_wanted(const struct catalog *);

/* One line of the status: a document as the source has it. */
struct catalog_entry {
    const char *name;
    bool served;   /* some version of it is in the table */
    bool refused;  /* the source's version is not what is served */
    bool restored; /* what is served came from the state directory */
    struct digest served_digest, offered_digest;
    size_t connections;
    const struct error_list *complaints; /* of the newest version, warnings too */
};
size_t catalog_length(const struct catalog *);
void catalog_entry(const struct catalog *, size_t i, struct catalog_entry *out); /* by name */
bool catalog_degraded(const struct catalog *, const char **why);

/* Octets of accepted documents that are held in memory until they are kept: of those that replace
 * an accepted version, which is all that a restart has, and of others.  What is beyond is to be had
 * from the source only. */
#define CATALOG_BYTES_MAX     (8u << 20)
#define CATALOG_BYTES_NEW_MAX (256u << 10)

/* The bytes to keep for a document that is served (for the state directory); lent until
 * catalog_kept() or the next reload.  NULL if they were kept, or if there were too many. */
const void *catalog_unkept(const struct catalog *, size_t i, size_t *size);

/* Those of this document were kept, and are forgotten here. */
void catalog_kept(struct catalog *, size_t i);

#endif
