#include "ledger.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "alloc.h"
#include "dname.h"
#include "tally.h"

/* A name and all above it, hashed.  Names that are claimed one after the other differ in their
 * first label: what stands above the one before is not hashed again. */
struct names {
    uint64_t own;
    uint8_t parent[DNAME_MAX]; /* all behind the first label */
    size_t parent_size;        /* 0: nothing is above it, or none was hashed yet */
    unsigned view;
    uint64_t above[DNAME_LABELS_MAX]; /* the nearest first */
    unsigned length;                  /* of 'above' */
};

/* An id, an owner name and a root. */
#define CLAIMS_OF_MOST 3

/* Claims of a document that wait for what they ask for to come from memory. */
#define CLAIMS_AHEAD 16 /* a power of two */
struct waiting {
    enum claim_kind kind;
    uint64_t what; /* claim_hash_what() */
};

struct ledger {
    struct hash_key key;
    const struct view_list *views;
    struct tally all;     /* of what is settled … */
    struct tally in, out; /* … and what came and went since */
    struct amounts {
        uint64_t octets, names;
        uint64_t targets; /* of most sources none has any */
    } now, settled;
    struct names *names; /* of the claim in hand, and of the one before */
};

struct ledger *ledger_new(const struct hash_key *key, const struct view_list *views)
{
    struct ledger *ledger = alloc_array(1, sizeof(*ledger));

    *ledger = (struct ledger){.key = *key, .views = views};
    ledger->names = alloc_array(1, sizeof(*ledger->names));
    return ledger;
}

void ledger_free(struct ledger *ledger)
{
    if (ledger == NULL) {
        return;
    }
    tally_clear(&ledger->all);
    tally_clear(&ledger->in);
    tally_clear(&ledger->out);
    free(ledger->names);
    free(ledger);
}

/* ---- what a claim touches ---- */

static void hash_above(const struct ledger *ledger, const struct claim *claim, struct names *names)
{
    size_t first = *claim->bytes == 0 ? claim->size : 1u + *claim->bytes;
    const uint8_t *at = claim->bytes + first;
    size_t left = claim->size - first;

    if (left == names->parent_size && claim->view == names->view &&
        memcmp(at, names->parent, left) == 0) {
        return;
    }
    memcpy(names->parent, at, left);
    names->parent_size = left;
    names->view = claim->view;
    names->length = 0;
    while (left > 0) {
        names->above[names->length++] = claim_hash_what(&ledger->key, claim->view, at, left);
        first = *at == 0 ? left : 1u + *at;
        at += first;
        left -= first;
    }
}

static const struct names *hash_names(const struct ledger *ledger, const struct claim *claim)
{
    struct names *names = ledger->names;

    names->own = claim_hash_what(&ledger->key, claim->view, claim->bytes, claim->size);
    if (claim->kind != CLAIM_ID && claim->kind != CLAIM_OWNER) {
        hash_above(ledger, claim, names);
    }
    return names;
}

static bool has(const struct ledger *ledger, enum claim_kind kind, uint64_t what)
{
    uint64_t hash = claim_hash_as(kind, what);

    return (uint64_t)tally_count(&ledger->all, hash) + tally_count(&ledger->in, hash) >
           tally_count(&ledger->out, hash);
}

/* True if a whole tree is claimed at the name or above it. */
static bool has_tree(const struct ledger *ledger, const struct names *names)
{
    bool found = has(ledger, CLAIM_TREE, names->own);

    for (unsigned i = 0; i < names->length && !found; i++) {
        found = has(ledger, CLAIM_TREE, names->above[i]);
    }
    return found;
}

/* Counts what stands above a root, or above and at a target. */
static void count_above(struct tally *tally, enum claim_kind kind, const struct names *names)
{
    enum claim_kind above = kind == CLAIM_TARGET ? CLAIM_ABOVE_TARGET : CLAIM_ABOVE_ROOT;

    if (kind == CLAIM_ID || kind == CLAIM_OWNER) {
        return;
    }
    if (above == CLAIM_ABOVE_TARGET) {
        tally_change(tally, claim_hash_as(above, names->own), 1);
    }
    for (unsigned i = 0; i < names->length; i++) {
        tally_change(tally, claim_hash_as(above, names->above[i]), 1);
    }
}

static void count(struct tally *tally, enum claim_kind kind, const struct names *names)
{
    tally_change(tally, claim_hash_as(kind, names->own), 1);
    count_above(tally, kind, names);
}

static void change_amounts(struct ledger *ledger, const struct claim *claim, int by)
{
    ledger->now.octets += (uint64_t)by * claim_octets(claim);
    ledger->now.names +=
        claim->kind == CLAIM_OWNER || claim->kind == CLAIM_IMPLIED ? (uint64_t)by : 0;
    ledger->now.targets += claim->kind == CLAIM_TARGET ? (uint64_t)by : 0;
}

/* ---- documents ---- */

struct visit {
    struct ledger *ledger;
    bool against; /* something contradicts it */
    unsigned length;
    struct waiting waiting[CLAIMS_AHEAD]; /* the last so many of 'length' */
};

/* True if somebody owns the name under which an endpoint is to be found, or the other way round. */
static bool is_crossed(const struct ledger *ledger, enum claim_kind kind, uint64_t what)
{
    switch (kind) {
    case CLAIM_TREE:
        return ledger->now.targets > 0 && has(ledger, CLAIM_ABOVE_TARGET, what);
    case CLAIM_POINT:
        return ledger->now.targets > 0 && has(ledger, CLAIM_TARGET, what);
    case CLAIM_TARGET:
        return has(ledger, CLAIM_POINT, what);
    case CLAIM_ID:
    case CLAIM_OWNER:
    case CLAIM_IMPLIED:
    case CLAIM_ABOVE_TARGET:
    case CLAIM_ABOVE_ROOT:
        break;
    }
    return false;
}

/* Counts what is claimed itself.  True: something contradicts that. */
static bool add_own(struct ledger *ledger, enum claim_kind kind, uint64_t what)
{
    uint64_t hash = claim_hash_as(kind, what);
    uint64_t before = tally_change(&ledger->in, hash, 1);

    if (kind == CLAIM_ID || kind == CLAIM_OWNER) {
        return before + tally_count(&ledger->all, hash) > tally_count(&ledger->out, hash);
    }
    return is_crossed(ledger, kind, what);
}

static void add_oldest(struct visit *visit, unsigned behind)
{
    const struct waiting *oldest = &visit->waiting[(visit->length - behind) % CLAIMS_AHEAD];

    visit->against |= add_own(visit->ledger, oldest->kind, oldest->what);
}

/* What contradicts each other may be counted in any order: whoever is asked last tells. */
static void add(void *arg, const struct claim *claim)
{
    struct visit *visit = arg;
    struct ledger *ledger = visit->ledger;

    change_amounts(ledger, claim, 1);
    if (claim->kind == CLAIM_IMPLIED) {
        return;
    }
    const struct names *names = hash_names(ledger, claim);
    visit->against |= claim->kind == CLAIM_TARGET && has_tree(ledger, names);
    count_above(&ledger->in, claim->kind, names);
    tally_fetch(&ledger->in, claim_hash_as(claim->kind, names->own));
    if (visit->length >= CLAIMS_AHEAD) {
        add_oldest(visit, CLAIMS_AHEAD);
    }
    visit->waiting[visit->length++ % CLAIMS_AHEAD] = (struct waiting){claim->kind, names->own};
}

static void add_rest(struct visit *visit)
{
    unsigned left = visit->length < CLAIMS_AHEAD ? visit->length : CLAIMS_AHEAD;

    for (; left > 0; left--) {
        add_oldest(visit, left);
    }
}

static void take_out(void *arg, const struct claim *claim)
{
    struct visit *visit = arg;
    struct ledger *ledger = visit->ledger;

    if (claim->kind != CLAIM_IMPLIED) {
        count(&ledger->out, claim->kind, hash_names(ledger, claim));
    }
    change_amounts(ledger, claim, -1);
}

void ledger_expect(struct ledger *ledger, size_t connections)
{
    tally_expect(&ledger->in, CLAIMS_OF_MOST * connections);
}

bool ledger_add(struct ledger *ledger, const struct document *document)
{
    struct visit visit = {.ledger = ledger};

    claim_each(document, ledger->views, add, &visit);
    add_rest(&visit);
    return !visit.against && ledger->now.octets <= CLAIM_OCTETS_MAX;
}

void ledger_remove(struct ledger *ledger, const struct document *document)
{
    struct visit visit = {.ledger = ledger};

    claim_each(document, ledger->views, take_out, &visit);
}

static void ask(void *arg, const struct claim *claim)
{
    struct visit *visit = arg;
    const struct ledger *ledger = visit->ledger;

    if (visit->against || claim->kind == CLAIM_IMPLIED) {
        return;
    }
    const struct names *names = hash_names(ledger, claim);
    if (claim->kind == CLAIM_ID || claim->kind == CLAIM_OWNER) {
        visit->against = has(ledger, claim->kind, names->own);
    } else {
        visit->against = is_crossed(ledger, claim->kind, names->own) ||
                         (claim->kind == CLAIM_TARGET && has_tree(ledger, names));
    }
}

bool ledger_contradicts(const struct ledger *ledger, const struct document *document)
{
    struct visit visit = {.ledger = (struct ledger *)(uintptr_t)ledger};

    claim_each(document, ledger->views, ask, &visit);
    return visit.against;
}

/* True if there is a root or host at, above or below the claim's name. */
static bool is_near(const struct ledger *ledger, const struct claim *claim)
{
    const struct names *names = hash_names(ledger, claim);

    return has_tree(ledger, names) || has(ledger, CLAIM_POINT, names->own) ||
           has(ledger, CLAIM_ABOVE_ROOT, names->own);
}

static void meet(void *arg, const struct claim *claim)
{
    struct visit *visit = arg;

    if (!visit->against && (claim->kind == CLAIM_TREE || claim->kind == CLAIM_POINT)) {
        visit->against = is_near(visit->ledger, claim);
    }
}

bool ledger_is_apart(const struct ledger *ledger, const struct document *document)
{
    struct visit visit = {.ledger = (struct ledger *)(uintptr_t)ledger};

    claim_each(document, ledger->views, meet, &visit);
    return !visit.against;
}

static struct claim root_claim(unsigned view, const uint8_t *wire, bool subtree)
{
    return (struct claim){.kind = subtree ? CLAIM_TREE : CLAIM_POINT,
                          .view = view,
                          .bytes = wire,
                          .size = dname_size(wire)};
}

void ledger_add_root(struct ledger *ledger, unsigned view, const uint8_t *wire, bool subtree)
{
    const struct claim claim = root_claim(view, wire, subtree);

    count(&ledger->in, claim.kind, hash_names(ledger, &claim));
}

bool ledger_is_apart_from(const struct ledger *ledger, unsigned view, const uint8_t *wire)
{
    const struct claim claim = root_claim(view, wire, false);

    return !is_near(ledger, &claim);
}

size_t ledger_names(const struct ledger *ledger)
{
    return ledger->settled.names;
}

uint64_t ledger_octets(const struct ledger *ledger)
{
    return ledger->settled.octets;
}

bool ledger_has_root(const struct ledger *ledger, unsigned view, const uint8_t *wire, bool subtree)
{
    uint64_t what = claim_hash_what(&ledger->key, view, wire, dname_size(wire));

    return has(ledger, subtree ? CLAIM_TREE : CLAIM_POINT, what);
}

/* ---- what came and went ---- */

static void forget(struct ledger *ledger)
{
    tally_clear(&ledger->in);
    tally_clear(&ledger->out);
}

bool ledger_settle(struct ledger *ledger)
{
    uint64_t hash;
    uint32_t count;
    bool changed = false;

    if (ledger->all.taken == 0 && ledger->out.taken == 0) { /* the first */
        struct tally none = ledger->all;
        changed = ledger->in.taken > 0;
        ledger->all = ledger->in;
        ledger->in = none;
    }
    for (size_t at = 0; tally_next(&ledger->in, &at, &hash, &count);) {
        int64_t by = (int64_t)count - tally_count(&ledger->out, hash);
        tally_change(&ledger->all, hash, by);
        changed |= by != 0;
    }
    for (size_t at = 0; tally_next(&ledger->out, &at, &hash, &count);) {
        if (tally_count(&ledger->in, hash) == 0) {
            tally_change(&ledger->all, hash, -(int64_t)count);
            changed = true;
        }
    }
    forget(ledger);
    ledger->settled = ledger->now;
    return changed;
}

static bool holds(const struct tally *all, const struct tally *part)
{
    uint64_t hash;
    uint32_t count;
    bool same = true;

    for (size_t at = 0; same && tally_next(part, &at, &hash, &count);) {
        same = tally_count(all, hash) == count;
    }
    return same;
}

bool ledger_stays(const struct ledger *ledger)
{
    return holds(&ledger->in, &ledger->out) && holds(&ledger->out, &ledger->in);
}

void ledger_undo(struct ledger *ledger)
{
    forget(ledger);
    ledger->now = ledger->settled;
}

/* ---- on a shelf ---- */

bool ledger_is_shelved(const struct ledger *ledger)
{
    return ledger->all.shelved;
}

void ledger_unshelve(struct ledger *ledger)
{
    tally_unshelve(&ledger->all);
}

void ledger_rest(struct ledger *ledger)
{
    tally_rest(&ledger->all);
}

bool ledger_shelve(struct ledger *ledger, struct packing *packing, struct shelf *shelf)
{
    assert(ledger->in.taken + ledger->out.taken == 0);
    packing_number(packing, ledger->settled.octets);
    packing_number(packing, ledger->settled.names);
    packing_number(packing, ledger->settled.targets);
    return tally_shelve(&ledger->all, packing, shelf);
}

struct ledger *ledger_on_shelf(const struct hash_key *key, const struct view_list *views,
                               struct unpacking *unpacking, const struct shelf *shelf)
{
    struct ledger *ledger = ledger_new(key, views);

    ledger->settled.octets = unpacking_number(unpacking);
    ledger->settled.names = unpacking_number(unpacking);
    ledger->settled.targets = unpacking_number(unpacking);
    ledger->now = ledger->settled;
    if (!tally_told(&ledger->all, unpacking, shelf)) {
        ledger_free(ledger);
        return NULL;
    }
    return ledger;
}
