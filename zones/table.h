/* The attachment table: which names are ours, and what each is answered.
 *
 * Built whole, never changed afterwards: any number of threads may read it without a lock for as
 * long as it is kept alive.  It holds copies of all it needs; documents may go away.
 *
 * Look-up is RFC 4592: one name tree; closest encloser; empty non-terminals exist; an exact name
 * beats a wildcard; a wildcard covers any number of labels below its parent unless an existing name
 * stands between.  A look-up costs a bounded number of hash probes, none of them allocates. */
#ifndef PLDNS_TABLE_H
#define PLDNS_TABLE_H

#include "answer.h"
#include "dname.h"
#include "document.h"
#include "hash.h"
#include "health.h"
#include "nametree.h"
#include "targets.h"

#define TABLE_NEGATIVE_TTL 5 /* seconds: TTL and MINIMUM of the SOA of our own negative answers */

enum table_outcome {
    TABLE_NOT_OWNED, /* forward it */
    TABLE_ANSWER,    /* 'answer' has its records; other types: NOERROR, empty, SOA */
    TABLE_EMPTY,     /* an empty non-terminal or a root: NOERROR, empty, SOA for every type */
    TABLE_NXDOMAIN,  /* owned, but no rule covers it */
    TABLE_NOT_READY, /* SERVFAIL + EDE 14 */
    TABLE_GONE,      /* connection, domain or endpoint is gone for good: NXDOMAIN + SOA + EDE 15 */
    TABLE_NO_ZONE,   /* strict zone without endpoint: NXDOMAIN + SOA + EDE 15 */
    TABLE_DETACHED,  /* tombstone: NXDOMAIN + SOA + EDE 15 */
    TABLE_FENCED,    /* below a fence and not attached: NXDOMAIN + SOA + EDE 15 */
    TABLE_SEARCH,    /* an owned name followed by a search suffix: NXDOMAIN + SOA */
};

struct table;
struct table_rule; /* opaque: what table_describe() explains */

struct table_match {
    enum table_outcome outcome;
    uint8_t root_offset;    /* octets of the query name left of the owned root (the SOA's owner) */
    bool regional_fallback; /* a zone id without endpoint was given all addresses */
    bool placeholder;       /* a label of the query is literally "unique_name" */
    const struct answer *answer;   /* TABLE_ANSWER only */
    const struct table_rule *rule; /* the rule that decided, or NULL */
};

/* What the query name is to us.  'qname' is a well-formed uncompressed wire name in any letter
 * case. Pointers in 'match' live as long as the table. */
void table_find(const struct table *, const uint8_t *qname, struct table_match *match);

/* What the match comes to for one type of address: a question for A is not ready as long as no
 * IPv4 address is known and a name may still turn out to have some. */
void table_narrow(struct table_match *, uint16_t type);

/* The same in steps, for a batch of names: large tables make a look-up wait for memory three times,
 * one after the other.  Those that only fetch may be left out; between two steps of one name stand
 * the same steps of the others. */
bool table_is_large(const struct table *); /* so large that the steps are worth their while */
/* Names with a zone and without one, and somebody's wildcard: at more depths few names are. */
#define TABLE_DEPTHS_EXPECTED 3
struct table_left {        /* private: what is not owned but not simply forwarded */
    unsigned grave, fence; /* octets left of it */
    bool masked;
};
struct table_look { /* private */
    struct nametree_scan scan;
    struct table_left left;
    unsigned depths; /* at so many the name may be found */
    uint64_t keys[TABLE_DEPTHS_EXPECTED];
    uint32_t place;
};
/* First; name and cut are lent until the end. */
static inline void table_look_begin(struct table_look *look, const uint8_t *qname,
                                    const struct dname_cut *cut)
{
    nametree_begin(&look->scan, qname, cut);
}
void table_expect(const struct table *, struct table_look *);
void table_expect_node(const struct table *, struct table_look *);
void table_expect_answer(const struct table *, const struct table_look *);
/* Last. */
void table_look_find(const struct table *, struct table_look *, struct table_match *match);

/* True if table_find() would say that the name is not owned, and nothing besides, for it has fewer
 * labels than any that the table knows.  False: ask. */
bool table_is_foreign(const struct table *, const struct dname_cut *);

/* The answer of a name for which the table's deepest fitting node has it at once, as most owned
 * names do: what table_find() would say, without outcome, root and reasons.  False: ask
 * table_find(). */
MUST_USE bool table_plain(const struct table *, const uint8_t *qname, const struct dname_cut *cut,
                          const struct answer **);

/* Why: everything a person wants to know of a rule.  Texts live as long as the table, "" if absent.
 */
struct table_why {
    char owner[DNAME_TEXT_MAX];
    const char *connection, *cluster, *zone, *document;
    const char *state, *message; /* of what decided: connection, domain or endpoint */
    const char *note;            /* who does not answer, which names are not resolved: see note.h */
    unsigned line;
};
void table_describe(const struct table *, const struct table_rule *, struct table_why *out);

/* The near miss for a name that is not owned: an owner name ("*.use1-az1.…") that the asker may
 * have meant: with something behind it, above the name, a host that the name is below, or one label
 * off.  False: none.  For diagnosis only: of a part of these all owned names are looked through.
 *
 * A worker does that between two questions, so it ends after so many names, a few milliseconds.  In
 * a larger table one label off is what differs in its last character (another zone, another number)
 * or is in another cloud, what stands above the name is found if many do, and an owned root whose
 * rules are all below it is told itself.  All else is looked up, however large the table. */
#define TABLE_NEAR_NAMES_MAX 50000 /* roots, hosts, and names between an owner and its root */
MUST_USE bool table_near(const struct table *, const uint8_t *qname, struct dname *owner);

uint64_t table_generation(const struct table *);
const struct digest *table_digest(const struct table *); /* over all documents' names and digests */
size_t table_names(const struct table *);                /* owner names */
size_t table_connections(const struct table *);
size_t table_documents(const struct table *);
size_t table_bytes(const struct table *); /* memory held, a base included */

/* Visits every rule, in no particular order: for listings and for diff. */
typedef void table_rule_fn(void *arg, const struct table_rule *);
void table_each(const struct table *, table_rule_fn *each, void *arg);
/* The rule's answer as TABLE_ANSWER, TABLE_NOT_READY or TABLE_GONE; '*answer' as in table_match. */
enum table_outcome table_rule_outcome(const struct table *, const struct table_rule *,
                                      const struct answer **answer);

/* ---- building ---- */

struct table_tombstone {
    const uint8_t *name; /* folded wire name */
    bool subtree;
    bool fresh; /* in a patch: the base does not know of it */
};

struct table_options { /* all lent for the call of table_build() */
    struct hash_key key;
    uint64_t generation;
    const char *zone;           /* our own zone id, "" = none */
    const struct dname *fences; /* suffixes */
    size_t fences_length;
    const struct dname *search_suffixes;
    size_t search_suffixes_length;
    const struct table_tombstone *tombstones;
    size_t tombstones_length;
    const struct targets *targets; /* what names of endpoints stand for; NULL = none is known */
    const struct health *health;   /* who does not answer; NULL = all do */
};

/* Builds from documents that do not contradict each other (see catalog.h).  If two rules have one
 * owner all the same, the first given wins. */
struct table *table_build(const struct table_options *, struct document *const *documents,
                          size_t length);

/* What changed since a table was built whole. */
struct table_patch {
    struct table *base;
    struct document *const *before, *const *after; /* documents that are not there any more, or not
                                                      so, and what is there now instead */
    size_t before_length, after_length;
};

/* The table that table_build() would make of 'documents', at the cost of those that changed: names
 * that have to do with them are looked up in what is built here, all others in the base, which is
 * held as long as the new table lives.  The options are those of the base but for the generation
 * and the tombstones, of which some are 'fresh' and none the base knows is missing but for names
 * that are attached again.  No document that is in both has a root or host at, above or below one
 * of the changed documents or a fresh tombstone.  The base is not a patched table itself. */
struct table *table_build_patched(const struct table_options *, struct document *const *documents,
                                  size_t length, const struct table_patch *);

/* A table is there until its last holder frees it; only the thread that builds tables does either.
 * NULL is fine.  Returns the octets of memory that were given back. */
struct table *table_hold(struct table *);
size_t table_free(struct table *);

#endif
