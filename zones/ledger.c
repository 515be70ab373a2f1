#include "ledger.h"

#include <assert.h>
#include <stdlib.h>

#include "alloc.h"
#include "dname.h"
#include "tally.h"

struct ledger {
    struct hash_key key;
    const struct view_list *views;
    struct tally all;     /* of what is settled … */
    struct tally in, out; /* … and what came and went since */
    uint64_t octets, octets_settled;
};

struct ledger *ledger_new(const struct hash_key *key, const struct view_list *views)
{
    struct ledger *ledger = alloc_array(1, sizeof(*ledger));

    *ledger = (struct ledger){.key = *key, .views = views};
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
    free(ledger);
}

/* ---- what a claim touches ---- */

struct visit {
    struct ledger *ledger;
    bool against; /* something contradicts it */
};

static uint64_t hash_of(const struct ledger *ledger, const struct claim *claim,
                        enum claim_kind kind, const uint8_t *bytes)
{
    return claim_hash(&ledger->key, claim->view, kind, bytes,
                      claim->size - (size_t)(bytes - claim->bytes));
}

static bool has(const struct ledger *ledger, const struct claim *claim, enum claim_kind kind,
                const uint8_t *bytes)
{
    uint64_t hash = hash_of(ledger, claim, kind, bytes);

    return (uint64_t)tally_count(&ledger->all, hash) + tally_count(&ledger->in, hash) >
           tally_count(&ledger->out, hash);
}

/* True if something of this kind stands at the claim's name or above it. */
static bool has_above(const struct ledger *ledger, const struct claim *claim, enum claim_kind kind)
{
    const uint8_t *at = claim->bytes;

    while (!has(ledger, claim, kind, at)) {
        if (*at == 0) {
            return false;
        }
        at += 1u + *at;
    }
    return true;
}

static bool is_against(const struct ledger *ledger, const struct claim *claim)
{
    switch (claim->kind) {
    case CLAIM_ID:
    case CLAIM_OWNER:
        return has(ledger, claim, claim->kind, claim->bytes);
    case CLAIM_TREE:
        return has(ledger, claim, CLAIM_ABOVE_TARGET, claim->bytes);
    case CLAIM_POINT:
        return has(ledger, claim, CLAIM_TARGET, claim->bytes);
    case CLAIM_TARGET:
        return has_above(ledger, claim, CLAIM_TREE) ||
               has(ledger, claim, CLAIM_POINT, claim->bytes);
    case CLAIM_ABOVE_TARGET:
    case CLAIM_ABOVE_ROOT:
        break;
    }
    return false;
}

/* Counts everything that the claim stands for. */
static void count(const struct ledger *ledger, const struct claim *claim, struct tally *tally)
{
    enum claim_kind above = claim->kind == CLAIM_TARGET ? CLAIM_ABOVE_TARGET : CLAIM_ABOVE_ROOT;
    const uint8_t *at = claim->bytes;

    tally_change(tally, hash_of(ledger, claim, claim->kind, at), 1);
    if (claim->kind == CLAIM_ID || claim->kind == CLAIM_OWNER) {
        return;
    }
    if (above == CLAIM_ABOVE_TARGET) {
        tally_change(tally, hash_of(ledger, claim, above, at), 1);
    }
    while (*at != 0) {
        at += 1u + *at;
        tally_change(tally, hash_of(ledger, claim, above, at), 1);
    }
}

/* ---- documents ---- */

static void add(void *arg, const struct claim *claim)
{
    struct visit *visit = arg;

    visit->against = visit->against || is_against(visit->ledger, claim);
    count(visit->ledger, claim, &visit->ledger->in);
    visit->ledger->octets += claim_octets(claim);
}

static void take_out(void *arg, const struct claim *claim)
{
    struct visit *visit = arg;

    count(visit->ledger, claim, &visit->ledger->out);
    visit->ledger->octets -= claim_octets(claim);
}

bool ledger_add(struct ledger *ledger, const struct document *document)
{
    struct visit visit = {.ledger = ledger};

    claim_each(document, ledger->views, add, &visit);
    return !visit.against && ledger->octets <= CLAIM_OCTETS_MAX;
}

void ledger_remove(struct ledger *ledger, const struct document *document)
{
    struct visit visit = {.ledger = ledger};

    claim_each(document, ledger->views, take_out, &visit);
}

/* True if there is a root or host at, above or below the claim's name. */
static bool is_near(const struct ledger *ledger, const struct claim *claim)
{
    return has_above(ledger, claim, CLAIM_TREE) || has(ledger, claim, CLAIM_POINT, claim->bytes) ||
           has(ledger, claim, CLAIM_ABOVE_ROOT, claim->bytes);
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

bool ledger_is_apart_from(const struct ledger *ledger, unsigned view, const uint8_t *wire)
{
    const struct claim claim = {.view = view, .bytes = wire, .size = dname_size(wire)};

    return !is_near(ledger, &claim);
}

bool ledger_has_root(const struct ledger *ledger, unsigned view, const uint8_t *wire, bool subtree)
{
    const struct claim claim = {.view = view, .bytes = wire, .size = dname_size(wire)};

    return has(ledger, &claim, subtree ? CLAIM_TREE : CLAIM_POINT, wire);
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
    ledger->octets_settled = ledger->octets;
    return changed;
}

void ledger_undo(struct ledger *ledger)
{
    forget(ledger);
    ledger->octets = ledger->octets_settled;
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
    packing_number(packing, ledger->octets);
    return tally_shelve(&ledger->all, packing, shelf);
}

struct ledger *ledger_on_shelf(const struct hash_key *key, const struct view_list *views,
                               struct unpacking *unpacking, const struct shelf *shelf)
{
    struct ledger *ledger = ledger_new(key, views);

    ledger->octets = ledger->octets_settled = unpacking_number(unpacking);
    if (!tally_told(&ledger->all, unpacking, shelf)) {
        ledger_free(ledger);
        return NULL;
    }
    return ledger;
}
